package feishutest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"net/http"
	"time"
)

// The types of what reaches the app. The last two are callbacks: what is answered is shown
// to the person, and they never come again by themselves.
const (
	eventMessage = "im.message.receive_v1"
	eventAdded   = "im.chat.member.bot.added_v1"
	eventEntered = "im.chat.access_event.bot_p2p_chat_entered_v1"
	eventMenu    = "application.bot.menu_v6"
	eventClick   = "card.action.trigger"
	eventPreview = "url.preview.get"
)

// Delivery is one try to tell the app something.
type Delivery struct {
	EventID string
	Type    string
	At      time.Time     // real time
	Took    time.Duration // until the answer
	Status  int           // HTTP status, or the code of the answering frame; 0 if there was none
	Answer  []byte        // of a callback
	Err     error
}

// Deliveries returns what the app was told so far and how it answered; only events of a
// type, or with an id, unless filter is "".
func (s *Server) Deliveries(filter string) []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Delivery
	for _, d := range s.deliveries {
		if filter == "" || d.Type == filter || d.EventID == filter {
			all = append(all, d)
		}
	}
	return all
}

// event is something that the app is told.
type event struct {
	id, kind string
	payload  []byte
	callback bool
	also     []event // the same in another version
}

// newEvent makes an event with the header of schema 2.0. It is called with the lock.
func (s *Server) newEvent(kind string, about any) event {
	e := event{id: s.newID("ev"), kind: kind, callback: kind == eventClick || kind == eventPreview}
	created := milli(s.now())
	if e.callback {
		created += "000" // callbacks count microseconds
	}
	payload, err := json.Marshal(map[string]any{
		"schema": "2.0",
		"header": map[string]any{
			"event_id": e.id, "event_type": kind, "create_time": created, "token": s.cfg.VerificationToken,
			"app_id": s.cfg.AppID, "tenant_key": tenantKey,
		},
		"event": about,
	})
	if err != nil {
		panic(err) // events are made of strings
	}
	e.payload = payload
	return e
}

// errLate says that the app did not answer in time.
var errLate = errors.New("not answered in time")

// tell delivers an event and returns what the app answered. An event that is no callback comes
// again later if this fails.
func (s *Server) tell(ctx context.Context, e event) (Delivery, error) {
	s.mu.Lock()
	s.events[e.id] = time.Now()
	if !s.subs.include(e) {
		s.mu.Unlock()
		return Delivery{}, unheard(e)
	}
	twice, mixed, lost := s.faults.twice, s.faults.mixed, s.faults.lost && !e.callback
	s.mu.Unlock()
	if lost {
		return Delivery{}, nil
	}
	if mixed {
		pause(ctx, time.Duration(mrand.IntN(50))*time.Millisecond)
	}
	if twice {
		s.Go(func(ctx context.Context) { s.try(ctx, e, true) })
	}
	d := s.try(ctx, e, false)
	if d.Err == nil {
		return d, nil
	}
	if !e.callback {
		s.Go(func(ctx context.Context) { s.again(ctx, e) })
	}
	return d, fmt.Errorf("deliver %s: %w", e.kind, d.Err)
}

// again delivers an event four more times until it is answered.
func (s *Server) again(ctx context.Context, e event) {
	wait := s.cfg.RetryAfter
	for range 4 {
		if !pause(ctx, wait) || s.try(ctx, e, false).Err == nil {
			return
		}
		wait *= 2
	}
}

// pause waits; it is false if ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// try delivers an event once. other asks for another connection than the last.
func (s *Server) try(ctx context.Context, e event, other bool) Delivery {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.AnswerWithin)
	defer cancel()
	d := Delivery{EventID: e.id, Type: e.kind, At: time.Now()}
	if s.cfg.Mode == HTTP {
		d.Status, d.Answer, d.Err = s.request(ctx, e)
	} else {
		d.Status, d.Answer, d.Err = s.frame(ctx, e, other)
	}
	d.Took = time.Since(d.At)
	if d.Took >= s.cfg.AnswerWithin && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		d.Err = errLate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries = append(s.deliveries, d)
	switch {
	case errors.Is(d.Err, errLate):
		s.Violate("%s: not answered within %s", e.kind, s.cfg.AnswerWithin)
	case d.Err == nil && d.Status != http.StatusOK:
		d.Err = fmt.Errorf("answered with %d", d.Status)
		s.Violate("%s: answered with %d", e.kind, d.Status)
	}
	return d
}
