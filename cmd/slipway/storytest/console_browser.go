package storytest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/html"

	"slipway/bot/screen"
)

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
	client := &http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{}}
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

func (b *browser) trouble(err error) {
	if b.console.ctx.Err() == nil && b.console.Trouble != nil {
		b.console.Trouble(err)
	}
}
