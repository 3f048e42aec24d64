package bot

import (
	"context"

	"slipway"
)

// grave tells whether a verb is asked for once more when it was typed without the number
// of its plan: in a thread it is easily typed about the wrong one. Who names plan and
// reason has said all there is to say.
func grave(v slipway.Verb) bool {
	return v == slipway.VerbCancel || v == slipway.VerbOverride || v == slipway.VerbReplan
}

// askOnce asks, before something grave is done, whether it is meant: unless it would be
// refused anyway.
func (b *Bot) askOnce(ctx context.Context, v *visit, c Call, d deed) (Reply, error) {
	if err := b.probe(v, d); err != nil {
		return Reply{}, err
	}
	view, form := b.view(v), formOf[c.Verb.ID]
	title := v.say(c.Verb.Title())
	do := view.run(sayWords[form].submit, slipway.Text{
		EN: title + " " + planNumber(d.plan) + " " + d.text, ZH: title + " " + planNumber(d.plan) + " " + d.text,
	})
	if do.Style = Danger; len(do.Value) > maxValue {
		return b.askWhy(ctx, v, form, d)
	}
	card := Card{Lang: v.lang, Zone: view.Zone, Title: v.say(sayWords[form].title), Actions: []Action{do}}
	card.Summary = v.say(slipway.T("%[1]s: %[2]s?", "%[1]s：%[2]s？", card.Title, planTitle(d.plan)))
	card.Intro = []Line{{bold(planTitle(d.plan))}, {plain(v.say(sayWords[form].warn))}, {quote(oneLine(d.text))}}
	return Reply{Whisper: &card}, nil
}

// askRemove asks whether an item is to be removed.
func (b *Bot) askRemove(v *visit, p *slipway.Plan, it *slipway.Item) Reply {
	view := b.view(v)
	remove := view.button(verbRemove, Ref{Plan: p.ID, Item: it.ID, Version: p.Version}.Encode())
	remove.Style = Danger
	card := Card{Lang: v.lang, Zone: view.Zone, Title: v.say(slipway.T("Remove item", "删除发布项")), Actions: []Action{remove}}
	card.Summary = v.say(slipway.T("Remove item %[1]d “%[2]s” from %[3]s?", "从 %[3]s 中删除发布项 %[1]d“%[2]s”？", p.ItemNumber(it.ID), it.Name, planTitle(p)))
	card.Intro = []Line{{plain(card.Summary)}}
	return Reply{Whisper: &card}
}

// settled puts a note in the place of a card whose button ran a text, so that nobody
// presses it again.
func (b *Bot) settled(v *visit, r Reply) Reply {
	if v.ev.Action != ActionRun || v.ev.Msg.ID == "" || r.Toast == nil || r.Toast.Kind == ToastRefused || r.Whisper != nil || r.Form != nil {
		return r
	}
	note := Card{Lang: v.lang, Title: r.Toast.Text, Summary: r.Toast.Text}
	r.Card = &note
	return r
}
