package blockkit

import "math"

var richStyle = objectOf(shape{props: map[string]rule{
	"bold": boolean, "code": boolean, "italic": boolean, "strike": boolean, "underline": boolean,
	"highlight": boolean, "client_highlight": boolean, "unlink": boolean,
}})

// richElements are the pieces of a line.
var richElements = map[string]shape{
	"text": {required: []string{"text"}, props: map[string]rule{"text": richText, "style": richStyle}},
	"link": {required: []string{"url"}, props: map[string]rule{
		"url": both(str(1, ButtonURL), address), "text": richText, "unsafe": boolean, "style": richStyle,
	}},
	"emoji": {required: []string{"name"}, props: map[string]rule{
		"name": str(1, 255), "unicode": str(1, 255), "url": both(str(1, ImageURL), address), "skin_tone": integer(1, 6), "style": richStyle,
	}},
	"user":      {required: []string{"user_id"}, props: map[string]rule{"user_id": account, "style": richStyle}},
	"usergroup": {required: []string{"usergroup_id"}, props: map[string]rule{"usergroup_id": str(1, 255), "style": richStyle}},
	"team":      {required: []string{"team_id"}, props: map[string]rule{"team_id": str(1, 255), "style": richStyle}},
	"channel":   {required: []string{"channel_id"}, props: map[string]rule{"channel_id": channel, "style": richStyle}},
	"broadcast": {required: []string{"range"}, props: map[string]rule{"range": oneOf("here", "channel", "everyone"), "style": richStyle}},
	"color":     {required: []string{"value"}, props: map[string]rule{"value": str(1, 9), "style": richStyle}},
	"date": {required: []string{"timestamp", "format"}, props: map[string]rule{
		"timestamp": integer(0, math.MaxInt32), "format": str(1, 255), "url": both(str(1, ButtonURL), address), "fallback": str(1, 255), "style": richStyle,
	}},
}

var preformattedElements = map[string]shape{"text": richElements["text"], "link": richElements["link"]}

// richText counts the text of a piece, which must not be empty.
func richText(c *checker, path string, v any) {
	c.str(path, v, 1, MessageText)
	if s, ok := v.(string); ok {
		c.texts += Len(s)
	}
}

// pieces checks the elements of a line.
func pieces(shapes map[string]shape) rule {
	return listOf(0, math.MaxInt32, func(c *checker, path string, v any) { c.typed(path, v, shapes) })
}

var border = integer(0, 1)

// richContainers are the parts of a rich text block.
var richContainers = map[string]shape{
	"rich_text_section": {required: []string{"elements"}, props: map[string]rule{"elements": pieces(richElements)}},
	"rich_text_quote":   {required: []string{"elements"}, props: map[string]rule{"elements": pieces(richElements), "border": border}},
	"rich_text_preformatted": {required: []string{"elements"}, props: map[string]rule{
		"elements": pieces(preformattedElements), "border": border, "language": str(1, 255),
	}},
	"rich_text_list": {required: []string{"elements", "style"}, props: map[string]rule{
		"elements": listOf(1, math.MaxInt32, func(c *checker, path string, v any) {
			c.typed(path, v, map[string]shape{"rich_text_section": {
				required: []string{"elements"}, props: map[string]rule{"elements": pieces(richElements)},
			}})
		}),
		"style": oneOf("bullet", "ordered"), "indent": integer(0, ListIndent), "offset": integer(0, math.MaxInt32), "border": border,
	}},
}

var richTextBlock = shape{
	required: []string{"elements"},
	props: map[string]rule{
		"block_id": blockID,
		"elements": listOf(1, math.MaxInt32, func(c *checker, path string, v any) { c.typed(path, v, richContainers) }),
	},
}
