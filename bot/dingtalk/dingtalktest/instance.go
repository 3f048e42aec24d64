package dingtalktest

import (
	"fmt"
	"slices"
	"time"
)

// instance is one approval that people were asked for.
type instance struct {
	id, code, title  string
	number           string // businessId
	originator       string
	dept             int64
	form             []value
	nodes            []node
	at               int // the node that is passed next
	tasks            []*task
	records          []record
	status, result   string
	created, ended   time.Time
	asked            []string // all approvers
	deleted, decided bool
}

// value is a filled field.
type value struct{ id, name, kind, text string }

// node is one step.
type node struct {
	action string
	users  []string
}

// task is one person's part in a step.
type task struct {
	id             int64
	node           int
	user           string
	status, result string
	created, ended time.Time
}

// record is one thing that somebody did.
type record struct {
	user, kind, result, remark string
	at                         time.Time
	node                       int
}

// Instance is what can be seen of an instance.
type Instance struct {
	ID, Definition, Originator string
	Status, Result             string
	Form                       map[string]string // by the names of the fields
	Nodes                      []Node
	Waiting                    []string // whose turn it is
}

// Node is one step of an instance.
type Node struct {
	Action string // AND, OR or NONE
	Users  []string
}

// Instances returns all that was asked, oldest first.
func (s *Server) Instances() []Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Instance
	for _, in := range s.instances {
		if in.deleted {
			continue
		}
		x := Instance{ID: in.id, Definition: in.code, Originator: in.originator, Status: in.status, Result: in.result, Form: map[string]string{}}
		for _, v := range in.form {
			x.Form[v.name] = v.text
		}
		for _, n := range in.nodes {
			x.Nodes = append(x.Nodes, Node{Action: n.action, Users: slices.Clone(n.users)})
		}
		for _, t := range in.tasks {
			if t.status == running {
				x.Waiting = append(x.Waiting, t.user)
			}
		}
		all = append(all, x)
	}
	return all
}

// The statuses of instances and tasks.
const (
	running    = "RUNNING"
	completed  = "COMPLETED"
	terminated = "TERMINATED"
	canceled   = "CANCELED"
)

// find returns an instance, nil if there is none. It is called with the lock.
func (s *Server) find(id string) *instance {
	i := slices.IndexFunc(s.instances, func(in *instance) bool { return in.id == id && !in.deleted })
	if i < 0 {
		return nil
	}
	return s.instances[i]
}

// begin asks the people of the next step. It is called with the lock, like all below.
func (s *Server) begin(in *instance) []event {
	var events []event
	for _, user := range in.nodes[in.at].users {
		events = append(events, s.giveTask(in, user))
	}
	return events
}

func (s *Server) giveTask(in *instance, user string) event {
	t := &task{id: 70_000_000_000 + s.nextID(), node: in.at, user: user, status: running, created: s.cfg.Now()}
	in.tasks = append(in.tasks, t)
	return s.taskEvent(in, t, "start", "", "")
}

// The kinds of decisions: by a person, and by a rule of the approval, which passes in the
// name of somebody who has approved before or is the originator.
const (
	byPerson = "EXECUTE_TASK_NORMAL"
	byRule   = "EXECUTE_TASK_AUTO"
)

// decide is one person's word, or what stands for it.
func (s *Server) decide(in *instance, t *task, kind string, agree bool, remark string) []event {
	now := s.cfg.Now()
	result, word := "REFUSE", "refuse"
	if agree {
		result, word = "AGREE", "agree"
	}
	t.status, t.result, t.ended = completed, result, now
	in.records = append(in.records, record{user: t.user, kind: kind, result: result, remark: remark, at: now, node: t.node})
	events := []event{s.taskEvent(in, t, "finish", word, remark)}
	if !agree {
		return append(events, append(s.cancelTasks(in), s.end(in, completed, "refuse")...)...)
	}
	in.decided = true
	if in.nodes[in.at].action == "AND" && slices.ContainsFunc(in.tasks, func(t *task) bool { return t.status == running }) {
		return events
	}
	events = append(events, s.cancelTasks(in)...)
	if in.at++; in.at < len(in.nodes) {
		return append(events, s.begin(in)...)
	}
	return append(events, s.end(in, completed, "agree")...)
}

// cancelTasks takes the question away from those who need not answer any more.
func (s *Server) cancelTasks(in *instance) []event {
	var events []event
	for _, t := range in.tasks {
		if t.status == running {
			t.status, t.ended = canceled, s.cfg.Now()
			events = append(events, s.taskEvent(in, t, "cancel", "", ""))
		}
	}
	return events
}

func (s *Server) end(in *instance, status, result string) []event {
	in.status, in.result, in.ended = status, result, s.cfg.Now()
	if status == completed {
		in.records = append(in.records, record{user: in.originator, kind: "FINISH_PROCESS_INSTANCE", result: "NONE", at: in.ended})
		return []event{s.instanceEvent(in, "finish")}
	}
	return []event{s.instanceEvent(in, "terminate")}
}

// withdraw ends an instance before it is decided.
func (s *Server) withdraw(in *instance, by, remark string) []event {
	in.records = append(in.records, record{user: by, kind: "TERMINATE_PROCESS_INSTANCE", result: "NONE", remark: remark, at: s.cfg.Now()})
	return append(s.cancelTasks(in), s.end(in, terminated, "")...)
}

// shown is how an instance is told. One that runs and was agreed to by somebody already
// has a result.
func (s *Server) shown(in *instance) map[string]any {
	forms, records, tasks := []map[string]any{}, []map[string]any{}, []map[string]any{}
	for _, v := range in.form {
		forms = append(forms, map[string]any{"id": v.id, "name": v.name, "value": v.text, "componentType": v.kind, "extValue": "", "bizAlias": ""})
	}
	for _, r := range in.records {
		shown := map[string]any{
			"userId": r.user, "date": s.faults.time(r.at), "type": r.kind, "result": r.result, "activityId": activity(r.node), "showName": "审批人", "images": []string{},
		}
		if r.remark != "" {
			shown["remark"] = r.remark
		}
		records = append(records, shown)
	}
	for _, t := range in.tasks {
		shown := map[string]any{
			"taskId": t.id, "userId": t.user, "status": t.status, "createTime": s.faults.time(t.created), "processInstanceId": in.id,
			"activityId": activity(t.node), "pcUrl": "aflow.dingtalk.com?procInsId=" + in.id, "mobileUrl": "aflow.dingtalk.com?procInsId=" + in.id,
		}
		if t.status != running {
			shown["result"], shown["finishTime"] = t.result, s.faults.time(t.ended)
		}
		tasks = append(tasks, shown)
	}
	out := map[string]any{
		"title": in.title, "originatorUserId": in.originator, "originatorDeptId": fmt.Sprint(in.dept), "originatorDeptName": "研发部", "status": in.status,
		"approverUserIds": in.asked, "ccUserIds": []string{}, "businessId": in.number, "bizAction": "NONE", "bizData": "", "attachedProcessInstanceIds": []string{},
		"formComponentValues": forms, "operationRecords": records, "tasks": tasks, "createTime": s.faults.time(in.created),
	}
	switch {
	case in.result != "":
		out["result"] = in.result
	case in.status == running && in.decided:
		out["result"] = "agree"
	}
	if in.status != running {
		out["finishTime"] = s.faults.time(in.ended)
	}
	return out
}

func activity(node int) string { return fmt.Sprintf("0000_%04x", node+1) }
