package bot

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// The keys that stand for more than one field.
const (
	keyWindow = "window"
	keyParam  = "param."
	// The period of what is looked for.
	keySince = "since"
	keyUntil = "until"
)

// settingWords are the words for each key; the keys are names of fields.
var settingWords = map[string][]string{
	"name":                      {"name", "名称"},
	"manager":                   {"manager", "负责人", "发布负责人"},
	"description":               {"description", "desc", "描述", "说明"},
	keyWindow:                   {"window", "窗口期", "窗口", "发布窗口期"},
	"start_time":                {"start", "from", "start_time", "开始"},
	"end_time":                  {"end", "to", "until", "end_time", "结束"},
	"schedule_execute_time":     {"schedule", "schedule_execute_time", "at", "定时", "定时执行"},
	"approval.approvers":        {"approvers", "approver", "reviewers", "reviewer", "审批人"},
	"approval.levels":           {"levels", "审批级别"},
	"approval.needed_approvers": {"needed", "needed_approvers", "人数", "通过人数"},
	"approval.remind_after":     {"remind", "remind_after", "提醒", "提醒间隔"},
	"approval.escalate_after":   {"escalate", "escalate_after", "升级", "升级时限"},
	escalateTo:                  {"escalate_to", "升级给"},
	"approval.expire_after":     {"expire", "expire_after", "过期", "过期时限"},
	SprintsField:                {"sprints", "sprint", "需求", "关联需求", "冲刺"},
	"type":                      {"type", "类型"},
	"owner":                     {"owner", "manager", "负责人"},
	"spec.content":              {"content", "内容"},
	"spec.engine":               {"engine", "引擎"},
	"spec.project":              {"project", "项目"},
	"spec.workflow":             {"workflow", "工作流"},
	keyParam:                    {"param.", "params.", "参数."},
	keySince:                    {"since", "from", "after", "自", "从", "开始"},
	keyUntil:                    {"until", "to", "before", "至", "到", "结束"},
}

var (
	planSettings = append([]string{
		"name", "manager", "description", keyWindow, "start_time", "end_time", "schedule_execute_time",
		"approval.approvers", "approval.needed_approvers", "approval.levels", SprintsField,
	}, timeSettings...)
	itemSettings = []string{"name", "owner", "spec.content", "spec.engine", "spec.project", "spec.workflow", keyParam}
)

// settingsOf says which keys a verb takes.
var settingsOf = map[ActionID][]string{
	verbNew:       planSettings,
	verbEdit:      slices.Concat(planSettings, itemSettings[1:]),
	verbAdd:       itemSettings,
	verbWindow:    {"start_time", "end_time"},
	verbSchedule:  {"schedule_execute_time"},
	verbApprovers: append([]string{"approval.approvers", "approval.needed_approvers", "approval.levels"}, timeSettings...),
	verbHooks:     {keySince, keyUntil},
}

// settingKey finds the key that was typed among the known ones, "" if it is none.
func settingKey(typed string, known []string) string {
	word := fold(typed)
	for _, key := range known {
		for _, w := range settingWords[key] {
			if word == w {
				return key
			}
			if name, ok := strings.CutPrefix(word, w); ok && key == keyParam && name != "" {
				// Parameters are told apart by case, so the name stays as it was typed.
				runes := []rune(typed)
				return keyParam + string(runes[len(runes)-len([]rune(name)):])
			}
		}
	}
	return ""
}

// nearSetting returns a known key's word that a typed one was perhaps meant to be.
func nearSetting(typed string, known []string) string {
	typed = fold(typed)
	if len([]rune(typed)) < 3 {
		return ""
	}
	for _, key := range known {
		for _, w := range settingWords[key] {
			if len(w) > 3 && levenshtein.ComputeDistance(typed, w) <= min(2, len([]rune(w))/3) {
				return w
			}
		}
	}
	return ""
}
