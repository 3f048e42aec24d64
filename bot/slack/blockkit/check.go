package blockkit

import (
	"bytes"
	"encoding/json"
	"math"
)

// CheckMessage checks what is posted: the text and the blocks beside it, which may be
// empty or null. What it returns is wrong; nil is fine.
func CheckMessage(message string, blocks json.RawMessage) []Problem {
	c := newChecker(inMessage)
	if Len(message) > MessageText {
		c.addCode("/text", "msg_too_long", "must be less than %d characters", MessageText+1)
	}
	v, ok := c.decode("/blocks", blocks)
	if !ok {
		return c.problems
	}
	if v == nil || isEmptyList(v) {
		if message == "" {
			c.addCode("/text", "no_text", "no text and no blocks")
		}
		return c.problems
	}
	c.blocks("/blocks", v, 0, MessageBlocks)
	if c.texts > MessageBlocksText {
		c.addCode("/blocks", "msg_blocks_too_long", "texts together must be less than %d characters, %d given", MessageBlocksText+1, c.texts)
	}
	return c.problems
}

// CheckModal checks a modal as views.open and the like take it.
func CheckModal(view json.RawMessage) []Problem {
	c := newChecker(inModal)
	o := c.view(view, map[string]rule{
		"title": text(plain, ViewTitle), "submit": text(plain, ViewSubmit), "close": text(plain, ViewClose),
		"clear_on_close": boolean, "notify_on_close": boolean,
	}, "title")
	if o == nil {
		return c.problems
	}
	if _, ok := o["submit"]; c.inputs > 0 && !ok {
		c.add("/view", "missing required field: submit")
	}
	return c.problems
}

// CheckHome checks a home page as views.publish takes it.
func CheckHome(view json.RawMessage) []Problem {
	c := newChecker(inHome)
	c.view(view, nil)
	return c.problems
}

// CheckOptions checks the answer to the question of an external select.
func CheckOptions(answer json.RawMessage) []Problem {
	c := newChecker(inModal)
	v, ok := c.decode("", answer)
	if !ok {
		return c.problems
	}
	o := c.object("", v, shape{props: map[string]rule{
		"options":       suggestions,
		"option_groups": listOf(0, OptionGroups, optionGroup),
	}})
	if o != nil {
		c.exactlyOne("", o, "options", "option_groups")
	}
	return c.problems
}

// suggestions may be none.
func suggestions(c *checker, path string, v any) {
	c.unique(path, c.list(path, v, 0, SuggestedOptions, option(plain)), "value")
}

// CheckAttachment checks what chat.unfurl shows below a link: blocks, with a colour
// perhaps.
func CheckAttachment(attachment json.RawMessage) []Problem {
	c := newChecker(inMessage)
	v, ok := c.decode("", attachment)
	if !ok {
		return c.problems
	}
	c.object("", v, attachmentShape)
	return c.problems
}

var attachmentShape = shape{props: map[string]rule{
	"color": str(1, 20), "fallback": str(0, MessageText), "hide_border": boolean,
	"blocks": func(c *checker, path string, v any) { c.blocks(path, v, 1, MessageBlocks) },
	"title":  str(0, MessageText), "title_link": both(str(1, ButtonURL), address), "text": str(0, MessageText), "pretext": str(0, MessageText),
	"id":     integer(0, math.MaxInt32),
	"footer": str(0, ViewBytes), "author_name": str(0, ViewBytes), "mrkdwn_in": listOf(0, 10, str(1, 20)),
	"preview": objectOf(shape{props: map[string]rule{
		"title": text(anyText, TextObject), "subtitle": text(anyText, TextObject), "icon_url": both(str(1, ImageURL), address),
	}}),
}}

// CheckMetadata checks the metadata of a message.
func CheckMetadata(metadata json.RawMessage) []Problem {
	c := newChecker(inMessage)
	v, ok := c.decode("/metadata", metadata)
	if !ok {
		return c.problems
	}
	c.object("/metadata", v, shape{required: []string{"event_type", "event_payload"}, props: map[string]rule{
		"event_type": str(1, 255),
		"event_payload": func(c *checker, path string, v any) {
			if _, ok := v.(map[string]any); !ok {
				c.add(path, "must provide an object")
			}
		},
	}})
	if len(metadata) > MetadataBytes {
		c.addCode("/metadata", "metadata_too_large", "must be less than %d bytes", MetadataBytes+1)
	}
	return c.problems
}

// view checks what modals and home pages share.
func (c *checker) view(raw json.RawMessage, more map[string]rule, required ...string) map[string]any {
	v, ok := c.decode("/view", raw)
	if !ok {
		return nil
	}
	if len(raw) > ViewBytes {
		c.addCode("/view", "view_too_large", "must be less than %d bytes", ViewBytes+1)
	}
	s := shape{required: append([]string{"type", "blocks"}, required...), props: map[string]rule{
		"type":             oneOf(string(c.surface)),
		"blocks":           func(c *checker, path string, v any) { c.blocks(path, v, 0, ViewBlocks) },
		"private_metadata": str(0, PrivateMetadata),
		"callback_id":      str(0, CallbackID),
		"external_id":      str(0, ExternalID),
	}}
	for name, r := range more {
		s.props[name] = r
	}
	return c.object("/view", v, s)
}

func (c *checker) decode(path string, raw json.RawMessage) (any, bool) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, true
	}
	v, err := decode(raw)
	if err != nil {
		c.addCode(path, "invalid_blocks_format", "%v", err)
		return nil, false
	}
	return v, true
}

func isEmptyList(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) == 0
}
