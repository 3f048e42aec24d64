package feishutest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	larkapproval "github.com/larksuite/oapi-sdk-go/v3/service/approval/v4"

	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
)

// news are the events about approvals that the SDK dispatched.
type news struct {
	mu    sync.Mutex
	heard []string
	times []any
}

func (n *news) take(_ context.Context, body []byte) {
	var e struct {
		Event struct {
			Type, Status string
			Operate      any `json:"operate_time"`
		}
	}
	if err := json.Unmarshal(body, &e); err != nil {
		e.Event.Status = err.Error()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.heard = append(n.heard, e.Event.Type+" "+e.Event.Status)
	n.times = append(n.times, e.Event.Operate)
}

func (n *news) all() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.heard, ", ")
}

func text(key, value string) *larkapproval.I18nResourceText {
	return larkapproval.NewI18nResourceTextBuilder().Key(key).Value(value).Build()
}

// define makes a definition with the SDK, and subscribes to it.
func define(t *testing.T, a *app, types ...string) string {
	t.Helper()
	free := larkapproval.NewApprovalApproverCcerBuilder().Type("Free").Build()
	nodes := []*larkapproval.ApprovalNode{larkapproval.NewApprovalNodeBuilder().Id("START").Build()}
	for i, kind := range types {
		nodes = append(nodes, larkapproval.NewApprovalNodeBuilder().Id("node"+string(rune('1'+i))).Name("@i18n@level").NodeType(kind).
			Approver([]*larkapproval.ApprovalApproverCcer{free}).ApproverChosenMulti(true).Build())
	}
	nodes = append(nodes, larkapproval.NewApprovalNodeBuilder().Id("END").Build())
	made, err := a.client.Approval.Approval.Create(t.Context(), larkapproval.NewCreateApprovalReqBuilder().ApprovalCreate(
		larkapproval.NewApprovalCreateBuilder().ApprovalName("@i18n@name").NodeList(nodes).
			Viewers([]*larkapproval.ApprovalCreateViewers{larkapproval.NewApprovalCreateViewersBuilder().ViewerType("NONE").Build()}).
			Form(larkapproval.NewApprovalFormBuilder().FormContent(`[{"id":"w","name":"@i18n@widget","type":"textarea","required":true}]`).Build()).
			I18nResources([]*larkapproval.I18nResource{larkapproval.NewI18nResourceBuilder().Locale("zh-CN").IsDefault(true).
				Texts([]*larkapproval.I18nResourceText{text("@i18n@name", "发布"), text("@i18n@widget", "内容"), text("@i18n@level", "审批")}).Build()}).
			Build()).Build())
	if err != nil || !made.Success() {
		t.Fatalf("define: %v %+v", err, made)
	}
	code := *made.Data.ApprovalCode
	for _, want := range []int{0, 1390007} {
		resp, err := a.client.Approval.Approval.Subscribe(t.Context(), larkapproval.NewSubscribeApprovalReqBuilder().ApprovalCode(code).Build())
		if err != nil || resp.Code != want {
			t.Fatalf("subscribe: %v %+v, want %d", err, resp, want)
		}
	}
	return code
}

// ask makes an instance with the SDK.
func ask(t *testing.T, a *app, code, uuid string, approvers ...[]string) (string, int) {
	t.Helper()
	var chosen []*larkapproval.NodeApprover
	for i, people := range approvers {
		chosen = append(chosen, larkapproval.NewNodeApproverBuilder().Key("node"+string(rune('1'+i))).Value(people).Build())
	}
	resp, err := a.client.Approval.Instance.Create(t.Context(), larkapproval.NewCreateInstanceReqBuilder().InstanceCreate(
		larkapproval.NewInstanceCreateBuilder().ApprovalCode(code).OpenId(wang).Uuid(uuid).NodeApproverOpenIdList(chosen).
			Form(`[{"id":"w","type":"textarea","value":"Payments\n4.2"}]`).Build()).Build())
	if err != nil {
		t.Fatal(err)
	}
	if resp.Data == nil || resp.Data.InstanceCode == nil {
		return "", resp.Code
	}
	return *resp.Data.InstanceCode, resp.Code
}

