package feishu

import (
	"bytes"
	"encoding/json"
	"slices"

	"slipway/bot"
	"slipway/bot/feishu/cardjson"
)

// element is one object of a card's JSON.
type element map[string]any

// encode writes JSON without the escapes of HTML, which would only make it longer.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // only maps, lists and strings are ever encoded
	}
	return bytes.TrimSpace(b.Bytes())
}

// fits tells whether Feishu takes the card.
func fits(card []byte) bool {
	return cardjson.Size(card)+cardjson.RequestOverhead <= cardjson.MaxRequest && cardjson.Elements(card) <= cardjson.MaxElements
}

func plainText(s string) element {
	return element{"tag": "plain_text", "content": printable(s)}
}

func markdownElement(content string) element {
	return element{"tag": "markdown", "content": content}
}

// smallPrint is markdown in small grey letters.
func smallPrint(content string) element {
	return element{"tag": "markdown", "content": grey(content), "text_size": "notation"}
}

// templates and tagColours are Feishu's words for the colours of headers and tags.
var (
	templates  = map[bot.Colour]string{bot.Grey: "grey", bot.Blue: "blue", bot.Amber: "orange", bot.Green: "green", bot.Red: "red"}
	tagColours = map[bot.Colour]string{bot.Grey: "neutral", bot.Blue: "blue", bot.Amber: "orange", bot.Green: "green", bot.Red: "red"}
)

// header is a card's title with its state.
func header(title string, state *bot.State) element {
	h := element{"title": plainText(oneLine(title)), "template": "blue"}
	if state == nil {
		return h
	}
	if t, ok := templates[state.Colour]; ok {
		h["template"] = t
	}
	tag := element{"tag": "text_tag", "text": plainText(state.Emoji + " " + state.Word)}
	if c, ok := tagColours[state.Colour]; ok {
		tag["color"] = c
	}
	h["text_tag_list"] = []element{tag}
	return h
}

// cardOf puts a card together. It can be changed, so it is shared by all who see it;
// what is forwarded cannot be pressed.
func cardOf(summary string, head element, elements []element, forward any) element {
	c := element{
		"schema": "2.0",
		"config": element{
			"update_multi": true, "enable_forward": forward, "summary": element{"content": shorten(oneLine(printable(summary)), 200)},
		},
		"body": element{"elements": elements},
	}
	if head != nil {
		c["header"] = head
	}
	return c
}

// columns puts elements side by side, each as wide as it needs; what does not fit goes
// to the next line.
func columns(each ...element) element {
	cols := make([]element, len(each))
	for i, e := range each {
		cols[i] = element{"tag": "column", "width": "auto", "elements": []element{e}}
	}
	return element{"tag": "column_set", "flex_mode": "flow", "horizontal_spacing": "8px", "columns": cols}
}

// The names in the values of buttons.
const (
	keyAction = "action"
	keyValue  = "value"
)

// button is a button that brings a click, or opens a page.
func button(a bot.Action) element {
	b := element{"tag": "button", "text": plainText(shorten(oneLine(a.Label), cardjson.MaxButtonText)), "type": "default"}
	switch a.Style {
	case bot.Primary:
		b["type"] = "primary"
	case bot.Danger:
		b["type"] = "danger"
	case bot.Plain:
	}
	if address, ok := webAddress(a.URL); ok {
		b["behaviors"] = []element{{"type": "open_url", "default_url": address}}
	} else {
		b["behaviors"] = []element{{"type": "callback", "value": element{keyAction: string(a.ID), keyValue: a.Value}}}
	}
	if a.Disabled != "" {
		b["disabled"], b["disabled_tips"] = true, plainText(a.Disabled)
	}
	if a.Confirm != nil {
		b["confirm"] = element{"title": plainText(a.Confirm.Title), "text": plainText(a.Confirm.Text)}
	}
	return b
}

// overflow is a menu of actions. An option carries its action and value in one string,
// see readOption.
func overflow(actions []bot.Action) element {
	options := make([]element, len(actions))
	for i, a := range actions {
		options[i] = element{"text": plainText(shorten(oneLine(a.Label), cardjson.MaxOverflowText)), "value": string(a.ID) + " " + a.Value}
	}
	return element{"tag": "overflow", "options": options}
}

// buttons are the actions as elements: at most shown of them as buttons and the rest in
// a menu. What asks a question, opens a page or cannot be pressed is always a button,
// because a menu can do nothing of that for a single option.
func buttons(actions, more []bot.Action, shown int) []element {
	all := slices.Concat(actions, more)
	menu := map[int]bool{}
	var inMenu []bot.Action
	seen := map[string]bool{}
	for i, a := range all {
		id := string(a.ID) + " " + a.Value
		spare := i >= shown || i >= len(actions)
		if spare && a.Confirm == nil && a.URL == "" && a.Disabled == "" && !seen[id] {
			seen[id], menu[i] = true, true
			inMenu = append(inMenu, a)
		}
	}
	var out []element
	for i, a := range all {
		if !menu[i] || len(inMenu) == 1 {
			out = append(out, button(a))
		}
	}
	if len(inMenu) > 1 {
		out = append(out, overflow(inMenu))
	}
	return out
}
