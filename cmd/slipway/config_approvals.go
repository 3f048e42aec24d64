package main

import (
	"fmt"
	"slices"
	"strconv"

	"slipway"
	"slipway/bot"
	"slipway/bot/dingtalk"
	"slipway/bot/feishu"
)

// approvalsConfig says how plans are approved in other systems.
type approvalsConfig struct {
	// Lark has plans approved in the approval center of the Feishu that is connected; nil:
	// they are not.
	Lark     *feishuApprovalConfig `yaml:"lark"`
	DingTalk dingtalkApprovals     `yaml:"dingtalk"`
}

// dingtalkApprovals is the OA approval that is used.
type dingtalkApprovals struct {
	Definition string            `yaml:"definition"` // PROC-…
	Originator string            `yaml:"originator"` // a userid; "": who submits
	Dept       string            `yaml:"dept"`       // of the originator; "": DingTalk chooses
	Fields     map[string]string `yaml:"fields"`     // which field takes which detail
}

// dingtalkConfig connects DingTalk.
type dingtalkConfig struct {
	AppKey        string `yaml:"app_key"`
	AppSecret     secret `yaml:"app_secret"`
	CallbackToken secret `yaml:"callback_token"`
	CallbackKey   secret `yaml:"callback_aes_key"`
	Stream        string `yaml:"stream"`   // true: events come over a connection to DingTalk
	BaseURL       string `yaml:"base_url"` // of a stand-in; "" is DingTalk itself
}

func (d dingtalkConfig) configured() bool { return d.AppKey != "" || d.AppSecret != "" }

// outside lists the systems in which plans can be approved beside Slipway itself.
func (c *config) outside() []slipway.ApprovalType {
	var out []slipway.ApprovalType
	if c.Approvals.Lark != nil {
		out = append(out, slipway.LarkApproval)
	}
	if c.DingTalk.configured() {
		out = append(out, slipway.DingTalkApproval)
	}
	return out
}

// checkApprovals judges the systems in which plans are approved, and the accounts of people
// there.
func (c *config) checkApprovals() []error {
	var out []error
	note := func(key, format string, args ...any) {
		out = append(out, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if l := c.Approvals.Lark; l != nil {
		l.check(c.Feishu.configured(), note)
	}
	d, oa := c.DingTalk, c.Approvals.DingTalk
	if !d.configured() {
		if oa.Definition != "" || oa.Originator != "" || oa.Dept != "" || len(oa.Fields) > 0 {
			note("approvals.dingtalk", "needs SLIPWAY_DINGTALK_APP_KEY and SLIPWAY_DINGTALK_APP_SECRET")
		}
		return append(out, c.checkDingTalkIDs()...)
	}
	if d.AppKey == "" || d.AppSecret == "" {
		note("SLIPWAY_DINGTALK_APP_KEY", "is expected together with SLIPWAY_DINGTALK_APP_SECRET")
	}
	if oa.Definition == "" || spaceInASecret.MatchString(oa.Definition) {
		note("approvals.dingtalk.definition", "the processCode of the approval is expected, PROC-…; SLIPWAY_DINGTALK_PROCESS_CODE sets it, too")
	}
	if _, err := strconv.ParseInt(oa.Dept, 10, 64); oa.Dept != "" && err != nil {
		note("approvals.dingtalk.dept", "the number of a department is expected, not %q", oa.Dept)
	}
	if (d.CallbackToken == "") != (d.CallbackKey == "") {
		note("SLIPWAY_DINGTALK_CALLBACK_TOKEN", "is expected together with SLIPWAY_DINGTALK_CALLBACK_AES_KEY")
	}
	if d.Stream != "" && d.Stream != "true" && d.Stream != "false" {
		note("SLIPWAY_DINGTALK_STREAM", "true or false is expected, not %q", d.Stream)
	}
	if d.BaseURL != "" && !isAddress(d.BaseURL) {
		note("SLIPWAY_DINGTALK_BASE_URL", "an http or https address is expected, or nothing, which is DingTalk itself")
	}
	checkFields(note, "approvals.dingtalk.fields", oa.Fields)
	return append(out, c.checkDingTalkIDs()...)
}

func (c *config) checkDingTalkIDs() []error {
	var out []error
	for i, u := range c.Users {
		if spaceInASecret.MatchString(u.DingTalkID) {
			out = append(out, fmt.Errorf("users[%d].dingtalk_id: a userid without spaces is expected, not %q", i, u.DingTalkID))
		}
	}
	return out
}

// checkFields refuses details that there are not.
func checkFields(note func(key, format string, args ...any), at string, fields map[string]string) {
	known := append(feishu.ApprovalFields(), dingtalk.DetailMark)
	for key, name := range fields {
		switch {
		case !slices.Contains(known, bot.DetailKey(key)):
			note(at+"."+key, "one of %v is expected", known)
		case name == "":
			note(at+"."+key, "the name of a field is expected")
		}
	}
}

// fieldNames says which field of DingTalk's form takes a detail.
func (d dingtalkApprovals) fieldNames() map[bot.DetailKey]string {
	out := map[bot.DetailKey]string{}
	for key, name := range d.Fields {
		if bot.DetailKey(key) == feishu.DetailRest {
			key = string(dingtalk.DetailRest)
		}
		out[bot.DetailKey(key)] = name
	}
	return out
}
