// Package blockkit knows what Slack takes for a message, a modal and a home page: which
// blocks and elements exist, which properties they have, and how long and how many these
// may be. It works on JSON, so that it judges what is really sent, whatever made it.
//
// The numbers stand in this file alone. Limits lists them for programs: a check outside
// of Go compares them with the doc comments of Slack's own types.
package blockkit

import "unicode/utf8"

// What a message may hold.
const (
	MessageBlocks     = 50    // blocks
	MessageText       = 40000 // characters of the text beside the blocks, when posted
	UpdateText        = 4000  // the same, when a message is updated
	MessageBlocksText = 11000 // characters of all texts in all blocks together
	MarkdownText      = 12000 // characters of all markdown blocks together
	MessageTables     = 1     // table blocks
	MetadataBytes     = 8000  // of a message's metadata
)

// What a view may hold.
const (
	ViewBlocks      = 100
	ViewBytes       = 250 * 1024 // of its JSON
	ViewTitle       = 24
	ViewSubmit      = 24
	ViewClose       = 24
	PrivateMetadata = 3000
	CallbackID      = 255
	ExternalID      = 255
	ViewStack       = 3 // modals on top of each other
)

// What blocks may hold. Lengths are in characters.
const (
	BlockID        = 255
	SectionText    = 3000
	SectionFields  = 10
	SectionField   = 2000
	HeaderText     = 150
	ActionElements = 25
	ContextItems   = 10
	ImageAlt       = 2000
	ImageTitle     = 2000
	ImageURL       = 3000
	InputLabel     = 2000
	InputHint      = 2000
	TableRows      = 100
	TableCells     = 20
	TableText      = 10000 // characters of all cells together
	ListIndent     = 8
)

// What elements may hold.
const (
	ActionID         = 255
	ButtonText       = 75
	ButtonValue      = 2000
	ButtonURL        = 3000
	ButtonLabel      = 75 // for screen readers
	SelectOptions    = 100
	OptionGroups     = 100
	OverflowOptions  = 5
	ChoiceOptions    = 10 // of checkboxes and radio buttons
	InputLength      = 3000
	RichTextLines    = 100
	PlaceholderText  = 150
	SuggestedOptions = 100 // in the answer of an external select
)

// What composition objects may hold.
const (
	TextObject        = 3000
	OptionText        = 75
	OptionValue       = 75
	OptionURL         = 3000
	OptionDescription = 75
	GroupLabel        = 75
	ConfirmTitle      = 100
	ConfirmText       = 300
	ConfirmYes        = 30
	ConfirmNo         = 30
)

// SocketResponse is the size in bytes at which an answer over Socket Mode is dropped.
const SocketResponse = 20480

// Limit is one number of Slack's.
type Limit struct {
	// Type is the name of the interface in Slack's TypeScript types, or of what else
	// the limit is about.
	Type string `json:"type"`
	// Field is the property, "" for the thing itself. "[]" stands for each entry.
	Field string `json:"field"`
	Max   int    `json:"max"`
	// Source is where the number comes from: Types, Docs, or a reference.
	Source string `json:"source"`
}

// The sources of limits.
const (
	// Types is a doc comment of the npm package @slack/types 3.2.0.
	Types = "@slack/types"
	// Docs is docs.slack.dev, on the page of the thing or method.
	Docs = "docs.slack.dev"
	// Seen is told by people who met it; Slack does not document it.
	Seen = "github.com/slackapi/bolt-js issues 2509 and 2867"
)

