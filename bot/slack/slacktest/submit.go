package slacktest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"slipway/bot/screen"
	"slipway/bot/slack/blockkit"
)

// Fill implements screen.Person. What the client itself finds missing or too long is in
// Answer.Errors without the app having heard of it, as in Slack.
func (p *Person) Fill(ctx context.Context, values map[string][]string) (screen.Answer, error) {
	s := p.s
	v, err := p.open()
	if err != nil {
		return screen.Answer{}, err
	}
	if err := p.lookUp(ctx, v, values); err != nil {
		return screen.Answer{}, err
	}
	s.mu.Lock()
	for label, value := range values {
		in, err := v.named(label)
		if err == nil {
			err = p.choose(v, in, value)
		}
		if err != nil {
			s.mu.Unlock()
			return screen.Answer{}, err
		}
	}
	if v.errors = p.incomplete(v); len(v.errors) > 0 {
		s.change()
		answer := screen.Answer{Errors: v.labelled(v.errors)}
		s.mu.Unlock()
		return answer, nil
	}
	since := s.seq
	payload := p.interaction("view_submission")
	payload["trigger_id"] = s.newTrigger(p.id, v.opened)
	payload["view"], payload["response_urls"] = s.renderView(v), []any{}
	s.mu.Unlock()

	reply, err := s.send(ctx, delivery{kind: "interactive", payload: payload})
	if err != nil {
		return screen.Answer{Took: reply.took}, err
	}
	errors, err := s.submitted(v, reply.body)
	if err != nil {
		return screen.Answer{Took: reply.took}, err
	}
	if errors != nil {
		return screen.Answer{Took: reply.took, Errors: errors}, nil
	}
	return p.answer(ctx, since, nil, reply.took, waitForAnswer), nil
}

// open returns the form that is open.
func (p *Person) open() (*view, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if err := p.known(); err != nil {
		return nil, err
	}
	v := p.s.top(p.id)
	switch {
	case v == nil:
		return nil, fmt.Errorf("form: %w", screen.ErrNotThere)
	case v.definition["submit"] == nil && len(v.inputs()) == 0:
		return nil, fmt.Errorf("submit button: %w", screen.ErrNotThere)
	}
	return v, nil
}

// submitted does what the app answered to a form, and returns its errors by label.
func (s *Server) submitted(v *view, body []byte) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var o struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &o); err != nil {
			s.Violate("view_submission was answered with %.100q", body)
			return nil, fmt.Errorf("read answer to form: %w", err)
		}
	}
	switch o.Action {
	case "":
		s.pop(v)
		return nil, nil
	case "clear":
		delete(s.modals, v.user)
		s.change()
		return nil, nil
	case "errors":
		return s.wrong(v, o.Errors)
	case "update", "push":
		return nil, s.follow(v, o.Action, o.View)
	}
	s.Violate("view_submission was answered with response_action %q", o.Action)
	return nil, fmt.Errorf("answer to form: response_action %q", o.Action)
}

// wrong shows errors beside their fields. Slack gives up on an error about a block that
// is no input.
func (s *Server) wrong(v *view, errors map[string]string) (map[string]string, error) {
	byLabel := v.labelled(errors)
	if len(byLabel) != len(errors) || len(errors) == 0 {
		s.Violate("view_submission was answered with errors about blocks that are no inputs: %v", errors)
		return nil, fmt.Errorf("we had some trouble connecting: errors %v name no input", errors)
	}
	v.errors = errors
	s.showTo(v.user)
	return byLabel, nil
}

// follow shows another view in place of, or on top of, the one that was sent.
func (s *Server) follow(v *view, action string, raw json.RawMessage) error {
	definition, bad := s.readView(raw, blockkit.CheckModal)
	if bad == nil && action == "push" {
		_, bad = s.push(&trigger{user: v.user, room: v.opened}, definition)
	} else if bad == nil {
		s.define(v, definition)
	}
	if bad != nil {
		s.Violate("view_submission was answered with a bad view: %s %s", bad.code, strings.Join(bad.messages, "; "))
		return fmt.Errorf("answer to form: %s %v", bad.code, bad.messages)
	}
	return nil
}

// CloseForm implements screen.Person.
func (p *Person) CloseForm(ctx context.Context) error {
	s := p.s
	s.mu.Lock()
	v := s.top(p.id)
	if v == nil {
		s.mu.Unlock()
		return fmt.Errorf("form: %w", screen.ErrNotThere)
	}
	all := v.definition["clear_on_close"] == true
	payload := p.interaction("view_closed")
	payload["view"], payload["is_cleared"] = s.renderView(v), all
	if all {
		delete(s.modals, p.id)
		s.change()
	} else {
		s.pop(v)
	}
	s.mu.Unlock()
	if v.definition["notify_on_close"] != true {
		return nil
	}
	reply, err := s.send(ctx, delivery{kind: "interactive", payload: payload})
	s.silent("view_closed", reply)
	return err
}

// lookUp asks the app for the options of menus that it fills while people type.
func (p *Person) lookUp(ctx context.Context, v *view, values map[string][]string) error {
	for label, chosen := range values {
		p.s.mu.Lock()
		in, err := v.named(label)
		kind, _ := in.element["type"].(string)
		p.s.mu.Unlock()
		if err != nil {
			return err
		}
		if !strings.HasSuffix(kind, "external_select") {
			continue
		}
		for _, value := range chosen {
			if err := p.lookUpOne(ctx, v, in, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookUpOne types nothing, and then the value, until it is offered.
func (p *Person) lookUpOne(ctx context.Context, v *view, in input, value string) error {
	for _, query := range []string{"", value} {
		p.s.mu.Lock()
		_, missing := option(v, in, value)
		p.s.mu.Unlock()
		if missing == nil || value == "" {
			return nil
		}
		if least, _ := json.Number(numberOf(in.element["min_query_length"])).Int64(); query == "" && least > 0 {
			continue
		}
		if _, err := p.suggest(ctx, v, in, query); err != nil {
			return err
		}
	}
	return nil
}

// Suggest types into a menu of the open form that the app fills, and returns what it
// offers.
func (p *Person) Suggest(ctx context.Context, label, query string) ([]screen.Option, error) {
	v, err := p.open()
	if err != nil {
		return nil, err
	}
	p.s.mu.Lock()
	in, err := v.named(label)
	p.s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return p.suggest(ctx, v, in, query)
}

func (p *Person) suggest(ctx context.Context, v *view, in input, query string) ([]screen.Option, error) {
	s := p.s
	s.mu.Lock()
	payload := p.interaction("block_suggestion")
	payload["action_id"], payload["block_id"], payload["value"] = in.action, in.block, query
	payload["container"] = map[string]any{"type": "view", "view_id": v.id}
	payload["view"] = s.renderView(v)
	s.mu.Unlock()
	reply, err := s.send(ctx, delivery{kind: "interactive", payload: payload})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if problems := blockkit.CheckOptions(reply.body); problems != nil || len(reply.body) == 0 {
		s.Violate("block_suggestion was answered with %.100q: %v", reply.body, problems)
		return nil, fmt.Errorf("answer to menu: %v", problems)
	}
	list, problems := readList(append(append(json.RawMessage("["), reply.body...), ']'))
	if problems != nil {
		return nil, fmt.Errorf("answer to menu: %v", problems)
	}
	element, _ := list[0].(map[string]any) // checked
	now := input{element: element}
	v.offered[in.block] = append(v.offered[in.block], allOptions(&view{}, now)...)
	s.change()
	return offered(&view{}, now), nil
}
