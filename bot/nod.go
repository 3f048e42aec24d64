package bot

import (
	"context"
	"slices"
	"strings"

	"slipway"
	"slipway/storage"
)

// nods are what people say in a thread when they mean that they agree. None of them is
// ever counted as an approval.
var nods = []string{
	"lgtm", "ok", "okay", "+1", "👍", "👌", "✅", "🚢", "approved", "agree", "agreed", "ship it", "yes", "go", "go ahead", "ok to go", "okay to go",
	"good to go", "good for me", "looks good", "looks good to me", "sounds good", "fine", "fine by me", "sgtm",
	":+1:", ":thumbsup:", ":ok_hand:", ":white_check_mark:", ":ship:", ":shipit:", "[赞]", "[ok]", "[thumbsup]",
	"同意", "可以", "没问题", "赞成", "好", "好的", "行", "可以发布", "同意发布", "可以上线", "同意上线", "没意见", "无异议",
}

// isNod tells whether a text is nothing but signs of agreement.
func isNod(text string) bool {
	return eachPart(text, func(part string) bool { return slices.Contains(nods, part) })
}

// soundsAgreed tells the same of a text that is not for the bot, where the words of the
// verb are no more than talk.
func soundsAgreed(text string) bool {
	approve := verbByID(ActionID(slipway.VerbApprove)).words()
	return eachPart(text, func(part string) bool { return slices.Contains(nods, part) || slices.Contains(approve, part) })
}

// eachPart tells whether a text has parts between its punctuation, and all of them pass:
// as a whole, or phrase by phrase as "ok 👍" does.
func eachPart(text string, pass func(string) bool) bool {
	parts := strings.FieldsFunc(plainMarks(fold(text)), func(r rune) bool { return strings.ContainsRune(".,;!~、\n", r) })
	some := false
	for _, part := range parts {
		said := strings.FieldsFunc(part, isSpace)
		for len(said) > 0 {
			n := len(said)
			for n > 0 && !pass(strings.Join(said[:n], " ")) {
				n--
			}
			if n == 0 {
				return false
			}
			said, some = said[n:], true
		}
	}
	return some
}

// plainMarks takes off what gives an emoji its skin or its form.
func plainMarks(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x1f3fb && r <= 0x1f3ff || r == 0xfe0f || r == 0x200d {
			return -1
		}
		return r
	}, s)
}

// overheard listens in the thread of a plan's card for people who mean to agree, and
// shows them how; nothing that is merely said there counts. Nobody is told twice as long
// as the plan stays as it is.
func (b *Bot) overheard(ctx context.Context, v *visit) Reply {
	if v.ev.Plan == "" {
		return Reply{}
	}
	p, err := b.Commands.Find(ctx, v.ev.Plan)
	if err != nil {
		b.log(ctx, v, "find plan", err)
		return Reply{}
	}
	if !slices.Contains(p.Allowed(v.user.Actor(), b.Commands.Rules()), slipway.VerbApprove) || b.toldBefore(ctx, v, p) {
		return Reply{}
	}
	return b.howToApprove(v, p)
}

// toldBefore notes that somebody was told how to approve a plan as it is now, and tells
// whether another event was the reason for that before.
func (b *Bot) toldBefore(ctx context.Context, v *visit, p *slipway.Plan) bool {
	key := "nod:" + p.ID + ":" + Ref{Version: p.Seq}.Encode() + ":" + v.user.ID
	post, state, err := b.Store.BeginPost(ctx, string(v.ev.From.Platform), key, b.Now())
	if err == nil && state == storage.PostNew {
		post.RoomID, post.MessageID = v.ev.Room.ID, v.ev.ID
		err = b.Store.SettlePost(ctx, post)
	}
	if err != nil {
		b.log(ctx, v, "note answer", err)
		return false
	}
	return state != storage.PostNew && post.MessageID != v.ev.ID
}

// nodded answers somebody who tells the bot that they agree: to what a run waits for, else
// to the plan.
func (b *Bot) nodded(ctx context.Context, v *visit) Reply {
	approve := verbByID(ActionID(slipway.VerbApprove))
	if v.ev.Plan == "" {
		r, err := b.whichPlan(ctx, v, Call{Verb: approve})
		if err != nil {
			return b.refused(v, err)
		}
		return r
	}
	p, err := b.Commands.Find(ctx, v.ev.Plan)
	if err == nil {
		for _, it := range p.Items {
			if slices.Contains(p.AllowedItem(v.user.Actor(), it), slipway.VerbDecide) {
				return b.whichAnswer(v, deed{plan: p, item: it})
			}
		}
		err = b.probe(v, deed{verb: slipway.VerbApprove, plan: p})
	}
	if err != nil {
		return b.refused(v, err, b.ways(v, Call{Verb: approve, Plan: v.ev.Plan}, err)...)
	}
	return b.howToApprove(v, p)
}

// howToApprove shows the buttons that count.
func (b *Bot) howToApprove(v *visit, p *slipway.Plan) Reply {
	view := b.view(v)
	c := NoticeCard(slipway.T("Saying so does not count as an approval. Decide with a button:", "回复不算审批，请点击按钮："), p, view)
	c.Actions = nil
	shown, more := view.planActions(p)
	for _, a := range slices.Concat(shown, more) {
		if strings.HasPrefix(string(a.ID), "approve") || a.ID == ActionID(slipway.VerbReject) {
			c.Actions = append(c.Actions, a)
		}
	}
	return Reply{Whisper: &c}
}
