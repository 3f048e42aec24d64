package webhook

import (
	"fmt"
	"math"
	"net/http"

	"slipway"
	"slipway/storage"
)

// entryBody is one line of the operation log. The request's id stays inside: that of
// a callback is made of an instance code.
type entryBody struct {
	ID       string         `json:"id"`
	Seq      int64          `json:"seq"`
	At       int64          `json:"at"` // Unix milliseconds
	Verb     slipway.Verb   `json:"verb"`
	Actor    slipway.Actor  `json:"actor"`
	From     slipway.Status `json:"from"`
	To       slipway.Status `json:"to"`
	Version  int64          `json:"version"`
	ItemID   string         `json:"item_id"`
	ItemName string         `json:"item_name"`
	Comment  string         `json:"comment"`
	Data     entryData      `json:"data"`
}

type entryData struct {
	slipway.EntryData
	Reason string `json:"reason,omitempty"`
}

func (h *handler) planLog(w http.ResponseWriter, r *http.Request, _ *slipway.User) error {
	p, err := h.Commands.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	q := readQuery(r, "limit", "cursor")
	limit, cursor := int(q.number("limit", 1, maxLimit, defaultLimit)), q.one("cursor")
	if err := q.err(); err != nil {
		return err
	}
	page, err := h.Store.Entries(r.Context(), p.ID, cursor, limit)
	if err != nil {
		return atCursor(err)
	}
	answer := struct {
		Entries []entryBody `json:"entries"`
		Total   int64       `json:"total"`
		Next    string      `json:"next_cursor"`
	}{Entries: []entryBody{}, Total: page.Total, Next: page.Next}
	lang := language(r)
	for i := range page.Rows {
		e := &page.Rows[i]
		b := entryBody{
			ID: e.ID, Seq: e.Seq, At: e.At, Verb: e.Verb, Actor: e.Actor, From: e.From, To: e.To, Version: e.Version,
			ItemID: e.ItemID, ItemName: e.ItemName, Comment: e.Comment, Data: entryData{EntryData: e.Data},
		}
		if e.Data.Reason != nil {
			b.Data.Reason = e.Data.Reason.In(lang)
		}
		answer.Entries = append(answer.Entries, b)
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// deliveryBody is a hook and what became of it. The body that was sent stays inside:
// it holds the instance code that answers it.
type deliveryBody struct {
	ID        string                `json:"id"`
	PlanID    string                `json:"plan_id"`
	Endpoint  string                `json:"endpoint"`
	Event     slipway.Event         `json:"event"`
	Waits     bool                  `json:"waits"`
	At        int64                 `json:"at"` // Unix milliseconds
	State     storage.DeliveryState `json:"state"`
	LastError string                `json:"last_error"`
	DoneAt    int64                 `json:"done_at"` // Unix milliseconds
	Attempts  []attemptBody         `json:"attempts"`
}

type attemptBody struct {
	ID         string `json:"id"`
	Number     int    `json:"number"`
	StartedAt  int64  `json:"started_at"` // Unix milliseconds
	DurationMS int64  `json:"duration_ms"`
	StatusCode int    `json:"status_code"`
	Error      string `json:"error"`
	Answer     string `json:"answer"`
	Ended      bool   `json:"ended"`
	// The heads of request and answer, secrets masked, and how long the answer took to
	// begin.
	Sent        string `json:"sent"`
	AnswerHead  string `json:"answer_head"`
	FirstByteMS int64  `json:"first_byte_ms"`
}

func newDeliveryBody(d *storage.Delivery) deliveryBody {
	// Receivers that echo what they got are common.
	b := deliveryBody{
		ID: d.ID, PlanID: d.PlanID, Endpoint: d.Endpoint, Event: d.Event, Waits: d.Waits, At: d.At, State: d.State,
		LastError: d.Hide(d.LastError), DoneAt: d.DoneAt, Attempts: []attemptBody{},
	}
	for _, a := range d.Attempts {
		b.Attempts = append(b.Attempts, attemptBody{
			ID: a.ID, Number: a.Number, StartedAt: a.StartedAt, DurationMS: a.DurationMS, StatusCode: a.StatusCode,
			Error: d.Hide(a.Error), Answer: d.Hide(a.Answer), Ended: a.Ended,
			Sent: d.Hide(a.Sent), AnswerHead: d.Hide(a.AnswerHead), FirstByteMS: a.FirstByteMS,
		})
	}
	return b
}

func (h *handler) planDeliveries(w http.ResponseWriter, r *http.Request, _ *slipway.User) error {
	p, err := h.Commands.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	deliveries, err := h.Store.Deliveries(r.Context(), p.ID)
	if err != nil {
		return fmt.Errorf("list deliveries: %w", err)
	}
	list := make([]deliveryBody, 0, len(deliveries))
	for i := range deliveries {
		list = append(list, newDeliveryBody(&deliveries[i]))
	}
	writeJSON(w, http.StatusOK, map[string][]deliveryBody{"deliveries": list})
	return nil
}

// replay sends a delivery again by hand: the same bytes under the same id.
func (h *handler) replay(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	d, err := h.Store.Delivery(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	f, err := readVerb(w, r)
	if err != nil {
		return err
	}
	f.only()
	if err := f.err(); err != nil {
		return err
	}
	a, err := ask(r, u, 0)
	if err != nil {
		return err
	}
	if _, err := h.Commands.Resend(r.Context(), a, d.ID); err != nil {
		return err
	}
	if d, err = h.Store.Delivery(r.Context(), d.ID); err != nil {
		return err
	}
	writeJSON(w, http.StatusAccepted, newDeliveryBody(d))
	return nil
}

// The sizes of a part of a run's output, in lines.
const (
	defaultLines = 500
	maxLines     = 2000
)

type lineBody struct {
	Seq  int64  `json:"seq"`
	At   int64  `json:"at"` // Unix milliseconds
	Job  string `json:"job"`
	Text string `json:"text"`
}

// runLog shows the output of a run after a line. Whoever follows it asks again with
// next_after until the run has ended and no line is left.
func (h *handler) runLog(w http.ResponseWriter, r *http.Request, _ *slipway.User) error {
	q := readQuery(r, "after", "limit")
	after, limit := q.number("after", 0, math.MaxInt64, 0), q.number("limit", 1, maxLines, defaultLines)
	if err := q.err(); err != nil {
		return err
	}
	// The run first: lines that are written before its end are there when it has ended.
	run, err := h.Store.Run(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	lines, err := h.Store.RunLog(r.Context(), run.ID, after, int(limit))
	if err != nil {
		return err
	}
	answer := struct {
		Lines  []lineBody        `json:"lines"`
		Next   int64             `json:"next_after"`
		Status slipway.RunStatus `json:"status"`
		Ended  bool              `json:"ended"`
	}{Lines: []lineBody{}, Next: after, Status: run.Status, Ended: run.Status.Over()}
	for _, l := range lines {
		answer.Lines = append(answer.Lines, lineBody{Seq: l.Seq, At: l.At, Job: l.Job, Text: l.Text})
		answer.Next = l.Seq
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}
