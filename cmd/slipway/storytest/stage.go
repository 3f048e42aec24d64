// Package storytest is the conformance suite of the chats: one set of stories that is
// played on every platform, the way people see it (package screen). A platform is done
// when it passes. The stand-ins of Slack and Feishu are such chats by themselves;
// Console drives the web console.
//
// A story has a room, people and plans of its own, so that many are played at once in
// one Slipway. It acts as people, changes things from another surface through the REST
// API, which also tells it the truth, and waits for what must be seen; it never sleeps.
package storytest

import (
	"context"
	"testing"

	"slipway"
	"slipway/bot"
	"slipway/bot/screen"
	"slipway/cmd/slipway/processtest"
)

// Stage is a Slipway that runs, with one chat.
type Stage struct {
	Platform bot.PlatformID
	// Open returns the chat for one story.
	Open func(t *testing.T) screen.Chat
	// API asks the REST API of the Slipway at URL, as an admin.
	API *processtest.Client
	URL string
	// AddPerson makes somebody known to the chat and to Slipway, and returns the account.
	AddPerson func(t *testing.T, p NewPerson) string
	// SignIn returns a one-time link that signs the user with an e-mail address in to the
	// console.
	SignIn func(ctx context.Context, email string) (string, error)
	// AddRoom makes a shared room with people in it, where the bot is too.
	AddRoom func(t *testing.T, name string, lang slipway.Lang, accounts []string) string
	// Delete takes a message away as an admin of the chat may do; nil where nobody can.
	Delete func(t *testing.T, room, message string)
	// DeliverTwice has everything delivered twice from now on.
	DeliverTwice func(chat screen.Chat)
	// Office is the outside system that is asked before plans are executed; nil if
	// nobody is asked.
	Office *Office
	// Vendor is the workflow engine that the stage is connected with; nil: only the local
	// one is there.
	Vendor *Vendor
}

// NewPerson is somebody to be added to a stage.
type NewPerson struct {
	Name, Email, TimeZone string
	Locale                slipway.Lang
	Role                  slipway.Role
	// Stranger has an account on the chat that shows no e-mail address.
	Stranger bool
}

// Can is what a platform offers. A story plays what there is, and where something is
// missing asserts what the platform's interface documents as the fallback.
type Can struct {
	// Thread: people can write below a card. Else plans are named.
	Thread bool
	// Whisper: private answers stand in the shared room. Else in the direct one.
	Whisper bool
	// Home: there is a page for each person. Else `list mine open` shows the same.
	Home bool
	// Unfurl: a card appears below a link. Else links stay links.
	Unfurl bool
	// OwnClock: shared cards show times by the reader's clock. Else with their zone.
	OwnClock bool
	// OwnWords: shared cards are in the reader's language. Else in the room's.
	OwnWords bool
	// OwnButtons: shared cards have the buttons that the reader may press. Else those of
	// everybody, and whoever may not is told so.
	OwnButtons bool
	// Accounts: people have accounts of the platform. Else they sign in to Slipway.
	Accounts bool
	// Vanish: messages can be deleted.
	Vanish bool
}

// canOf is what each platform offers: the one place that says so.
var canOf = map[bot.PlatformID]Can{
	bot.Slack:  {Thread: true, Whisper: true, Home: true, Unfurl: true, OwnClock: true, Accounts: true, Vanish: true},
	bot.Feishu: {Thread: true, Unfurl: true, Accounts: true, Vanish: true},
	bot.Web:    {Whisper: true, OwnClock: true, OwnWords: true, OwnButtons: true},
}

// Story is one thing that people want to do.
type Story struct {
	Name string
	// Gated stories need a stage with an Office.
	Gated bool
	Play  func(t *testing.T, w *World)
}

// Stories returns the suite.
func Stories() []Story {
	var all []Story
	for _, group := range [][]Story{planning(), approval(), work(), lookup(), manners(), cards(), gates()} {
		all = append(all, group...)
	}
	return all
}
