package bot

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"slipway"
)

// maxLines is how many lines of the log one message in a thread has.
const maxLines = 30

// gathering is for how many paces news is gathered before a thread is told. Platforms
// count every message in a room, and people prefer one to many.
const gathering = 3

// tell puts what happened since the last time into the thread of the card, as far as the
// card shows it.
func (k *painting) tell(ctx context.Context) error {
	if err := k.finishTelling(ctx); err != nil || !k.isShared() || k.card.Told >= k.card.Seq {
		return err
	}
	if wait, err := k.gather(ctx); err != nil || wait > 0 {
		return cmp.Or(err, error(&RateLimited{After: wait}))
	}
	// Noted before it is sent: after a crash the very same is sent under the same key.
	if err := k.b.Store.TellCard(ctx, k.card); err != nil {
		return err
	}
	return k.finishTelling(ctx)
}

// gather returns how long to wait for more news. The console, where messages cost nothing,
// is told at once.
func (k *painting) gather(ctx context.Context) (time.Duration, error) {
	if k.b.Pace <= 0 || PlatformID(k.card.Platform) == Web {
		return 0, nil
	}
	oldest, err := k.entries(ctx, k.card.Told, k.card.Told+1, 1)
	if err != nil || len(oldest) == 0 {
		return 0, err
	}
	return time.UnixMilli(oldest[0].At).Add(gathering * k.b.Pace).Sub(k.b.Now()), nil
}

// finishTelling sends the message that was noted to be sent.
func (k *painting) finishTelling(ctx context.Context) error {
	c := k.card
	if !k.isShared() || c.Told >= c.Telling {
		return nil
	}
	entries, err := k.entries(ctx, c.Told, c.Telling, maxLines)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		key := fmt.Sprintf("entries:%s:%s:%d-%d", c.Platform, c.MessageID, c.Told, c.Telling)
		_, err := k.platform.Post(ctx, Target{ReplyTo: msgOf(*c)}, k.lines(entries, int(c.Telling-c.Told)), key)
		if err := k.b.outcome(ctx, roomOf(*c), err); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
	defer cancel()
	return k.b.Store.ToldCard(ctx, c)
}

// lines is the message that tells entries, which are the newest of all, newest first.
func (k *painting) lines(entries []slipway.Entry, all int) Card {
	v := k.view
	card := Card{Lang: v.Lang, Zone: v.Zone, Plan: k.plan.ID, Summary: v.say(entryText(entries[0]))}
	if n := all - len(entries); n > 0 {
		more := faint(v.say(slipway.T("… %d more in the log", "……另有 %d 条见操作日志", n)))
		more.Link = v.link(k.plan)
		card.Intro = append(card.Intro, Line{more})
	}
	for _, e := range slices.Backward(entries) {
		card.Intro = append(card.Intro, EntryLine(e, v.Lang))
	}
	return card
}
