package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"slipway/cmd/slipway/processtest"
)

// meter counts what the program needs and sends.
type meter struct {
	f         *fleet
	began     time.Time
	computing time.Duration
	counted   float64
	arrived   []sample // about one a second, the first when it began
}

// sample is how many requests had arrived at the engine.
type sample struct {
	at time.Time
	n  int64
}

func (f *fleet) newMeter(ctx context.Context) (*meter, error) {
	counted, err := f.requests(ctx)
	if err != nil {
		return nil, err
	}
	computing, err := cpuTime(f.process.PID())
	m := &meter{f: f, began: time.Now(), computing: computing, counted: counted}
	m.sample()
	return m, err
}

// requests is how many the program says that it has sent since it started.
func (f *fleet) requests(ctx context.Context) (float64, error) {
	a, err := f.client.Do(ctx, f.process.URL, processtest.Request{Method: http.MethodGet, Path: "/metrics"})
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(a.Body), "\n") {
		if value, is := strings.CutPrefix(line, `slipway_engine_requests_total{engine="`+f.name+`"} `); is {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0, fmt.Errorf("read metrics: %w", err)
			}
			return n, nil
		}
	}
	return 0, errors.New("the metrics do not tell how many requests were sent")
}

func (m *meter) sample() {
	m.arrived = append(m.arrived, sample{time.Now(), int64(m.f.Faults().Requests())})
}

// wait waits for a tick, and samples about once a second.
func (m *meter) wait(ctx context.Context, tick <-chan time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-tick:
	}
	if time.Since(m.arrived[len(m.arrived)-1].at) >= time.Second {
		m.sample()
	}
	return nil
}

// read tells what there was since it began.
func (m *meter) read(ctx context.Context, l *engineLoad) error {
	m.sample()
	took := time.Since(m.began)
	computing, err := cpuTime(m.f.process.PID())
	if err != nil {
		return err
	}
	counted, err := m.f.requests(ctx)
	if err != nil {
		return err
	}
	l.computing = (computing - m.computing).Seconds() / took.Seconds()
	l.perMinute = (counted - m.counted) / took.Minutes()
	l.fullest = m.fullest()
	l.memory, err = residentMemory(m.f.process.PID())
	return err
}

// fullest is how many requests arrived in the minute that had most; 0: it did not run
// for a minute.
func (m *meter) fullest() (most int64) {
	if time.Since(m.began) < time.Minute {
		return 0
	}
	for i, from := range m.arrived {
		for _, to := range m.arrived[i:] {
			if to.at.Sub(from.at) <= time.Minute {
				most = max(most, to.n-from.n)
			}
		}
	}
	return most
}