func look(t *testing.T, a *app, id string) *larkapproval.GetInstanceResp {
	t.Helper()
	resp, err := a.client.Approval.Instance.Get(t.Context(), larkapproval.NewGetInstanceReqBuilder().InstanceId(id).Build())
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestApprovalsThroughTheSDK(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, a *app) {
		var told news
		set(a, &a.approval, told.take)
		code := define(t, a, "OR", "AND")
		got, err := a.client.Approval.Approval.Get(t.Context(), larkapproval.NewGetApprovalReqBuilder().ApprovalCode(code).Build())
		if err != nil || !got.Success() || *got.Data.ApprovalName != "发布" || len(got.Data.NodeList) != 4 || *got.Data.NodeList[1].NodeType != "OR" || !*got.Data.NodeList[1].NeedApprover {
			t.Errorf("definition = %+v %v", got, err)
		}
		ref, _ := ask(t, a, code, "Mark-1", []string{wang, li}, []string{wang, li})
		if again, c := ask(t, a, code, "mark-1", []string{wang}, []string{li}); again != "" || c != 60012 {
			t.Errorf("the same uuid made %q, %d", again, c)
		}
		if resp := look(t, a, "MARK-1"); *resp.Data.InstanceCode != ref || *resp.Data.Status != "PENDING" || *resp.Data.OpenId != wang || len(resp.Data.TaskList) != 2 {
			t.Errorf("by its uuid it is %+v", resp.Data)
		}
		if err := a.server.ApproveInstance(t.Context(), li, ref, "fine"); err != nil {
			t.Error(err)
		}
		if err := a.server.ApproveInstance(t.Context(), li, ref, ""); err != nil {
			t.Error(err)
		}
		task := a.server.ApprovalTasks(wang)[0]
		resp, err := a.client.Approval.Task.Approve(t.Context(), larkapproval.NewApproveTaskReqBuilder().TaskApprove(
			larkapproval.NewTaskApproveBuilder().ApprovalCode(code).InstanceCode(ref).UserId(wang).TaskId(task.ID).Comment("me too").Build()).Build())
		if err != nil || !resp.Success() {
			t.Errorf("approve by call: %v %+v", err, resp)
		}
		data := look(t, a, ref).Data
		if *data.Status != "APPROVED" || *data.Timeline[1].Comment != "fine" || *data.Timeline[3].OpenId != wang || *data.Timeline[3].Comment != "me too" {
			t.Errorf("at the end it is %+v", data)
		}
		want := "approval_instance PENDING, approval_task PENDING, approval_task PENDING, " +
			"approval_task APPROVED, approval_task DONE, approval_task PENDING, approval_task PENDING, " +
			"approval_task APPROVED, approval_task APPROVED, approval_instance APPROVED"
		eventually(t, "all events", func() bool { return strings.Count(told.all(), ",") == strings.Count(want, ",") })
		if diff := cmp.Diff(want, told.all()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		noViolations(t, a.server)
	})
}

func TestApprovalsAreWithdrawnDeletedAndTakenBack(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{Mode: feishutest.HTTP})
	var told news
	set(a, &a.approval, told.take)
	code := define(t, a, "SEQUENTIAL")
	withdraw := func(ref, who string) int {
		resp, err := a.client.Approval.Instance.Cancel(t.Context(), larkapproval.NewCancelInstanceReqBuilder().InstanceCancel(
			larkapproval.NewInstanceCancelBuilder().ApprovalCode(code).InstanceCode(ref).UserId(who).Build()).Build())
		if err != nil {
			t.Fatal(err)
		}
		return resp.Code
	}
	ref, _ := ask(t, a, code, "1", []string{li, wang})
	if c := withdraw(ref, li); c != 1390009 {
		t.Errorf("somebody else withdraws: %d", c)
	}
	if err := a.server.ApproveInstance(t.Context(), wang, ref, ""); !errors.Is(err, screen.ErrNotThere) {
		t.Errorf("the second before the first: %v", err)
	}
	if c := withdraw(ref, wang); c != 0 || *look(t, a, ref).Data.Status != "CANCELED" {
		t.Errorf("who asked withdraws: %d", c)
	}
	if c := withdraw(ref, wang); c != 1390001 {
		t.Errorf("again: %d", c)
	}
	if c := withdraw("none", wang); c != 1390003 || look(t, a, "none").Code != 1390003 {
		t.Errorf("what is not there: %d", c)
	}

	ref, _ = ask(t, a, code, "2", []string{li, wang})
	for _, who := range []string{li, wang} {
		if err := a.server.ApproveInstance(t.Context(), who, ref, ""); err != nil {
			t.Error(err)
		}
	}
	if err := a.server.RecallInstance(t.Context(), wang, ref); err != nil || *look(t, a, ref).Data.Status != "APPROVED" || !*look(t, a, ref).Data.Reverted {
		t.Errorf("taken back: %v", err)
	}
	eventually(t, "REVERTED", func() bool { return strings.HasSuffix(told.all(), "approval_instance REVERTED") })
	if _, number := told.times[len(told.times)-1].(float64); !number {
		t.Errorf("its time is %v", told.times[len(told.times)-1])
	}
	ref, _ = ask(t, a, code, "3", []string{li})
	a.server.SetApproval(code, "DELETED")
	if *look(t, a, ref).Data.Status != "DELETED" {
		t.Error("what was open is there without its definition")
	}
	eventually(t, "DELETED", func() bool { return strings.HasSuffix(told.all(), "approval_instance DELETED") })
	noViolations(t, a.server)
}

