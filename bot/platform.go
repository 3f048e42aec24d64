package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"slipway"
)

// PlatformID names a platform. It is part of request ids and of stored rooms.
type PlatformID string

// The platforms.
const (
	Web    PlatformID = "web"
	Slack  PlatformID = "slack"
	Feishu PlatformID = "feishu" // Lark too: the same code with another address
)

// UserRef is a person's account on a platform; ID is opaque to the bot. On Web it is
// the Slipway user's id.
type UserRef struct {
	Platform PlatformID `json:"platform"`
	ID       string     `json:"id"`
}

// RoomRef is a place for messages: a channel, a group or a direct conversation. ID is
// opaque to the bot.
type RoomRef struct {
	Platform PlatformID `json:"platform"`
	ID       string     `json:"id"`
}

// MsgRef is one message. Thread is the message that it answers, "" if it stands in
// the room itself.
type MsgRef struct {
	Room   RoomRef `json:"room"`
	ID     string  `json:"id"`
	Thread string  `json:"thread,omitempty"`
}

// Target says where a message goes. Exactly one of Room, User and ReplyTo is set.
type Target struct {
	Room    RoomRef
	User    UserRef // as a direct message
	ReplyTo MsgRef  // into the thread of this message
}

// Person is what a platform knows about an account. What it does not know is "".
type Person struct {
	Name     string
	Email    string // only if the platform vouches for it
	Locale   string // for example "zh-CN"
	TimeZone string // IANA name
}

// Platform carries messages between people and the bot.
type Platform interface {
	// ID names the platform; it never changes.
	ID() PlatformID
	// Run receives until ctx ends and gives every verified event to h. It returns nil
	// when ctx ended.
	Run(ctx context.Context, h Handler) error
	// Post sends a card. The same key sends at most one message: a repeated Post
	// returns the message of the first. Whose direct message it is shows in the
	// returned room.
	Post(ctx context.Context, to Target, c Card, key string) (MsgRef, error)
	// Update replaces a card that was posted. It fails with ErrGone or ErrTooOld when
	// the message can no longer be changed, and with *RateLimited when asked too often.
	Update(ctx context.Context, m MsgRef, c Card) error
	// Resolve tells who an account belongs to.
	Resolve(ctx context.Context, u UserRef) (Person, error)
}

// ErrGone says that a message, room or account does not exist any more.
var ErrGone = errors.New("gone")

// ErrTooOld says that a message is too old to be changed.
var ErrTooOld = errors.New("too old to change")

// ErrBusy says that the message is being sent at this very moment, for an event that was
// delivered twice or by the plan's card task. There is nothing to do.
var ErrBusy = errors.New("somebody else is at it")

// RateLimited says that the platform wants to be left alone for a while.
type RateLimited struct{ After time.Duration }

// Error implements error.
func (e *RateLimited) Error() string { return fmt.Sprintf("rate limited for %s", e.After) }

// Whisperer is a platform that can show a card to one person inside a shared room.
// Without it the card goes to the person as a direct message.
type Whisperer interface {
	Whisper(ctx context.Context, in RoomRef, to UserRef, c Card) error
}

// Former is a platform that can open a form later than in the Reply to the event, as
// long as the trigger lives. Without it a form only goes out in Reply.Form, which every
// platform shows: as a dialog, or as a form card to the person alone.
type Former interface {
	OpenForm(ctx context.Context, t Trigger, f Form) error
}

// Homer is a platform with a page of its own for each person. Without it `list mine`
// shows the same.
type Homer interface {
	SetHome(ctx context.Context, u UserRef, c Card) error
}

// Linker is a platform whose messages have addresses. Without it cards carry no link
// to one another.
type Linker interface {
	Permalink(ctx context.Context, m MsgRef) (string, error)
}

// Unfurler is a platform that shows a card below a link to a plan. Without it links
// stay links.
type Unfurler interface {
	Unfurl(ctx context.Context, m MsgRef, url string, c Card) error
}

// Buzzer is a platform that can remind people with more than a message. Without it a
// direct message is all they get.
type Buzzer interface {
	Buzz(ctx context.Context, m MsgRef, to []UserRef) error
}

// Prober is a platform that can check its own set-up. Without it `slipway doctor` only
// says that the platform is configured.
type Prober interface {
	Probe(ctx context.Context) []Finding
}

