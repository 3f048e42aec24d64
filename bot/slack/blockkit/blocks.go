package blockkit

import (
	"encoding/json"
	"math"
	"strconv"
)

var blockShapes = map[string]shape{
	"section": {props: map[string]rule{
		"block_id": blockID, "text": text(anyText, SectionText), "expand": boolean,
		"fields":    listOf(1, SectionFields, text(anyText, SectionField)),
		"accessory": element(accessories),
	}},
	"header": {required: []string{"text"}, props: map[string]rule{
		"block_id": blockID, "text": text(plain, HeaderText),
	}},
	"divider": {props: map[string]rule{"block_id": blockID}},
	"actions": {required: []string{"elements"}, props: map[string]rule{
		"block_id": blockID, "elements": listOf(1, ActionElements, element(actionsElements)),
	}},
	"context": {required: []string{"elements"}, props: map[string]rule{
		"block_id": blockID, "elements": listOf(1, ContextItems, contextItem),
	}},
	"input": {required: []string{"label", "element"}, props: map[string]rule{
		"block_id": blockID, "label": text(plain, InputLabel), "hint": text(plain, InputHint),
		"optional": boolean, "dispatch_action": boolean, "element": element(inputElements),
	}},
	"image": {required: []string{"alt_text"}, props: map[string]rule{
		"block_id": blockID, "alt_text": str(1, ImageAlt), "title": text(plain, ImageTitle),
		"image_url": both(str(1, ImageURL), address), "slack_file": slackFile,
	}},
	"markdown":  {required: []string{"text"}, props: map[string]rule{"block_id": blockID, "text": str(1, MarkdownText)}},
	"rich_text": richTextBlock,
	"table": {required: []string{"rows"}, props: map[string]rule{
		"block_id": blockID, "rows": listOf(1, TableRows, listOf(1, TableCells, tableCell)),
		"column_settings": listOf(0, TableCells, columnSetting),
	}},
}

func blockID(c *checker, path string, v any) {
	c.str(path, v, 1, BlockID)
	id, _ := v.(string)
	if c.blockIDs[id] {
		c.add(path, "block_id already exists: %s", id)
	}
	c.blockIDs[id] = true
}

// contextItem checks an image or a text.
func contextItem(c *checker, path string, v any) {
	if o, ok := v.(map[string]any); ok && o["type"] == "image" {
		element([]string{"image"})(c, path, v)
		return
	}
	text(anyText, TextObject)(c, path, v)
}

// tableCell checks a cell. Its rich text may repeat block ids: it has none.
func tableCell(c *checker, path string, v any) {
	if v == nil {
		return // slack-go writes null for an empty column setting or cell
	}
	c.typed(path, v, map[string]shape{
		"rich_text":  richTextBlock,
		"raw_text":   {required: []string{"text"}, props: map[string]rule{"text": richText}},
		"raw_number": {required: []string{"text", "value"}, props: map[string]rule{"text": richText, "value": number}},
	})
}

func number(c *checker, path string, v any) {
	if _, ok := v.(json.Number); !ok {
		c.add(path, "must be a number")
	}
}

func columnSetting(c *checker, path string, v any) {
	if v == nil {
		return // null keeps a column as it is
	}
	c.object(path, v, shape{props: map[string]rule{"align": oneOf("left", "center", "right"), "is_wrapped": boolean}})
}

// blocks checks the blocks of a message or view.
func (c *checker) blocks(path string, v any, minimum, maximum int) {
	c.list(path, v, minimum, maximum, (*checker).block)
}

func (c *checker) block(path string, v any) {
	before := c.texts
	o, kind := c.typed(path, v, blockShapes)
	if o == nil {
		return
	}
	switch kind {
	case "section":
		_, hasText := o["text"]
		_, hasFields := o["fields"]
		if !hasText && !hasFields {
			c.add(path, "missing required field: text or fields")
		}
	case "actions":
		elements, _ := o["elements"].([]any)
		c.unique(path+"/elements", elements, "action_id")
	case "input":
		c.inputs++
	case "image":
		c.exactlyOne(path, o, "image_url", "slack_file")
	case "markdown":
		c.markdownBlock(path, o)
	case "table":
		c.table(path, c.texts-before)
	}
}

func (c *checker) markdownBlock(path string, o map[string]any) {
	if c.surface != inMessage {
		c.add(path+"/type", "markdown is not supported in a %s", c.surface)
	}
	s, _ := o["text"].(string)
	c.texts += Len(s)
	if c.markdown += Len(s); c.markdown > MarkdownText {
		c.add(path+"/text", "markdown blocks together must be less than %d characters", MarkdownText+1)
	}
}

func (c *checker) table(path string, characters int) {
	if c.surface != inMessage {
		c.add(path+"/type", "table is not supported in a %s", c.surface)
	}
	if c.tables++; c.tables > MessageTables {
		c.addCode(path, "invalid_attachments", "only_one_table_allowed")
	}
	if characters > TableText {
		c.add(path+"/rows", "cells together must be less than %d characters", TableText+1)
	}
}

// ordered checks the lower and upper bound of an input.
func (c *checker) ordered(path string, o map[string]any) {
	for _, pair := range [][2]string{{"min_length", "max_length"}, {"min_value", "max_value"}, {"min_lines", "max_lines"}} {
		low, high := bound(o[pair[0]]), bound(o[pair[1]])
		if low > high { // false if either is missing
			c.add(path+"/"+pair[0], "must not be greater than %s", pair[1])
		}
	}
	if limit, s := bound(o["max_length"]), o["initial_value"]; !math.IsNaN(limit) {
		if s, ok := s.(string); ok && float64(Len(s)) > limit {
			c.add(path+"/initial_value", "must not be longer than max_length")
		}
	}
}

func bound(v any) float64 {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = v.String()
	case string:
		s = v
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return f
}
