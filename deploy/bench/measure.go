package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"slipway/cmd/slipway/processtest"
)

// measures are the results of one set-up.
type measures struct {
	coldReady, warmReady time.Duration
	memory, memoryAfter  int64   // bytes
	idleCPU              float64 // of one core
	othersCPU            float64 // of all cores: other programs, servers included
	idle                 times   // commit to arrival
	texts, mixed         load
	clicks, callbacks    flood
	chats, farChats      chatClicks // farChats only where the database is a server
}

// load is what came of plans that were carried several at once.
type load struct {
	perSecond float64
	computing time.Duration // of the program, per plan
	arrivals  times         // commit to arrival
}

// flood is what came of requests of which many were in flight.
type flood struct {
	took      times
	perSecond float64
}

const adminToken = "the-token-of-the-admin"

const users = `users:
  - {name: Olga, email: olga@example.com, role: admin}
  - {name: Alice, email: alice@example.com}
  - {name: Bob, email: bob@example.com}
hooks:
  - name: change-office
    url: %s/change-office
    events: [finish_planning, start_execute, all_job_done]
    wait: true
    deadline: 1h
    secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]
    allow_private: true
`

const workflow = `name: nothing
stages:
  - {name: only, jobs: [{name: only, type: freestyle, spec: {run: "true"}}]}
`

// measure runs every phase against one set-up.
func measure(ctx context.Context, o options, program, dir string, env []string, say func(string)) (*measures, error) {
	d, err := newDriver(ctx)
	if err != nil {
		return nil, err
	}
	defer d.close()
	files := map[string]string{
		"slipway.yaml": fmt.Sprintf(users, d.outside.URL), filepath.Join("workflows", "nothing.yaml"): workflow,
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("write settings: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write settings: %w", err)
		}
	}
	env = append(env, "SLIPWAY_ADMIN_TOKEN="+adminToken, "SLIPWAY_CONFIG="+filepath.Join(dir, "slipway.yaml"),
		"SLIPWAY_DATA_DIR="+filepath.Join(dir, "data"), "SLIPWAY_WORKFLOWS_DIR="+filepath.Join(dir, "workflows"))

	m := &measures{}
	say("starting it")
	p, err := m.start(ctx, processtest.Config{Path: program, Dir: dir, Env: env})
	if err != nil {
		return nil, err
	}
	defer p.Kill()
	d.base, d.pid = p.URL, p.PID()
	err = m.phases(ctx, o, d, p, say)
	if err != nil {
		lines := p.Logged()
		return nil, fmt.Errorf("%w; the end of its log:\n%s", err, strings.Join(lines[max(0, len(lines)-5):], "\n"))
	}
	for _, line := range p.Logged() {
		if strings.Contains(line, "level=ERROR") {
			return nil, fmt.Errorf("slipway logged an error: %s", line)
		}
	}
	return m, p.Stop(ctx)
}

// start measures the first start, on nothing, and three more.
func (m *measures) start(ctx context.Context, c processtest.Config) (*processtest.Process, error) {
	began := time.Now()
	p, err := processtest.Start(ctx, c)
	if err != nil {
		return nil, err
	}
	m.coldReady = time.Since(began)
	var warm times
	for range 3 {
		if err := p.Stop(ctx); err != nil {
			return nil, err
		}
		began = time.Now()
		if err := p.Restart(ctx); err != nil {
			return nil, err
		}
		warm = append(warm, time.Since(began))
	}
	m.warmReady = warm.percentile(50)
	return p, nil
}

func (m *measures) phases(ctx context.Context, o options, d *driver, p *processtest.Process, say func(string)) error {
	say("letting it rest")
	err := m.atRest(ctx, o, p)
	if err != nil {
		return err
	}
	say("one plan at a time")
	if m.idle, err = d.idleArrivals(ctx); err != nil {
		return err
	}
	say(fmt.Sprintf("%d plans at once", o.plans))
	if m.texts, err = d.lifecycles(ctx, o, 0); err != nil {
		return err
	}
	say(fmt.Sprintf("%d plans at once, one in ten with a workflow", o.plans))
	if m.mixed, err = d.lifecycles(ctx, o, 10); err != nil {
		return err
	}
	say(fmt.Sprintf("%d clicks at once", o.inFlight))
	if m.clicks, err = d.clicks(ctx, o); err != nil {
		return err
	}
	say(fmt.Sprintf("%d callbacks at once", o.inFlight))
	if m.callbacks, err = d.callbacks(ctx, o); err != nil {
		return err
	}
	if err := pause(ctx, o.rest); err != nil {
		return err
	}
	m.memoryAfter, err = residentMemory(p.PID())
	return errors.Join(err, d.problem())
}

// inChats measures clicks in Slack and Feishu, each time with a program of its own.
func (m *measures) inChats(ctx context.Context, o options, program, dir string, env []string, say func(string)) (err error) {
	say(fmt.Sprintf("%d clicks a second in Slack and Feishu", clickRate))
	if m.chats, err = measureChats(ctx, o, program, filepath.Join(dir, "chats"), env, untilVisible); err != nil {
		return err
	}
	const key = "SLIPWAY_DATABASE_URL="
	i := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, key) })
	if i < 0 {
		return nil
	}
	address, far, err := newFarAway(ctx, strings.TrimPrefix(env[i], key), farDelay)
	if err != nil {
		return err
	}
	defer far.close()
	say(fmt.Sprintf("the same, %v added to all that the database answers", farDelay))
	env = slices.Clone(env)
	env[i] = key + address
	m.farChats, err = measureChats(ctx, o, program, filepath.Join(dir, "far"), env, untilAnswered)
	return err
}

// atRest measures what the program takes when nobody wants anything of it, and what
// else works on this machine.
func (m *measures) atRest(ctx context.Context, o options, p *processtest.Process) error {
	own, err := cpuTime(p.PID())
	if err != nil {
		return err
	}
	busy, idle, err := machineWork()
	if err != nil {
		return err
	}
	if err := pause(ctx, o.rest); err != nil {
		return err
	}
	ownAfter, err := cpuTime(p.PID())
	if err != nil {
		return err
	}
	busyAfter, idleAfter, err := machineWork()
	if err != nil {
		return err
	}
	busy, idle = busyAfter-busy, idleAfter-idle
	m.idleCPU = (ownAfter - own).Seconds() / o.rest.Seconds()
	m.othersCPU = max(0, float64(busy)/float64(max(1, busy+idle))-m.idleCPU/float64(runtime.NumCPU()))
	m.memory, err = residentMemory(p.PID())
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
