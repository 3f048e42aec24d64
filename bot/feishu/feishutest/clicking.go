package feishutest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"slipway/bot/feishu/cardjson"
	"slipway/bot/screen"
)

// Press implements screen.Person.
func (p person) Press(ctx context.Context, m screen.Message, b screen.Button) (screen.Answer, error) {
	s := p.s
	s.mu.Lock()
	stored, err := p.pressable(m.ID)
	if err != nil {
		s.mu.Unlock()
		return screen.Answer{}, err
	}
	var found *press
	for _, now := range s.reader(p.id).look(stored.card).buttons {
		same := now.Label == b.Label && now.Row == b.Row
		if same && (found == nil || now.Handle == b.Handle) {
			found = &now
		}
	}
	if found == nil {
		s.mu.Unlock()
		return screen.Answer{}, notThere("the message has no button %q (any more)", b.Label)
	}
	return p.press(ctx, stored, *found, b) // unlocks
}

// PressSeen implements screen.Person.
func (p person) PressSeen(ctx context.Context, m screen.Message, b screen.Button) (screen.Answer, error) {
	s := p.s
	s.mu.Lock()
	stored, err := p.pressable(m.ID)
	if err != nil {
		s.mu.Unlock()
		return screen.Answer{}, err
	}
	for _, then := range s.reader(p.id).look(m.Raw).buttons {
		if then.Handle == b.Handle {
			return p.press(ctx, stored, then, b) // unlocks
		}
	}
	s.mu.Unlock()
	return screen.Answer{}, notThere("the message had no button %q", b.Label)
}

// pressable returns a card that the person can press. It is called with the lock.
func (p person) pressable(id string) (*message, error) {
	m := p.s.messages[id]
	switch {
	case m == nil || m.card == nil || p.s.users[p.id] == nil || !p.s.sees(p.id, m):
		return nil, notThere("%s does not see the message %s", p.id, id)
	case p.s.tooOld(m):
		return nil, notThere("the message %s is older than 14 days", id)
	}
	return m, nil
}

// press clicks a button, as somebody pressed it. It is called with the lock, which it
// gives back.
func (p person) press(ctx context.Context, m *message, b press, pressed screen.Button) (screen.Answer, error) {
	if err := pressed.Answers(b.Button); err != nil {
		p.s.mu.Unlock()
		return screen.Answer{}, err
	}
	if b.Disabled {
		p.s.mu.Unlock()
		return screen.Answer{}, notThere("the button %q is disabled", b.Label)
	}
	if m.ofCenter() {
		return p.pressCenter(ctx, b) // unlocks
	}
	if b.value == nil && b.option == "" {
		p.s.mu.Unlock()
		return screen.Answer{}, nil // it opens a page
	}
	action := map[string]any{"tag": b.tag}
	for key, value := range map[string]any{"name": b.name, "option": b.option} {
		if value != "" {
			action[key] = value
		}
	}
	if b.value != nil {
		action["value"] = b.value
	}
	answer, err := p.click(ctx, m, action) // unlocks
	answer.Errors = nil
	return answer, err
}

// click sends a callback and shows what is answered. It is called with the lock, which it
// gives back.
func (p person) click(ctx context.Context, m *message, action map[string]any) (screen.Answer, error) {
	s := p.s
	action["timezone"] = p.zone()
	operator := p.operator()
	operator["tenant_key"] = tenantKey
	text := s.newID("c-")
	e := s.newEvent(eventClick, map[string]any{
		"operator": operator, "token": text, "action": action, "host": "im_message",
		"context": map[string]any{"open_message_id": m.id, "open_chat_id": m.chat},
	})
	c := &click{message: m.id, by: p.id, at: s.now(), began: time.Now()}
	s.clicks[text] = c
	if m.pending == 0 {
		m.before = m.card
	}
	m.pending++
	s.mu.Unlock()

	d, err := s.tell(ctx, e)

	s.mu.Lock()
	defer s.mu.Unlock()
	c.answered = true
	m.pending--
	if m.revert && m.pending == 0 {
		// What was changed before the answer is taken back by the client (chat.md 2.3:
		// "更新后立即复原").
		m.revert = false
		s.show(m, m.before)
	}
	if err != nil {
		return screen.Answer{Took: d.Took}, p.failed(d, err)
	}
	answer, err := p.shownFor(m, d.Answer)
	answer.Took = d.Took
	return answer, err
}

// failed is what the person is shown if the app did not answer.
// feishu-cards/card-callback-communication, "错误码".
func (p person) failed(d Delivery, err error) error {
	code := 200342
	switch {
	case errors.Is(err, errLate):
		code = 200341
	case d.Status != 0 && d.Status != http.StatusOK:
		code = 200671
	}
	return fmt.Errorf("error %d is shown: %w", code, err)
}

// callbackAnswer is what an app answers to a click.
type callbackAnswer struct {
	Toast *struct {
		Type    string            `json:"type"`
		Content string            `json:"content"`
		I18n    map[string]string `json:"i18n"`
	} `json:"toast"`
	Card *struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	} `json:"card"`
}

// shownFor shows the answer to a click. It is called with the lock.
func (p person) shownFor(m *message, raw []byte) (screen.Answer, error) {
	s := p.s
	var answer callbackAnswer
	if problem := readAnswer(raw, &answer); problem != "" {
		s.Violate("%s: wrong answer: %s", eventClick, problem)
		return screen.Answer{}, fmt.Errorf("error 200672 is shown: wrong answer: %s", problem)
	}
	var shown screen.Answer
	if t := answer.Toast; t != nil {
		shown.Toast, shown.Kind = t.Content, t.Type
		if local := t.I18n[s.reader(p.id).locale]; local != "" {
			shown.Toast = local
		}
	}
	if answer.Card != nil {
		if problems := cardjson.Check(answer.Card.Data); len(problems) > 0 {
			s.Violate("%s: bad card in the answer: %v", eventClick, problems)
			return shown, fmt.Errorf("error 200673 is shown: %s", problems[0])
		}
		if !m.deleted {
			s.show(m, answer.Card.Data)
		}
	}
	return shown, nil
}

// readAnswer reads the answer to a click and tells what is wrong with it.
func readAnswer(raw []byte, answer *callbackAnswer) (problem string) {
	var all map[string]json.RawMessage
	switch {
	case len(raw) == 0:
		return ""
	case json.Unmarshal(raw, &all) != nil || json.Unmarshal(raw, answer) != nil:
		return "it is not JSON of the right form"
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if key != "toast" && key != "card" {
			return fmt.Sprintf("unknown property %q", key)
		}
	}
	if t := answer.Toast; t != nil && !slices.Contains([]string{"", "info", "success", "warning", "error"}, t.Type) {
		return fmt.Sprintf("no toast has the type %q", t.Type)
	}
	if t := answer.Toast; t != nil && t.Content == "" && len(t.I18n) == 0 {
		return "the toast is empty"
	}
	if c := answer.Card; c != nil && c.Type != "raw" {
		return fmt.Sprintf("the card has the type %q, not raw", c.Type)
	}
	return ""
}
