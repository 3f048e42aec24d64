package storytest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/html"

	"slipway/bot/screen"
)

// ConsoleConfig is what the driver of a console needs.
type ConsoleConfig struct {
	// URL is where Slipway listens.
	URL string
	// Link returns a one-time sign-in link for an account, which is a user's id.
	Link func(ctx context.Context, account string) (string, error)
	// Trouble is told of what goes wrong where the caller has no error to return.
	Trouble func(error)
}

// Console is the web console as a chat: it does over HTTP what a browser does.
type Console struct {
	ConsoleConfig
	ctx  context.Context // of the live connections
	stop context.CancelFunc

	mu      sync.Mutex
	people  map[string]*browser
	watched map[string]chan struct{} // rooms; closed as soon as changes are heard of
	changed chan struct{}
	twice   bool
}

var _ screen.Chat = (*Console)(nil)

// NewConsole returns a driver. Close ends it.
func NewConsole(c ConsoleConfig) *Console {
	ctx, stop := context.WithCancel(context.Background())
	return &Console{
		ConsoleConfig: c, ctx: ctx, stop: stop, people: map[string]*browser{}, watched: map[string]chan struct{}{},
		changed: make(chan struct{}),
	}
}

// Close ends the live connections.
func (c *Console) Close() { c.stop() }

// DeliverTwice lets every press and line arrive twice at once, as an impatient browser
// or a proxy may do it.
func (c *Console) DeliverTwice(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.twice = on
}

func (c *Console) deliveries() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.twice {
		return 2
	}
	return 1
}

// Person implements screen.Chat.
func (c *Console) Person(account string) screen.Person {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.people[account]
	if b == nil {
		b = &browser{console: c, account: account}
		c.people[account] = b
	}
	return b
}

// Changed implements screen.Chat. It hears of the rooms that somebody has looked at.
func (c *Console) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (c *Console) announce() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// watch has changes of a room announced, from before it returns.
func (c *Console) watch(b *browser, room string) {
	c.mu.Lock()
	hears := c.watched[room]
	first := hears == nil
	if first {
		hears = make(chan struct{})
		c.watched[room] = hears
	}
	c.mu.Unlock()
	if first {
		go c.listen(b, room, hears)
	}
	select {
	case <-hears:
	case <-c.ctx.Done():
	case <-time.After(patience):
	}
}

// listen follows the live connection of a room until the console is closed, and begins
// a new one when it breaks.
func (c *Console) listen(b *browser, room string, hears chan struct{}) {
	var once sync.Once
	for c.ctx.Err() == nil {
		err := c.hear(b, room, func() {
			once.Do(func() { close(hears) })
			c.announce() // what happened while the connection was down
		})
		if c.ctx.Err() != nil {
			return
		}
		if err != nil && c.Trouble != nil {
			c.Trouble(err)
			return
		}
	}
}

func (c *Console) hear(b *browser, room string, connected func()) error {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.URL+"/live?room="+url.QueryEscape(room), http.NoBody)
	if err != nil {
		return fmt.Errorf("listen to room: %w", err)
	}
	res, err := b.live().Do(req)
	if err != nil {
		return fmt.Errorf("listen to room: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("listen to room %s: %s", room, res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		switch {
		case lines.Text() == "event: hello":
			connected()
		case strings.HasPrefix(lines.Text(), "data: "):
			c.announce()
		}
	}
	return nil // cut off by the other end
}

// browser is one person's browser.
type browser struct {
	console *Console
	account string

	signing sync.Mutex
	client  *http.Client

	mu   sync.Mutex
	form *dialog
}

// live is the signed-in client without a time limit.
func (b *browser) live() *http.Client {
	if b.signIn(b.console.ctx) != nil {
		return http.DefaultClient
	}
	c := *b.client
	c.Timeout = 0
	return &c
}

// signIn begins a session through a one-time link, once.
func (b *browser) signIn(ctx context.Context) error {
	b.signing.Lock()
	defer b.signing.Unlock()
	if b.client != nil {
		return nil
	}
	link, err := b.console.Link(ctx, b.account)
	if err != nil {
		return fmt.Errorf("%w: nobody has the account %s: %w", screen.ErrNotThere, b.account, err)
	}
	u, err := url.Parse(link)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	client := &http.Client{Jar: jar, Timeout: patience}
	form := url.Values{"token": {u.Query().Get("token")}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.console.URL+"/signin", strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.console.URL)
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("sign in %s: %s", b.account, res.Status)
	}
	b.client = client
	return nil
}

