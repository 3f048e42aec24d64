package feishutest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"slipway/bot/standin"
)

// approvalInstance is something that is asked.
type approvalInstance struct {
	code, uuid  string
	of          *ApprovalDefinition
	from        string
	title       string
	form        []filledWidget
	status      string
	reverted    bool
	asked       [][]string // approvers by node
	at          int        // node
	tasks       []*approvalTask
	comments    []map[string]any
	timeline    []map[string]any
	began, over time.Time
	told        chan struct{} // closed when the app was told of all that happened
}

// filledWidget is what was filled into a widget.
type filledWidget struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// approvalTask is one person's part.
type approvalTask struct {
	id, who    string
	status     string
	node       int
	began, end time.Time
	shown      *message // in the person's chat with the approval center
}

// newInstance is the body of approval-v4/instance/create.
type newInstance struct {
	Definition     string            `json:"approval_code"`
	UserID         string            `json:"user_id"`
	OpenID         string            `json:"open_id"`
	Department     string            `json:"department_id"`
	Form           string            `json:"form"`
	ByUserID       []nodePeople      `json:"node_approver_user_id_list"`
	ByOpenID       []nodePeople      `json:"node_approver_open_id_list"`
	CCByUserID     []nodePeople      `json:"node_cc_user_id_list"`
	CCByOpenID     []nodePeople      `json:"node_cc_open_id_list"`
	UUID           string            `json:"uuid"`
	Resubmit       bool              `json:"allow_resubmit"`
	SubmitAgain    bool              `json:"allow_submit_again"`
	Silent         string            `json:"cancel_bot_notification"`
	ForbidRevoke   bool              `json:"forbid_revoke"`
	Texts          []i18nTexts       `json:"i18n_resources"`
	Title          string            `json:"title"`
	TitleDisplay   int               `json:"title_display_method"`
	AutomaticNodes []json.RawMessage `json:"node_auto_approval_list"`
}

type nodePeople struct {
	Key   string   `json:"key"`
	Value []string `json:"value"`
}

// createInstance asks. approval-v4/instance/create.
func (s *Server) createInstance(r *request) reply {
	if refused, ok := s.inAMinute(OpInstanceCreate); !ok {
		return refused
	}
	var in newInstance
	if refused, ok := s.strictly(r, &in); !ok {
		return refused
	}
	d := s.approvals.definitions[in.Definition]
	switch {
	case d == nil:
		return refusal(1390002, "approval code not found")
	case d.Status != approvalActive:
		return refusal(1390015, "approval is not active")
	case len(in.UUID) > 64:
		return badApproval("uuid is too long")
	case in.UUID != "" && s.instanceOf(in.UUID) != nil:
		return refusal(60012, "uuid conflict")
	}
	from := s.user(byOpenID, in.OpenID)
	if in.UserID != "" {
		from = s.user(byUserID, in.UserID)
	}
	if from == nil {
		return refusal(1390004, "user_id or open_id not found")
	}
	i := &approvalInstance{code: newCode(), uuid: in.UUID, of: d, from: from.OpenID, title: d.Name, status: approvalPending, comments: []map[string]any{}, began: s.now()}
	if err := s.take(i, &in); err != nil {
		s.Violate("approval: %v", err)
		return badApproval("%v", err)
	}
	s.approvals.instances = append(s.approvals.instances, i)
	i.happened(s, "START", from.OpenID, "", "")
	events := []event{s.instanceEvent(i, approvalPending)}
	s.announce(i, append(events, i.enter(s)...))
	return done(map[string]any{"instance_code": i.code})
}

// take reads title, form and approvers of a new instance.
func (s *Server) take(i *approvalInstance, in *newInstance) (err error) {
	if in.Title != "" {
		texts, err := defaults(in.Texts)
		if err != nil {
			return err
		}
		if i.title = texts[in.Title]; i.title == "" {
			return fmt.Errorf("title: there is no text %s", in.Title)
		}
	}
	if i.form, err = s.filled(i.of, in.Form); err != nil {
		return err
	}
	i.asked, err = s.chosen(i.of, in)
	return err
}

// filled checks what is filled into a form. Feishu does not mind that something required
// is missing; here it is a violation.
func (s *Server) filled(d *ApprovalDefinition, form string) ([]filledWidget, error) {
	var values []struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Value    any    `json:"value"`
		Required bool   `json:"required"`
	}
	if err := json.Unmarshal([]byte(form), &values); err != nil {
		return nil, fmt.Errorf("form is no list of widgets: %w", err)
	}
	var filled []filledWidget
	for _, v := range values {
		i := slices.IndexFunc(d.Widgets, func(w ApprovalWidget) bool { return w.ID == v.ID || w.CustomID != "" && w.CustomID == v.ID })
		text, isText := v.Value.(string)
		if i < 0 || d.Widgets[i].Type != v.Type || !isText || text == "" || v.Type == "input" && strings.Contains(text, "\n") {
			return nil, fmt.Errorf("控件值不合法或者为空。控件=%s", v.ID)
		}
		filled = append(filled, filledWidget{ID: d.Widgets[i].ID, Name: d.Widgets[i].Name, Type: v.Type, Value: text})
	}
	for _, w := range d.Widgets {
		if w.Required && w.Type != "text" && !slices.ContainsFunc(filled, func(f filledWidget) bool { return f.ID == w.ID }) {
			s.Violate("approval: nothing is filled into %s, which is required", w.ID)
		}
	}
	return filled, nil
}

