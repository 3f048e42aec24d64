// Package fakechat is a page on which one person plays all the people of a chat: of any
// chat that implements screen.Chat, several at once. It draws messages as the platforms'
// own clients do, from what the bot really sent; `slipway dev fakechat` puts it before
// the stand-ins of Slack and Feishu, so that Slipway can be tried and shown without an
// account anywhere.
//
// It is for one machine: whoever reaches the page is everybody.
package fakechat

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"slices"
	"time"

	"slipway/bot/screen"
)

// Config is what the page shows.
type Config struct {
	Chats  []Chat
	People []Person
	// Lang is the page's language at first: "en" or "zh". People can change it.
	Lang string
	// Console is where the bot's console is, "" if there is none.
	Console string
	Log     *slog.Logger
}

// Chat is one of the chats.
type Chat struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Look is how its messages are drawn: slack or feishu.
	Look   string      `json:"look"`
	Screen screen.Chat `json:"-"`
}

// Person is somebody who can be played.
type Person struct {
	Name string `json:"name"`
	// Zone is their time zone, an IANA name; "" is the browser's.
	Zone string `json:"zone,omitempty"`
	// Note says in a word or two who that is.
	Note string `json:"note,omitempty"`
	// Accounts are theirs, by the chat's id.
	Accounts map[string]string `json:"accounts"`
}

//go:embed static
var static embed.FS

// contentPolicy lets the page load its own files and nothing else.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// deedTime is how long a deed may take: the bot has three seconds to answer.
const deedTime = 15 * time.Second

// maxDeed is the greatest size of a deed in bytes.
const maxDeed = 1 << 20

// New returns the page and what it calls.
func New(c Config) http.Handler {
	p := &page{Config: c}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { p.file(w, "page.html") })
	mux.HandleFunc("GET /static/{file}", func(w http.ResponseWriter, r *http.Request) { p.file(w, r.PathValue("file")) })
	mux.HandleFunc("GET /api/world", func(w http.ResponseWriter, _ *http.Request) { p.world(w) })
	mux.HandleFunc("GET /api/look", p.look)
	mux.HandleFunc("POST /api/do", p.do)
	mux.HandleFunc("GET /api/live", p.live)
	// Other pages in the same browser must not act here.
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	}))
}

type page struct{ Config }

