package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"slipway"
	"slipway/commands"
)

// maxZadigHook is the size of the largest hook of Zadig's: it holds whole workflows.
const maxZadigHook = 16 << 20

// zadigHook takes a hook that Zadig sends about a release plan of its own, and has the
// people here decide about it.
func (h *handler) zadigHook(w http.ResponseWriter, r *http.Request) error {
	if err := h.limit(w, r); err != nil {
		return err
	}
	if h.Checks == nil {
		return slipway.Refuse(slipway.NotFound, "Zadig's hooks are not set up here: zadig_checks is missing in the configuration.",
			"此处未启用 Zadig 的 Hook：配置中缺少 zadig_checks。")
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Zadig-Token")), []byte(h.Checks.Token)) != 1 {
		return slipway.Refuse(slipway.Unauthenticated, "X-Zadig-Token is not the token that is configured here (zadig_checks.token).",
			"X-Zadig-Token 与此处配置的令牌（zadig_checks.token）不一致。")
	}
	body, err := readBodyOf(w, r, maxZadigHook)
	if err != nil {
		return err
	}
	o, err := DecodeZadigHook(body)
	if err != nil {
		return err
	}
	out, err := h.Commands.ShowOutside(r.Context(), zadigRequest(r, o, body), *h.Checks, o)
	if err != nil {
		return err
	}
	h.Log.InfoContext(r.Context(), "zadig hook", "plan_id", o.ID, "event", string(o.Event), "asks", o.Asks, "repeated", out.Repeated)
	writeJSON(w, http.StatusOK, struct {
		ID string `json:"id"`
	}{out.Entry.ID})
	return nil
}

// zadigRequest recognises a hook that arrives twice. Zadig gives each sending an id of its
// own; where it is missing, what is sent tells. The instance code does not: Zadig may ask
// again under the same.
func zadigRequest(r *http.Request, o commands.OutsidePlan, body []byte) string {
	if id := r.Header.Get("X-Zadig-Webhook-Uuid"); id != "" && len(id) <= 64 {
		return "zadig:" + o.ID + ":" + id
	}
	sum := sha256.Sum256(body)
	return "zadig:" + o.ID + ":" + hex.EncodeToString(sum[:12])
}

// zadigEnvelope is what of Zadig's hook is read, in both styles of its envelope.
type zadigEnvelope struct {
	ObjectKind string `json:"object_kind"`
	Event      string `json:"event"` // "release_plan", or the event's name
	Plan       *struct {
		ID          string `json:"id"`
		Index       number `json:"index"`
		EventName   string `json:"event_name"`
		Name        string `json:"name"`
		Manager     string `json:"manager"`
		StartTime   number `json:"start_time"`
		EndTime     number `json:"end_time"`
		Description string `json:"description"`
		Code        string `json:"instance_code"`
		Status      string `json:"status"`
		Jobs        []struct {
			Name         string `json:"name"`
			Manager      string `json:"manager"`
			Type         string `json:"type"`
			Status       string `json:"status"`
			ExecutedBy   string `json:"executed_by"`
			ExecutedTime number `json:"executed_time"`
			Spec         struct {
				Content  string `json:"content"`
				Remark   string `json:"remark"`
				Status   string `json:"status"`
				TaskID   number `json:"task_id"`
				Workflow *struct {
					Name        string `json:"name"`
					DisplayName string `json:"display_name"`
					Project     string `json:"project"`
				} `json:"workflow"`
			} `json:"spec"`
		} `json:"jobs"`
	} `json:"release_plan"`
}

// number is a number that some versions send as a text. What is neither is 0.
type number int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(data []byte) error {
	var v int64
	if json.Unmarshal([]byte(strings.Trim(string(data), `"`)), &v) == nil {
		*n = number(max(0, v))
	}
	return nil
}

var zadigID = regexp.MustCompile(`^[0-9a-f]{24}$`)

