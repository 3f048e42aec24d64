package bot

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// maxOffered is how many plans or items are offered to choose from.
const maxOffered = 5

// whichPlan asks which plan a call is about: those where the person may do it now.
func (b *Bot) whichPlan(ctx context.Context, v *visit, c Call) (Reply, error) {
	actor := v.user.Actor()
	plans, err := b.plansFor(ctx, v.user)
	if err != nil {
		return Reply{}, err
	}
	usage := slipway.Refuse(slipway.Invalid, "Say which plan, for example: %s", "请指明发布计划，例如：%s", c.Verb.Example)
	card := ErrorCard(usage, b.view(v))
	card.Title, card.State = v.say(slipway.T("Which plan?", "哪个发布计划？")), nil
	for _, p := range plans {
		possible := c.Verb.Move == "" || c.Verb.Move == slipway.VerbCreate || slices.Contains(p.Allowed(actor, b.Commands.Rules()), c.Verb.Move)
		if !possible || len(card.Rows) == maxOffered {
			continue
		}
		card.Rows = append(card.Rows, Row{
			State: statusState(p.Status(), v.lang), Title: Line{bold(planTitle(p))}, Actions: b.again(v, c, planNumber(p)),
		})
	}
	if len(card.Rows) == 0 {
		card.Intro = append(card.Intro, Line{plain(v.say(slipway.T("No plan waits for that from you right now.", "目前没有可由您进行此操作的发布计划。")))})
		card.Actions = []Action{b.view(v).button(verbHome, ""), b.helpWay(v, c.Verb)}
	}
	return Reply{Whisper: &card}, nil
}

// plansFor lists the plans that somebody may have something to do with: admins, with all.
func (b *Bot) plansFor(ctx context.Context, u *slipway.User) ([]*slipway.Plan, error) {
	f := storage.Filter{Limit: 200}
	if u.Role != slipway.RoleAdmin {
		return b.plansOf(ctx, u, f)
	}
	page, err := b.Store.Plans(ctx, f)
	return page.Rows, err
}

// whichItem asks which item a call is about.
func (b *Bot) whichItem(v *visit, c Call, p *slipway.Plan) (Reply, error) {
	usage := slipway.Refuse(slipway.Invalid, "Say which item, for example: %s", "请指明发布项，例如：%s", c.Verb.Example)
	card := ErrorCard(usage, b.view(v))
	card.Title, card.State = v.say(slipway.T("Which item?", "哪个发布项？")), nil
	for _, it := range p.Items {
		possible := c.Verb.Move == slipway.VerbEdit || slices.Contains(p.AllowedItem(v.user.Actor(), it), c.Verb.Move)
		if !possible || len(card.Rows) == maxOffered {
			continue
		}
		n := p.ItemNumber(it.ID)
		card.Rows = append(card.Rows, Row{
			Number: n, State: itemState(it.Status, v.lang), Title: Line{bold(it.Name)},
			Actions: b.again(v, c, planNumber(p)+" "+slipway.T("%d", "%d", n).EN),
		})
	}
	return Reply{Whisper: &card}, nil
}

// again is a button that runs the call with what was missing.
func (b *Bot) again(v *visit, c Call, missing string) []Action {
	said := v.say(c.Verb.Title())
	rest := missing
	if c.Item != "" {
		rest += " " + c.Item
	}
	if c.Text != "" {
		rest += " " + c.Text
	}
	if c.To != "" {
		rest += " " + c.To
	}
	for _, o := range c.Options {
		marks := [2]string{`"`, `"`}
		if strings.Contains(o.Value, `"`) {
			marks = [2]string{"「", "」"}
		}
		rest += " " + o.Typed + "=" + marks[0] + o.Value + marks[1]
	}
	a := b.view(v).run(buttonText(c.Verb.ID), slipway.Text{EN: said + " " + rest, ZH: said + " " + rest})
	if c.Document != "" || len(a.Value) > maxValue {
		return nil
	}
	return []Action{a}
}

// findItem finds the item of a call and what was said beyond it. A name of several
// words is understood without quotation marks, too.
func findItem(p *slipway.Plan, c Call) (*slipway.Item, string, error) {
	whole := strings.TrimSpace(c.Item + " " + c.Text)
	var best *slipway.Item
	for _, it := range p.Items {
		if best != nil && len(it.Name) < len(best.Name) {
			continue
		}
		if rest, ok := cutName(whole, it.Name); ok && (c.Verb.Takes == TakesItemText || rest == "") && strings.Contains(it.Name, " ") {
			best = it
		}
	}
	if best != nil {
		rest, _ := cutName(whole, best.Name)
		return best, unquote(rest), nil
	}
	it, err := commands.FindItem(p, c.Item)
	return it, c.Text, err
}

// cutName takes a name off the beginning of a text, whatever the case.
func cutName(s, name string) (rest string, ok bool) {
	if len(s) < len(name) || !strings.EqualFold(s[:len(name)], name) {
		return s, false
	}
	next, n := utf8.DecodeRuneInString(s[len(name):])
	if n > 0 && (unicode.IsLetter(next) || unicode.IsDigit(next)) {
		return s, false
	}
	return trim(s[len(name):]), true
}
