package feishutest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway/bot/standin"
)

// approvalCenter is Feishu's app for approvals. The lock of the Server guards it.
type approvalCenter struct {
	definitions map[string]*ApprovalDefinition
	instances   []*approvalInstance
	subscribed  map[string]bool // definitions, by code
}

// ApprovalDefinition is an approval definition: a form, and nodes that are passed one
// after another.
type ApprovalDefinition struct {
	Code, Name string
	Status     string // "" = ACTIVE
	Widgets    []ApprovalWidget
	Nodes      []ApprovalNode

	made bool // by the app
}

// ApprovalWidget is a field of a form.
type ApprovalWidget struct {
	ID       string `json:"id"`
	CustomID string `json:"custom_id,omitempty"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
}

// ApprovalNode is a step of a process.
type ApprovalNode struct {
	ID, CustomID, Name string
	Type               string   // AND, OR or SEQUENTIAL
	Fixed              []string // open ids; nil: who asks chooses the approvers
	One                bool     // one approver only can be chosen
	Among              []string // who can be chosen, nil = everybody
}

// Feishu's words.
const (
	approvalActive   = "ACTIVE"
	approvalDeleted  = "DELETED"
	approvalPending  = "PENDING"
	approvalApproved = "APPROVED"
	approvalRejected = "REJECTED"
	approvalCanceled = "CANCELED"
	approvalDone     = "DONE"
	nodeAll          = "AND"
	nodeAny          = "OR"
	nodeInTurn       = "SEQUENTIAL"
)

// The scopes that the interfaces name on their pages.
var (
	mayDefine    = []string{"approval:approval", "approval:definition"}
	mayReadForms = []string{"approval:approval", "approval:approval:readonly", "approval:definition"}
	mayAsk       = []string{"approval:approval", "approval:instance"}
	mayFollow    = []string{"approval:approval", "approval:approval:readonly", "approval:instance"}
	mayComment   = []string{"approval:approval", "approval:instance.comment"}
	mayDecide    = []string{"approval:approval", "approval:task"}
)

func approvalRoutes() []route {
	return []route{
		{OpApprovalCreate, "POST /open-apis/approval/v4/approvals", mayDefine, (*Server).createDefinition},
		{OpApprovalGet, "GET /open-apis/approval/v4/approvals/{id}", mayReadForms, (*Server).getDefinition},
		{OpApprovalSubscribe, "POST /open-apis/approval/v4/approvals/{id}/subscribe", mayDefine, (*Server).subscribeApproval},
		{OpApprovalUnsubscribe, "POST /open-apis/approval/v4/approvals/{id}/unsubscribe", mayDefine, (*Server).unsubscribeApproval},
		{OpInstanceCreate, "POST /open-apis/approval/v4/instances", mayAsk, (*Server).createInstance},
		{OpInstanceGet, "GET /open-apis/approval/v4/instances/{id}", mayFollow, (*Server).getInstance},
		{OpInstanceCancel, "POST /open-apis/approval/v4/instances/cancel", mayFollow, (*Server).cancelInstance},
		{OpInstanceComment, "POST /open-apis/approval/v4/instances/{id}/comments", mayComment, (*Server).commentInstance},
		{OpTaskApprove, "POST /open-apis/approval/v4/tasks/approve", mayDecide, (*Server).approveTask},
		{OpTaskReject, "POST /open-apis/approval/v4/tasks/reject", mayDecide, (*Server).rejectTask},
	}
}

// inAMinute refuses the hundred-and-first call of a kind in a minute.
func (s *Server) inAMinute(op string) (refused reply, ok bool) {
	after, ok := s.within(op+" of approvals", 100, time.Minute, s.cfg.Limits)
	if !ok {
		return tooOften(after), false
	}
	return reply{}, true
}

// strictly reads a body. What the interface does not know is a violation and refused,
// though Feishu would overlook it.
func (s *Server) strictly(r *request, into any) (refused reply, ok bool) {
	d := json.NewDecoder(bytes.NewReader(r.raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fmt.Errorf("something follows the body")
		}
	}
	if err != nil {
		s.Violate("%s %s: %v", r.http.Method, r.http.URL.Path, err)
		return badApproval("%v", err), false
	}
	return reply{}, true
}

func badApproval(format string, args ...any) reply {
	return refusal(1390001, "param is invalid, "+fmt.Sprintf(format, args...))
}

// AddApproval adds a definition as an administrator makes it, and returns its code.
func (s *Server) AddApproval(d ApprovalDefinition) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	standin.OrElse(&d.Code, newCode())
	standin.OrElse(&d.Status, approvalActive)
	d.Nodes = slices.Clone(d.Nodes)
	for i := range d.Nodes {
		standin.OrElse(&d.Nodes[i].ID, standin.Random(16))
	}
	s.approvals.definitions[d.Code] = &d
	return d.Code
}

// SetApproval changes the state of a definition: ACTIVE, INACTIVE or DELETED. What is
// open is deleted with it.
func (s *Server) SetApproval(code, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.approvals.definitions[code]; d != nil {
		d.Status = status
	}
	if status == approvalDeleted {
		for _, i := range s.approvals.instances {
			if i.of.Code == code && i.status == approvalPending {
				s.announce(i, i.end(s, approvalDeleted, "DELETE", ""))
			}
		}
	}
}

// ApprovalDefinitions returns the definitions that the app has made, by code.
func (s *Server) ApprovalDefinitions() []ApprovalDefinition {
	s.mu.Lock()
	defer s.mu.Unlock()
	var made []ApprovalDefinition
	for _, d := range s.approvals.definitions {
		if d.made {
			made = append(made, *d)
		}
	}
	slices.SortFunc(made, func(a, b ApprovalDefinition) int { return strings.Compare(a.Code, b.Code) })
	return made
}

// newCode is a code as Feishu writes them.
func newCode() string {
	hex := strings.ToUpper(standin.Random(16))
	return strings.Join([]string{hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:]}, "-")
}

// getDefinition tells about a definition. approval-v4/approval/get: with its first and
// last node, for which the type means nothing.
func (s *Server) getDefinition(r *request) reply {
	if refused, ok := s.inAMinute(OpApprovalGet); !ok {
		return refused
	}
	d := s.approvals.definitions[r.id()]
	switch {
	case d == nil:
		return refusal(1390002, "approval code not found")
	case d.Status == approvalDeleted:
		return refusal(1390016, "approval is deleted")
	}
	form, err := json.Marshal(d.Widgets)
	if err != nil {
		panic(err) // widgets are made of strings
	}
	nodes := []any{map[string]any{"name": "提交", "need_approver": false, "node_id": "b078ffd28db767c502ac367053f6e0ac", "custom_node_id": "START", "node_type": nodeAll}}
	for _, n := range d.Nodes {
		about := map[string]any{
			"name": n.Name, "need_approver": n.Fixed == nil, "node_id": n.ID, "node_type": n.Type, "approver_chosen_multi": !n.One, "require_signature": false,
		}
		if n.CustomID != "" {
			about["custom_node_id"] = n.CustomID
		}
		if n.Fixed == nil {
			span := map[string]any{"approver_range_type": 0}
			if n.Among != nil {
				span = map[string]any{"approver_range_type": 2, "approver_range_ids": n.Among}
			}
			about["approver_chosen_range"] = []any{span}
		}
		nodes = append(nodes, about)
	}
	nodes = append(nodes, map[string]any{"name": "结束", "need_approver": false, "node_id": "b1a326c06d88bf042f73d70f50197905", "custom_node_id": "END", "node_type": nodeAll})
	return done(map[string]any{
		"approval_name": d.Name, "status": d.Status, "form": string(form), "node_list": nodes, "viewers": []any{map[string]any{"type": "NONE"}},
	})
}

// subscribeApproval lets the app hear of a definition's instances. approval-v4/approval/subscribe.
func (s *Server) subscribeApproval(r *request) reply {
	if refused, ok := s.inAMinute(OpApprovalSubscribe); !ok {
		return refused
	}
	switch {
	case s.approvals.definitions[r.id()] == nil:
		return refusal(1390002, "approval code not found")
	case s.approvals.subscribed[r.id()]:
		return refusal(1390007, "subscription existed")
	}
	s.approvals.subscribed[r.id()] = true
	return done(map[string]any{})
}

// unsubscribeApproval ends that. approval-v4/approval/unsubscribe.
func (s *Server) unsubscribeApproval(r *request) reply {
	if !s.approvals.subscribed[r.id()] {
		return refusal(1390007, "subscription not existed")
	}
	delete(s.approvals.subscribed, r.id())
	return done(map[string]any{})
}

// stamp is a time as the interfaces of approvals write it.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
