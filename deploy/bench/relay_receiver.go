package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sink takes hooks for all endpoints and does as little as it can.
type sink struct {
	URL    string
	server *http.Server

	arrived atomic.Int64 // first arrivals
	hanging atomic.Bool  // the endpoint hangs: it answers nothing until the sender gives up
	held    atomic.Int64 // hooks at the endpoint that hangs

	mu  sync.Mutex
	due map[string]time.Time // when it was committed, by webhook-id, of those that are timed
	// slow is what was cut off at the endpoint that hangs, with the time of its second arrival.
	slow map[string]time.Time
	took map[string]times // by endpoint
	all  chan struct{}    // gets one for each first arrival; nil: nobody waits
}

// hangs is the endpoint that hangs if one does.
const hangs = "e00"

func newSink(ctx context.Context) (*sink, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{URL: "http://" + l.Addr().String(), due: map[string]time.Time{}, took: map[string]times{}, slow: map[string]time.Time{}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

func (s *sink) close() { _ = s.server.Close() }

// ServeHTTP takes one hook.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	endpoint, id := strings.Trim(r.URL.Path, "/"), r.Header.Get("Webhook-Id")
	_, _ = io.Copy(io.Discard, r.Body)
	if endpoint == hangs && s.hanging.Load() {
		s.held.Add(1)
		<-r.Context().Done()
		s.mu.Lock()
		s.slow[id] = time.Time{}
		s.mu.Unlock()
		return
	}
	w.WriteHeader(http.StatusOK)
	s.note(endpoint, id, at)
}

func (s *sink) note(endpoint, id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if again, cut := s.slow[id]; cut && again.IsZero() {
		s.slow[id] = at
	}
	committed, timed := s.due[id]
	if !timed {
		return
	}
	delete(s.due, id)
	s.took[endpoint] = append(s.took[endpoint], at.Sub(committed))
	s.arrived.Add(1)
	if s.all != nil {
		s.all <- struct{}{}
	}
}

// expect notes when deliveries were committed, before they are.
func (s *sink) expect(ids []string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.due[id] = at
	}
}

// takeTimes returns what was measured since the last call, without one endpoint.
func (s *sink) takeTimes(without string) times {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all times
	for endpoint, took := range s.took {
		if endpoint != without {
			all = append(all, took...)
		}
	}
	s.took = map[string]times{}
	return all
}

// missing is how many hooks of which the times are wanted have not arrived, those to one
// endpoint aside.
func (s *sink) missing(without string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for id := range s.due {
		if without == "" || !strings.HasPrefix(id, without) {
			n++
		}
	}
	return n
}

// forgetMissing gives up what has not arrived.
func (s *sink) forgetMissing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.due)
}
