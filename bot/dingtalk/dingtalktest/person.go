package dingtalktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Agree lets a person agree to an instance. It fails if it is not their turn.
func (s *Server) Agree(ctx context.Context, id, user, remark string) error {
	return s.act(ctx, id, user, func(in *instance, t *task) []event { return s.decide(in, t, byPerson, true, remark) })
}

// Pass lets a rule of the approval agree in the name of a person, who says nothing.
func (s *Server) Pass(ctx context.Context, id, user string) error {
	return s.act(ctx, id, user, func(in *instance, t *task) []event { return s.decide(in, t, byRule, true, "") })
}

// Refuse lets a person refuse an instance, which ends it.
func (s *Server) Refuse(ctx context.Context, id, user, remark string) error {
	return s.act(ctx, id, user, func(in *instance, t *task) []event { return s.decide(in, t, byPerson, false, remark) })
}

// Transfer lets a person hand the question to somebody else.
func (s *Server) Transfer(ctx context.Context, id, user, to, remark string) error {
	s.mu.Lock()
	_, known := s.users[to]
	s.mu.Unlock()
	if !known {
		return fmt.Errorf("%s does not work here", to)
	}
	return s.act(ctx, id, user, func(in *instance, t *task) []event {
		t.status, t.result, t.ended = completed, "REDIRECTED", s.cfg.Now()
		in.records = append(in.records, record{user: user, kind: "REDIRECT_TASK", result: "NONE", remark: remark, at: t.ended, node: t.node})
		return []event{s.taskEvent(in, t, "finish", "redirect", remark), s.giveTask(in, to)}
	})
}

// Remark lets a person say something about an instance that is not a decision.
func (s *Server) Remark(ctx context.Context, id, user, text string) error {
	return s.on(ctx, id, func(in *instance) ([]event, error) {
		in.records = append(in.records, record{user: user, kind: "ADD_REMARK", result: "NONE", remark: text, at: s.cfg.Now()})
		e := s.taskEvent(in, &task{user: user}, "comment", "", text)
		return []event{e}, nil
	})
}

// Withdraw lets the originator take an instance back.
func (s *Server) Withdraw(ctx context.Context, id, user, remark string) error {
	return s.on(ctx, id, func(in *instance) ([]event, error) {
		if in.originator != user || in.status != running {
			return nil, errors.New("only the originator can withdraw, and only what is open")
		}
		return s.withdraw(in, user, remark), nil
	})
}

// Delete lets an admin delete an instance.
func (s *Server) Delete(ctx context.Context, id string) error {
	return s.on(ctx, id, func(in *instance) ([]event, error) {
		in.deleted = true
		return []event{s.instanceEvent(in, "delete")}, nil
	})
}

// act does what a person does whose turn it is.
func (s *Server) act(ctx context.Context, id, user string, do func(*instance, *task) []event) error {
	return s.on(ctx, id, func(in *instance) ([]event, error) {
		i := slices.IndexFunc(in.tasks, func(t *task) bool { return t.user == user && t.status == running })
		if i < 0 {
			return nil, fmt.Errorf("%s is not asked about %s now", user, id)
		}
		return do(in, in.tasks[i]), nil
	})
}

// on does something with an instance, and delivers the events about it.
func (s *Server) on(ctx context.Context, id string, do func(*instance) ([]event, error)) error {
	s.mu.Lock()
	in := s.find(id)
	if in == nil {
		s.mu.Unlock()
		return fmt.Errorf("there is no instance %s", id)
	}
	events, err := do(in)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.deliver(ctx, events)
	return nil
}
