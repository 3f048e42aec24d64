package web

import (
	"sync"

	"slipway"
)

// maxListeners is how many live connections one person may hold.
const maxListeners = 24

// everything is the topic that stands for all: notices may have been lost.
const everything = "*"

// hub hands the topics of one subscription out to the live pages of this process.
type hub struct {
	mu        sync.Mutex
	listeners map[*listener]struct{}
	perUser   map[string]int
}

// listener is one live page. What it has not yet taken is only remembered as a set of
// topics: ten changes are one reload.
type listener struct {
	user  string
	wants func(topic string) bool
	wake  chan struct{}

	mu     sync.Mutex
	topics map[string]struct{}
}

func newHub() *hub {
	return &hub{listeners: map[*listener]struct{}{}, perUser: map[string]int{}}
}

func (h *hub) join(user string, wants func(string) bool) (*listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.perUser[user] >= maxListeners {
		return nil, slipway.Refuse(slipway.TooMany, "Too many pages are open. Close some of them.", "打开的页面过多，请关闭一些。")
	}
	l := &listener{user: user, wants: wants, wake: make(chan struct{}, 1), topics: map[string]struct{}{}}
	h.perUser[user]++
	h.listeners[l] = struct{}{}
	return l, nil
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
	if h.perUser[l.user]--; h.perUser[l.user] == 0 {
		delete(h.perUser, l.user)
	}
}

// tell never waits: a slow page must not hold the others back.
func (h *hub) tell(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		if topic == everything || l.wants(topic) {
			l.note(topic)
		}
	}
}

func (l *listener) note(topic string) {
	l.mu.Lock()
	l.topics[topic] = struct{}{}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}

// take returns the topics announced since the last call.
func (l *listener) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	topics := make([]string, 0, len(l.topics))
	for t := range l.topics {
		topics = append(topics, t)
	}
	clear(l.topics)
	return topics
}
