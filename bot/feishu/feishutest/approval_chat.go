package feishutest

import (
	"context"
	"encoding/json"
	"strings"

	"slipway/bot/screen"
)

// The approval center shows people what waits for them, with buttons, in a chat of its
// own. It has no account: its messages come from the chat.
const (
	centerChats = "oc_approvals_"
	centerName  = "审批"
)

func (m *message) ofCenter() bool { return strings.HasPrefix(m.sender, centerChats) }

// What the approval center writes, by whether its reader reads Chinese.
var centerWords = map[bool]map[string]string{
	true:  {approvalApproved: "同意", approvalRejected: "拒绝", approvalPending: "待审批", approvalDone: "无需处理", "TRANSFERRED": "已转交", "from": "发起人"},
	false: {approvalApproved: "Approve", approvalRejected: "Reject", approvalPending: "Waits for you", approvalDone: "Nothing to do", "TRANSFERRED": "Passed on", "from": "Requested by"},
}

// tellPerson shows somebody what waits for them, or what has become of it. It is called
// with the lock.
func (s *Server) tellPerson(i *approvalInstance, t *approvalTask) {
	card := s.taskCard(i, t)
	if t.shown != nil {
		s.show(t.shown, card)
		return
	}
	id := centerChats + strings.TrimPrefix(t.who, "ou_")
	if s.chats[id] == nil {
		s.chats[id] = &chat{id: id, name: centerName, members: []string{t.who}}
		s.rooms = append(s.rooms, id)
	}
	t.shown = s.post(&message{chat: id, kind: "interactive", sender: id, card: card})
}

func (s *Server) taskCard(i *approvalInstance, t *approvalTask) json.RawMessage {
	words := centerWords[strings.HasPrefix(s.reader(t.who).locale, "zh")]
	text := func(content string) map[string]any {
		return map[string]any{"tag": "div", "text": map[string]any{"tag": "plain_text", "content": content}}
	}
	elements := []any{text(words["from"] + ": " + s.nameOf(i.from))}
	for _, w := range i.form {
		elements = append(elements, text(w.Name+"\n"+w.Value))
	}
	if t.status == approvalPending {
		for _, status := range []string{approvalApproved, approvalRejected} {
			elements = append(elements, map[string]any{
				"tag": "button", "text": map[string]any{"tag": "plain_text", "content": words[status]},
				"type":      map[string]string{approvalApproved: "primary", approvalRejected: "danger"}[status],
				"behaviors": []any{map[string]any{"type": "callback", "value": map[string]any{"instance": i.code, "status": status}}},
			})
		}
	}
	card, err := json.Marshal(map[string]any{
		"schema": "2.0", "body": map[string]any{"elements": elements},
		"header": map[string]any{
			"title":    map[string]any{"tag": "plain_text", "content": i.title},
			"subtitle": map[string]any{"tag": "plain_text", "content": words[t.status]},
		},
	})
	if err != nil {
		panic(err) // cards are made of strings
	}
	return card
}

// pressCenter presses a button of the approval center. It is called with the lock,
// which it gives back.
func (p person) pressCenter(ctx context.Context, b press) (screen.Answer, error) {
	words := centerWords[strings.HasPrefix(p.s.reader(p.id).locale, "zh")]
	p.s.mu.Unlock()
	value, _ := b.value.(map[string]any)
	instance, _ := value["instance"].(string)
	status, _ := value["status"].(string)
	if err := p.s.decide(ctx, p.id, instance, status, ""); err != nil {
		return screen.Answer{}, err
	}
	return screen.Answer{Toast: words[status], Kind: "success"}, nil
}
