package bot

import (
	"context"
	"slices"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// troubleSize is how many hooks without a plan named are shown.
const troubleSize = 20

// replayWords are what is typed to send all again that was given up.
var replayWords = []string{"replay", "resend", "重发", "重新发送"}

// hookCall answers `hooks`: those of a plan, those of all plans that did not arrive, or
// sends again what was given up.
func (b *Bot) hookCall(ctx context.Context, v *visit, c Call) (Reply, error) {
	var p *slipway.Plan
	if c.Plan != "" {
		var err error
		if p, err = b.Commands.Find(ctx, c.Plan); err != nil {
			return Reply{}, err
		}
	}
	said := names(c.Text)
	switch {
	case len(said) > 0 && slices.Contains(replayWords, fold(said[0])) && len(said) <= 2:
		return b.replay(ctx, v, p, said[1:])
	case len(said) > 0:
		return Reply{}, c.tooMuch(c.Text)
	case p != nil:
		return b.hooks(ctx, v, p)
	}
	return b.troubledHooks(ctx, v)
}

// replay sends again what was given up: of a plan, of an endpoint, or all.
func (b *Bot) replay(ctx context.Context, v *visit, p *slipway.Plan, endpoint []string) (Reply, error) {
	want := commands.Replay{}
	if p != nil {
		want.PlanID = p.ID
	}
	if len(endpoint) > 0 {
		want.Endpoint = endpoint[0]
	}
	done, err := b.Commands.ReplayFailed(ctx, v.ask(0), want)
	if err != nil {
		return Reply{}, err
	}
	text := slipway.T("%[1]d of %[2]d hooks that were given up are sent again.", "共有 %[2]d 条已放弃的推送，已重新发送 %[1]d 条。", done.Sent, done.Found)
	if done.Refused > 0 {
		text = slipway.T("%[1]s %[2]d are of plans that somebody else manages.", "%[1]s另有 %[2]d 条属于他人负责的发布计划。", text, done.Refused)
	}
	kind := ToastDone
	if done.Sent == 0 {
		kind = ToastInfo
	}
	return Reply{Toast: &Toast{Kind: kind, Text: v.say(text)}}, nil
}

// troubledHooks shows the newest hooks of all plans that have not arrived.
func (b *Bot) troubledHooks(ctx context.Context, v *visit) (Reply, error) {
	list, err := b.Store.SearchDeliveries(ctx, storage.DeliveryFilter{
		States: []storage.DeliveryState{storage.DeliveryFailed, storage.DeliveryPending}, Limit: troubleSize,
	})
	if err != nil {
		return Reply{}, err
	}
	view := b.view(v)
	card := Card{Lang: view.Lang, Zone: view.Zone, Title: view.say(slipway.T("Hooks that have not arrived", "未送达的推送"))}
	card.Summary = card.Title
	if len(list.Rows) == 0 {
		card.Intro = []Line{{plain(view.say(slipway.T("Every hook has arrived. `hooks #12` shows those of a plan.", "所有推送均已送达。用“推送 #12”查看某个发布计划的推送。")))}}
	} else {
		card.Intro = []Line{{plain(view.say(slipway.T("`hooks replay` sends all again that were given up, `hooks replay NAME` those to one endpoint.",
			"“推送 重发”会重新发送所有已放弃的推送，“推送 重发 接收方”只发送给该接收方的。")))}}
	}
	plans := map[string]*slipway.Plan{}
	for i := range list.Rows {
		d := list.Rows[i]
		p := plans[d.PlanID]
		if p == nil {
			if p, err = b.Store.Plan(ctx, d.PlanID); err != nil {
				return Reply{}, err
			}
			plans[d.PlanID] = p
		}
		row := HooksCard(p, []storage.Delivery{d}, view).Rows[0]
		row.Title = Line{bold(planTitle(p)), plain(" · " + d.Endpoint + " · " + view.say(d.Event.Text()))}
		card.Rows = append(card.Rows, row)
	}
	return Reply{Whisper: &card}, nil
}