// chosen checks who is to approve.
func (s *Server) chosen(d *ApprovalDefinition, in *newInstance) ([][]string, error) {
	var asked [][]string
	used := 0
	for _, n := range d.Nodes {
		people := n.Fixed
		for _, list := range []struct {
			kind  string
			nodes []nodePeople
		}{{byOpenID, in.ByOpenID}, {byUserID, in.ByUserID}} {
			for _, at := range list.nodes {
				if n.Fixed != nil || at.Key != n.ID && (at.Key == "" || at.Key != n.CustomID) {
					continue
				}
				used++
				for _, id := range at.Value {
					u := s.user(list.kind, id)
					if u == nil || n.Among != nil && !slices.Contains(n.Among, u.OpenID) || slices.Contains(people, u.OpenID) {
						return nil, fmt.Errorf("%s cannot approve at %s", id, n.ID)
					}
					people = append(people, u.OpenID)
				}
			}
		}
		if len(people) == 0 || n.One && n.Fixed == nil && len(people) > 1 {
			return nil, fmt.Errorf("%d people are to approve at %s", len(people), n.ID)
		}
		asked = append(asked, people)
	}
	if used != len(in.ByOpenID)+len(in.ByUserID) {
		return nil, fmt.Errorf("somebody is to approve at a node that is not there or not free")
	}
	return asked, nil
}

// instanceOf finds an instance by its code or its uuid.
func (s *Server) instanceOf(id string) *approvalInstance {
	for _, i := range s.approvals.instances {
		if i.code == id || i.uuid != "" && strings.EqualFold(i.uuid, id) {
			return i
		}
	}
	return nil
}

// getInstance tells how something stands. approval-v4/instance/get.
func (s *Server) getInstance(r *request) reply {
	i := s.instanceOf(r.id())
	if i == nil {
		return refusal(1390003, "instance code not found")
	}
	form, err := json.Marshal(i.form)
	if err != nil {
		panic(err) // forms are made of strings
	}
	tasks := make([]any, len(i.tasks))
	for k, t := range i.tasks {
		n := i.of.Nodes[t.node]
		tasks[k] = map[string]any{
			"id": t.id, "open_id": t.who, "status": t.status, "node_id": n.ID, "node_name": n.Name, "custom_node_id": n.CustomID,
			"type": n.Type, "start_time": stamp(t.began), "end_time": stamp(t.end),
		}
	}
	status := i.status
	if status == approvalCanceled && s.faults.british {
		status = "CANCELLED"
	}
	return done(map[string]any{
		"approval_name": i.of.Name, "start_time": stamp(i.began), "end_time": stamp(i.over), "open_id": i.from, "serial_number": "202611290001",
		"department_id": "od-8ec33ffec336c3a39a278bc25e931676", "status": status, "uuid": i.uuid, "form": string(form), "task_list": tasks,
		"comment_list": i.comments, "timeline": i.timeline, "approval_code": i.of.Code, "reverted": i.reverted, "instance_code": i.code,
	})
}

// cancelInstance withdraws. approval-v4/instance/cancel: what was approved is open again
// afterwards, which nobody wants.
func (s *Server) cancelInstance(r *request) reply {
	if refused, ok := s.inAMinute(OpInstanceCancel); !ok {
		return refused
	}
	var in struct {
		Definition string `json:"approval_code"`
		Instance   string `json:"instance_code"`
		User       string `json:"user_id"`
	}
	if refused, ok := s.strictly(r, &in); !ok {
		return refused
	}
	kind := r.query("user_id_type")
	standin.OrElse(&kind, byOpenID)
	i, u := s.instanceOf(in.Instance), s.user(kind, in.User)
	switch {
	case s.approvals.definitions[in.Definition] == nil:
		return refusal(1390002, "approval code not found")
	case i == nil || i.of.Code != in.Definition || i.code != in.Instance:
		return refusal(1390003, "instance code not found")
	case u == nil:
		return refusal(1390004, "user_id or open_id not found")
	case u.OpenID != i.from:
		return refusal(1390009, "no operation permission")
	case i.status == approvalApproved:
		s.Violate("approval %s: it was approved, and is opened again by withdrawing it", i.code)
		i.status = approvalPending
		return done(map[string]any{})
	case i.status != approvalPending:
		return badApproval("the instance is %s", i.status)
	}
	s.announce(i, i.end(s, approvalCanceled, "CANCEL", u.OpenID))
	return done(map[string]any{})
}

// commentInstance says something below an instance. approval-v4/instance-comment/create.
func (s *Server) commentInstance(r *request) reply {
	var in struct {
		Content string `json:"content"`
		Silent  bool   `json:"disable_bot"`
	}
	if refused, ok := s.strictly(r, &in); !ok {
		return refused
	}
	kind := r.query("user_id_type")
	standin.OrElse(&kind, byOpenID)
	i, u := s.instanceOf(r.id()), s.user(kind, r.query("user_id"))
	var content struct{ Text string }
	switch {
	case i == nil || u == nil:
		return badApproval("there is no such instance or person")
	case json.Unmarshal([]byte(in.Content), &content) != nil || content.Text == "":
		return badApproval("content is no comment")
	}
	id := s.newID("7")
	i.comments = append(i.comments, map[string]any{"id": id, "open_id": u.OpenID, "comment": content.Text, "create_time": stamp(s.now())})
	return done(map[string]any{"comment_id": id})
}