// DecodeZadigHook reads a hook of Zadig's. Keys that are not known are ignored; what is
// needed and missing is refused at once, as Invalid.
func DecodeZadigHook(body []byte) (commands.OutsidePlan, error) {
	var env zadigEnvelope
	if err := checkJSON(body); err != nil {
		return commands.OutsidePlan{}, err
	}
	if err := json.Unmarshal(body, &env); err != nil {
		return commands.OutsidePlan{}, slipway.Refuse(slipway.Invalid, "This is not a hook of a release plan as Zadig sends it.",
			"这不是 Zadig 发布计划的 Hook。").Because(err)
	}
	var f slipway.Faults
	if env.ObjectKind != "release_plan" || env.Plan == nil {
		f.Add("object_kind", "release_plan is expected, with the plan in release_plan; not %q", "应为 release_plan，且 release_plan 中应有发布计划；而不是 %q",
			cutText(env.ObjectKind, 40))
		return commands.OutsidePlan{}, f.Err("The hook is not right.", "Hook 内容有误。")
	}
	p := env.Plan
	ev := slipway.Event(p.EventName)
	if ev == "" {
		ev = slipway.Event(env.Event)
	}
	switch ev {
	case slipway.EventFinishPlanning, slipway.EventStartExecute, slipway.EventAllJobDone:
	default:
		f.Add("release_plan.event_name", "finish_planning, start_execute or all_job_done is expected, not %q",
			"应为 finish_planning、start_execute 或 all_job_done，而不是 %q", cutText(string(ev), 40))
	}
	if !zadigID.MatchString(p.ID) {
		f.Add("release_plan.id", "24 hex digits are expected", "应为 24 位十六进制字符")
	}
	// Versions that send no instance_code do not ask for it either.
	asks := strings.HasPrefix(p.Status, "wait_for_") && strings.HasSuffix(p.Status, "_external_check")
	if len(p.Code) > maxInstanceCode {
		f.Add("release_plan.instance_code", "is longer than %d characters", "超过 %d 个字符", maxInstanceCode)
	}
	o := commands.OutsidePlan{ID: p.ID, Index: int64(p.Index), Manager: fit(p.Manager, slipway.MaxName), Event: ev, Code: p.Code, Asks: asks}
	o.Draft = slipway.Draft{Name: fit(p.Name, slipway.MaxName), Description: fitText(p.Description)}
	if o.Draft.Name == "" {
		o.Draft.Name = "Zadig " + p.ID
	}
	if p.StartTime < p.EndTime && p.EndTime < 1<<35 {
		o.Draft.StartTime, o.Draft.EndTime = int64(p.StartTime), int64(p.EndTime)
	}
	o.Draft.Items = env.items()
	return o, f.Err("The hook is not right.", "Hook 内容有误。")
}

// items are the jobs of the plan, as far as they can be shown.
func (env *zadigEnvelope) items() []*slipway.Item {
	jobs := env.Plan.Jobs
	items := make([]*slipway.Item, 0, len(jobs))
	names := map[string]bool{}
	for i := range jobs[:min(len(jobs), slipway.MaxItems)] {
		j := &jobs[i]
		it := &slipway.Item{
			Name: fit(j.Name, slipway.MaxName-12), Type: slipway.TextItem, Owner: slipway.PersonRef{Name: fit(j.Manager, slipway.MaxName)},
			Status: slipway.Todo, Remark: fitText(j.Spec.Remark), ExecutedBy: fit(j.ExecutedBy, slipway.MaxName), ExecutedTime: int64(j.ExecutedTime),
		}
		if it.Name == "" || names[it.Name] {
			it.Name = strings.TrimSpace(fmt.Sprintf("%s (%d)", it.Name, i+1))
		}
		names[it.Name] = true
		switch s := slipway.ItemStatus(j.Status); s {
		case slipway.Done, slipway.Skipped:
			it.Status = s
		case slipway.Running, slipway.Failed:
			if j.Spec.Workflow != nil {
				it.Status = s
			}
		case slipway.Todo:
		}
		if wf := j.Spec.Workflow; wf != nil {
			it.Type = slipway.WorkflowItem
			it.Workflow = &slipway.WorkflowSpec{Engine: "zadig", Project: fit(wf.Project, slipway.MaxName), Name: fit(wf.Name, slipway.MaxName), TaskID: int64(j.Spec.TaskID)}
			if it.Workflow.Name == "" {
				it.Workflow.Name = it.Name
			}
			if s := slipway.RunStatus(j.Spec.Status); s.Over() || s == slipway.RunCreated || s == slipway.RunRunning {
				it.Workflow.RunStatus = s
			}
		} else {
			content := fitText(j.Spec.Content)
			if strings.TrimSpace(content) == "" {
				content = "–"
			}
			it.Text = &slipway.TextSpec{Content: content}
		}
		items = append(items, it)
	}
	return items
}

// fit makes a text of another system one line of at most so many characters.
func fit(s string, limit int) string {
	s = strings.Join(strings.Fields(printable(s)), " ")
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit-1]) + "…"
	}
	return s
}

// fitText makes a longer text of another system fit to be shown.
func fitText(s string) string {
	s = printable(s)
	if utf8.RuneCountInString(s) > slipway.MaxText {
		s = string([]rune(s)[:slipway.MaxText-1]) + "…"
	}
	return s
}

// printable leaves out what no person types.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if slipway.Unprintable(string(r)) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}
