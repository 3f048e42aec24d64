// Command bench measures the real program from outside, as a process, through HTTP: once
// with nothing set up (embedded), once on PostgreSQL and Redis as one would run them
// (fsync on, append-only file). It plays the people and the outside system itself, on
// the loopback interface of this machine, so what it needs is taken from the program.
// It prints two tables in Markdown. `make bench` runs it.
//
// How things are measured:
//
//   - A plan lifecycle is create, submit, gate, approve, gate, two text items completed,
//     gate, success, then one look at the plan: nine requests and three hooks. Each gate
//     is answered by callback as soon as its hook arrives. One in ten has a workflow
//     item beside, whose script is `true`.
//   - Commit to arrival is from the time that the delivery bears, which is taken just
//     before its transaction begins, to the moment at which the receiver has the hook's
//     head. It is too long by the transaction itself, never too short.
//   - Click and callback times are what the client sees, from the request to the last byte
//     of the answer, always with the given number in flight. A click completes a text
//     item; a callback reports progress, or success at the end. Each is one commit.
//   - A click in a chat completes an item on a live card: 50 a second, half in a stand-in
//     for Slack (Socket Mode), half in one for Feishu (long connection), each plan with a
//     card in both. Answered is until the platform had its answer; visible, until both
//     cards showed it. Far away is with 200 ms added to all that PostgreSQL answers.
//   - Runs in a workflow engine are under way in a stand-in for it, twenty to a plan, and
//     end there one after another. The lag is from the end in the engine to the moment
//     at which the plan, which is looked at as soon as its event stream tells of a
//     change, shows the item as done. Zadig has the number of runs that -runs says; the
//     other engines have 60. Requests are counted by the stand-in.
//   - Ready is from the start of the process to the first 200 of /readyz.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"slipway/cmd/slipway/processtest"
	"slipway/storage/storagetest"
)

// options are the flags.
type options struct {
	span     time.Duration // of a phase under load
	rest     time.Duration // before memory is measured
	plans    int           // lifecycles under way at once
	inFlight int           // clicks or callbacks under way at once
	only     string
	chats    bool
	engines  bool
	runs     int // under way at once in an engine
}

func main() {
	var o options
	flag.DurationVar(&o.span, "for", 6*time.Second, "how long each phase under load lasts")
	flag.DurationVar(&o.rest, "rest", 10*time.Second, "how long the program rests before its memory is measured")
	flag.IntVar(&o.plans, "plans", 16, "how many plans are under way at once")
	flag.IntVar(&o.inFlight, "in-flight", 50, "how many clicks or callbacks are under way at once")
	flag.StringVar(&o.only, "only", "", "embedded or servers: measure only that")
	flag.BoolVar(&o.chats, "chats", false, "measure only the clicks in chats")
	flag.BoolVar(&o.engines, "engines", false, "measure only the runs in workflow engines")
	flag.IntVar(&o.runs, "runs", 500, "how many runs are under way at once in Zadig")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "slipway-bench-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(dir)
	say("building the program as `make build` does")
	if err := os.Setenv("CGO_ENABLED", "0"); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	program, err := processtest.Build(ctx, dir, "-trimpath", "-tags", "timetzdata", "-ldflags", "-s -w")
	if err != nil {
		return err
	}
	r := newReport(o, program)
	for _, s := range []struct {
		name, title string
		env         func(context.Context, string) ([]string, func(), error)
	}{
		{"embedded", "embedded", embedded},
		{"servers", "PostgreSQL + Redis", servers},
	} {
		if o.only != "" && o.only != s.name || o.engines && s.name != "servers" {
			continue
		}
		own := filepath.Join(dir, s.name)
		if err := os.Mkdir(own, 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		env, end, err := s.env(ctx, own)
		if err != nil {
			return err
		}
		tell := func(what string) { say("%s: %s", s.title, what) }
		m := &measures{}
		if !o.chats && !o.engines {
			m, err = measure(ctx, o, program, own, env, tell)
		}
		if err == nil && !o.engines {
			err = m.inChats(ctx, o, program, own, env, tell)
		}
		if err == nil && s.name == "servers" && !o.chats {
			r.engines, err = measureEngines(ctx, o, program, own, env, tell)
		}
		end()
		if err != nil {
			return fmt.Errorf("measure %s: %w", s.title, err)
		}
		r.add(s.title, m)
	}
	return r.print(os.Stdout)
}

// say tells on standard error how far it is.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// embedded needs nothing.
func embedded(context.Context, string) ([]string, func(), error) { return nil, func() {}, nil }

// servers starts PostgreSQL and Redis that keep what they promise, as in production.
func servers(ctx context.Context, dir string) ([]string, func(), error) {
	database, err := storagetest.StartPostgres(ctx, filepath.Join(dir, "postgres"), "fsync=on", "full_page_writes=on")
	if err != nil {
		return nil, nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	queue, err := storagetest.StartRedis(ctx, filepath.Join(dir, "redis"), "--appendonly", "yes", "--appendfsync", "everysec")
	if err != nil {
		database.Stop()
		return nil, nil, fmt.Errorf("start Redis: %w", err)
	}
	end := func() {
		queue.Stop()
		database.Stop()
	}
	return []string{"SLIPWAY_DATABASE_URL=" + database.URL, "SLIPWAY_REDIS_URL=" + queue.URL}, end, nil
}
