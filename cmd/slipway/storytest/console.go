package storytest

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

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
