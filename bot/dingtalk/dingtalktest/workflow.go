package dingtalktest

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"slipway/bot/standin"
)

// What an instance may have at most.
const (
	maxNodes  = 20
	maxFields = 150
	maxValue  = 65535
	maxRemark = 1024
)

// startRequest is what an instance is started with. Of the fields only the plain ones are
// known here.
type startRequest struct {
	Originator string `json:"originatorUserId"`
	Code       string `json:"processCode"`
	Dept       *int64 `json:"deptId"`
	Agent      *int64 `json:"microappAgentId"`
	Approvers  []struct {
		Action string   `json:"actionType"`
		Users  []string `json:"userIds"`
	} `json:"approvers"`
	CC         []string `json:"ccList"`
	CCPosition string   `json:"ccPosition"`
	Form       []struct {
		ID    string  `json:"id"`
		Alias string  `json:"bizAlias"`
		Name  string  `json:"name"`
		Value *string `json:"value"`
		Ext   string  `json:"extValue"`
		Kind  string  `json:"componentType"`
	} `json:"formComponentValues"`
}

// start makes an instance. Asked twice, it makes two.
func (s *Server) start(c *call) reply {
	var in startRequest
	if s.read(c, &in) != nil {
		return refusal("invalidParameter", "发起审批参数错误")
	}
	d := s.definitions[in.Code]
	switch {
	case d == nil:
		return refusal("processCodeError", "获取审批模板失败或者模板已被删除")
	case d.Disabled:
		return refusal("processGetFailed", "获取审批流失败或审批单状态为非启用状态")
	}
	who, known := s.users[in.Originator]
	if !known {
		return refusal("processInstanceInvalidParameter", "审批实例参数错误，发起人userid错误")
	}
	dept := who.Dept
	if in.Dept != nil {
		if dept = *in.Dept; dept == -1 {
			dept = 0
		}
	}
	if dept != who.Dept {
		return refusal("processInstanceInvalidParameter", "审批实例参数错误，发起人不在发起部门中")
	}
	nodes, asked, wrong := s.readNodes(in)
	if wrong != "" {
		s.Violate("start: %s", wrong)
		return refusal("processInstanceInvalidParameter", "审批实例参数错误，"+wrong)
	}
	form, missing := s.readForm(d, in)
	if missing != "" {
		return refusal("formConverterError", "表单数据校验失败，失败控件："+missing)
	}
	now := s.cfg.Now()
	made := &instance{
		id: standin.Random(11) + strconv.FormatInt(now.UnixMilli(), 10), code: d.Code, title: who.Name + "提交的" + d.Name, number: now.Format("20060102150405") + fmt.Sprintf("%06d", s.nextID()),
		originator: in.Originator, dept: dept, form: form, nodes: nodes, asked: asked, status: running, created: now,
	}
	made.records = []record{{user: in.Originator, kind: "START_PROCESS_INSTANCE", result: "NONE", at: now}}
	s.instances = append(s.instances, made)
	a := done(map[string]any{"instanceId": made.id})
	a.events = append([]event{s.instanceEvent(made, "start")}, s.begin(made)...)
	return a
}

// readNodes checks the steps. wrong says what DingTalk does not take.
func (s *Server) readNodes(in startRequest) (nodes []node, asked []string, wrong string) {
	if n := len(in.Approvers); n == 0 || n > maxNodes {
		return nil, nil, fmt.Sprintf("审批人列表长度为 %d", n)
	}
	for _, a := range in.Approvers {
		single := a.Action == "NONE"
		switch {
		case !single && a.Action != "AND" && a.Action != "OR":
			return nil, nil, fmt.Sprintf("actionType %q", a.Action)
		case single && len(a.Users) != 1, !single && len(a.Users) < 2:
			return nil, nil, fmt.Sprintf("actionType %s 对应 %d 人", a.Action, len(a.Users))
		}
		for _, u := range a.Users {
			if _, known := s.users[u]; !known || slices.Contains(asked, u) {
				return nil, nil, fmt.Sprintf("审批人userid错误 %q", u)
			}
			asked = append(asked, u)
		}
		nodes = append(nodes, node{action: a.Action, users: a.Users})
	}
	return nodes, asked, ""
}

// readForm fills the form of a definition. A value under a name that the form does not have
// is dropped without a word.
func (s *Server) readForm(d *Definition, in startRequest) (form []value, wrong string) {
	if n := len(in.Form); n == 0 || n > maxFields {
		return nil, fmt.Sprintf("%d 个控件", n)
	}
	filled := map[string]string{}
	for _, f := range in.Form {
		if f.Value == nil || utf8.RuneCountInString(*f.Value) > maxValue {
			return nil, f.Name
		}
		if !slices.ContainsFunc(d.Components, func(c Component) bool { return c.Name == f.Name }) {
			s.Violate("start: the form has no field %q, its value was dropped", f.Name)
		}
		filled[f.Name] = *f.Value
	}
	for _, c := range d.Components {
		if c.Required && filled[c.Name] == "" {
			return nil, c.Name
		}
		form = append(form, value{id: c.id(), name: c.Name, kind: c.Kind, text: filled[c.Name]})
	}
	return form, ""
}

