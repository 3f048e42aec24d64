package bot

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"slipway"
	"slipway/commands"
)

// offWord begins the holidays in what is typed after `hours`.
var offWord = regexp.MustCompile(`(?i)(?:^|\s)(?:off|holidays?|vacation|休假|假期|放假)(?:\s*[:：=]\s*|\s+|$)`)

// setHours answers `hours`: it notes when a person works, or shows it.
func (b *Bot) setHours(ctx context.Context, v *visit, c Call) (Reply, error) {
	n := readHours(c.Text)
	u := v.user
	if n.WorkingHours != nil || n.Holidays != nil {
		changed, err := b.Commands.SetHours(ctx, u, u.ID, n)
		if err != nil {
			return Reply{}, flat(err)
		}
		u = changed
	}
	card := WhoamiCard(u, b.view(v))
	if n.WorkingHours != nil || n.Holidays != nil {
		card.Summary = v.say(slipway.T("Your working hours are noted.", "已更新您的工作时间。"))
		card.Intro = []Line{{plain(card.Summary)}}
	}
	card.Actions = []Action{b.view(v).run(slipway.T("Help on %s", "查看“%s”的帮助", c.Verb.Title()), slipway.T("help %s", "帮助 %s", c.Verb.Title()))}
	return Reply{Whisper: &card}, nil
}

// readHours reads "Mon-Fri 9-18", "off 2026-12-24..2026-12-31", or both. "default" forgets
// the hours, "off none" the holidays.
func readHours(text string) commands.NewHours {
	var n commands.NewHours
	week, off, some := trim(text), "", false
	if at := offWord.FindStringIndex(week); at != nil {
		week, off, some = trim(week[:at[0]]), trim(week[at[1]:]), true
	}
	if week != "" {
		if slices.Contains([]string{"default", "默认"}, fold(week)) {
			week = ""
		}
		n.WorkingHours = &week
	}
	if some {
		days := []string{}
		if !isNone(off) {
			days = strings.FieldsFunc(fold(off), func(r rune) bool { return strings.ContainsRune(" ,，、;；\t\n", r) })
		}
		n.Holidays = &days
	}
	return n
}

// flat says what is wrong in one sentence where nothing but one text was typed.
func flat(err error) error {
	problems := slipway.ProblemsOf(err)
	if len(problems) != 1 {
		return err
	}
	return (&slipway.Error{Code: slipway.CodeOf(err), Text: problems[0].Text}).Because(err)
}

// hoursFacts are when a person works.
func (v View) hoursFacts(u *slipway.User) []Fact {
	rules := v.Rules
	if rules == nil {
		rules = &slipway.Rules{}
	}
	week := u.Hours(rules).Week.Text()
	if u.WorkingHours == "" {
		week = slipway.T("%s (default)", "%s（默认）", week)
	}
	facts := []Fact{{Label: v.say(slipway.T("Working hours", "工作时间")), Value: Line{plain(v.say(week))}}}
	if len(u.Holidays) > 0 {
		facts = append(facts, Fact{Label: v.say(slipway.T("Off", "休假")), Value: Line{plain(strings.Join(u.Holidays, ", "))}})
	}
	return facts
}
