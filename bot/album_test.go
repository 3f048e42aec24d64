package bot

import (
	"crypto/rand"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/commands"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// What an album read once answers as the log itself does, whichever cards it was read for.
func TestAnAlbumKnowsTheLog(t *testing.T) {
	t.Parallel()
	ctx, store := t.Context(), storagetest.New(t)
	cmds := commands.New(commands.Config{Store: store, Rules: func() *slipway.Rules { return &slipway.Rules{} }, Now: time.Now, Rand: rand.Reader})
	alice, err := cmds.PutUser(ctx, commands.NewUser{Name: "Alice", Email: "alice@example.com", Role: slipway.RoleMember})
	if err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmds.CreateDraft(ctx, commands.Ask{User: alice}, slipway.Draft{Name: "payments", Manager: alice.Ref()})
	for n := 0; n < maxLines+5 && err == nil; n++ {
		out, err = cmds.EditDraft(ctx, commands.Ask{User: alice}, out.Plan.ID, func(d *slipway.Draft) error {
			d.Description = strconv.Itoa(n)
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	p := out.Plan
	for _, behind := range []int64{0, 1, 3, maxLines - 1, maxLines, maxLines + 1, p.Seq} {
		a := &album{store: store, plan: p}
		if err := a.readNews(ctx, []storage.CardRef{{Seq: p.Seq, Told: p.Seq - behind}, {Seq: p.Seq, Told: p.Seq}}); err != nil {
			t.Fatal(err)
		}
		for _, q := range []struct {
			after, upTo int64
			limit       int
		}{
			{p.Seq - behind, p.Seq, 1},
			{p.Seq - behind, p.Seq, maxLines},
			{p.Seq - behind, p.Seq - behind + 1, 1},
			{p.Seq - 1, p.Seq, maxLines},
			{p.Seq, p.Seq + 1, 1},
			{0, p.Seq, maxLines},
		} {
			got, err := a.entries(ctx, q.after, q.upTo, q.limit)
			if err != nil {
				t.Fatal(err)
			}
			want, err := store.EntriesBetween(ctx, p.ID, q.after, q.upTo, q.limit)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(seqs(want), seqs(got)); diff != "" {
				t.Errorf("%d behind, entries after %d up to %d, at most %d (-log +album):\n%s", behind, q.after, q.upTo, q.limit, diff)
			}
		}
	}
}

func seqs(entries []slipway.Entry) string {
	s := ""
	for _, e := range entries {
		s += " " + strconv.FormatInt(e.Seq, 10)
	}
	return s
}
