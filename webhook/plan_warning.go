package webhook

import (
	"context"
	"strings"

	"slipway"
)

// warningBody is something that a person should know about what they did. It stands in
// the way of nothing.
type warningBody struct {
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Sprint  slipway.Sprint  `json:"sprint"`
	Open    int             `json:"open"`   // how many issues of it are not done
	Issues  []slipway.Issue `json:"issues"` // the first of them
}

// warnOpenIssues is the code of a warning about a sprint with open issues.
const warnOpenIssues = "open_issues"

// warnings are what there is to know about a plan that was submitted: which of its sprints
// have open issues, as far as Jira tells. That it cannot be told does not make the
// submission fail.
func (h *handler) warnings(ctx context.Context, p *slipway.Plan, lang slipway.Lang) []warningBody {
	open, err := h.Commands.OpenIssues(ctx, p)
	if err != nil {
		h.Log.WarnContext(ctx, "open issues not counted", "plan", p.ID, "err", err)
	}
	list := make([]warningBody, 0, len(open))
	for _, l := range open {
		b := warningBody{Code: warnOpenIssues, Sprint: l.Sprint, Open: l.Unfinished(), Issues: []slipway.Issue{}}
		keys := make([]string, 0, len(l.Open))
		for _, i := range l.Open {
			b.Issues, keys = append(b.Issues, i), append(keys, i.Key)
		}
		text := slipway.T("%[1]s has open issues (%[2]d): %[3]s", "%[1]s 有未完成的需求（%[2]d 个）：%[3]s", l.Title(), b.Open, strings.Join(keys, ", "))
		if len(keys) < b.Open {
			text = slipway.T("%s, …", "%s, …", text)
		}
		b.Message = text.In(lang)
		list = append(list, b)
	}
	return list
}
