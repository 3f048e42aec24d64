package tasks

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

const (
	noticeChannel = "slipway:notices"
	noticeBuffer  = 1024
)

// Everything is the topic that stands for all: notices may have been missed, so
// whoever shows something looks again.
const Everything = "*"

// Topics of what may be shown somewhere.
const (
	TopicPlan = "plan:" // + plan id
	TopicRoom = "room:" // + room id
	TopicRun  = "run:"  // + run id: its progress or its log
	topicStop = "stop:" // + run id: it is to be cancelled
)

// Notices tells every part of every process that something has changed: not what it
// is now, just that it is worth reading again. A notice may come twice or, while
// Redis is away, not reach other processes; those are told Everything afterwards.
type Notices struct {
	redis  redis.UniversalClient
	origin string // tells our own messages from those of other processes
	log    *slog.Logger
	out    chan []string

	mu   sync.Mutex
	subs map[*subscriber]struct{}
}

// NewNotices returns notices over Redis. The origin must differ between processes.
// Run must be called for notices to reach others; within the process they go without
// it.
func NewNotices(client redis.UniversalClient, origin string, log *slog.Logger) *Notices {
	return &Notices{
		redis: client, origin: origin, log: log,
		out: make(chan []string, noticeBuffer), subs: map[*subscriber]struct{}{},
	}
}

// Publish tells that the topics have changed. It never waits.
func (n *Notices) Publish(ctx context.Context, topics ...string) {
	if len(topics) == 0 {
		return
	}
	n.spread(topics...)
	select {
	case n.out <- topics:
	default:
		n.log.DebugContext(ctx, "notice dropped", "topics", topics)
	}
}

// Subscribe returns a channel of topics that have changed. However slowly it is read,
// no topic is lost: one that comes again before it was read comes once. The channel is
// closed when the context ends.
func (n *Notices) Subscribe(ctx context.Context) <-chan string {
	s := &subscriber{waiting: map[string]struct{}{}, wake: make(chan struct{}, 1)}
	n.mu.Lock()
	n.subs[s] = struct{}{}
	n.mu.Unlock()
	topics := make(chan string)
	go func() {
		defer close(topics)
		defer func() {
			n.mu.Lock()
			delete(n.subs, s)
			n.mu.Unlock()
		}()
		s.run(ctx, topics)
	}()
	return topics
}

// Run carries notices between the processes until the context ends.
func (n *Notices) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { n.send(ctx) })
	wg.Go(func() { n.receive(ctx) })
	wg.Wait()
}

func (n *Notices) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case topics := <-n.out:
			message := n.origin + " " + strings.Join(topics, " ")
			if err := n.redis.Publish(ctx, noticeChannel, message).Err(); err != nil && ctx.Err() == nil {
				n.log.DebugContext(ctx, "notice not sent", "topics", topics, "err", err)
			}
		}
	}
}

// receive passes on what other processes say. The client connects again by itself;
// whenever it has connected, something may have been missed before.
func (n *Notices) receive(ctx context.Context) {
	sub := n.redis.Subscribe(ctx, noticeChannel)
	defer func() { _ = sub.Close() }()
	messages := sub.ChannelWithSubscriptions()
	for {
		select {
		case <-ctx.Done():
			return
		case m, open := <-messages:
			if !open {
				return
			}
			switch m := m.(type) {
			case *redis.Subscription:
				n.spread(Everything)
			case *redis.Message:
				origin, topics, _ := strings.Cut(m.Payload, " ")
				if origin != n.origin {
					n.spread(strings.Fields(topics)...)
				}
			}
		}
	}
}

func (n *Notices) spread(topics ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for s := range n.subs {
		s.add(topics)
	}
}

// subscriber holds the topics that one reader has not taken yet, each once.
type subscriber struct {
	mu      sync.Mutex
	waiting map[string]struct{}
	order   []string
	wake    chan struct{} // holds one
}

func (s *subscriber) add(topics []string) {
	s.mu.Lock()
	for _, t := range topics {
		if _, found := s.waiting[t]; !found {
			s.waiting[t] = struct{}{}
			s.order = append(s.order, t)
		}
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) take() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 {
		return "", false
	}
	t := s.order[0]
	s.order = s.order[1:]
	delete(s.waiting, t)
	return t, true
}

func (s *subscriber) run(ctx context.Context, topics chan<- string) {
	for {
		t, found := s.take()
		if !found {
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case topics <- t:
		}
	}
}