// Finder is a platform that finds an account by the e-mail address that it vouches for.
// Without it people are told of plans only after they spoke to the bot once.
type Finder interface {
	// Find fails with ErrGone if nobody has the address.
	Find(ctx context.Context, email string) (UserRef, error)
}

// Settler is a platform that takes an update of a card back if it comes while a click on
// that card is being answered. Its cards are left alone for that long after a change.
type Settler interface {
	Settle() time.Duration
}

// Watched is a platform with a connection of its own that can be lost.
type Watched interface {
	// Trouble says what is wrong with the connection, "" if nothing is.
	Trouble() string
}

// Finding is one result of a check of a platform's set-up.
type Finding struct {
	OK   bool
	What slipway.Text
	Mend slipway.Text // how to put it right
}

// Handler takes events. It is safe for concurrent use and answers well within the
// three seconds that platforms allow; an event that arrives twice has one effect.
type Handler interface {
	Handle(ctx context.Context, ev Event) Reply
}

// Kind is the kind of an event.
type Kind string

// The kinds of events.
const (
	Command    Kind = "command"     // a slash command, or text typed into the console
	Mention    Kind = "mention"     // the bot was mentioned in a shared room
	Direct     Kind = "direct"      // a direct message to the bot
	Chatter    Kind = "chatter"     // a message in a plan's thread that is not for the bot
	Click      Kind = "click"       // a button on a card
	Submission Kind = "submission"  // a form was sent
	HomeOpened Kind = "home_opened" // a Homer's page was opened
	LinkShared Kind = "link_shared" // a link to a plan was posted
	Shortcut   Kind = "shortcut"    // "New plan from this message"; Text is the message's
)

// Trigger is what a platform needs to open a form in answer to an event. It is opaque
// and may expire within seconds.
type Trigger string

// Event is something that a person did on a platform. The platform has verified it.
type Event struct {
	Kind Kind
	// ID is the same when the same event is delivered again.
	ID   string
	From UserRef
	// User is who acts, where the platform knows (the console, where people sign in
	// to Slipway itself). If nil the bot finds the user by From.
	User *slipway.User
	Room RoomRef
	// Direct tells that Room is the person's direct conversation with the bot.
	Direct bool
	// Msg is the message that was written, the card whose button was pressed, or the
	// card that the submitted form was opened from. Zero if there is none, as with a
	// slash command. Msg.Thread is set when it happened in a thread.
	Msg MsgRef
	// Plan is the id of the plan that the event is about, where the platform knows. Else
	// the bot looks for the card at the head of the thread that Msg is in.
	Plan    string
	Text    string // what was typed, without the mention of the bot
	Action  ActionID
	Value   string // of the pressed Action, or Form.Value of the submitted form
	Form    FormID // of the submitted form
	Fields  Values // of the submitted form
	Trigger Trigger
	// Locale and TimeZone are the person's, "" if the platform does not tell.
	Locale   string
	TimeZone string
	At       time.Time
}

// Reply is what a platform shows at once in answer to an event; the zero Reply shows
// nothing. Everything else arrives later through Post and Update.
type Reply struct {
	// Toast is a line for the person alone: a toast, or an ephemeral message.
	Toast *Toast
	// Whisper is a card for the person alone, where the event came from. Its buttons
	// work; a click on one may replace it through Reply.Card.
	Whisper *Card
	// Message is a card for everybody, posted where the event came from.
	Message *Card
	// Card replaces the card whose button was pressed or whose form was submitted. For the
	// live card of a plan only the console gets it at once: elsewhere an answer could
	// overtake a newer update, so that Repaint alone changes live cards.
	Card *Card
	// Form is to be opened for the person.
	Form *Form
	// FieldErrors keep the submitted form open: what is wrong, by the name of the
	// field. The key "" is about the form as a whole.
	FieldErrors map[string]string
}

// ToastKind is how a toast is meant.
type ToastKind string

// The kinds of toasts.
const (
	ToastDone    ToastKind = "success"
	ToastInfo    ToastKind = "info"
	ToastRefused ToastKind = "error"
)

// Toast is one line of plain text for one person.
type Toast struct {
	Kind ToastKind
	Text string
}
