// Package screen is a chat as the people in it see it, without a platform: what can be
// read, typed, pressed and filled in. The stand-ins of Slack and Feishu and the driver of
// the console implement it, so that one set of stories is played on all of them, and so
// that `slipway dev fakechat` shows any of them on its page.
package screen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Chat is one platform with its people.
type Chat interface {
	// Person returns somebody's client. Accounts that the platform does not have are
	// refused by every method of the client.
	Person(account string) Person
	// Changed returns a channel that is closed at the next change of anything that can
	// be seen.
	Changed() <-chan struct{}
}

// Person is somebody's client: what they see and do. Rooms, messages and accounts are
// named by the platform's ids. Every deed returns when the bot has answered it, with
// what the platform showed for the answer; what the bot does later is seen by looking
// again. It fails with ErrNotThere if people could not do it (no such button, no open
// form), and with another error if the bot answered late, wrong or not at all.
type Person interface {
	// Rooms lists the rooms that the person is in. The direct one with the bot is last.
	Rooms() []Room
	// Look returns what the person sees in a room, oldest first, without threads.
	Look(room string) []Message
	// Thread returns what the person sees in the thread of a message, without that one.
	Thread(room, message string) []Message

	// Command types a command: with the slash command where the platform has one and
	// thread is "", else by mentioning the bot, or in a direct room by writing. thread is
	// the message in whose thread it is typed, "" for the room itself.
	Command(ctx context.Context, room, thread, text string) (Answer, error)
	// Write types a text that does not mention the bot.
	Write(ctx context.Context, room, thread, text string) (Answer, error)
	// Press presses a button of a message as it is now. One that asks a question does
	// nothing, and fails with ErrAsks, unless b.Yes tells that the answer is yes.
	Press(ctx context.Context, message Message, b Button) (Answer, error)
	// PressSeen presses a button as it was when the message was looked at: a client that
	// has not yet heard of a change.
	PressSeen(ctx context.Context, message Message, b Button) (Answer, error)

	// Form returns the form that is open for the person; nil if none is.
	Form() *Form
	// Fill sends the open form: what it holds, with the values on top, by field label.
	// Answer.Errors tells why it is still open.
	Fill(ctx context.Context, values map[string][]string) (Answer, error)
	// CloseForm closes the open form without sending it.
	CloseForm(ctx context.Context) error

	// OpenHome opens the person's page, or what stands for it, and returns it. Its
	// buttons are pressed like those of a message.
	OpenHome(ctx context.Context) (Message, error)
	// Paste posts a link in a room and returns what is shown below it, "" if nothing.
	Paste(ctx context.Context, room, url string) (string, error)
}

// ErrNotThere says that what was to be pressed, sent or looked at is not there.
var ErrNotThere = errors.New("not there")

// ErrAsks says that a question was not answered with yes, or that there was none.
var ErrAsks = errors.New("the answer to its question is missing, or is to no question")

// Room is a room as a person's client lists it.
type Room struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Direct bool   `json:"direct,omitempty"` // with the bot
}

// Message is one message.
type Message struct {
	ID     string `json:"id"`
	Room   string `json:"room"`
	Thread string `json:"thread,omitempty"` // the message at the head of the thread that it is in
	Author string `json:"author"`           // account; of the bot its own
	Bot    bool   `json:"bot,omitempty"`
	// Text is all that can be read on it but the buttons, a line for each element. Times
	// are shown as the reader's client shows them, mentions as "@name".
	Text    string   `json:"text"`
	Buttons []Button `json:"buttons,omitempty"` // with those of overflow menus
	Only    bool     `json:"only,omitempty"`    // the person alone sees it
	Edits   int      `json:"edits,omitempty"`   // how often it was changed
	// Raw is the message as the bot sent it: blocks, card, or HTML as a JSON string.
	Raw json.RawMessage `json:"raw,omitempty"`
	At  time.Time       `json:"at"`
}

// Button is something that can be pressed.
type Button struct {
	Label string `json:"label"`
	// Row is the line of Text that it stands beside, for example the title of an item;
	// "" for the buttons of the message as a whole.
	Row      string `json:"row,omitempty"`
	Style    string `json:"style,omitempty"` // primary or danger
	Question string `json:"question,omitempty"`
	// Yes is set by who presses it, once they have read Question and said yes to it.
	Yes      bool   `json:"yes,omitempty"`
	URL      string `json:"url,omitempty"`
	Disabled bool   `json:"disabled,omitempty"`
	// Handle says to the platform which button it is; opaque.
	Handle string `json:"handle"`
}

// Answers tells whether pressing b goes through on the button as the platform has it: with
// ErrAsks if that asks and was not answered, or the other way round.
func (b Button) Answers(has Button) error {
	if b.Yes == (has.Question != "") {
		return nil
	}
	return fmt.Errorf("button %q: %w", b.Label, ErrAsks)
}

// Agreed returns the button with yes said to its question, if it has one.
func (b Button) Agreed() Button {
	b.Yes = b.Question != ""
	return b
}

// Form is a form that is open for a person.
type Form struct {
	Title  string  `json:"title"`
	Text   string  `json:"text,omitempty"` // what stands beside the fields
	Submit string  `json:"submit"`
	Fields []Field `json:"fields"`
	// Error is about the form as a whole.
	Error string          `json:"error,omitempty"`
	Raw   json.RawMessage `json:"raw,omitempty"`
}

// Field is one question of a form. People are named by accounts of the platform where
// it picks people by itself, else by an Option's Value; times are Unix seconds.
type Field struct {
	Label    string   `json:"label"`
	Hint     string   `json:"hint,omitempty"`
	Kind     Kind     `json:"kind"`
	Required bool     `json:"required,omitempty"`
	Value    []string `json:"value,omitempty"`
	Options  []Option `json:"options,omitempty"`
	Error    string   `json:"error,omitempty"`
	Max      int      `json:"max,omitempty"`
}

// Kind is the kind of a field.
type Kind string

// The kinds of fields.
const (
	Text    Kind = "text"
	Long    Kind = "long" // several lines
	Select  Kind = "select"
	Many    Kind = "many" // several options
	Someone Kind = "person"
	People  Kind = "people"
	Time    Kind = "time"
	Number  Kind = "number"
	Check   Kind = "check"
)

// Option is one choice.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// Answer is what the platform showed to the person at once.
type Answer struct {
	// Toast is a line that only the person sees, with its kind (success, info or error)
	// where the platform tells kinds apart.
	Toast string `json:"toast,omitempty"`
	Kind  string `json:"kind,omitempty"`
	// Errors keep the form open, by field label; "" is the form as a whole.
	Errors map[string]string `json:"errors,omitempty"`
	// Took is how long the bot took to answer the platform.
	Took time.Duration `json:"took"`
}
