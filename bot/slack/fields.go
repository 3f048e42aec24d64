package slack

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"slipway"
	"slipway/bot"
	"slipway/bot/slack/blockkit"
)

// inputID is the action_id of every input; its block_id is the field's name.
const inputID = "input"

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (a *asker) text(f bot.Field) slack.BlockElement {
	value := first(f.Value)
	if width(value) > blockkit.InputLength {
		a.leaveOut(f, slipway.T("with its %[1]d characters it is too long for Slack, which takes %[2]d",
			"共 %[1]d 个字符，超出 Slack 的上限 %[2]d", utf8.RuneCountInString(value), blockkit.InputLength))
		return nil
	}
	e := slack.NewPlainTextInputBlockElement(plain(f.Placeholder, blockkit.PlaceholderText), inputID)
	e.InitialValue, e.Multiline = valid(value), f.Kind != bot.TextField
	if e.MaxLength = blockkit.InputLength; f.Max > 0 {
		e.MaxLength = min(f.Max, blockkit.InputLength)
	}
	// What is there already must not be refused.
	e.MaxLength = max(e.MaxLength, width(value))
	return e
}

func (a *asker) number(f bot.Field) slack.BlockElement {
	e := slack.NewNumberInputBlockElement(plain(f.Placeholder, blockkit.PlaceholderText), inputID, false)
	if _, err := strconv.Atoi(first(f.Value)); err == nil {
		e.InitialValue = first(f.Value)
	}
	if e.MinValue = "0"; f.Max > 0 {
		e.MaxValue = strconv.Itoa(f.Max)
	}
	return e
}

func (a *asker) time(f bot.Field) slack.BlockElement {
	e := slack.NewDateTimePickerBlockElement(inputID)
	// Ten digits are what Slack takes: the years from 2001 to 2286.
	if unix, err := strconv.ParseInt(first(f.Value), 10, 64); err == nil && unix >= 1e9 && unix < 1e10 {
		e.InitialDateTime = unix
	}
	return e
}

// yes is the value of a box that is checked.
const yes = "true"

func (a *asker) check(f bot.Field) slack.BlockElement {
	box := slack.NewOptionBlockObject(yes, plain(f.Label, blockkit.OptionText), nil)
	e := slack.NewCheckboxGroupsBlockElement(inputID, box)
	if first(f.Value) == yes {
		e.InitialOptions = []*slack.OptionBlockObject{box}
	}
	return e
}

// choice is a menu; or a text to be typed where the values do not fit into one.
func (a *asker) choice(f bot.Field) slack.BlockElement {
	options, fit := optionsOf(f.Options)
	if !fit || len(options) == 0 || len(options) > blockkit.SelectOptions*blockkit.OptionGroups {
		return a.text(f)
	}
	e := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, inputID, options...)
	if len(options) > blockkit.SelectOptions {
		e.Options, e.OptionGroups = nil, groupsOf(options)
	}
	e.InitialOption = find(options, first(f.Value))
	return e
}

// optionsOf makes the options of a menu; false if a value is too long, empty or there
// twice.
func optionsOf(options []bot.Option) ([]*slack.OptionBlockObject, bool) {
	out := make([]*slack.OptionBlockObject, 0, len(options))
	seen := map[string]bool{}
	for _, o := range options {
		if o.Value == "" || width(o.Value) > blockkit.OptionValue || seen[o.Value] {
			return nil, false
		}
		seen[o.Value] = true
		label := plain(o.Label, blockkit.OptionText)
		if label == nil {
			label = plain(o.Value, blockkit.OptionText)
		}
		out = append(out, slack.NewOptionBlockObject(o.Value, label, nil))
	}
	return out, true
}

// groupsOf parts a long menu and names each part after its first and last option.
func groupsOf(options []*slack.OptionBlockObject) []*slack.OptionGroupBlockObject {
	var out []*slack.OptionGroupBlockObject
	for part := range slices.Chunk(options, blockkit.SelectOptions) {
		label := cut(part[0].Text.Text, 35) + " – " + cut(part[len(part)-1].Text.Text, 35)
		out = append(out, slack.NewOptionGroupBlockElement(plain(label, blockkit.GroupLabel), part...))
	}
	return out
}

func find(options []*slack.OptionBlockObject, value string) *slack.OptionBlockObject {
	i := slices.IndexFunc(options, func(o *slack.OptionBlockObject) bool { return o.Value == value })
	if i < 0 {
		return nil
	}
	return options[i]
}

// picked returns the Slack accounts that a field starts with; false if somebody has none
// here, so that Slack's own picker would lose them.
func (a *asker) picked(f bot.Field) ([]string, bool) {
	var out []string
	for _, id := range f.Value {
		account := a.accounts[id]
		if account == "" {
			return nil, false
		}
		out = append(out, account)
	}
	return out, true
}

func (a *asker) person(f bot.Field) slack.BlockElement {
	if accounts, ok := a.picked(f); ok {
		e := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, nil, inputID)
		e.InitialUser = first(accounts)
		return e
	}
	options, fit := optionsOf(f.Options)
	if fit && len(options) <= blockkit.SelectOptions {
		e := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, inputID, options...)
		e.InitialOption = find(options, first(f.Value))
		return e
	}
	e := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, nil, inputID)
	e.InitialOption, e.MinQueryLength = find(options, first(f.Value)), new(int)
	return e
}

func (a *asker) people(f bot.Field) slack.BlockElement {
	accounts, ok := a.picked(f)
	options, fit := optionsOf(f.Options)
	var e *slack.MultiSelectBlockElement
	switch {
	case ok:
		e = slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeUser, nil, inputID)
		e.InitialUsers = accounts
	case fit && len(options) <= blockkit.SelectOptions:
		e = slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, nil, inputID, options...)
		e.InitialOptions = findAll(options, f.Value)
	default:
		e = slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeExternal, nil, inputID)
		e.InitialOptions, e.MinQueryLength = findAll(options, f.Value), new(int)
	}
	if f.Max > 0 {
		e.MaxSelectedItems = &f.Max
	}
	return e
}

// choices is a menu of several that is searched as somebody types: see suggest.
func (a *asker) choices(f bot.Field) slack.BlockElement {
	options, fit := optionsOf(f.Options)
	if !fit {
		return a.text(f)
	}
	e := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeExternal, nil, inputID)
	e.InitialOptions, e.MinQueryLength = findAll(options, f.Value), new(int)
	if f.Max > 0 {
		e.MaxSelectedItems = &f.Max
	}
	return e
}

func findAll(options []*slack.OptionBlockObject, values []string) []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	for _, v := range values {
		if o := find(options, v); o != nil {
			out = append(out, o)
		}
	}
	return out
}
