package storage_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

func TestRoomsAndSettings(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		general := storage.Room{Platform: "web", ID: "general", Name: "General", Locale: slipway.English, CreatedAt: 1}
		direct := storage.Room{Platform: "web", ID: "d-alice", Name: "", Locale: slipway.Chinese, Direct: alice.ID, CreatedAt: 2}
		for _, r := range []storage.Room{direct, general, {Platform: "slack", ID: "general", Locale: slipway.English}} {
			must(t, s.PutRoom(ctx, r))
		}
		general.Name = "大厅"
		renamed := general
		renamed.CreatedAt = 99 // a room stays as old as it is
		must(t, s.PutRoom(ctx, renamed))
		rooms, err := s.Rooms(ctx, "web")
		if diff := cmp.Diff([]storage.Room{general, direct}, rooms); err != nil || diff != "" {
			t.Errorf("rooms (-want +got): %v\n%s", err, diff)
		}
		if got, err := s.Room(ctx, "web", "general"); err != nil || *got != general {
			t.Errorf("room: %+v, %v", got, err)
		}
		_, err = s.Room(ctx, "feishu", "general")
		wantCode(t, err, slipway.NotFound)

		if v, err := s.Setting(ctx, "k"); v != "" || err != nil {
			t.Errorf("a setting that is not there: %q, %v", v, err)
		}
		must(t, s.PutSetting(ctx, "k", "one"))
		must(t, s.PutSetting(ctx, "k", "two"))
		if v, err := s.Setting(ctx, "k"); v != "two" || err != nil {
			t.Errorf("setting: %q, %v", v, err)
		}
	})
}

func TestMessagesOfARoom(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		say := func(id, room, onlyFor string) storage.Message {
			t.Helper()
			m := storage.Message{ID: id, RoomID: room, OnlyFor: onlyFor, AuthorID: alice.ID, Text: "<b> ? " + id, At: 7, Key: "key-" + id}
			created, err := s.PutMessage(ctx, &m)
			if err != nil || !created {
				t.Fatalf("message %s: %v, %v", id, created, err)
			}
			return m
		}
		one, _ := say("z1", "general", ""), say("a2", "other", "")
		three, four := say("m3", "general", bob.ID), say("b4", "general", "")
		for range 2 {
			m := storage.Message{ID: "anonymous" + uuid(), RoomID: "elsewhere", At: 8} // no key: never the same
			if created, err := s.PutMessage(ctx, &m); err != nil || !created {
				t.Errorf("a message without a key: %v, %v", created, err)
			}
		}
		again := storage.Message{ID: "new-id", RoomID: "general", Text: "twice", Key: one.Key}
		if created, err := s.PutMessage(ctx, &again); err != nil || created {
			t.Errorf("a message that comes twice: %v, %v", created, err)
		}
		if diff := cmp.Diff(one, again); diff != "" {
			t.Errorf("the message that is there (-want +got):\n%s", diff)
		}

		card := json.RawMessage(`{"title":"#1 ?"}`)
		must(t, s.EditMessage(ctx, four.ID, "edited", card, 9))
		four.Text, four.Card, four.EditedAt = "edited", card, 9
		for name, test := range map[string]struct {
			user, before string
			limit        int
			want         []storage.Message
		}{
			"alice":              {alice.ID, "", 0, []storage.Message{one, four}},
			"bob":                {bob.ID, "", 0, []storage.Message{one, three, four}},
			"bob, the newest":    {bob.ID, "", 2, []storage.Message{three, four}},
			"bob, those earlier": {bob.ID, three.ID, 2, []storage.Message{one}},
		} {
			got, err := s.Messages(ctx, "general", test.user, test.before, test.limit)
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("what %s sees (-want +got): %v\n%s", name, err, diff)
			}
		}
		_, err := s.Messages(ctx, "general", bob.ID, "none", 0)
		wantCode(t, err, slipway.NotFound)
		if got, err := s.Message(ctx, four.ID); err != nil || !cmp.Equal(*got, four) {
			t.Errorf("message: %+v, %v", got, err)
		}
		_, err = s.Message(ctx, "none")
		wantCode(t, err, slipway.NotFound)
		wantCode(t, s.EditMessage(ctx, "none", "", nil, 1), slipway.NotFound)
	})
}
