package feishutest

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"slipway/bot/standin"
)

// The types of events about approvals. Those of the first version are sent for definitions
// that the app has subscribed to by call. For the one of the second version Feishu wants a
// call for each person; here it is enough to subscribe to its type.
const (
	eventInstance   = "approval_instance"
	eventTask       = "approval_task"
	eventInstanceV4 = "approval.instance.status_changed_v4"
)

// newEventV1 makes an event of the first version. It is called with the lock.
func (s *Server) newEventV1(kind string, about map[string]any) event {
	e := event{id: standin.Random(16), kind: kind}
	about["app_id"], about["tenant_key"], about["type"] = s.cfg.AppID, tenantKey, kind
	payload, err := json.Marshal(map[string]any{
		"ts": fmt.Sprintf("%.7f", float64(s.now().UnixNano())/1e9), "uuid": e.id, "token": s.cfg.VerificationToken,
		"type": "event_callback", "event": about,
	})
	if err != nil {
		panic(err) // events are made of strings
	}
	e.payload = payload
	return e
}

// when is the time of an event: text, or a number for what was taken back, and for
// everything if Faults say so.
func (s *Server) when(status string) any {
	at := s.now().UnixMilli()
	if status == "REVERTED" || s.faults.numbers {
		return at
	}
	return strconv.FormatInt(at, 10)
}

// instanceEvent tells of an instance. approval-v4/event/common-event/approval-instance-event.
func (s *Server) instanceEvent(i *approvalInstance, status string) event {
	about := map[string]any{
		"approval_code": i.of.Code, "instance_code": i.code, "status": status, "operate_time": s.when(status),
		"instance_operate_time": strconv.FormatInt(s.now().UnixMilli(), 10), "uuid": i.uuid,
	}
	e := s.newEventV1(eventInstance, about)
	e.also = []event{s.newEvent(eventInstanceV4, map[string]any{
		"approval_code": i.of.Code, "instance_code": i.code, "status": status, "operate_time": strconv.FormatInt(s.now().UnixMilli(), 10),
		"start_user": map[string]any{"open_id": i.from, "union_id": unionID(i.from)},
	})}
	return e
}

// taskEvent tells of a task. approval-v4/event/common-event/approval-task-event.
func (s *Server) taskEvent(i *approvalInstance, t *approvalTask) event {
	return s.newEventV1(eventTask, map[string]any{
		"approval_code": i.of.Code, "instance_code": i.code, "task_id": t.id, "open_id": t.who, "status": t.status,
		"operate_time": s.when(t.status), "def_key": i.of.Nodes[t.node].ID, "custom_key": i.of.Nodes[t.node].CustomID,
	})
}

// announce tells the app what has become of an instance, after all that it was told
// before: the next event is sent when the last one was answered. It is called with the
// lock, and returns a channel that is closed when the app was told.
func (s *Server) announce(i *approvalInstance, events []event) <-chan struct{} {
	s.touch()
	before, told := i.told, make(chan struct{})
	i.told = told
	if !s.Go(func(ctx context.Context) {
		defer close(told)
		if before != nil {
			<-before
		}
		for _, e := range events {
			s.tellOf(ctx, i, e)
		}
	}) {
		close(told)
	}
	return told
}

// tellOf tells the app of an instance, if it has subscribed to its definition.
func (s *Server) tellOf(ctx context.Context, i *approvalInstance, e event) {
	s.mu.Lock()
	subscribed := s.approvals.subscribed[i.of.Code]
	s.mu.Unlock()
	if subscribed {
		_, _ = s.tell(ctx, e) // it comes again if it was not answered
	}
	for _, other := range e.also {
		_, _ = s.tell(ctx, other)
	}
}
