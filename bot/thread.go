package bot

import (
	"context"
	"fmt"
	"slices"

	"slipway"
)

// maxLines is how many lines of the log one message in a thread has.
const maxLines = 30

// tell puts what happened since the last time into the thread of the card, as far as the
// card shows it.
func (k *painting) tell(ctx context.Context) error {
	if err := k.finishTelling(ctx); err != nil || !k.isShared() || k.card.Told >= k.card.Seq {
		return err
	}
	// Noted before it is sent: after a crash the very same is sent under the same key.
	if err := k.b.Store.TellCard(ctx, k.card); err != nil {
		return err
	}
	return k.finishTelling(ctx)
}

// finishTelling sends the message that was noted to be sent.
func (k *painting) finishTelling(ctx context.Context) error {
	c := k.card
	if !k.isShared() || c.Told >= c.Telling {
		return nil
	}
	entries, err := k.b.Store.EntriesBetween(ctx, c.PlanID, c.Told, c.Telling, maxLines)
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