// get tells about an instance.
func (s *Server) get(c *call) reply {
	id := c.http.URL.Query().Get("processInstanceId")
	if id == "" {
		return refusal("MissingprocessInstanceId", "processInstanceId is mandatory for this action.")
	}
	in := s.find(id)
	if in == nil {
		return refusal("processInstanceNotExist", "审批实例不存在")
	}
	return done(map[string]any{"result": s.shown(in), "success": "true"})
}

// tooFresh is how long an instance cannot be withdrawn.
const tooFresh = 15 * time.Second

// terminate withdraws an instance, in the name of its originator or in the app's own.
func (s *Server) terminate(c *call) reply {
	var r struct {
		ID     string `json:"processInstanceId"`
		System *bool  `json:"isSystem"`
		By     string `json:"operatingUserId"`
		Remark string `json:"remark"`
	}
	if s.read(c, &r) != nil {
		return refusal("invalidParameter", "撤销审批实例参数错误")
	}
	in := s.find(r.ID)
	switch {
	case r.ID == "":
		return refusal("invalidInstanceId", "审批实例ID不能为空")
	case r.System == nil:
		return refusal("invalidInstanceTerminateIsSystem", "撤销审批实例，是否通过系统操作参数不能为空")
	case !*r.System && r.By == "":
		return refusal("invalidInstanceTerminateOperatingUserId", "撤销审批实例，当isSystem为false时，操作人的userId不能为空")
	case utf8.RuneCountInString(r.Remark) > maxRemark:
		return refusal("invalidParameter", "撤销审批实例参数错误")
	case in == nil:
		return refusal("aflowProcessInstNotExist", "审批实例不存在")
	}
	if !*r.System {
		if _, known := s.users[r.By]; !known {
			return refusal("userNotExist", "用户不存在")
		}
		if r.By != in.originator || s.definitions[in.code] == nil || s.definitions[in.code].KeepsOpen {
			return refusal("internalError", "您没有任务处理的权限")
		}
	}
	switch {
	case in.status != running:
		return refusal("aflowProcessInstStatusException", "审批单已结束")
	case s.cfg.Now().Sub(in.created) < tooFresh:
		return refusal("aflowProcessInstStatusException", "提交审批单后15秒内不能进行撤回")
	}
	a := done(map[string]any{"result": true, "success": true})
	a.events = s.withdraw(in, r.By, r.Remark)
	return a
}

// maxSpan is how long a time instances are listed over.
const maxSpan = 120 * 24 * time.Hour

// list tells the ids of instances.
func (s *Server) list(c *call) reply {
	var r struct {
		Code     string   `json:"processCode"`
		Start    *int64   `json:"startTime"`
		End      *int64   `json:"endTime"`
		Next     *int64   `json:"nextToken"`
		Max      int      `json:"maxResults"`
		Users    []string `json:"userIds"`
		Statuses []string `json:"statuses"`
	}
	if s.read(c, &r) != nil {
		return refusal("internalError", "系统内部异常")
	}
	end := s.cfg.Now()
	if r.End != nil {
		end = time.UnixMilli(*r.End)
	}
	switch {
	case s.definitions[r.Code] == nil:
		return refusal("invalidProcessCode", "审批模板processCode不能为空")
	case r.Start == nil:
		return refusal("invalidInstanceListIdsStartTime", "审批实例开始时间不能为空")
	case r.Next == nil:
		return refusal("invalidNextToken", "分页查询的游标不能为空")
	case r.Max < 1 || r.Max > 20:
		return refusal("invalidMaxResults", "分页参数非法，每页大小，最多传20。")
	case len(r.Users) > 10:
		return refusal("invalidUserIds", "发起userid列表参数非法，最大列表长度为10。")
	}
	start := time.UnixMilli(*r.Start)
	if end.Before(start) || end.Sub(start) > maxSpan {
		return refusal("invalidEndTime", "审批实例结束时间不能小于开始时间；且查询时间范围不能超过120天。")
	}
	ids := []string{}
	for _, in := range s.instances {
		if in.deleted || in.code != r.Code || in.created.Before(start) || in.created.After(end) ||
			(len(r.Users) > 0 && !slices.Contains(r.Users, in.originator)) || (len(r.Statuses) > 0 && !slices.Contains(r.Statuses, in.status)) {
			continue
		}
		ids = append(ids, in.id)
	}
	from := min(int(*r.Next), len(ids))
	to := min(from+r.Max, len(ids))
	result := map[string]any{"list": ids[from:to]}
	if to < len(ids) {
		result["nextToken"] = strconv.Itoa(to) // asked for as a number, answered as a string
	}
	return done(map[string]any{"result": result, "success": true})
}
