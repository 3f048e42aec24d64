package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"slipway/cmd/slipway/processtest"
	"slipway/storage/storagetest"
	"slipway/tasks/queuetest"
	"slipway/webhook"
)

// What the relay is measured with.
const (
	relayEndpoints = 20
	relaySecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	committers     = 16
	bareTasks      = 20_000
	idleEvents     = 300
	// underWay is how many deliveries may have been committed and not arrived.
	underWay = 4000
)

// relayed is what came of the relay, on PostgreSQL and Redis.
type relayed struct {
	post    float64          // signed POSTs per second, nothing else
	bare    float64          // asynq by itself, per second
	outbox  [2]float64       // commits per second: one delivery each, and deliveries of commits with twenty
	through [2]float64       // deliveries per second through everything, the same two ways
	count   int              // of the second
	took    [2]time.Duration // computing of the program per delivery
	memory  []int64          // of the program, at each tenth of them

	idle          times
	half          times
	halfRate      float64
	without, with times // an endpoint that hangs
	hangRate      float64
	killed        int           // hooks cut off by a kill -9 of their worker
	killGap       time.Duration // from the kill until the last of them came again
}

const relayHook = `  - {name: %[2]s, url: "%[1]s/%[2]s", events: [start_execute], secrets: [` + relaySecret + `], allow_private: true}
`

// relayBench is one set-up: the servers, the program that sends, the receiver.
type relayBench struct {
	options
	r       *relayed
	dir     string
	program string
	base    *storagetest.Server
	queue   *storagetest.Server
	sink    *sink
	outbox  *outbox
	process *processtest.Process
	say     func(string)
}

// measureRelay measures how hooks come through, and what the parts of the way can do by
// themselves, one right after the other.
func measureRelay(ctx context.Context, o options, program, dir string, say func(string)) (r *relayed, err error) {
	b := &relayBench{options: o, r: &relayed{}, dir: dir, program: program, say: say}
	if b.base, err = storagetest.StartPostgres(ctx, filepath.Join(dir, "postgres"), "fsync=on", "full_page_writes=on"); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	defer b.base.Stop()
	if b.queue, err = storagetest.StartRedis(ctx, filepath.Join(dir, "redis"), "--appendonly", "yes", "--appendfsync", "everysec"); err != nil {
		return nil, fmt.Errorf("start Redis: %w", err)
	}
	defer b.queue.Stop()
	if b.sink, err = newSink(ctx); err != nil {
		return nil, err
	}
	defer b.sink.close()
	if err := b.parts(ctx); err != nil {
		return nil, err
	}
	if b.process, err = b.start(ctx, "worker-1"); err != nil {
		return nil, err
	}
	defer b.process.Kill()
	if b.outbox, err = newOutbox(ctx, b.base.URL, b.queue.URL, outboxPlans); err != nil {
		return nil, err
	}
	err = b.whole(ctx)
	err = errors.Join(err, b.outbox.close(ctx))
	for _, line := range b.process.Logged() {
		if strings.Contains(line, "level=ERROR") {
			err = errors.Join(err, fmt.Errorf("slipway logged an error: %s", line))
			break
		}
	}
	return b.r, err
}

// start starts a program that sends.
func (b *relayBench) start(ctx context.Context, name string) (*processtest.Process, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	var settings strings.Builder
	settings.WriteString("hooks:\n")
	for n := range relayEndpoints {
		fmt.Fprintf(&settings, relayHook, b.sink.URL, endpointName(n))
	}
	file := filepath.Join(dir, "slipway.yaml")
	if err := os.WriteFile(file, []byte(settings.String()), 0o600); err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	return processtest.Start(ctx, processtest.Config{Path: b.program, Dir: dir, Env: []string{
		"SLIPWAY_DATABASE_URL=" + b.base.URL, "SLIPWAY_REDIS_URL=" + b.queue.URL, "SLIPWAY_ADMIN_TOKEN=" + adminToken,
		"SLIPWAY_CONFIG=" + file, "SLIPWAY_DATA_DIR=" + filepath.Join(dir, "data"),
	}})
}