func TestBadBodiesOfApprovalsAreRefused(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{Mode: feishutest.HTTP})
	code := a.server.AddApproval(feishutest.ApprovalDefinition{
		Name: "x", Widgets: []feishutest.ApprovalWidget{{ID: "w", Name: "w", Type: "input"}},
		Nodes: []feishutest.ApprovalNode{{ID: "n", Type: "OR", One: true}, {ID: "fixed", Type: "OR", Fixed: []string{li}}},
	})
	definition := func(change func(string) string) string {
		return change(`{"approval_name":"@i18n@name","viewers":[{"viewer_type":"NONE"}],"form":{"form_content":"[{\"id\":\"w\",\"name\":\"@i18n@widget\",\"type\":\"input\",\"required\":true}]"},` +
			`"node_list":[{"id":"START"},{"id":"n","name":"@i18n@level","node_type":"OR","approver":[{"type":"Free"}]},{"id":"END"}],` +
			`"i18n_resources":[{"locale":"zh-CN","is_default":true,"texts":[{"key":"@i18n@name","value":"x"},{"key":"@i18n@widget","value":"x"},{"key":"@i18n@level","value":"x"}]}]}`)
	}
	instance := func(change func(string) string) string {
		return change(`{"approval_code":"` + code + `","open_id":"ou_wang","form":"[{\"id\":\"w\",\"type\":\"input\",\"value\":\"x\"}]","node_approver_open_id_list":[{"key":"n","value":["ou_li"]}]}`)
	}
	swap := func(old, other string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Errorf("%s is not in %s", old, s)
			}
			return strings.Replace(s, old, other, 1)
		}
	}
	const approvals, instances = "/open-apis/approval/v4/approvals", "/open-apis/approval/v4/instances"
	for name, c := range map[string]struct {
		path, body string
		code       int
	}{
		"good definition":     {approvals, definition(swap("x", "x")), 0},
		"unknown field":       {approvals, definition(swap(`"viewers"`, `"colour":1,"viewers"`)), 1390001},
		"short key":           {approvals, definition(swap("@i18n@name", "@i18n@n")), 1390001},
		"missing text":        {approvals, definition(swap("@i18n@level", "@i18n@level_2")), 1390001},
		"no default language": {approvals, definition(swap(`"is_default":true`, `"is_default":false`)), 1390001},
		"no viewers":          {approvals, definition(swap(`{"viewer_type":"NONE"}`, ``)), 1390001},
		"no END":              {approvals, definition(swap(`,{"id":"END"}`, ``)), 1390001},
		"bad type of node":    {approvals, definition(swap(`"node_type":"OR"`, `"node_type":"ANY"`)), 1390001},
		"nobody approves":     {approvals, definition(swap(`{"type":"Free"}`, ``)), 1390001},
		"half a config":       {approvals, definition(swap(`"viewers"`, `"config":{"can_update_form":false},"viewers"`)), 1390001},
		"unknown code":        {approvals, definition(swap(`"viewers"`, `"approval_code":"X","viewers"`)), 1390002},
		"bad widget":          {approvals, definition(swap(`\"type\":\"input\"`, `\"type\":\"formula\"`)), 1390001},
		"good instance":       {instances, instance(swap("x", "x")), 0},
		"no definition":       {instances, instance(swap(code, "X")), 1390002},
		"nobody asks":         {instances, instance(swap("ou_wang", "ou_x")), 1390004},
		"wrong widget":        {instances, instance(swap(`\"id\":\"w\"`, `\"id\":\"v\"`)), 1390001},
		"wrong type":          {instances, instance(swap(`\"type\":\"input\"`, `\"type\":\"textarea\"`)), 1390001},
		"empty value":         {instances, instance(swap(`\"value\":\"x\"`, `\"value\":\"\"`)), 1390001},
		"two lines in one":    {instances, instance(swap(`\"value\":\"x\"`, `\"value\":\"x\\ny\"`)), 1390001},
		"form is an object":   {instances, instance(swap(`"[{`, `"{`)), 1390001},
		"nobody is chosen":    {instances, instance(swap(`{"key":"n","value":["ou_li"]}`, ``)), 1390001},
		"too many":            {instances, instance(swap(`["ou_li"]`, `["ou_li","ou_wang"]`)), 1390001},
		"a stranger":          {instances, instance(swap(`["ou_li"]`, `["ou_x"]`)), 1390001},
		"a fixed node":        {instances, instance(swap(`[{"key":"n"`, `[{"key":"fixed","value":["ou_wang"]},{"key":"n"`)), 1390001},
		"title without text":  {instances, instance(swap(`"form"`, `"title":"@i18n@t","form"`)), 1390001},
		"user_id of the SDKs": {instances, instance(swap(`"form"`, `"user":"x","form"`)), 1390001},
	} {
		if _, got, _ := a.call(t, http.MethodPost, c.path, c.body); got != c.code {
			t.Errorf("%s: code %d, want %d", name, got, c.code)
		}
	}
	if len(a.server.Violations()) < 20 {
		t.Errorf("only %d violations", len(a.server.Violations()))
	}
}

