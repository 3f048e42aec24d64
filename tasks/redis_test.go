package tasks

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"slipway/bot/standin"
	"slipway/storage/storagetest"
)

func TestRedisURLs(t *testing.T) {
	t.Parallel()
	for address, problem := range map[string]string{
		"redis://localhost": "",
		"redis://user:hidden@localhost:6380/2?pool_size=50":          "",
		"rediss://localhost:6380":                                    "",
		"unix:///run/redis.sock?db=1":                                "",
		"redis-sentinel://:hidden@one,two:26380/1?master=main":       "",
		"rediss-sentinel://one?master=main&sentinel_password=hidden": "",
		"redis-cluster://user:hidden@one:7000,two:7001,three":        "",
		"redis-sentinel://:hidden@one,two":                           "needs ?master=NAME",
		"redis://one,two":                                            "redis-sentinel:// or redis-cluster://",
		"http://:hidden@one":                                         `unknown scheme "http"`,
		"redis-ring://one":                                           `unknown scheme "redis-ring"`,
		"unix-cluster:///one":                                        `unknown scheme "unix-cluster"`,
		"redis://:hidden@one:port":                                   "invalid port",
		"redis://one/database":                                       "invalid database number",
		"redis://one?colour=red":                                     "colour",
		"redis-cluster://one?colour=red":                             "colour",
		"redis-sentinel://one?master=main&colour=red":                "colour",
		"redis://:hidden@[::1":                                       "missing ']'",
	} {
		err := CheckRedisURL(address)
		switch {
		case problem == "" && err != nil:
			t.Errorf("%s: %v", address, err)
		case problem != "" && (err == nil || !strings.Contains(err.Error(), problem)):
			t.Errorf("%s: error %v, want one about %q", address, err, problem)
		case err != nil && strings.Contains(err.Error(), "hidden"):
			t.Errorf("%s: the error tells the password: %v", address, err)
		}
	}
}

func TestSentinelsAndClustersAreMadeOfTheirURLs(t *testing.T) {
	t.Parallel()
	connect, err := redisClient("redis-cluster://user:secret@one:7000,two")
	if err != nil {
		t.Fatal(err)
	}
	cluster := connect().(*redis.ClusterClient)
	t.Cleanup(func() { _ = cluster.Close() })
	if o := cluster.Options(); !cmp.Equal(o.Addrs, []string{"one:7000", "two:6379"}) || o.Username != "user" || o.Password != "secret" {
		t.Errorf("cluster %v of %s:%s", o.Addrs, o.Username, o.Password)
	}
	connect, err = redisClient("redis-sentinel://user:secret@one/3?master=main")
	if err != nil {
		t.Fatal(err)
	}
	client := connect().(*redis.Client)
	t.Cleanup(func() { _ = client.Close() })
	if o := client.Options(); o.Username != "user" || o.Password != "secret" || o.DB != 3 {
		t.Errorf("sentinel's redis is %s:%s/%d", o.Username, o.Password, o.DB)
	}
}

func TestTheEmbeddedRedisIsPrivateAndItsClockGoes(t *testing.T) {
	t.Parallel()
	r := openRedis(t, "")
	if !r.Embedded() {
		t.Fatal("not embedded")
	}
	stranger := redis.NewClient(&redis.Options{Addr: r.mini.Addr()})
	t.Cleanup(func() { _ = stranger.Close() })
	if err := stranger.Ping(t.Context()).Err(); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("a stranger is answered %v, want NOAUTH", err)
	}
	dashboard := r.MakeRedisClient().(redis.UniversalClient)
	t.Cleanup(func() { _ = dashboard.Close() })
	if err := dashboard.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the dashboard is answered %v", err)
	}
	if err := r.Set(t.Context(), "word", "slip", time.Second).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key expires", func() bool { return errors.Is(r.Get(t.Context(), "word").Err(), redis.Nil) })
}

func TestAnAbsentRedisIsNoErrorAtTheStart(t *testing.T) {
	t.Parallel()
	r := openRedis(t, "redis://127.0.0.1:1?dial_timeout=50ms&max_retries=-1")
	if err := r.Ping(t.Context()).Err(); err == nil {
		t.Error("nobody there, and yet a pong")
	}
}

