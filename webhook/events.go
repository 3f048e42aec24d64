package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"slipway"
)

// Notices tells of changes as they happen. A channel carries the topics "plan:<id>"
// and "run:<id>" of all plans and runs until the context ends. Notices may be lost or
// come twice: whoever hears one looks at the database.
type Notices interface {
	Subscribe(ctx context.Context) <-chan string
}

// changeBody is what an event of a stream tells.
type changeBody struct {
	Plan    string         `json:"plan"`
	Index   int64          `json:"index"`
	Seq     int64          `json:"seq"`
	Status  slipway.Status `json:"status"`
	Version int64          `json:"version"`
	Verb    slipway.Verb   `json:"verb"`
}

// events streams the changes of one plan (?plan=): one server-sent event per change,
// its id the change's seq. A client that reconnects with Last-Event-ID misses none;
// without it the stream begins with the newest change.
func (h *handler) events(w http.ResponseWriter, r *http.Request, _ *slipway.User) error {
	q := readQuery(r, "plan")
	ref := q.one("plan")
	if ref == "" {
		q.Add("plan", "the id or index of a plan is expected", "需要填写发布计划的 ID 或编号")
	}
	var last int64
	if text := r.Header.Get("Last-Event-ID"); text != "" {
		var err error
		if last, err = strconv.ParseInt(text, 10, 64); err != nil || last < 0 {
			q.Add("Last-Event-ID", "the id of an event of this stream is expected", "应为此事件流中某个事件的 ID")
		}
	}
	if err := q.err(); err != nil {
		return err
	}
	// Subscribed before the first look, so nothing falls between them.
	var notices <-chan string
	if h.Notices != nil {
		notices = h.Notices.Subscribe(r.Context())
	}
	p, err := h.Commands.Find(r.Context(), ref)
	if err != nil {
		return err
	}
	if last == 0 {
		last = p.Seq - 1
	}
	s := &stream{h: h, w: w, plan: p.ID, index: p.Index, last: last}
	if err := s.begin(); err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		return nil
	}
	if err := s.follow(r.Context(), notices); err != nil && r.Context().Err() == nil {
		// The answer has begun, so nobody can be told but the log; the client comes back.
		h.Log.WarnContext(r.Context(), "event stream ended", "plan_id", p.ID, "error", err)
	}
	return nil
}

// stream is one client that follows one plan.
type stream struct {
	h     *handler
	w     http.ResponseWriter
	plan  string
	index int64
	last  int64 // the seq that the client has
}

func (s *stream) begin() error {
	// A stream lives longer than any answer may take.
	out := http.NewResponseController(s.w)
	if err := out.SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("begin event stream: %w", err)
	}
	head := s.w.Header()
	head.Set("Content-Type", "text/event-stream; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no") // proxies that would hold it back
	s.w.WriteHeader(http.StatusOK)
	return nil
}

// follow writes what is new whenever a notice comes, and with every heartbeat, since
// notices may be lost.
func (s *stream) follow(ctx context.Context, notices <-chan string) error {
	beat := time.NewTicker(s.h.Heartbeat)
	defer beat.Stop()
	if err := s.send("retry: 2000\n\n"); err != nil {
		return err
	}
	for {
		if err := s.catchUp(ctx); err != nil {
			return err
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return nil
			case topic, open := <-notices:
				if !open {
					notices = nil
				}
				waiting = topic != "plan:"+s.plan
			case <-beat.C:
				if err := s.send(": still here\n\n"); err != nil {
					return err
				}
				waiting = false
			}
		}
	}
}

// catchUp writes the changes that the client does not have, oldest first.
func (s *stream) catchUp(ctx context.Context) error {
	var missing []slipway.Entry
	for cursor := ""; ; {
		page, err := s.h.Store.Entries(ctx, s.plan, cursor, maxLimit)
		if err != nil {
			return fmt.Errorf("follow plan: %w", err)
		}
		for _, e := range page.Rows {
			if e.Seq > s.last {
				missing = append(missing, e)
			}
		}
		cursor = page.Next
		if cursor == "" || page.Rows[len(page.Rows)-1].Seq <= s.last {
			break
		}
	}
	slices.Reverse(missing)
	var b bytes.Buffer
	for _, e := range missing {
		data, err := json.Marshal(changeBody{Plan: s.plan, Index: s.index, Seq: e.Seq, Status: e.To, Version: e.Version, Verb: e.Verb})
		if err != nil {
			return fmt.Errorf("marshal change: %w", err)
		}
		fmt.Fprintf(&b, "id: %d\nevent: change\ndata: %s\n\n", e.Seq, data)
		s.last = e.Seq
	}
	if b.Len() == 0 {
		return nil
	}
	return s.send(b.String())
}

func (s *stream) send(text string) error {
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := http.NewResponseController(s.w).Flush(); err != nil {
		return fmt.Errorf("flush event: %w", err)
	}
	return nil
}