func TestPeopleDecideInTheirChatWithTheApprovalCenter(t *testing.T) {
	t.Parallel()
	a := newApp(t, feishutest.Config{Mode: feishutest.HTTP})
	set(a, &a.approval, func(context.Context, []byte) {})
	ref, _ := ask(t, a, define(t, a, "AND"), "1", []string{wang, li})
	room := func(who string) string {
		for _, r := range a.server.Person(who).Rooms() {
			if r.Name == "审批" {
				return r.ID
			}
		}
		t.Fatalf("%s has no chat with the approval center", who)
		return ""
	}
	m := a.last(t, li, room(li))
	if m.Text != "发布\nWaits for you\nRequested by: 王小明\n内容\nPayments\n4.2" || len(m.Buttons) != 2 || m.Bot {
		t.Errorf("Li sees %+v", m)
	}
	answer, err := a.server.Person(li).Press(t.Context(), m, m.Buttons[0])
	if err != nil || answer.Toast != "Approve" {
		t.Errorf("Li approves: %+v %v", answer, err)
	}
	if now := a.last(t, li, room(li)); len(now.Buttons) != 0 || now.ID != m.ID {
		t.Errorf("Li still sees %+v", now)
	}
	if _, err := a.server.Person(li).PressSeen(t.Context(), m, m.Buttons[1]); !errors.Is(err, screen.ErrNotThere) {
		t.Errorf("Li decides again: %v", err)
	}
	m = a.last(t, wang, room(wang))
	if _, err := a.server.Person(wang).Press(t.Context(), m, m.Buttons[1]); err != nil || m.Buttons[1].Label != "拒绝" {
		t.Errorf("Wang rejects: %v", err)
	}
	if got := *look(t, a, ref).Data.Status; got != "REJECTED" {
		t.Errorf("it is %s", got)
	}
	noViolations(t, a.server)
}

func TestInstancesInTheSecondVersionOfEvents(t *testing.T) {
	t.Parallel()
	inBothModes(t, func(t *testing.T, a *app) {
		heard := make(chan *larkapproval.P2InstanceStatusChangedV4, 10)
		set(a, &a.changed, func(e *larkapproval.P2InstanceStatusChangedV4) { heard <- e })
		a.server.Subscribe(feishutest.Subscriptions{Events: []string{"approval.instance.status_changed_v4"}})
		ref, _ := ask(t, a, define(t, a, "OR"), "1", []string{li})
		if e := <-heard; *e.Event.InstanceCode != ref || *e.Event.Status != "PENDING" {
			t.Errorf("the event is %+v", e.Event)
		}
	})
}
