package feishu

import (
	"context"
	"encoding/json"
	"sync"

	"slipway/bot/sealed"
)

// The types of events about approvals. Those of the first version come once a definition
// is subscribed to, those of the second to who has subscribed to a person's approvals.
const (
	typeInstance   = "approval_instance"
	typeTask       = "approval_task"
	typeInstanceV4 = "approval.instance.status_changed_v4"
	typeTaskV4     = "approval.task.status_changed_v4"
)

// approvalEvent is what is read of an event about an approval. What it says became of it
// is not: the approval is asked itself. Its operate_time, text or a number, is not needed.
type approvalEvent struct {
	Type         string `json:"type"` // first version
	AppID        string `json:"app_id"`
	InstanceCode string `json:"instance_code"`
}

// maxRef is longer than any id of an instance.
const maxRef = 128

// changed has the approval looked at that an event is about.
func (f *Feishu) changed(ctx context.Context, id string, e approvalEvent) (answer, error) {
	a := f.approvals
	switch {
	case e.InstanceCode == "" || len(e.InstanceCode) > maxRef:
		return answer{}, sealed.ErrMalformed
	case a == nil || a.Changed == nil || !a.heard.first(id):
		return nothing(), nil
	}
	f.background(ctx, func(ctx context.Context) { a.Changed(ctx, e.InstanceCode) })
	return nothing(), nil
}

// changedV4 takes an event of the second version.
func (f *Feishu) changedV4(ctx context.Context, h eventHeader, e approvalEvent) (answer, error) {
	return f.changed(ctx, h.EventID, e)
}

// firstVersion takes an event of the first version, of which only approvals concern the
// bot.
func (f *Feishu) firstVersion(ctx context.Context, e envelope) (answer, error) {
	var body approvalEvent
	if err := json.Unmarshal(e.Event, &body); err != nil {
		return answer{}, sealed.ErrMalformed
	}
	switch body.Type {
	case typeInstance, typeTask:
		if err := f.oursByID(body.AppID); err != nil {
			return answer{}, err
		}
		if e.UUID == "" {
			return answer{}, sealed.ErrMalformed
		}
		return f.changed(ctx, e.UUID, body)
	}
	f.Log.InfoContext(ctx, "feishu event ignored", "type", shorten(printable(body.Type), 80), "version", 1)
	return nothing(), nil
}

// recent remembers the events of late, so that what is delivered twice is taken once.
type recent struct {
	mu   sync.Mutex
	seen map[string]bool
	ring [1024]string
	next int
}

// first tells whether an event was not seen before.
func (r *recent) first(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[id] {
		return false
	}
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	delete(r.seen, r.ring[r.next])
	r.ring[r.next], r.seen[id] = id, true
	r.next = (r.next + 1) % len(r.ring)
	return true
}
