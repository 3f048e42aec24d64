package tasks

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"slipway"
	"slipway/bot"
	"slipway/commands"
	"slipway/storage"
	"slipway/webhook"
)

// Role says what a process does beside serving people.
type Role string

// The roles.
const (
	RoleAll    Role = "all"
	RoleAPI    Role = "api"    // offers tasks and leaves them to others
	RoleWorker Role = "worker" // does tasks; the same as all, as far as this package goes
)

// Sender sends a hook once. webhook.Sender does it.
type Sender interface {
	Send(ctx context.Context, d webhook.Delivery) webhook.Attempt
}

// Cards is the part of the bot that tasks call. Both methods may be called again
// after they succeeded.
type Cards interface {
	// Repaint brings every card of the plan up to date.
	Repaint(ctx context.Context, planID string) error
	// Tell sends a message to people. The key is the same when it is sent again.
	Tell(ctx context.Context, planID string, n slipway.Notice, key string) error
}

// Concurrency is how many tasks of a kind one process does at once. Zero means the
// default.
type Concurrency struct {
	Hooks  int // 512; at most perEndpoint of them to one endpoint
	Runs   int // 1024; a run counts until it ends
	Timers int // 8
	Cards  int // 8; the changes of one plan that come meanwhile become one repaint
}

// DefaultPatience is how long a hook is tried.
const DefaultPatience = 3 * 24 * time.Hour

// Config is what New needs. Optional fields may be zero.
type Config struct {
	Store    *storage.Store
	Commands *commands.Commands
	Redis    *Redis
	Engines  *Engines
	Sender   Sender
	Rules    func() *slipway.Rules
	Cards    Cards // optional: without it there is nobody to tell
	// Approvals are the other systems in which people approve.
	Approvals []bot.Approvals
	// Jira tells the issues behind plans; optional. With JiraComments a plan's success is
	// written on them as a comment, too, in the language.
	Jira         Jira
	JiraComments bool
	JiraLang     slipway.Lang
	Notices      *Notices
	Role         Role
	// PublicURL is where others reach Slipway; endpoints made for Zadig are told.
	PublicURL   string
	Concurrency Concurrency
	Patience    time.Duration // optional: how long a hook is tried; DefaultPatience
	// Attempted is told of every try to send a hook, for metrics; optional.
	Attempted func(endpoint string, a webhook.Attempt)
	Now       func() time.Time
	Rand      io.Reader
	Log       *slog.Logger
}

// The lease of a row, and how often its holder renews it.
const (
	leaseTime  = 20 * time.Second
	renewEvery = 5 * time.Second
)

// Tasks is the relay and the workers of one process.
type Tasks struct {
	Config

	owner   string // names this process in leases
	client  *asynq.Client
	servers []*asynq.Server
	commits chan storage.Committed
	breaker *breaker
	stops   *stops
	keeper  keeper

	places chan struct{} // has one for each hook that is being done
	claims *gather[string, *storage.Taken]
	begins *gather[beginning, storage.Attempt]
	ends   *gather[storage.Sent, bool]

	renewEvery time.Duration // tests renew more often

	// work is the context of everything that handlers do; cancelling it abandons
	// them. staying ends when the process is about to end.
	work    context.Context
	abandon context.CancelFunc
	staying context.Context
	leave   context.CancelFunc

	loops     context.CancelFunc
	looping   sync.WaitGroup
	startOnce sync.Once
	stopOnce  sync.Once
}

// New returns the tasks of a process and has the store tell it of every commit, so it
// must be called before the store is used. Nothing runs until Start; the steps Sweep
// and Handle can be called without it.
func New(c Config) (*Tasks, error) {
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	if c.Concurrency.Hooks == 0 {
		c.Concurrency.Hooks = 512
	}
	name := make([]byte, 8)
	if _, err := io.ReadFull(c.Rand, name); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	t := &Tasks{
		Config: c, owner: hex.EncodeToString(name), client: asynq.NewClientFromRedisClient(c.Redis),
		commits: make(chan storage.Committed, commitBuffer), breaker: newBreaker(c.Concurrency.Hooks), stops: newStops(),
		renewEvery: renewEvery,
	}
	t.work, t.abandon = context.WithCancel(context.Background())
	t.staying, t.leave = context.WithCancel(context.Background())
	t.places = make(chan struct{}, c.Concurrency.Hooks)
	t.gatherHooks()
	c.Store.OnCommit(t.committed)
	return t, nil
}

// Start begins relaying, and working if the role asks for it. It does not wait for
// Redis.
func (t *Tasks) Start() error {
	var err error
	t.startOnce.Do(func() {
		ctx, stop := context.WithCancel(context.Background())
		t.loops = stop
		for range relays {
			t.looping.Go(func() { t.relay(ctx) })
		}
		t.looping.Go(func() { t.Notices.Run(ctx) })
		if t.Role == RoleAPI {
			return
		}
		t.looping.Go(func() { t.sweepAlways(ctx) })
		t.looping.Go(func() { t.keepHouse(ctx) })
		t.looping.Go(func() { t.listen(t.Notices.Subscribe(ctx)) })
		err = t.startServers()
	})
	return err
}

// Stop ends the work: nothing new is taken, runs that cannot outlive the process are
// ended and settle, other runs are left to the next process, and the rest of the work
// is finished. What is not finished when the context ends is abandoned; its rows are
// offered again.
func (t *Tasks) Stop(ctx context.Context) error {
	var err error
	t.stopOnce.Do(func() {
		t.leave()
		t.Redis.bells.release()
		for _, s := range t.servers {
			s.Stop()
		}
		if t.Role != RoleAPI {
			err = t.Engines.close(ctx)
		}
		ended := make(chan struct{})
		go func() {
			t.stopServers()
			close(ended)
		}()
		select {
		case <-ended:
		case <-ctx.Done():
		}
		t.abandon()
		<-ended
		if t.loops != nil {
			t.loops()
		}
		t.looping.Wait()
	})
	return err
}

// isLeaving tells whether the process is about to end.
func (t *Tasks) isLeaving() bool { return t.staying.Err() != nil }

// chance returns a random number in [0, 1).
func (t *Tasks) chance() float64 {
	var b [8]byte
	if _, err := io.ReadFull(t.Rand, b[:]); err != nil {
		return 0.5 // only jitter hangs on it
	}
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}
