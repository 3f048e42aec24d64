package main

import (
	"fmt"

	"slipway"
)

// approvalConfig is what happens when an approval does not come, where a plan does not say.
type approvalConfig struct {
	RemindAfter   string   `yaml:"remind_after"`
	EscalateAfter string   `yaml:"escalate_after"`
	EscalateTo    []string `yaml:"escalate_to"` // names, e-mails or ids of users
	ExpireAfter   string   `yaml:"expire_after"`
}

// timeRules is what the configuration says about time, for those who act on it.
func (c *config) timeRules(r *slipway.Rules) {
	a := c.Approval
	r.Approval.RemindAfter, _ = slipway.ParsePeriod(a.RemindAfter) // checked before
	r.Approval.EscalateAfter, _ = slipway.ParsePeriod(a.EscalateAfter)
	r.Approval.ExpireAfter, _ = slipway.ParsePeriod(a.ExpireAfter)
	for _, who := range a.EscalateTo {
		r.Approval.EscalateTo = append(r.Approval.EscalateTo, slipway.PersonRef{Name: who})
	}
	if c.WorkingHours != "" {
		r.Week, _ = slipway.ParseWorkingHours(c.WorkingHours)
	}
	r.Holidays, _ = slipway.ParseHolidays(c.Holidays)
}

func (c *config) checkTime(note func(key, format string, args ...any)) {
	a := c.Approval
	for key, s := range map[string]string{"remind_after": a.RemindAfter, "escalate_after": a.EscalateAfter, "expire_after": a.ExpireAfter} {
		p, ok := slipway.ParsePeriod(s)
		if s != "" && !ok {
			note("approval."+key, "a period from 1m to 90d is expected, for example 4h, or never, not %q", s)
		}
		if key == "remind_after" && p > 0 && p < slipway.Period(slipway.RemindPause) {
			note("approval."+key, "at least %s is expected", slipway.Period(slipway.RemindPause))
		}
	}
	after, _ := slipway.ParsePeriod(a.EscalateAfter)
	if after > 0 && len(a.EscalateTo) == 0 {
		note("approval.escalate_to", "the users are expected to whom approvals are escalated")
	}
	for i, who := range a.EscalateTo {
		if who == "" {
			note(fmt.Sprintf("approval.escalate_to[%d]", i), "the name, e-mail or id of a user is expected")
		}
	}
	if _, err := slipway.ParseWorkingHours(c.WorkingHours); c.WorkingHours != "" && err != nil {
		note("working_hours", "%s", slipway.TextOf(err).EN)
	}
	if _, err := slipway.ParseHolidays(c.Holidays); err != nil {
		note("holidays", "%s", slipway.TextOf(err).EN)
	}
}
