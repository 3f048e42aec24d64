package feishutest

import (
	"context"
	"slices"

	"slipway/bot/standin"
)

// ApprovalTask is something that waits for somebody in the approval center.
type ApprovalTask struct {
	ID, Instance, Title, Node string
	Form                      string // widgets, a line or more for each
}

// ApprovalInstance is something that was asked, for assertions.
type ApprovalInstance struct {
	Code, UUID, Definition string
	From, Title, Status    string
	Form                   map[string]string // by widget's id
	Asked                  [][]string        // open ids, by node
	Comments               []string          // below it, without those of decisions
}

// Instances returns what was asked so far, oldest first.
func (s *Server) Instances() []ApprovalInstance {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []ApprovalInstance
	for _, i := range s.approvals.instances {
		form := map[string]string{}
		for _, w := range i.form {
			form[w.ID] = w.Value
		}
		var comments []string
		for _, c := range i.comments {
			text, _ := c["comment"].(string)
			comments = append(comments, text)
		}
		all = append(all, ApprovalInstance{
			Code: i.code, UUID: i.uuid, Definition: i.of.Code, From: i.from, Title: i.title, Status: i.status, Form: form, Asked: i.asked,
			Comments: comments,
		})
	}
	return all
}

// ApprovalTasks returns what waits for somebody, oldest first.
func (s *Server) ApprovalTasks(openID string) []ApprovalTask {
	s.mu.Lock()
	defer s.mu.Unlock()
	var waiting []ApprovalTask
	for _, i := range s.approvals.instances {
		if t := i.taskOf(openID); t != nil {
			waiting = append(waiting, ApprovalTask{ID: t.id, Instance: i.code, Title: i.title, Node: i.of.Nodes[t.node].Name, Form: i.text()})
		}
	}
	return waiting
}

// text is the form as people read it.
func (i *approvalInstance) text() string {
	var text string
	for _, w := range i.form {
		text += w.Name + "\n" + w.Value + "\n"
	}
	return text
}

// ApproveInstance has somebody approve what waits for them.
func (s *Server) ApproveInstance(ctx context.Context, openID, instance, comment string) error {
	return s.decide(ctx, openID, instance, approvalApproved, comment)
}

// RejectInstance has somebody reject what waits for them.
func (s *Server) RejectInstance(ctx context.Context, openID, instance, comment string) error {
	return s.decide(ctx, openID, instance, approvalRejected, comment)
}

func (s *Server) decide(ctx context.Context, openID, instance, status, comment string) error {
	return s.actOn(ctx, instance, func(i *approvalInstance) ([]event, error) {
		t := i.taskOf(openID)
		if t == nil {
			return nil, notThere("nothing of %s waits for %s", instance, openID)
		}
		return i.decided(s, t, status, comment), nil
	})
}

// TransferInstance has somebody pass on to another person what waits for them.
func (s *Server) TransferInstance(ctx context.Context, openID, instance, to, comment string) error {
	return s.actOn(ctx, instance, func(i *approvalInstance) ([]event, error) {
		t := i.taskOf(openID)
		if t == nil || s.users[to] == nil {
			return nil, notThere("%s cannot pass %s on to %s", openID, instance, to)
		}
		i.close(s, t, "TRANSFERRED")
		i.happened(s, "TRANSFER", openID, t.id, comment)
		passed := i.open(s, t.node, to)
		return []event{s.taskEvent(i, t), s.taskEvent(i, passed)}, nil
	})
}

// RecallInstance has who asked withdraw it: what is open is over then, and what was
// approved is taken back.
func (s *Server) RecallInstance(ctx context.Context, openID, instance string) error {
	return s.actOn(ctx, instance, func(i *approvalInstance) ([]event, error) {
		switch {
		case i.from != openID || i.status != approvalPending && i.status != approvalApproved:
			return nil, notThere("%s cannot withdraw %s", openID, instance)
		case i.status == approvalPending:
			return i.end(s, approvalCanceled, "CANCEL", openID), nil
		}
		i.reverted = true
		i.happened(s, "CANCEL", openID, "", "")
		return []event{s.instanceEvent(i, "REVERTED")}, nil
	})
}

// DeleteInstance has an administrator delete something that was asked.
func (s *Server) DeleteInstance(ctx context.Context, instance string) error {
	return s.actOn(ctx, instance, func(i *approvalInstance) ([]event, error) {
		return i.end(s, approvalDeleted, "DELETE", ""), nil
	})
}