func openRedis(tb testing.TB, url string) *Redis {
	tb.Helper()
	r, err := OpenRedis(RedisConfig{URL: url, Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

func TestAQuietQueueIsAskedWhenSomebodyRings(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"embedded": "", "server": storagetest.Redis(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openRedis(t, url)
			ask := func() time.Duration {
				start := time.Now()
				err := r.Eval(t.Context(), `return redis.call("RPOP", KEYS[1])`, []string{
					"asynq:{hooks}:pending", "asynq:{hooks}:paused", "asynq:{hooks}:active", "asynq:{hooks}:lease",
				}).Err()
				if err != nil && !errors.Is(err, redis.Nil) {
					t.Fatal(err)
				}
				return time.Since(start)
			}
			ask() // finds nothing
			if d := ask(); d < quietPoll {
				t.Errorf("asked again after %s, want after %s", d, quietPoll)
			}
			r.ring(t.Context(), "runs") // another queue
			r.ring(t.Context(), "hooks")
			if d := ask(); d >= quietPoll {
				t.Errorf("asked %s after the ring", d)
			}
			r.bells.release()
			ask()
			if d := ask(); d >= quietPoll {
				t.Errorf("asked after %s while everything ends", d)
			}
			if err := r.LPush(t.Context(), "asynq:{hooks}:pending", "x", "y").Err(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestARingIsHeardInOtherProcesses(t *testing.T) {
	t.Parallel()
	url := storagetest.Redis(t)
	one, two := openRedis(t, url), openRedis(t, url)
	eventually(t, "the other process hears it", func() bool {
		one.ring(t.Context(), "hooks")
		return len(two.bells.of("hooks").rung) == 1
	})
}

func TestNoticesReachEveryProcessOnce(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"embedded": "", "server": storagetest.Redis(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := openRedis(t, url)
			process := func(name string) (*Notices, <-chan string) {
				n := NewNotices(client, name, slog.New(slog.DiscardHandler))
				topics := n.Subscribe(t.Context())
				go n.Run(t.Context())
				if got := receive(t, "the call to look when it listens", topics); got != Everything {
					t.Errorf("topic %q, want %q", got, Everything)
				}
				return n, topics
			}
			one, here := process("one")
			two, there := process("two")

			one.Publish(t.Context(), "plan:1", "run:2")
			one.Publish(t.Context(), "plan:3")

			for where, topics := range map[string]<-chan string{"here": here, "there": there} {
				var got []string
				for range 3 {
					got = append(got, receive(t, "a topic "+where, topics))
				}
				if diff := cmp.Diff([]string{"plan:1", "run:2", "plan:3"}, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", where, diff)
				}
			}
			two.Publish(t.Context(), "last")
			if got := receive(t, "the last topic", here); got != "last" {
				t.Errorf("topic %q; want none twice", got)
			}
		})
	}
}

func TestASlowReaderLosesNoTopicAndGetsEachOnce(t *testing.T) {
	t.Parallel()
	n := NewNotices(openRedis(t, ""), "one", slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	topics := n.Subscribe(ctx)
	for range 5000 {
		n.Publish(ctx, "plan:1", "plan:2")
	}
	n.Publish(ctx, "plan:3")
	got := map[string]int{}
	for got["plan:3"] == 0 {
		got[receive(t, "a topic", topics)]++
	}
	// One may have been on its way to the reader when it was told again.
	if got["plan:1"] > 2 || got["plan:2"] > 2 || got["plan:2"] == 0 {
		t.Errorf("topics %v", got)
	}
	cancel()
	eventually(t, "the channel is closed", func() bool {
		select {
		case _, open := <-topics:
			return !open
		default:
			return false
		}
	})
}

func TestAfterAGapEverybodyLooksAgain(t *testing.T) {
	t.Parallel()
	server, err := storagetest.StartRedis(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	client := openRedis(t, server.URL)
	n := NewNotices(client, "one", slog.New(slog.DiscardHandler))
	topics := n.Subscribe(t.Context())
	go n.Run(t.Context())
	if got := receive(t, "the call to look when it listens", topics); got != Everything {
		t.Errorf("topic %q, want %q", got, Everything)
	}

	server.Kill()
	n.Publish(t.Context(), "plan:1") // within the process it goes all the same
	if got := receive(t, "a topic", topics); got != "plan:1" {
		t.Errorf("topic %q, want plan:1", got)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}

	if got := receive(t, "the call to look again", topics); got != Everything {
		t.Errorf("topic %q, want %q", got, Everything)
	}
}

func TestTheQueuesComplaintsAreLoggedNowAndThen(t *testing.T) {
	t.Parallel()
	out, at := &standin.Log{}, &clock{at: morning}
	l := newQueueLog(slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelInfo})), at.now)
	for range 3 {
		l.Debug("looking")
		l.Info("Starting processing")
		l.Warn("slow ", "redis")
		l.Error("no redis")
	}
	at.advance(repeatAfter)
	l.Fatal("no redis")
	redisLog{l}.Printf(t.Context(), "pool of %d", 3)

	var got []string
	for line := range strings.Lines(out.String()) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), "level=")
		got = append(got, line)
	}
	want := []string{
		`WARN msg=queue said="slow redis"`, `WARN msg=queue said="no redis"`, `ERROR msg=queue said="no redis"`,
		`WARN msg=queue said="pool of 3"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
