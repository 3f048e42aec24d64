package slack

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"slipway"
	"slipway/bot"
	"slipway/bot/slack/blockkit"
)

// origin is what a modal carries with it, in private_metadata: what it is about and
// where it was opened from.
type origin struct {
	Value  string            `json:"v,omitempty"` // Form.Value
	Hidden map[string]string `json:"h,omitempty"`
	Lang   slipway.Lang      `json:"l,omitempty"`
	Room   string            `json:"r,omitempty"`
	Msg    string            `json:"m,omitempty"`
	Thread string            `json:"t,omitempty"`
	// Direct tells that the room is the person's direct conversation with the bot.
	Direct bool `json:"d,omitempty"`
	// Home tells that it was opened from the home page.
	Home bool `json:"o,omitempty"`
	// Ephemeral tells that the message cannot be changed: only the person sees it, or it
	// is somebody else's.
	Ephemeral bool `json:"e,omitempty"`
}

// modal makes the dialog of a form. accounts are the Slack accounts of users by user id.
func (s *Slack) modal(f bot.Form, from origin, accounts map[string]string) (slack.ModalViewRequest, error) {
	from.Value, from.Lang, from.Hidden = f.Value, f.Lang, nil
	view := slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: formPrefix + string(f.ID), Title: plain(f.Title, blockkit.ViewTitle),
		Submit: plain(f.Submit, blockkit.ViewSubmit), Close: plain(slipway.T("Back", "返回").In(f.Lang), blockkit.ViewClose),
	}
	asker := &asker{lang: f.Lang, accounts: accounts, page: s.pageOf(f.Value)}
	if width(f.Title) > blockkit.ViewTitle {
		asker.tell(bot.Line{{Text: f.Title, Style: bot.Bold}})
	}
	asker.tell(f.Intro...)
	var inputs []slack.Block
	for _, field := range f.Fields {
		switch {
		case field.Kind == bot.HiddenField:
			if len(field.Value) > 0 {
				if from.Hidden == nil {
					from.Hidden = map[string]string{}
				}
				from.Hidden[field.Name] = field.Value[0]
			}
		case len(inputs) == maxInputs:
			asker.leaveOut(field, slipway.T("does not fit here", "在此放不下"))
		default:
			if input := asker.input(field); input != nil {
				inputs = append(inputs, input)
			}
		}
	}
	view.Blocks.BlockSet = append(asker.introduction(), inputs...)
	data, err := json.Marshal(from)
	if err != nil {
		return view, fmt.Errorf("marshal origin of form: %w", err)
	}
	if view.PrivateMetadata = string(data); width(view.PrivateMetadata) > blockkit.PrivateMetadata {
		return view, fmt.Errorf("form %s carries too much: %d characters", f.ID, len(data))
	}
	return view, nil
}

// formPrefix begins the callback_id of every modal of ours.
const formPrefix = "form:"

// maxInputs leaves room for the introduction.
const maxInputs = blockkit.ViewBlocks - 2

// pageOf is the page of the plan that a form is about, "" if there is none.
func (s *Slack) pageOf(value string) string {
	plan := bot.DecodeRef(value).Plan
	if s.PublicURL == "" || plan == "" {
		return ""
	}
	return strings.TrimRight(s.PublicURL, "/") + "/plans/" + plan
}

// asker makes the inputs of one form.
type asker struct {
	lang     slipway.Lang
	accounts map[string]string
	page     string
	intro    []bot.Line
}

func (a *asker) tell(lines ...bot.Line) { a.intro = append(a.intro, lines...) }

// leaveOut says why a field is not asked for, and where it can be changed.
func (a *asker) leaveOut(f bot.Field, why slipway.Text) {
	l := bot.Line{{Text: slipway.T("%[1]s: %[2]s. It stays as it is", "%[1]s：%[2]s，将保持不变", f.Label, why).In(a.lang)}}
	if a.page == "" {
		a.tell(append(l, bot.Span{Text: slipway.T(".", "。").In(a.lang)}))
		return
	}
	a.tell(append(l,
		bot.Span{Text: slipway.T("; ", "；").In(a.lang)},
		bot.Span{Text: slipway.T("edit it on the page", "请在网页上编辑").In(a.lang), Link: a.page},
		bot.Span{Text: slipway.T(".", "。").In(a.lang)}))
}

func (a *asker) introduction() []slack.Block {
	pieces := script{lang: a.lang, zone: zoneOf(""), most: 500}.lines(a.intro, 30)
	if len(pieces) == 0 {
		return nil
	}
	return []slack.Block{slack.NewRichTextBlock("", slack.NewRichTextSection(pieces...))}
}

// input makes the input of a field; nil if it cannot be asked for here.
func (a *asker) input(f bot.Field) slack.Block {
	if f.Kind == bot.GroupField {
		a.tell(bot.Line{{Text: slipway.T("%s: add and change them one at a time, with the buttons on the card.", "%s：请用卡片上的按钮逐个添加和修改。", f.Label).In(a.lang)}})
		return nil
	}
	element := a.element(f)
	if element == nil {
		return nil
	}
	b := slack.NewInputBlock(f.Name, plain(f.Label, blockkit.InputLabel), plain(f.Hint, blockkit.InputHint), element)
	b.Optional = !f.Required
	return b
}

func (a *asker) element(f bot.Field) slack.BlockElement {
	switch f.Kind {
	case bot.TextField, bot.LongField, bot.MarkdownField:
		return a.text(f)
	case bot.NumberField:
		return a.number(f)
	case bot.SelectField:
		return a.choice(f)
	case bot.PersonField:
		return a.person(f)
	case bot.PeopleField:
		return a.people(f)
	case bot.ChoicesField:
		return a.choices(f)
	case bot.TimeField:
		return a.time(f)
	case bot.CheckField:
		return a.check(f)
	case bot.HiddenField, bot.GroupField:
	}
	return nil
}
