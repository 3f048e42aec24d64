package bot_test

import (
	"fmt"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
)

// The card of an approval that does not come, and of one that did not.
func TestGoldenCardsOfAnApprovalThatDoesNotCome(t *testing.T) {
	t.Parallel()
	for _, lang := range langs {
		p := payments()
		lives["approval"](p)
		root := slipway.PersonRef{ID: "u9", Name: "Root"}
		p.Approval.Waiting = &slipway.Waiting{Asked: noon, Since: noon, Rules: slipway.TimeRules{
			EscalateTo: []slipway.PersonRef{root}, ExpireAfter: slipway.Period(72 * time.Hour),
		}}
		v := view(lang)
		v.Times = slipway.Times{Since: noon, Reminder: noon + 4*3600, Escalation: noon + 24*3600, Expiry: noon + 72*3600}
		goldenJSON(t, fmt.Sprintf("plan-patient.%s", lang), bot.PlanCard(p, v))
		p.Approval.Escalations = []slipway.Escalation{{To: []slipway.PersonRef{root}, At: noon + 24*3600}}
		v.Times.Escalation = 0
		goldenJSON(t, fmt.Sprintf("plan-escalated.%s", lang), bot.PlanCard(p, v))
		p.Approval.Result, p.Phase = slipway.ApprovalExpired, slipway.PhaseDenied
		goldenJSON(t, fmt.Sprintf("plan-expired.%s", lang), bot.PlanCard(p, view(lang)))
	}
}
