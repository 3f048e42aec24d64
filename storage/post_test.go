package storage_test

import (
	"testing"
	"time"

	"slipway/storage"
	"slipway/storage/storagetest"
)

func TestPostIsSentOnce(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx, at := t.Context(), time.UnixMilli(1_000_000)
		begin := func(key string, at time.Time, want storage.PostState) storage.Post {
			t.Helper()
			p, state, err := s.BeginPost(ctx, "slack", key, at)
			if err != nil || state != want {
				t.Fatalf("begin %s: %s, %v; want %s", key, state, err, want)
			}
			return p
		}
		p := begin("a", at, storage.PostNew)
		begin("a", at.Add(time.Second), storage.PostBusy)
		begin("a", at.Add(storage.PostPatience), storage.PostDoubtful)
		begin("a", at.Add(storage.PostPatience+time.Second), storage.PostBusy) // whoever was handed the doubt settles it
		p.RoomID, p.MessageID, p.Thread = "C1", "1.2", "1.1"
		must(t, s.SettlePost(ctx, p))
		if got := begin("a", at.Add(time.Hour), storage.PostSent); got.MessageID != "1.2" || got.RoomID != "C1" || got.Thread != "1.1" {
			t.Errorf("sent as %+v", got)
		}
		if _, state, err := s.BeginPost(ctx, "feishu", "a", at); state != storage.PostNew || err != nil {
			t.Errorf("another platform's key: %s, %v", state, err)
		}
		must(t, s.ForgetPost(ctx, "slack", "a"))
		begin("a", at.Add(time.Hour), storage.PostNew)
	})
}

func TestPostsAreForgottenInTime(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		for i, key := range []string{"a", "b", "c", "d"} {
			_, _, err := s.BeginPost(ctx, "slack", key, morning.Add(time.Duration(i)*time.Hour))
			must(t, err)
		}
		posted := func(key string, want bool) {
			t.Helper()
			if got, err := s.Posted(ctx, "slack", key); err != nil || got != want {
				t.Errorf("%s was posted: %v, %v; want %v", key, got, err, want)
			}
		}
		posted("a", true)
		posted("x", false)
		now := morning.Add(storage.PostMemory + 2*time.Hour + time.Minute)
		for _, want := range []int{2, 1, 0} {
			if n, err := s.ForgetPosts(ctx, now, 2); err != nil || n != want {
				t.Errorf("forgot %d, %v; want %d", n, err, want)
			}
		}
		posted("b", false)
		posted("d", true)

		_, err := s.PutMessage(ctx, &storage.Message{ID: "m", RoomID: "r", Key: "said"})
		must(t, err)
		if got, err := s.Posted(ctx, "web", "said"); err != nil || !got {
			t.Errorf("a message of the console: %v, %v", got, err)
		}
	})
}