// get fetches a page.
func (b *browser) get(ctx context.Context, path string) (*html.Node, error) {
	if err := b.signIn(ctx); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.console.URL+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", path, err)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", path, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: get %s: %s", screen.ErrNotThere, path, res.Status)
	}
	page, err := html.Parse(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read page %s: %w", path, err)
	}
	return page, nil
}

// post sends a form as the page's script does, and shows what comes back. Delivered
// twice it must be answered alike.
func (b *browser) post(ctx context.Context, path string, form url.Values) (screen.Answer, error) {
	if err := b.signIn(ctx); err != nil {
		return screen.Answer{}, err
	}
	type outcome struct {
		answer screen.Answer
		dialog *dialog
		err    error
	}
	outcomes := make([]outcome, b.console.deliveries())
	var all sync.WaitGroup
	for i := range outcomes {
		all.Go(func() {
			o := &outcomes[i]
			o.answer, o.dialog, o.err = b.deliver(ctx, path, form)
		})
	}
	all.Wait()
	first := outcomes[0]
	for _, o := range outcomes[1:] {
		if first.err == nil && o.err == nil && o.answer.Toast != first.answer.Toast {
			return first.answer, fmt.Errorf("one press was answered with %q and with %q", first.answer.Toast, o.answer.Toast)
		}
	}
	if first.err != nil {
		return first.answer, first.err
	}
	b.mu.Lock()
	b.form = first.dialog
	b.mu.Unlock()
	b.console.announce()
	return first.answer, nil
}

