package bot

import "slipway"

// Card is a message without a platform, in one language. Every string in it is plain
// text: a renderer escapes it so that it can neither format nor mention anybody. The
// only formatting is what the structure says (a Span's Style, Time, Link) and the
// fields of type Markdown. A card survives JSON.
type Card struct {
	Lang slipway.Lang `json:"lang"`
	// Zone is the IANA name of the zone for a renderer that cannot show everybody their
	// own time; "" is UTC.
	Zone string `json:"zone,omitempty"`
	// Plan is the id of the plan that the card shows, "" if it is about none.
	Plan  string `json:"plan,omitempty"`
	Title string `json:"title"`
	State *State `json:"state,omitempty"`
	// Summary says the whole in one line, for notifications. Never empty.
	Summary string `json:"summary"`
	// Intro stands under the title.
	Intro  []Line   `json:"intro,omitempty"`
	Facts  []Fact   `json:"facts,omitempty"`
	Body   Markdown `json:"body,omitempty"` // what a person wrote, for example a plan's description
	Rows   []Row    `json:"rows,omitempty"`
	People []Line   `json:"people,omitempty"` // who decided what
	// Actions are the card's buttons in the order of their weight; More are those that
	// belong into an overflow menu.
	Actions []Action `json:"actions,omitempty"`
	More    []Action `json:"more,omitempty"`
	Footer  []Line   `json:"footer,omitempty"`
	Link    string   `json:"link,omitempty"` // the page that shows the same
}

// Markdown is text that a person wrote to be formatted. A renderer allows paragraphs,
// emphasis, lists, code and http(s) links in it, and nothing that mentions, embeds or
// runs.
type Markdown string

// Colour tells states apart at a glance; it never stands alone.
type Colour string

// The colours.
const (
	Grey  Colour = "grey"  // not begun, or over without a result
	Blue  Colour = "blue"  // under way
	Amber Colour = "amber" // waits for somebody
	Green Colour = "green"
	Red   Colour = "red"
)

// State is where something stands, as colour, emoji and word together.
type State struct {
	Colour Colour `json:"colour"`
	Emoji  string `json:"emoji"`
	Word   string `json:"word"`
}

// Style formats a span.
type Style string

// The styles. A quote is what a person said; a renderer sets it apart.
const (
	Bold  Style = "bold"
	Faint Style = "faint"
	Code  Style = "code"
	Quote Style = "quote"
)

// Span is a piece of a line. Exactly one of Text and Time is set.
type Span struct {
	Text  string `json:"text,omitempty"`
	Style Style  `json:"style,omitempty"`
	// Time is a moment, in Unix seconds. The renderer shows it in the reader's time
	// zone; Clock is the wording where it has no better.
	Time int64  `json:"time,omitempty"`
	Link string `json:"link,omitempty"`
}

// Line is one line made of spans, which follow each other without a gap.
type Line []Span

// Fact is a label with its value; facts are shown side by side.
type Fact struct {
	Label string `json:"label"`
	Value Line   `json:"value"`
}

// Row is one entry of a list: an item of a plan, a plan, a line of the log, a verb.
type Row struct {
	// Number is how people name the row, 0 if it has none.
	Number int `json:"number,omitempty"`
	// ID names what the row shows, "" if it cannot be named.
	ID    string `json:"id,omitempty"`
	State *State `json:"state,omitempty"`
	Title Line   `json:"title"`
	// Heading tells that the rows that follow belong below this one.
	Heading bool `json:"heading,omitempty"`
	// Details stand under the title in small print: who did what.
	Details []Line   `json:"details,omitempty"`
	Body    Markdown `json:"body,omitempty"` // a text item's content
	Actions []Action `json:"actions,omitempty"`
	More    []Action `json:"more,omitempty"`
}

// ActionID says what a button does: the name of a verb, or one of the few actions
// below.
type ActionID string

// ActionRun runs the text of the button's Value as if the person had typed it.
const ActionRun ActionID = "run"

// ButtonStyle is how much a button stands out.
type ButtonStyle string

// The styles of buttons.
const (
	Plain   ButtonStyle = ""
	Primary ButtonStyle = "primary"
	Danger  ButtonStyle = "danger"
)

// Action is a button. Pressing it brings an Event of kind Click with its ID and Value,
// unless URL is set, which the button opens.
type Action struct {
	ID    ActionID    `json:"id"`
	Value string      `json:"value,omitempty"` // at most 2000 bytes
	Label string      `json:"label"`           // at most 75 characters
	Style ButtonStyle `json:"style,omitempty"`
	// Confirm is asked before the click is sent.
	Confirm *Confirm `json:"confirm,omitempty"`
	URL     string   `json:"url,omitempty"`
	// Disabled says why the button cannot be pressed; "" if it can.
	Disabled string `json:"disabled,omitempty"`
	// Form tells that the button opens a form, so that a renderer may mark it.
	Form bool `json:"form,omitempty"`
}

// Confirm is a question asked before an action.
type Confirm struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Yes   string `json:"yes"`
	No    string `json:"no"`
}