// actOn changes an instance and tells the app about it.
func (s *Server) actOn(ctx context.Context, instance string, act func(*approvalInstance) ([]event, error)) error {
	s.mu.Lock()
	i := s.instanceOf(instance)
	if i == nil {
		s.mu.Unlock()
		return notThere("there is no instance %s", instance)
	}
	events, err := act(i)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	told := s.announce(i, events)
	s.mu.Unlock()
	select {
	case <-told:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// taskOf returns what waits for somebody, nil if nothing does.
func (i *approvalInstance) taskOf(openID string) *approvalTask {
	at := slices.IndexFunc(i.tasks, func(t *approvalTask) bool { return t.who == openID && t.status == approvalPending })
	if at < 0 || i.status != approvalPending {
		return nil
	}
	return i.tasks[at]
}

// enter opens the tasks of the node that the instance is at.
func (i *approvalInstance) enter(s *Server) []event {
	people := i.asked[i.at]
	if i.of.Nodes[i.at].Type == nodeInTurn {
		people = people[:1]
	}
	var events []event
	for _, who := range people {
		events = append(events, s.taskEvent(i, i.open(s, i.at, who)))
	}
	return events
}

func (i *approvalInstance) open(s *Server, node int, who string) *approvalTask {
	t := &approvalTask{id: s.newID("7"), who: who, status: approvalPending, node: node, began: s.now()}
	i.tasks = append(i.tasks, t)
	s.tellPerson(i, t)
	return t
}

func (i *approvalInstance) close(s *Server, t *approvalTask, status string) {
	t.status, t.end = status, s.now()
	s.tellPerson(i, t)
}

// decided takes what somebody says, and goes on with what follows from it.
func (i *approvalInstance) decided(s *Server, t *approvalTask, status, comment string) []event {
	i.close(s, t, status)
	kind := "PASS"
	if status == approvalRejected {
		kind = "REJECT"
	}
	i.happened(s, kind, t.who, t.id, comment)
	events := []event{s.taskEvent(i, t)}
	if status == approvalRejected {
		return append(events, i.end(s, approvalRejected, "", "")...)
	}
	node, open := i.of.Nodes[i.at].Type, i.waiting()
	switch {
	case node == nodeInTurn && i.passed() < len(i.asked[i.at]):
		next := i.open(s, i.at, i.asked[i.at][i.passed()])
		return append(events, s.taskEvent(i, next))
	case node == nodeAll && len(open) > 0:
		return events
	}
	events = append(events, i.finish(s)...)
	if i.at++; i.at == len(i.asked) {
		return append(events, i.end(s, approvalApproved, "", "")...)
	}
	return append(events, i.enter(s)...)
}

// waiting are the open tasks.
func (i *approvalInstance) waiting() []*approvalTask {
	return slices.DeleteFunc(slices.Clone(i.tasks), func(t *approvalTask) bool { return t.status != approvalPending })
}

// passed is how many have approved at the node that the instance is at.
func (i *approvalInstance) passed() int {
	n := 0
	for _, t := range i.tasks {
		if t.node == i.at && t.status == approvalApproved {
			n++
		}
	}
	return n
}

// finish closes the open tasks, on which nobody needs to act any more.
func (i *approvalInstance) finish(s *Server) []event {
	var events []event
	for _, t := range i.waiting() {
		i.close(s, t, approvalDone)
		events = append(events, s.taskEvent(i, t))
	}
	return events
}

// end ends an instance.
func (i *approvalInstance) end(s *Server, status, kind, by string) []event {
	events := i.finish(s)
	i.status, i.over = status, s.now()
	if kind != "" {
		i.happened(s, kind, by, "", "")
	}
	return append(events, s.instanceEvent(i, status))
}

// happened notes something in the timeline.
func (i *approvalInstance) happened(s *Server, kind, who, task, comment string) {
	entry := map[string]any{"type": kind, "create_time": stamp(s.now()), "ext": "{}", "node_key": ""}
	for key, value := range map[string]string{"open_id": who, "task_id": task, "comment": comment} {
		if value != "" {
			entry[key] = value
		}
	}
	i.timeline = append(i.timeline, entry)
}

// decision is the body of approval-v4/task/approve and reject.
type decision struct {
	Definition string `json:"approval_code"`
	Instance   string `json:"instance_code"`
	User       string `json:"user_id"`
	Comment    string `json:"comment"`
	Task       string `json:"task_id"`
	Form       string `json:"form"`
}

// approveTask approves for somebody. approval-v4/task/approve.
func (s *Server) approveTask(r *request) reply { return s.decideTask(r, approvalApproved) }

// rejectTask rejects for somebody. approval-v4/task/reject.
func (s *Server) rejectTask(r *request) reply { return s.decideTask(r, approvalRejected) }

func (s *Server) decideTask(r *request, status string) reply {
	var in decision
	if refused, ok := s.strictly(r, &in); !ok {
		return refused
	}
	kind := r.query("user_id_type")
	standin.OrElse(&kind, byOpenID)
	i, u := s.instanceOf(in.Instance), s.user(kind, in.User)
	switch {
	case i == nil || i.of.Code != in.Definition:
		return refusal(1390003, "instance code not found")
	case u == nil:
		return refusal(1390004, "user_id or open_id not found")
	}
	t := i.taskOf(u.OpenID)
	if t == nil || t.id != in.Task {
		return refusal(1390010, "task id not found")
	}
	s.announce(i, i.decided(s, t, status, in.Comment))
	return done(map[string]any{})
}