func (p *page) file(w http.ResponseWriter, name string) {
	data, err := static.ReadFile("static/" + name)
	if err != nil {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	p.write(w, data)
}

func (p *page) world(w http.ResponseWriter) {
	p.answer(w, http.StatusOK, map[string]any{"chats": p.Chats, "people": p.People, "lang": p.Lang, "console": p.Console})
}

// answer writes JSON.
func (p *page) answer(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		p.Log.Error("write answer", "error", err)
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	p.write(w, data)
}

func (p *page) write(w io.Writer, data []byte) {
	if _, err := w.Write(data); err != nil {
		p.Log.Debug("reader has gone", "error", err)
	}
}

// client finds somebody's client of a chat.
func (p *page) client(who, chat string) (screen.Person, error) {
	person := slices.IndexFunc(p.People, func(q Person) bool { return q.Name == who })
	c := slices.IndexFunc(p.Chats, func(c Chat) bool { return c.ID == chat })
	if person < 0 || c < 0 || p.People[person].Accounts[chat] == "" {
		return nil, fmt.Errorf("%q in %q: %w", who, chat, screen.ErrNotThere)
	}
	return p.Chats[c].Screen.Person(p.People[person].Accounts[chat]), nil
}

// place is a room in the list of rooms.
type place struct {
	screen.Room

	Chat  string `json:"chat"`
	Count int    `json:"count"` // of messages
}

// shownMessage is a message with the size of its thread.
type shownMessage struct {
	screen.Message

	Replies int `json:"replies,omitempty"`
}

// sight is all that a person sees at once.
type sight struct {
	Places   []place          `json:"places"`
	Messages []shownMessage   `json:"messages"`
	Thread   []screen.Message `json:"thread"`
	Form     *screen.Form     `json:"form"`
}

// look answers what somebody sees with a room open, and maybe a thread beside it.
func (p *page) look(w http.ResponseWriter, r *http.Request) {
	who, chat, room, thread := r.FormValue("who"), r.FormValue("chat"), r.FormValue("room"), r.FormValue("thread")
	s := sight{Places: []place{}, Messages: []shownMessage{}, Thread: []screen.Message{}}
	for _, c := range p.Chats {
		them, err := p.client(who, c.ID)
		if err != nil {
			continue // they have no account there
		}
		for _, at := range them.Rooms() {
			s.Places = append(s.Places, place{Room: at, Chat: c.ID, Count: len(them.Look(at.ID))})
		}
	}
	them, err := p.client(who, chat)
	if err != nil {
		p.answer(w, http.StatusNotFound, map[string]string{"error": err.Error()})
		return
	}
	s.Form = them.Form()
	if room != "" {
		for _, m := range them.Look(room) {
			s.Messages = append(s.Messages, shownMessage{Message: m, Replies: len(them.Thread(room, m.ID))})
		}
		if thread != "" {
			s.Thread = append(s.Thread, them.Thread(room, thread)...)
		}
	}
	p.answer(w, http.StatusOK, s)
}

// deed is something that a person does.
type deed struct {
	Who     string              `json:"who"`
	Chat    string              `json:"chat"`
	What    string              `json:"what"`
	Room    string              `json:"room"`
	Thread  string              `json:"thread"`
	Text    string              `json:"text"`
	Message screen.Message      `json:"message"`
	Button  screen.Button       `json:"button"`
	Values  map[string][]string `json:"values"`
}

// outcome is what came of it.
type outcome struct {
	screen.Answer

	Home    *screen.Message `json:"home,omitempty"`
	Preview string          `json:"preview,omitempty"` // what is shown below a link
	// Error says why it did not work: the bot's fault, unless Gone is set.
	Error string `json:"error,omitempty"`
	Gone  bool   `json:"gone,omitempty"`
}

// do has somebody do something.
func (p *page) do(w http.ResponseWriter, r *http.Request) {
	var d deed
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxDeed)).Decode(&d); err != nil {
		p.answer(w, http.StatusBadRequest, outcome{Error: "this is no deed: " + err.Error()})
		return
	}
	them, err := p.client(d.Who, d.Chat)
	if err != nil {
		p.answer(w, http.StatusNotFound, outcome{Error: err.Error()})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), deedTime)
	defer cancel()
	out, err := d.by(ctx, them)
	if err != nil {
		out.Error, out.Gone = err.Error(), errors.Is(err, screen.ErrNotThere)
		p.Log.WarnContext(ctx, "this did not work", "who", d.Who, "chat", d.Chat, "what", d.What, "error", err)
	}
	p.answer(w, http.StatusOK, out)
}

// mentioner is a client that can tell a mention of the bot from a command. Elsewhere
// they are the same.
type mentioner interface {
	Mention(ctx context.Context, room, thread, text string) (screen.Answer, error)
}

func (d *deed) by(ctx context.Context, them screen.Person) (out outcome, err error) {
	switch d.What {
	case "command":
		out.Answer, err = them.Command(ctx, d.Room, d.Thread, d.Text)
	case "mention":
		if m, ok := them.(mentioner); ok {
			out.Answer, err = m.Mention(ctx, d.Room, d.Thread, d.Text)
		} else {
			out.Answer, err = them.Command(ctx, d.Room, d.Thread, d.Text)
		}
	case "write":
		out.Answer, err = them.Write(ctx, d.Room, d.Thread, d.Text)
	case "press":
		out.Answer, err = them.PressSeen(ctx, d.Message, d.Button)
	case "fill":
		out.Answer, err = them.Fill(ctx, d.Values)
	case "close":
		err = them.CloseForm(ctx)
	case "home":
		var m screen.Message
		m, err = them.OpenHome(ctx)
		out.Home = &m
	case "paste":
		out.Preview, err = them.Paste(ctx, d.Room, d.Text)
	default:
		err = fmt.Errorf("nobody can %q", d.What)
	}
	return out, err
}
