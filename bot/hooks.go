package bot

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// troubleSize is how many hooks without a plan named are shown.
const troubleSize = 20

// replayWords are what is typed to send all again that was given up.
var replayWords = []string{"replay", "resend", "重发", "重新发送"}

// hookCall answers `hooks`: those of a plan, those of all plans that did not arrive, or
// sends again what was given up; all of it may be limited to a period.
func (b *Bot) hookCall(ctx context.Context, v *visit, c Call) (Reply, error) {
	var p *slipway.Plan
	if c.Plan != "" {
		var err error
		if p, err = b.Commands.Find(ctx, c.Plan); err != nil {
			return Reply{}, err
		}
	}
	f, err := b.period(v, c)
	if err != nil {
		return Reply{}, err
	}
	if p != nil {
		f.PlanID = p.ID
	}
	said := names(c.Text)
	switch {
	case len(said) > 0 && slices.Contains(replayWords, fold(said[0])) && len(said) <= 2:
		if len(said) > 1 {
			f.Endpoint = said[1]
		}
		return b.replay(ctx, v, f)
	case len(said) > 0:
		return Reply{}, c.tooMuch(c.Text)
	case p != nil:
		return b.hooks(ctx, v, p, f)
	}
	return b.troubledHooks(ctx, v, f)
}

// period reads the period of a call.
func (b *Bot) period(v *visit, c Call) (f storage.DeliveryFilter, err error) {
	typed := map[string]string{}
	for _, s := range c.Options {
		if _, twice := typed[s.Key]; twice {
			return f, slipway.Refuse(slipway.Invalid, "%s= is given twice.", "“%s=”重复了。", s.Typed)
		}
		typed[s.Key] = s.Value
	}
	f.Since, f.Until, err = commands.ParsePeriod(typed[keySince], typed[keyUntil], b.Now(), v.zone)
	return f, err
}

// replay sends again what was given up, of all that a filter finds.
func (b *Bot) replay(ctx context.Context, v *visit, f storage.DeliveryFilter) (Reply, error) {
	want := commands.Replay{Endpoint: f.Endpoint, PlanID: f.PlanID, Since: f.Since, Until: f.Until}
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

// hooks shows those of a plan, the newest first.
func (b *Bot) hooks(ctx context.Context, v *visit, p *slipway.Plan, f storage.DeliveryFilter) (Reply, error) {
	deliveries, err := b.Store.Deliveries(ctx, p.ID)
	if err != nil {
		return Reply{}, err
	}
	deliveries = slices.DeleteFunc(deliveries, func(d storage.Delivery) bool { return d.At < f.Since || f.Until != 0 && d.At >= f.Until })
	slices.SortStableFunc(deliveries, func(x, y storage.Delivery) int { return int(y.At - x.At) })
	card := HooksCard(p, deliveries, b.view(v))
	if len(deliveries) > 0 {
		card.Intro = append(card.Intro, b.exportLine(v, url.Values{"plan": {strconv.FormatInt(p.Index, 10)}})...)
	}
	return Reply{Whisper: &card}, nil
}

// exportLine leads to the page with all hooks, from which they can be exported; none if
// the bot does not know how people reach it.
func (b *Bot) exportLine(v *visit, filter url.Values) []Line {
	if b.PublicURL == "" {
		return nil
	}
	page := strings.TrimRight(b.PublicURL, "/") + "/hooks"
	if len(filter) > 0 {
		page += "?" + filter.Encode()
	}
	return []Line{{{Text: v.say(slipway.T("All of them, also to export as JSON Lines", "查看全部，或导出为 JSON Lines")), Link: page}}}
}

// troubledHooks shows the newest hooks of all plans that have not arrived.
func (b *Bot) troubledHooks(ctx context.Context, v *visit, f storage.DeliveryFilter) (Reply, error) {
	f.States, f.Limit = []storage.DeliveryState{storage.DeliveryFailed, storage.DeliveryPending}, troubleSize
	list, err := b.Store.SearchDeliveries(ctx, f)
	if err != nil {
		return Reply{}, err
	}
	view := b.view(v)
	card := Card{Lang: view.Lang, Zone: view.Zone, Title: view.say(slipway.T("Hooks that have not arrived", "未送达的推送"))}
	card.Summary = card.Title
	if len(list.Rows) == 0 {
		card.Intro = []Line{{plain(view.say(slipway.T("Every hook has arrived. `hooks #12` shows those of a plan.", "所有推送均已送达。用“推送 #12”查看某个发布计划的推送。")))}}
	} else {
		card.Intro = []Line{{plain(view.say(slipway.T("`hooks replay` sends all again that were given up, `hooks replay NAME` those to one endpoint, `hooks replay since=2h` those of the last two hours.",
			"“推送 重发”会重新发送所有已放弃的推送，“推送 重发 接收方”只发送给该接收方的，“推送 重发 从=2h”只发送最近两小时的。")))}}
	}
	card.Intro = append(card.Intro, b.exportLine(v, nil)...)
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
