package webhook

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"slipway"
	"slipway/commands"
)

// CallbackPath is where outside systems answer. Below it, each question has an address of
// its own, which ends with its instance code.
const CallbackPath = "/api/callback/release_plan"

// The limits of what identifies a question.
const (
	maxPlanID       = 100
	maxInstanceCode = 200
)

// callback takes an outside system's answer to a hook (design section 5).
func (h *handler) callback(w http.ResponseWriter, r *http.Request) error {
	return h.take(w, r, DecodeCallback)
}

// callbackTo takes the answer to one question at the question's own address, which says
// all but the result.
func (h *handler) callbackTo(w http.ResponseWriter, r *http.Request) error {
	return h.take(w, r, func(body []byte) (commands.Callback, error) {
		cb, err := decodeResult(body)
		if err != nil {
			return cb, err
		}
		cb.InstanceCode = r.PathValue("code")
		d, err := h.Store.DeliveryByCode(r.Context(), cb.InstanceCode)
		if err != nil {
			return cb, fmt.Errorf("look for the question: %w", err)
		}
		cb.Event, cb.PlanID = d.Event, d.PlanID
		return cb, nil
	})
}

// take limits the sender, reads the answer and carries it out.
func (h *handler) take(w http.ResponseWriter, r *http.Request, decode func([]byte) (commands.Callback, error)) error {
	if err := h.limit(w, r); err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	cb, err := decode(body)
	if err != nil {
		return err
	}
	cb.Bearer = bearer(r)
	cb.Verify = func(secrets []string) error { return Verify(secrets, r.Header, body, h.Now()) }
	began := h.Now()
	id, err := h.Commands.Answer(r.Context(), cb)
	if err != nil {
		return err
	}
	h.Log.InfoContext(r.Context(), "callback", "plan_id", cb.PlanID, "event", string(cb.Event), "result", string(cb.Result),
		"entry_id", id, "duration_ms", h.Now().Sub(began)/time.Millisecond)
	writeJSON(w, http.StatusOK, struct {
		ID string `json:"id"`
	}{id})
	return nil
}

// limit refuses a sender who sends too much.
func (h *handler) limit(w http.ResponseWriter, r *http.Request) error {
	wait := h.senders.wait(r.RemoteAddr, h.Now())
	if wait <= 0 {
		return nil
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return slipway.Refuse(slipway.TooMany, "Too many callbacks from this address. Retry-After says when to try again.",
		"来自该地址的回调过于频繁，请在 Retry-After 指定的时间之后重试。")
}

// DecodeCallback reads the documented body of a callback. Keys that are not known are
// ignored; everything that is wrong with the others is refused at once, as Invalid.
func DecodeCallback(body []byte) (commands.Callback, error) {
	f, err := readForm(body)
	if err != nil {
		return commands.Callback{}, err
	}
	cb := commands.Callback{
		Event:        slipway.Event(f.needed("hook_event", 40, "one of finish_planning, start_execute, all_job_done", " finish_planning、start_execute 或 all_job_done")),
		PlanID:       f.needed("release_plan_id", maxPlanID, "the id of the release plan", "发布计划 ID"),
		InstanceCode: f.needed("instance_code", maxInstanceCode, "the instance_code of the hook", " Hook 中的 instance_code"),
	}
	f.result(&cb)
	switch cb.Event {
	case slipway.EventFinishPlanning, slipway.EventStartExecute, slipway.EventAllJobDone, "":
	default:
		f.Add("hook_event", "finish_planning, start_execute or all_job_done is expected, not %q",
			"应为 finish_planning、start_execute 或 all_job_done，而不是 %q", cutText(string(cb.Event), 40))
	}
	return cb, f.Err("The callback is not right.", "回调内容有误。")
}

// decodeResult reads the part of a callback that says how it went.
func decodeResult(body []byte) (commands.Callback, error) {
	f, err := readForm(body)
	if err != nil {
		return commands.Callback{}, err
	}
	var cb commands.Callback
	f.result(&cb)
	return cb, f.Err("The callback is not right.", "回调内容有误。")
}

func (f *form) result(cb *commands.Callback) {
	cb.Result = slipway.Result(f.needed("result", 40, "success, failed or executing", " success、failed 或 executing"))
	cb.FailedReason, cb.Description = f.text("failed_reason", slipway.MaxComment), f.text("description", slipway.MaxComment)
	switch cb.Result {
	case slipway.ResultSuccess, slipway.ResultFailed, slipway.ResultExecuting, "":
	default:
		f.Add("result", "success, failed or executing is expected, not %q", "应为 success、failed 或 executing，而不是 %q",
			cutText(string(cb.Result), 40))
	}
}
