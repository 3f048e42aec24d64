package slack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"slipway/bot"
	"slipway/bot/slack/blockkit"
)

// Slack wants every element of a message to have an action_id of its own, and lets the
// options of a menu carry only a short value. A button is "<action>#<n>" with the
// action's value; a menu is "menu#<n>:<action>,<action>…", and each of its options is
// "<index of the action> <value>". Links are "link#<n>"; nothing is done about them.
const (
	menuID = "menu"
	linkID = "link"
)

// elements makes the interactive elements of one card or page, numbering them.
type elements struct{ n int }

func (e *elements) id(name string) string {
	e.n++
	return fmt.Sprintf("%s#%d", name, e.n)
}

// row lays out the actions of one place: as many buttons as show, then what fits into
// menus. Whatever asks before it is done must be a button, because a menu has one
// question for all its options.
func (e *elements) row(actions, more []bot.Action, show int) []slack.BlockElement {
	actions = usable(actions)
	all := slices.Concat(actions, usable(more))
	var buttons, options []int
	for i, a := range all {
		if i < min(show, len(actions)) || !fitsMenu(a) {
			buttons = append(buttons, i)
		} else {
			options = append(options, i)
		}
	}
	// One option is better as a button, and so are the first of many.
	for len(options) == 1 || len(options) > blockkit.OverflowOptions && len(buttons) < show {
		buttons, options = append(buttons, options[0]), options[1:]
	}
	slices.Sort(buttons)
	var out []slack.BlockElement
	for _, i := range buttons {
		out = append(out, e.button(all[i]))
	}
	for chunk := range slices.Chunk(options, blockkit.OverflowOptions) {
		entries := make([]bot.Action, len(chunk))
		for n, i := range chunk {
			entries[n] = all[i]
		}
		out = append(out, e.menu(entries))
	}
	return out[:min(len(out), blockkit.ActionElements)]
}

// usable leaves out what cannot be pressed: Slack has no disabled buttons.
func usable(actions []bot.Action) []bot.Action {
	return slices.DeleteFunc(slices.Clone(actions), func(a bot.Action) bool {
		_, ok := webLink(a.URL)
		return a.Disabled != "" || strings.TrimSpace(a.Label) == "" || len(a.Value) > blockkit.ButtonValue ||
			a.URL != "" && !ok || len(a.ID) > 200
	})
}

func fitsMenu(a bot.Action) bool {
	return a.Confirm == nil && a.URL == "" && len(a.Value) <= blockkit.OptionValue-2 && len(a.ID) <= 40 && !strings.ContainsAny(string(a.ID), ",:")
}

// few lays out the actions of one place as few elements: the only button, or a menu, with
// the first button before it if that asks before it is done. left tells that something had
// to be left out.
func (e *elements) few(actions, more []bot.Action) (out []slack.BlockElement, left bool) {
	all := usable(slices.Concat(actions, more))
	if len(all) > 0 && !fitsMenu(all[0]) {
		out, all = append(out, e.button(all[0])), all[1:]
	}
	options := slices.DeleteFunc(slices.Clone(all), func(a bot.Action) bool { return !fitsMenu(a) })
	left = len(options) < len(all) || len(options) > blockkit.OverflowOptions
	switch len(options) {
	case 0:
	case 1:
		out = append(out, e.button(options[0]))
	default:
		out = append(out, e.menu(options[:min(len(options), blockkit.OverflowOptions)]))
	}
	return out, left
}

func (e *elements) button(a bot.Action) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(e.id(string(a.ID)), a.Value, plain(a.Label, blockkit.ButtonText))
	if address, ok := webLink(a.URL); ok {
		b.URL, b.Value, b.ActionID = address, "", e.id(linkID)
	}
	switch a.Style {
	case bot.Primary:
		b.Style = slack.StylePrimary
	case bot.Danger:
		b.Style = slack.StyleDanger
	case bot.Plain:
	}
	if q := a.Confirm; q != nil {
		b.Confirm = slack.NewConfirmationBlockObject(plain(q.Title, blockkit.ConfirmTitle), plain(q.Text, blockkit.ConfirmText),
			plain(q.Yes, blockkit.ConfirmYes), plain(q.No, blockkit.ConfirmNo))
		if a.Style == bot.Danger {
			b.Confirm.Style = slack.StyleDanger
		}
	}
	return b
}

func (e *elements) menu(actions []bot.Action) *slack.OverflowBlockElement {
	var ids []string
	var options []*slack.OptionBlockObject
	for i, a := range actions {
		ids = append(ids, string(a.ID))
		value := strings.TrimSpace(strconv.Itoa(i) + " " + a.Value)
		options = append(options, slack.NewOptionBlockObject(value, plain(a.Label, blockkit.OptionText), nil))
	}
	return slack.NewOverflowBlockElement(e.id(menuID)+":"+strings.Join(ids, ","), options...)
}

// pressed reads back which action an element stood for. ok is false for links and for
// what is not ours.
func pressed(actionID, value, option string) (bot.ActionID, string, bool) {
	name, rest, ok := strings.Cut(actionID, "#")
	if !ok || name == "" || name == linkID {
		return "", "", false
	}
	if name != menuID {
		return bot.ActionID(name), value, true
	}
	_, list, _ := strings.Cut(rest, ":")
	number, value, _ := strings.Cut(option, " ")
	i, err := strconv.Atoi(number)
	ids := strings.Split(list, ",")
	if err != nil || i < 0 || i >= len(ids) || ids[i] == "" {
		return "", "", false
	}
	return bot.ActionID(ids[i]), value, true
}
