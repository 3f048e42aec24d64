package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"slipway"
)

// The answers to a run that waits for a person.
const (
	actionDecideYes ActionID = "decide_yes"
	actionDecideNo  ActionID = "decide_no" // opens the form
)

// waitActions are the two answers to each point at which a run waits for a person who
// can answer from here.
func (v View) waitActions(it *slipway.Item, ref Ref) []Action {
	var out []Action
	for _, w := range it.Workflow.Wait {
		if !w.Answerable || w.By != "" {
			continue
		}
		if len(out) == 2*maxWaits && !v.Page {
			break // the line above says that there are more
		}
		ref.Run, ref.Job = it.Workflow.RunID, jobKey(w.Job)
		job := shorten(oneLine(w.Job), maxStepName)
		yes, no := v.button(actionDecideYes, ref.Encode()), v.button(actionDecideNo, ref.Encode())
		yes.Label, yes.Style = v.say(slipway.T("Approve: %s", "同意：%s", job)), Primary
		no.Label, no.Style = v.say(slipway.T("Reject: %s", "拒绝：%s", job)), Danger
		out = append(out, yes, no)
	}
	return out
}

// jobKey names a job in a button, whose value has little room.
func jobKey(job string) string {
	sum := sha256.Sum256([]byte(job))
	return hex.EncodeToString(sum[:4])
}

// jobOf finds the wait point that a button means, "" if it is not there any more.
func jobOf(it *slipway.Item, key string) string {
	for _, w := range it.Workflow.Wait {
		if jobKey(w.Job) == key {
			return w.Job
		}
	}
	return ""
}

// adoptAction asks for the run that was started after all.
func (v View) adoptAction(it *slipway.Item, ref Ref) Action {
	ref.Run = it.Workflow.RunID
	a := v.button(ActionID(slipway.VerbAdopt), ref.Encode())
	a.Style = Primary
	return a
}

// retryAction runs a failed item again, after a question where there is a doubt.
func (v View) retryAction(it *slipway.Item, ref Ref) Action {
	w := it.Workflow
	switch w.Doubt {
	case slipway.DoubtUnknownStart:
		ref.Run = w.RunID
		a := v.button(ActionID(slipway.VerbRetry), ref.Encode())
		a.Label, a.Style = v.say(slipway.T("It did not: start again", "没有启动：重新启动")), Danger
		a.Confirm = v.confirm(slipway.T("Start it again?", "重新启动？"),
			slipway.T("Have you looked in the engine? If the run of “%s” was started after all, it will run twice.",
				"请先到引擎中确认。如果“%s”其实已经启动，就会运行两次。", shorten(it.Name, 80)), slipway.T("Start again", "重新启动"))
		return a
	case slipway.DoubtChanged:
		ref.Accept = w.Change.Digest
		a := v.button(ActionID(slipway.VerbRetry), ref.Encode())
		a.Label, a.Style = v.say(slipway.T("Run it as it is now", "按现在的内容运行")), Primary
		text := slipway.T("What was submitted is another workflow. Changed since: %s", "提交时的工作流与现在不同，改动如下：%s", strings.Join(w.Change.Lines, "; "))
		a.Confirm = v.confirm(slipway.T("Run the changed workflow?", "运行改动后的工作流？"), text, slipway.T("Run it", "运行"))
		return a
	case slipway.DoubtNone:
	}
	a := v.button(ActionID(slipway.VerbRetry), ref.Encode())
	a.Style = Primary
	return a
}

// runIsGone refuses a button that was made for an earlier run of an item.
func runIsGone(it *slipway.Item, ref Ref) error {
	if ref.Run == "" || it != nil && it.Workflow != nil && it.Workflow.RunID == ref.Run {
		return nil
	}
	return slipway.Refuse(slipway.Stale, "This button belongs to an earlier run. Look at the item again, then decide.",
		"该按钮属于之前的一次运行，请重新查看发布项后再操作。")
}
