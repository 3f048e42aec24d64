package main

import (
	"maps"
	"regexp"
	"slices"

	"slipway"
	"slipway/bot"
	"slipway/bot/feishu"
)

// feishuApprovalConfig has plans approved in Feishu's approval center.
type feishuApprovalConfig struct {
	Definition string            `yaml:"definition"` // its code; "" = Slipway makes one
	Initiator  string            `yaml:"initiator"`  // open id, "" = who submits the plan
	Fields     map[string]string `yaml:"fields"`     // a widget's id for each detail
}

var feishuApprovalCode = regexp.MustCompile(`^[A-Za-z0-9-]*$`)

// check judges what can be told without asking Feishu.
func (a *feishuApprovalConfig) check(connected bool, note func(key, format string, args ...any)) {
	if !connected {
		note("approvals.lark", "Feishu is not connected: set SLIPWAY_FEISHU_APP_ID and SLIPWAY_FEISHU_APP_SECRET")
	}
	if !feishuApprovalCode.MatchString(a.Definition) {
		note("approvals.lark.definition", "an approval code such as 7C468A54-8745-2245-9675-08B7C63E7A85 is expected, not %q", a.Definition)
	}
	if a.Initiator != "" && !feishuAccount.MatchString(a.Initiator) {
		note("approvals.lark.initiator", "an open id such as ou_0123456789abcdef is expected, not %q", a.Initiator)
	}
	if a.Definition == "" && len(a.Fields) > 0 {
		note("approvals.lark.fields", "they are widgets of a definition, so approvals.lark.definition is expected, too")
	}
	for _, key := range slices.Sorted(maps.Keys(a.Fields)) {
		switch {
		case !slices.Contains(feishu.ApprovalFields(), bot.DetailKey(key)):
			note("approvals.lark.fields."+key, "one of %v is expected", feishu.ApprovalFields())
		case a.Fields[key] == "":
			note("approvals.lark.fields."+key, "the id or custom id of a widget is expected")
		}
	}
}

// platform is what the platform needs of it, nil if nothing was set.
func (a *feishuApprovalConfig) platform(tell heard) *feishu.ApprovalConfig {
	if a == nil {
		return nil
	}
	fields := make(map[bot.DetailKey]string, len(a.Fields))
	for key, widget := range a.Fields {
		fields[bot.DetailKey(key)] = widget
	}
	return &feishu.ApprovalConfig{Definition: a.Definition, Initiator: a.Initiator, Fields: fields, Changed: tell(slipway.LarkApproval)}
}