// Limits lists every limit that the checks of this package hold to.
var Limits = []Limit{
	{"Message", "blocks", MessageBlocks, Docs},
	{"chat.postMessage", "text", MessageText, Docs},
	{"chat.update", "text", UpdateText, Docs},
	// People met msg_blocks_too_long at 11 341 characters of mixed blocks; Slack's staff
	// names 12 000 less something for each block.
	{"Message", "blocks[].text", MessageBlocksText, Seen},
	{"MarkdownBlock", "text", MarkdownText, Types},
	{"Message", "table", MessageTables, Docs},
	{"Message", "metadata", MetadataBytes, Docs},

	{"BaseView", "blocks", ViewBlocks, Types},
	{"BaseView", "", ViewBytes, Docs},
	{"ModalView", "title", ViewTitle, Types},
	{"ModalView", "submit", ViewSubmit, Types},
	{"ModalView", "close", ViewClose, Types},
	{"BaseView", "private_metadata", PrivateMetadata, Types},
	{"BaseView", "callback_id", CallbackID, Types},
	{"BaseView", "external_id", ExternalID, Docs},
	{"views.push", "stack", ViewStack, Docs},

	{"Block", "block_id", BlockID, Types},
	{"SectionBlock", "text", SectionText, Types},
	{"SectionBlock", "fields", SectionFields, Types},
	{"SectionBlock", "fields[]", SectionField, Types},
	{"HeaderBlock", "text", HeaderText, Types},
	{"ActionsBlock", "elements", ActionElements, Types},
	{"ContextBlock", "elements", ContextItems, Types},
	{"ImageBlock", "alt_text", ImageAlt, Types},
	{"ImageBlock", "title", ImageTitle, Types},
	{"ImageBlock", "image_url", ImageURL, Docs},
	{"InputBlock", "label", InputLabel, Types},
	{"InputBlock", "hint", InputHint, Types},
	{"TableBlock", "rows", TableRows, Types},
	{"TableBlock", "rows[]", TableCells, Types},
	{"TableBlock", "column_settings", TableCells, Types},
	{"TableBlock", "rows[].text", TableText, Docs},
	{"RichTextList", "indent", ListIndent, Types},

	{"Action", "action_id", ActionID, Types},
	{"Button", "text", ButtonText, Types},
	{"Button", "value", ButtonValue, Types},
	{"Button", "url", ButtonURL, Types},
	{"Button", "accessibility_label", ButtonLabel, Types},
	{"StaticSelect", "options", SelectOptions, Types},
	{"StaticSelect", "option_groups", OptionGroups, Types},
	{"MultiStaticSelect", "options", SelectOptions, Types},
	{"MultiStaticSelect", "option_groups", OptionGroups, Types},
	{"block_suggestion", "options", SuggestedOptions, Docs},
	{"Overflow", "options", OverflowOptions, Types},
	{"Checkboxes", "options", ChoiceOptions, Types},
	{"RadioButtons", "options", ChoiceOptions, Types},
	{"PlainTextInput", "min_length", InputLength, Types},
	{"PlainTextInput", "max_length", InputLength, Docs},
	{"RichTextInput", "min_lines", RichTextLines, Types},
	{"RichTextInput", "max_lines", RichTextLines, Types},
	{"Placeholdable", "placeholder", PlaceholderText, Types},

	{"PlainTextElement", "text", TextObject, Types},
	{"MrkdwnElement", "text", TextObject, Types},
	{"PlainTextOption", "text", OptionText, Types},
	{"MrkdwnOption", "text", OptionText, Types},
	{"OptionDescriptor", "value", OptionValue, Types},
	{"OptionDescriptor", "url", OptionURL, Types},
	{"OptionDescriptor", "description", OptionDescription, Types},
	{"OptionGroup", "label", GroupLabel, Types},
	{"OptionGroup", "options", SelectOptions, Types},
	{"Confirm", "title", ConfirmTitle, Types},
	{"Confirm", "text", ConfirmText, Types},
	{"Confirm", "confirm", ConfirmYes, Types},
	{"Confirm", "deny", ConfirmNo, Types},

	{"Socket Mode", "response", SocketResponse, "github.com/slack-go/slack/socketmode"},
}

// Len is the length of a text as Slack counts it: in characters.
func Len(s string) int { return utf8.RuneCountInString(s) }
