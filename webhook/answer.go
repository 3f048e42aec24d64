package webhook

import (
	"encoding/json"
	"unicode/utf8"

	"slipway"
)

// AnswerIn reads a decision in a receiver's answer to a hook: the JSON object of a
// callback, of which only result has to be there. Where it names event, plan or
// instance_code, they must be those of the hook. Everything else says no more than that
// the hook has arrived.
func AnswerIn(body string, d *slipway.Delivery) (slipway.Answer, bool) {
	var said struct {
		Event       *string `json:"hook_event"`
		PlanID      *string `json:"release_plan_id"`
		Code        *string `json:"instance_code"`
		Result      string  `json:"result"`
		Reason      string  `json:"failed_reason"`
		Description string  `json:"description"`
	}
	if json.Unmarshal([]byte(body), &said) != nil {
		return slipway.Answer{}, false
	}
	for _, named := range []struct {
		said *string
		want string
	}{{said.Event, string(d.Event)}, {said.PlanID, d.PlanID}, {said.Code, d.InstanceCode}} {
		if named.said != nil && *named.said != named.want {
			return slipway.Answer{}, false
		}
	}
	a := slipway.Answer{Event: d.Event, Code: d.InstanceCode, Result: slipway.Result(said.Result)}
	switch a.Result {
	case slipway.ResultSuccess:
	case slipway.ResultFailed:
		a.Reason = said.Reason
	case slipway.ResultExecuting:
		a.Description = said.Description
	default:
		return slipway.Answer{}, false
	}
	fits := func(s string) bool { return utf8.RuneCountInString(s) <= slipway.MaxComment && !slipway.Unprintable(s) }
	return a, fits(a.Reason) && fits(a.Description)
}
