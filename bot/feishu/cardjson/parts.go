package cardjson

import "fmt"

// The colours of a header and of the tags in it. …/content-components/title.
var (
	// Templates are the colours of headers.
	Templates = []string{
		"blue", "wathet", "turquoise", "green", "yellow", "orange", "red", "carmine", "violet", "purple",
		"indigo", "grey", "default",
	}
	// TagColours are the colours of text_tag.
	TagColours = []string{
		"neutral", "blue", "turquoise", "lime", "orange", "violet", "indigo", "wathet", "green", "yellow",
		"red", "purple", "carmine",
	}
)

// text is a text object with one of the tags and so many characters at most, any number
// if 0. …/content-components/plain-text.
func text(most int, tags ...string) rule {
	return object{
		"tag":          must(oneOf(tags...)),
		"content":      must(str(most)),
		"i18n_content": may(inLanguages(str(most))),
		"element_id":   may(elementID),
	}.rule
}

func plain(most int) rule { return text(most, "plain_text") }

// styled is a text object whose looks can be set: that of a div or a checker.
var styled = object{
	"tag":          must(oneOf("plain_text", "lark_md")),
	"content":      must(str(0)),
	"i18n_content": may(inLanguages(str(0))),
	"element_id":   may(elementID),
	"text_size":    may(str(0)), // another value is shown as normal
	"text_color":   may(colour()),
	"text_align":   may(align),
	"lines":        may(whole(1, endless)),
}.rule

// icon is a prefix icon. …/content-components/plain-text.
var icon = object{
	"tag":     must(oneOf("standard_icon", "custom_icon")),
	"token":   may(filled),
	"color":   may(colour("light_grey")),
	"img_key": may(filled),
}

// confirm is the question before a click. …/interactive-components/button: title and
// text are required.
var confirm = object{"title": must(plain(0)), "text": must(plain(0))}.rule

// multiURL is a link for each kind of client. …/containers/column-set.
var multiURL = object{
	"url": may(emptyLink), "pc_url": may(emptyLink), "ios_url": may(emptyLink), "android_url": may(emptyLink),
}

// link is what a click on a column opens. …/containers/column-set.
var link = object{"multi_url": must(multiURL.rule)}.rule

// behaviors are what a click does. configuring-card-interactions: a link, a callback,
// or both; …/interactive-components/button: "开放平台 SDK 仅支持 object 类型的回传交互数据".
func behaviors(links bool) rule {
	openURL := object{
		"type": must(str(0)), "default_url": must(webLink),
		"pc_url": may(emptyLink), "ios_url": may(emptyLink), "android_url": may(emptyLink),
	}
	callback := object{"type": must(str(0)), "value": must(anyObject)}
	return list(func(w *walk, at string, v any) {
		m, _ := v.(map[string]any)
		switch m["type"] {
		case "callback":
			callback.rule(w, at, v)
		case "open_url":
			if !links {
				w.refuse(at+".type", "a link can only be opened by a button or a container")
			}
			openURL.rule(w, at, v)
		default:
			w.refuse(at+".type", fmt.Sprintf("is %v, allowed are callback, open_url", m["type"]))
		}
	})
}

// option is one choice of a select. …/interactive-components/single-select-dropdown-menu.
var option = object{"text": must(plain(0)), "value": must(filled), "icon": may(icon.rule)}.rule

// person is one candidate of a picker of people.
// …/interactive-components/single-select-user-picker.
var person = object{"value": must(filled)}.rule

// layout places what stands in a container. card-json-v2-structure, body.
var layout = object{
	"direction":          may(direction),
	"padding":            may(sides(0)),
	"horizontal_spacing": may(spacing),
	"horizontal_align":   may(align),
	"vertical_spacing":   may(spacing),
	"vertical_align":     may(vertical),
}

// card is the card as a whole. card-json-v2-structure.
var card = object{
	"schema": must(oneOf("2.0")),
	"config": must(object{
		"streaming_mode":   may(boolean),
		"streaming_config": may(anyObject),
		"summary": may(object{
			"content": may(str(0)), "i18n_content": may(inLanguages(str(0))),
		}.rule),
		"locales":        may(list(oneOf(languages...))),
		"enable_forward": may(boolean),
		// Only shared cards exist in 2.0, and a card can only be changed if it says so
		// (im-v1/message/patch: "均显式声明").
		"update_multi":               must(truth),
		"width_mode":                 may(oneOf("default", "compact", "fill")),
		"use_custom_translation":     may(boolean),
		"enable_forward_interaction": may(boolean),
		"style": may(object{
			"text_size": may(anyObject),
			"color":     may(anyObject),
		}.rule),
	}.rule),
	"card_link": may(object{
		"url": may(emptyLink), "pc_url": may(emptyLink), "ios_url": may(emptyLink), "android_url": may(emptyLink),
	}.rule),
	"header": may(header.rule),
	"body":   must(layout.with(object{"elements": must(components)}).rule),
}

// header is the title of a card. …/content-components/title. It has no tag of its own.
var header = object{
	"title":    must(text(0, "plain_text", "lark_md")),
	"subtitle": may(text(0, "plain_text", "lark_md")),
	"text_tag_list": may(listUpTo(MaxHeaderTags, object{
		"tag": must(oneOf("text_tag")), "element_id": may(elementID),
		"text": must(plain(0)), "color": may(oneOf(TagColours...)),
	}.rule)),
	"i18n_text_tag_list": may(inLanguages(listUpTo(MaxHeaderTags, anyObject))),
	"template":           may(oneOf(Templates...)),
	"icon":               may(icon.rule),
	"padding":            may(sides(0)),
}
