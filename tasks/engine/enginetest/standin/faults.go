package standin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Faults are what can be wrong with a server and the way to it. They may be changed
// at any time.
type Faults struct {
	mu      sync.Mutex
	down    bool
	lose    bool
	drop    bool
	slow    time.Duration
	status  int
	limited time.Duration
	held    *held
	changes int
	asked   int
}

// held is a request that waits to be acted on.
type held struct {
	arrived, letGo, acted chan struct{}
}

func (f *Faults) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// Down cuts every connection before a request is looked at, until Up.
func (f *Faults) Down(down bool) { f.set(func() { f.down = down }) }

// LoseNextAnswer lets the next request that changes something be acted on and cuts
// the connection instead of answering.
func (f *Faults) LoseNextAnswer() { f.set(func() { f.lose = true }) }

// DropNextRequest cuts the connection of the next request that changes something
// before it is acted on.
func (f *Faults) DropNextRequest() { f.set(func() { f.drop = true }) }

// HoldNextRequest lets the next request that changes something wait. arrived is closed
// when it is there. letGo has it acted on, and returns when it was: that happens even if
// the caller has gone away by then.
func (f *Faults) HoldNextRequest() (arrived <-chan struct{}, letGo func()) {
	h := &held{arrived: make(chan struct{}), letGo: make(chan struct{}), acted: make(chan struct{})}
	f.set(func() { f.held = h })
	return h.arrived, func() {
		close(h.letGo)
		<-h.acted
	}
}

// Changes counts the requests so far that change something, whatever became of them.
func (f *Faults) Changes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changes
}

// Requests counts all requests so far, whatever became of them.
func (f *Faults) Requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// Slow holds every answer back for so long; zero ends that.
func (f *Faults) Slow(d time.Duration) { f.set(func() { f.slow = d }) }

// Status answers every request with a status and does nothing else; zero ends that.
func (f *Faults) Status(code int) { f.set(func() { f.status = code }) }

// RateLimit answers the next request with 429 and Retry-After.
func (f *Faults) RateLimit(retryAfter time.Duration) { f.set(func() { f.limited = retryAfter }) }

type plan struct {
	cutBefore, cutAfter bool
	slow                time.Duration
	status              int
	limited             time.Duration
	held                *held
}

// next decides what happens to a request.
func (f *Faults) next(method string) plan {
	f.mu.Lock()
	defer f.mu.Unlock()
	changes := method != http.MethodGet && method != http.MethodHead
	f.asked++
	if changes {
		f.changes++
	}
	p := plan{cutBefore: f.down, slow: f.slow, status: f.status}
	if p.cutBefore {
		return p
	}
	p.limited, f.limited = f.limited, 0
	if changes {
		p.held, f.held = f.held, nil
		p.cutBefore, f.drop = f.drop, false
		p.cutAfter, f.lose = f.lose, false
	}
	return p
}

// Wrap puts the faults in front of a handler.
func (f *Faults) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := f.next(r.Method)
		if p.slow > 0 {
			select {
			case <-time.After(p.slow):
			case <-r.Context().Done():
				return
			}
		}
		switch {
		case p.cutBefore:
			cut(w)
		case p.status != 0:
			w.WriteHeader(p.status)
		case p.limited > 0:
			w.Header().Set("Retry-After", strconv.Itoa(int((p.limited+time.Second-1)/time.Second)))
			w.WriteHeader(http.StatusTooManyRequests)
		case p.held != nil:
			p.held.serve(next, w, r)
		case p.cutAfter:
			next.ServeHTTP(httptest.NewRecorder(), r)
			cut(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// serve acts on the request once it is let go.
func (h *held) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	close(h.arrived)
	<-h.letGo
	defer close(h.acted)
	next.ServeHTTP(w, r)
}

// cut ends the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	conn.Close()
}

// Notes are what the real server would have refused.
type Notes struct {
	mu   sync.Mutex
	list []string
}

// Addf notes a violation.
func (n *Notes) Addf(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, fmt.Sprintf(format, args...))
}

// List returns the violations so far.
func (n *Notes) List() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.list)
}

// Mode says what becomes of the notices that a stand-in sends.
type Mode string

// The modes of notices.
const (
	Off     Mode = "off"     // none is sent
	On      Mode = "on"      // each is sent when something happened
	Early   Mode = "early"   // the first is sent before a start is answered
	Late    Mode = "late"    // each is sent a second later
	Lost    Mode = "lost"    // each is made and not sent
	Doubled Mode = "doubled" // each is sent twice
)

// Notices sends notices by HTTP.
type Notices struct {
	mu      sync.Mutex
	mode    Mode
	url     string
	closed  chan struct{} // nil: not used yet
	sending sync.WaitGroup
	client  http.Client
}

// Notify sets the mode.
func (n *Notices) Notify(m Mode) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mode = m
}

// To sets the address.
func (n *Notices) To(url string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.url = url
}

// Early tells whether notices come before the start they are about is answered.
func (n *Notices) Early() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mode == Early
}

// Send sends a notice as the mode says, and does not wait for it unless it is early.
func (n *Notices) Send(header http.Header, body []byte) {
	n.mu.Lock()
	mode, url := n.mode, n.url
	n.mu.Unlock()
	if url == "" {
		return
	}
	switch mode {
	case "", Off, Lost:
	case Early:
		n.post(url, header, body)
	case On:
		n.sending.Go(func() { n.post(url, header, body) })
	case Late:
		n.sending.Go(func() {
			due := time.NewTimer(time.Second)
			defer due.Stop()
			select {
			case <-due.C:
				n.post(url, header, body)
			case <-n.end():
			}
		})
	case Doubled:
		n.sending.Go(func() {
			n.post(url, header, body)
			n.post(url, header, body)
		})
	}
}

// Wait waits for the notices that are on their way, those that are late too.
func (n *Notices) Wait() { n.sending.Wait() }

// Close drops the notices that are late, and waits for the others.
func (n *Notices) Close() {
	close(n.end())
	n.Wait()
}

// end returns what is closed by Close.
func (n *Notices) end() chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed == nil {
		n.closed = make(chan struct{})
	}
	return n.closed
}

func (n *Notices) post(url string, header http.Header, body []byte) {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body)) //nolint:noctx // a vendor's server has none
	if err != nil {
		return
	}
	req.Header = header.Clone()
	answer, err := n.client.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
}