func (b *browser) deliver(ctx context.Context, path string, form url.Values) (screen.Answer, *dialog, error) {
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.console.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return screen.Answer{}, nil, fmt.Errorf("post %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.console.URL)
	req.Header.Set("Hx-Request", "true")
	res, err := b.client.Do(req)
	if err != nil {
		return screen.Answer{}, nil, fmt.Errorf("post %s: %w", path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return screen.Answer{}, nil, fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode >= http.StatusInternalServerError {
		return screen.Answer{}, nil, fmt.Errorf("post %s: %s: %s", path, res.Status, body)
	}
	part, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return screen.Answer{}, nil, fmt.Errorf("read answer: %w", err)
	}
	answer := screen.Answer{Took: time.Since(began)}
	if toast := first(part, hasClass("toast")); toast != nil {
		answer.Toast = textOf(first(toast, isTag("p")))
		answer.Kind = kindOf(toast)
	}
	var d *dialog
	if f := first(part, hasClass("dialogform")); f != nil {
		d = readDialog(f)
		answer.Errors = d.errors()
	}
	return answer, d, nil
}

// kindOf is the kind of a toast by its colour.
func kindOf(toast *html.Node) string {
	switch {
	case hasClass("tone-done")(toast):
		return "success"
	case hasClass("tone-failed")(toast):
		return "error"
	}
	return "info"
}

// Follow opens an address of the console as somebody and sends the form on the page.
func (c *Console) Follow(ctx context.Context, account, address string) error {
	b := c.Person(account).(*browser)
	page, err := b.get(ctx, strings.TrimPrefix(address, c.URL))
	if err != nil {
		return err
	}
	f := first(first(page, isTag("main")), isTag("form"))
	if f == nil {
		return fmt.Errorf("%w: the page %s asks nothing", screen.ErrNotThere, address)
	}
	_, _, err = b.deliver(ctx, attr(f, "action"), hiddenOf(f))
	return err
}

// Rooms implements screen.Person.
func (b *browser) Rooms() []screen.Room {
	page, err := b.get(b.console.ctx, "/")
	if err != nil {
		b.trouble(err)
		return nil
	}
	var rooms []screen.Room
	for _, a := range all(page, hasClass("room")) {
		rooms = append(rooms, screen.Room{
			ID: strings.TrimPrefix(attr(a, "href"), "/rooms/"), Name: textOf(a), Direct: attr(a, "data-mark") == "@",
		})
	}
	return rooms
}

func (b *browser) trouble(err error) {
	if b.console.ctx.Err() == nil && b.console.Trouble != nil {
		b.console.Trouble(err)
	}
}

// maxPages is how far back a look into a room goes.
const maxPages = 10

// Look implements screen.Person.
func (b *browser) Look(room string) []screen.Message {
	items, err := b.items(b.console.ctx, room)
	if err != nil {
		b.trouble(err)
		return nil
	}
	list := make([]screen.Message, len(items))
	for i, li := range items {
		list[i] = readMessage(room, li)
	}
	return list
}

// items returns the messages of a room as HTML, oldest first.
func (b *browser) items(ctx context.Context, room string) ([]*html.Node, error) {
	b.console.watch(b, room)
	var list []*html.Node
	path := "/rooms/" + url.PathEscape(room)
	for range maxPages {
		page, err := b.get(ctx, path)
		if err != nil {
			return nil, err
		}
		list = append(all(page, hasClass("msg")), list...)
		older := first(page, hasClass("older"))
		if older == nil {
			break
		}
		path = attr(first(older, isTag("a")), "href")
	}
	return list, nil
}

// Thread implements screen.Person.
func (b *browser) Thread(room, message string) []screen.Message {
	items, err := b.items(b.console.ctx, room)
	if err != nil {
		b.trouble(err)
		return nil
	}
	for _, li := range items {
		if attr(li, "id") == "m-"+message {
			return readThread(room, message, li)
		}
	}
	return nil
}

// Command implements screen.Person. The console has no threads to write in.
func (b *browser) Command(ctx context.Context, room, thread, text string) (screen.Answer, error) {
	if thread != "" {
		return screen.Answer{}, fmt.Errorf("%w: nobody writes in a thread of the console", screen.ErrNotThere)
	}
	page, err := b.get(ctx, "/rooms/"+url.PathEscape(room))
	if err != nil {
		return screen.Answer{}, err
	}
	composer := first(page, hasID("composer"))
	if composer == nil {
		return screen.Answer{}, fmt.Errorf("%w: the room %s has no composer", screen.ErrNotThere, room)
	}
	form := hiddenOf(composer)
	form.Set("text", text)
	return b.post(ctx, attr(composer, "action"), form)
}

// Write implements screen.Person. All that is written in the console is for the bot.
func (b *browser) Write(ctx context.Context, room, thread, text string) (screen.Answer, error) {
	return b.Command(ctx, room, thread, text)
}

// Press implements screen.Person.
func (b *browser) Press(ctx context.Context, message screen.Message, pressed screen.Button) (screen.Answer, error) {
	items, err := b.items(ctx, message.Room)
	if err != nil {
		return screen.Answer{}, err
	}
	for _, li := range items {
		if attr(li, "id") != "m-"+message.ID {
			continue
		}
		now := readMessage(message.Room, li)
		i := slices.IndexFunc(now.Buttons, func(x screen.Button) bool { return x.Label == pressed.Label && x.Row == pressed.Row })
		if i < 0 {
			break
		}
		return b.PressSeen(ctx, now, now.Buttons[i])
	}
	return screen.Answer{}, fmt.Errorf("%w: button %q of message %s", screen.ErrNotThere, pressed.Label, message.ID)
}

// PressSeen implements screen.Person.
func (b *browser) PressSeen(ctx context.Context, _ screen.Message, pressed screen.Button) (screen.Answer, error) {
	path, query, ok := strings.Cut(pressed.Handle, "?")
	form, err := url.ParseQuery(query)
	if !ok || err != nil || pressed.Disabled {
		return screen.Answer{}, fmt.Errorf("%w: button %q cannot be pressed", screen.ErrNotThere, pressed.Label)
	}
	return b.post(ctx, path, form)
}

// Form implements screen.Person.
func (b *browser) Form() *screen.Form {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.form == nil {
		return nil
	}
	return b.form.screen()
}

// Fill implements screen.Person.
func (b *browser) Fill(ctx context.Context, values map[string][]string) (screen.Answer, error) {
	b.mu.Lock()
	d := b.form
	b.mu.Unlock()
	if d == nil {
		return screen.Answer{}, fmt.Errorf("%w: no form is open", screen.ErrNotThere)
	}
	form, err := d.fill(values)
	if err != nil {
		return screen.Answer{}, err
	}
	return b.post(ctx, d.action, form)
}

// CloseForm implements screen.Person.
func (b *browser) CloseForm(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.form == nil {
		return fmt.Errorf("%w: no form is open", screen.ErrNotThere)
	}
	b.form = nil
	return nil
}

// OpenHome implements screen.Person: `list mine open` in the person's own room stands
// for the home.
func (b *browser) OpenHome(ctx context.Context) (screen.Message, error) {
	rooms := b.Rooms()
	if len(rooms) == 0 {
		return screen.Message{}, errors.New("no rooms")
	}
	own := rooms[len(rooms)-1].ID
	if _, err := b.Command(ctx, own, "", "list mine open"); err != nil {
		return screen.Message{}, err
	}
	list := b.Look(own)
	if len(list) == 0 || !list[len(list)-1].Bot {
		return screen.Message{}, errors.New("nothing stands for the home")
	}
	return list[len(list)-1], nil
}

// Paste implements screen.Person. The console shows nothing below links.
func (b *browser) Paste(ctx context.Context, room, link string) (string, error) {
	_, err := b.Command(ctx, room, "", link)
	return "", err
}