// parts measures what the relay is made of: sending, the queue, the database.
func (b *relayBench) parts(ctx context.Context) (err error) {
	b.say("signed POSTs and nothing else")
	if b.r.post, err = b.posts(ctx); err != nil {
		return err
	}
	b.say("asynq and nothing else")
	if b.r.bare, err = queuetest.Rate(ctx, b.queue.URL+"1", bareTasks, fiveKB()); err != nil {
		return err
	}
	b.say("commits and nothing else")
	// The tasks are nobody's: the program starts later, on a database that is new then.
	alone, err := storagetest.StartPostgres(ctx, filepath.Join(b.dir, "postgres-alone"), "fsync=on", "full_page_writes=on")
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	defer alone.Stop()
	box, err := newOutbox(ctx, alone.URL, "", 200)
	if err != nil {
		return err
	}
	for way, endpoints := range ways {
		began, n := time.Now(), atomic.Int64{}
		err := inParallel(committers, func(int) error {
			for time.Since(began) < b.span/2 {
				if err := box.commit(ctx, int(n.Add(1)), endpoints, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		b.r.outbox[way] = float64(n.Load()) * float64(endpoints) / time.Since(began).Seconds()
	}
	return box.close(ctx)
}

// ways are how many endpoints hear of an event.
var ways = [2]int{1, relayEndpoints}

// posts sends over one transport, as much as goes.
func (b *relayBench) posts(ctx context.Context) (float64, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, WriteBufferSize: 16 << 10}
	defer transport.CloseIdleConnections()
	body, began, n := fiveKB(), time.Now(), atomic.Int64{}
	err := inParallel(32, func(int) error {
		for time.Since(began) < b.span/2 {
			at, id := time.Now(), fmt.Sprintf("raw_%d", n.Add(1))
			signature, err := webhook.Sign([]string{relaySecret}, id, at, body)
			if err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.sink.URL+"/raw", strings.NewReader(string(body)))
			if err != nil {
				return err
			}
			req.Header = http.Header{
				"Content-Type": {"application/json"}, webhook.HeaderID: {id},
				webhook.HeaderTimestamp: {fmt.Sprint(at.Unix())}, webhook.HeaderSignature: {signature},
			}
			res, err := transport.RoundTrip(req)
			if err != nil {
				return err
			}
			_ = res.Body.Close()
		}
		return nil
	})
	return float64(n.Load()) / time.Since(began).Seconds(), err
}

// whole measures the whole way.
func (b *relayBench) whole(ctx context.Context) error {
	b.say("events one at a time")
	if err := b.oneByOne(ctx); err != nil {
		return err
	}
	for way, endpoints := range ways {
		n := b.deliveries
		if way == 0 {
			n = min(n, 20_000)
		}
		b.say(fmt.Sprintf("%d deliveries, %d to an event", n, endpoints))
		var err error
		if b.r.through[way], err = b.flood(ctx, n, way); err != nil {
			return err
		}
		b.r.count = n
	}
	b.say("half as many events as went through")
	b.r.halfRate = b.r.through[1] / 2
	var err error
	if b.r.half, err = b.paced(ctx, b.r.halfRate, ""); err != nil {
		return err
	}
	if err := b.hanging(ctx); err != nil {
		return err
	}
	return b.kill(ctx)
}

// oneByOne times events on an idle system.
func (b *relayBench) oneByOne(ctx context.Context) error {
	b.sink.all = make(chan struct{}, 1)
	for n := range idleEvents {
		if err := b.outbox.commit(ctx, n, 1, func(ids []string) { b.sink.expect(ids, time.Now()) }); err != nil {
			return err
		}
		select {
		case <-b.sink.all:
		case <-time.After(30 * time.Second):
			return errors.New("a hook does not arrive")
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	b.sink.all = nil
	b.r.idle = b.sink.takeTimes("")
	return nil
}

// flood commits n deliveries as fast as they go and returns how many went through everything
// per second, the attempt's end in the database included.
func (b *relayBench) flood(ctx context.Context, n, way int) (float64, error) {
	endpoints := ways[way]
	computed, err := cpuTime(b.process.PID())
	if err != nil {
		return 0, err
	}
	before, began := b.sink.arrived.Load(), time.Now()
	committed := atomic.Int64{}
	b.r.memory = nil
	var mu sync.Mutex
	err = inParallel(committers, func(int) error {
		for {
			at := committed.Add(int64(endpoints))
			if at > int64(n) {
				return nil
			}
			for at-(b.sink.arrived.Load()-before) > underWay {
				if err := pause(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			if err := b.outbox.commit(ctx, int(at), endpoints, func(ids []string) { b.sink.expect(ids, time.Now()) }); err != nil {
				return err
			}
			if at%int64(n/10) < int64(endpoints) {
				memory, err := residentMemory(b.process.PID())
				if err != nil {
					return err
				}
				mu.Lock()
				b.r.memory = append(b.r.memory, memory)
				mu.Unlock()
			}
		}
	})
	if err != nil {
		return 0, err
	}
	if err := b.awaitDone(ctx); err != nil {
		return 0, err
	}
	took := time.Since(began)
	after, err := cpuTime(b.process.PID())
	if err != nil {
		return 0, err
	}
	b.r.took[way] = (after - computed) / time.Duration(n)
	b.sink.takeTimes("")
	return float64(n/endpoints*endpoints) / took.Seconds(), nil
}

// awaitDone waits until nothing is left to be sent or written down.
func (b *relayBench) awaitDone(ctx context.Context) error {
	last, moved := int64(-1), time.Now()
	for {
		counts, err := b.outbox.store.TaskCounts(ctx)
		if err != nil {
			return err
		}
		left := int64(0)
		for _, n := range counts {
			left += n
		}
		if left == 0 {
			return nil
		}
		if left != last {
			last, moved = left, time.Now()
		}
		if time.Since(moved) > time.Minute {
			return fmt.Errorf("%d tasks are left and stay", left)
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// paced commits events for all endpoints at a rate of deliveries and times all but one endpoint.
func (b *relayBench) paced(ctx context.Context, rate float64, without string) (times, error) {
	interval := time.Duration(float64(time.Second) * relayEndpoints / rate)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var all sync.WaitGroup
	failed := make(chan error, 1)
	for end := time.Now().Add(b.span); time.Now().Before(end); {
		<-tick.C
		all.Go(func() {
			err := b.outbox.commit(ctx, 0, relayEndpoints, func(ids []string) { b.sink.expect(ids, time.Now()) })
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return nil, err
	default:
	}
	for began := time.Now(); b.sink.missing(without) > 0; {
		if time.Since(began) > time.Minute {
			return nil, fmt.Errorf("%d hooks do not arrive", b.sink.missing(without))
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return b.sink.takeTimes(without), nil
}
