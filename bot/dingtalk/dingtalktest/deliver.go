package dingtalktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"slipway/bot/standin"
)

// patience is how long DingTalk waits for an answer. On a busy machine that is too short a
// time to be held against an app.
const patience = 15 * time.Second

// event is something that the app is told.
type event struct {
	name, kind string // EventType and type
	instance   string
	payload    map[string]any
}

// Delivery is one event that was sent to the app, or lost.
type Delivery struct {
	Event    string // EventType
	Kind     string // start, finish, terminate, ...
	Instance string
	Lost     bool
	Status   int
	Err      error // what is wrong with the answer
}

// Deliveries returns the events so far.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deliveries)
}

// instanceEvent and taskEvent are called with the lock.
func (s *Server) instanceEvent(in *instance, kind string) event {
	e := s.newEvent("bpms_instance_change", kind, in)
	e.payload["staffId"] = in.originator
	e.payload["url"] = "https://aflow.dingtalk.com/dingtalk/mobile/homepage.htm?corpid=" + corpID
	e.payload["createTime"] = s.faults.number(in.created.UnixMilli())
	if kind != "start" {
		e.payload["finishTime"] = s.faults.number(in.ended.UnixMilli())
	}
	if kind == "finish" {
		e.payload["result"] = in.result
	}
	return e
}

func (s *Server) taskEvent(in *instance, t *task, kind, result, remark string) event {
	e := s.newEvent("bpms_task_change", kind, in)
	e.payload["staffId"], e.payload["taskId"] = t.user, s.faults.number(t.id)
	e.payload["createTime"] = s.faults.number(t.created.UnixMilli())
	if kind != "start" {
		e.payload["finishTime"] = s.faults.number(t.ended.UnixMilli())
	}
	if result != "" {
		e.payload["result"] = result
	}
	if remark != "" {
		e.payload["remark"] = remark
	}
	return e
}

func (s *Server) newEvent(name, kind string, in *instance) event {
	now := s.cfg.Now().UnixMilli()
	return event{name: name, kind: kind, instance: in.id, payload: map[string]any{
		"EventType": name, "EventTime": s.faults.number(now), "CorpId": corpID, "BizId": strconv.FormatInt(now, 10), "eventId": standin.Random(16),
		"processInstanceId": in.id, "processCode": in.code, "businessId": in.number, "bizCategoryId": "", "type": kind, "title": in.title,
	}}
}

// deliver sends events one after another: to the app's address, or else over a connection
// if there is one. It is called without the lock.
func (s *Server) deliver(ctx context.Context, events []event) {
	for _, e := range events {
		app, sockets := s.App(), s.lines.Open()
		if app == "" && len(sockets) == 0 {
			continue
		}
		s.mu.Lock()
		times := s.faults.times(e)
		s.mu.Unlock()
		if times == 0 {
			s.note(Delivery{Event: e.name, Kind: e.kind, Instance: e.instance, Lost: true})
		}
		for range times {
			var status int
			var err error
			if app != "" {
				status, err = s.send(ctx, e.payload)
			} else {
				status, err = s.push(ctx, sockets[0], e)
			}
			s.note(Delivery{Event: e.name, Kind: e.kind, Instance: e.instance, Status: status, Err: err})
		}
	}
}

// deliverLater delivers events by and by, in their order.
func (s *Server) deliverLater(events []event) {
	if len(events) == 0 {
		return
	}
	over := make(chan struct{})
	s.mu.Lock()
	before := s.pending
	s.pending = over
	s.mu.Unlock()
	done := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.pending == over {
			s.pending = nil
		}
		close(over)
	}
	if !s.Go(func(ctx context.Context) {
		defer done()
		if before != nil {
			<-before
		}
		s.deliver(ctx, events)
	}) {
		done()
	}
}

func (s *Server) note(d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries = append(s.deliveries, d)
}

// Wait waits until the events about all calls so far were delivered.
func (s *Server) Wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		under := s.pending
		s.mu.Unlock()
		if under == nil {
			return nil
		}
		select {
		case <-under:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Verify does what DingTalk does when an address is entered in its console.
func (s *Server) Verify(ctx context.Context) error {
	_, err := s.send(ctx, map[string]any{"EventType": "check_url"})
	return err
}

// Envelope returns the query and the body of a request that carries an event, signed now.
func (s *Server) Envelope(payload []byte) (url.Values, []byte, error) {
	text, err := Encrypt(payload, s.cfg.AESKey, s.cfg.AppKey)
	if err != nil {
		return nil, nil, err
	}
	timestamp, nonce := strconv.FormatInt(s.cfg.Now().UnixMilli(), 10), standin.Random(4)
	body, err := json.Marshal(map[string]string{"encrypt": text})
	return url.Values{
		"signature": {Sign(s.cfg.CallbackToken, timestamp, nonce, text)}, "timestamp": {timestamp}, "nonce": {nonce},
	}, body, err
}

// send posts an event to the app and reads its answer.
func (s *Server) send(ctx context.Context, payload map[string]any) (status int, err error) {
	text, err := json.Marshal(payload)
	if err != nil {
		return 0, err
	}
	query, body, err := s.Envelope(text)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := s.Post(ctx, "/dingtalk/events?"+query.Encode(), http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return answer.Status, err
	}
	return answer.Status, s.confirmed(answer.Status, answer.Body)
}

// confirmed tells whether an answer is the encrypted and signed word success.
func (s *Server) confirmed(status int, answer []byte) error {
	var a struct {
		Signature string `json:"msg_signature"`
		Timestamp string `json:"timeStamp"`
		Nonce     string `json:"nonce"`
		Encrypt   string `json:"encrypt"`
	}
	if status != http.StatusOK {
		return fmt.Errorf("the event was answered with %d", status)
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the answer to the event: %w", err)
	}
	if a.Signature == "" || a.Signature != Sign(s.cfg.CallbackToken, a.Timestamp, a.Nonce, a.Encrypt) {
		return errors.New("the answer to the event is not signed")
	}
	word, err := Decrypt(a.Encrypt, s.cfg.AESKey, s.cfg.AppKey)
	if err != nil {
		return fmt.Errorf("the answer to the event: %w", err)
	}
	if string(word) != "success" {
		return fmt.Errorf("the event was answered with %q", word)
	}
	return nil
}
