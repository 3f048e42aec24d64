package bot

import "slipway"

// adviceLines say what advisory endpoints were asked and what they answered. Nothing
// waits for them.
func (v View) adviceLines(p *slipway.Plan) []Line {
	var lines []Line
	for i := range p.Advice {
		a := &p.Advice[i]
		var l Line
		switch a.State {
		case slipway.GatePassed:
			l = l.add(plain(v.say(slipway.T("👍 %[1]s advises to go on (%[2]s) · ", "👍 %[1]s 建议继续（%[2]s） · ", a.Endpoint, a.Event.Text()))), moment(a.AnsweredAt))
		case slipway.GateFailed:
			l = l.add(plain(v.say(slipway.T("👎 No advice to go on from %[1]s (%[2]s) · ", "👎 %[1]s 未建议继续（%[2]s） · ", a.Endpoint, a.Event.Text()))),
				moment(a.AnsweredAt), plain(" · "), quote(v.say(a.Reason)))
		case slipway.GateOpen:
			l = l.add(plain(v.say(slipway.T("💬 %[1]s is asked for advice (%[2]s), nothing waits for it · ", "💬 已征求 %[1]s 的意见（%[2]s），不影响发布 · ", a.Endpoint, a.Event.Text()))), moment(a.Since))
		}
		lines = append(lines, l)
		if a.State == slipway.GateOpen && a.Progress != "" {
			lines = append(lines, Line{}.add(plain(v.say(slipway.T("↳ %s reports ", "↳ %s 的进展 ", a.Endpoint))), moment(a.ProgressAt), plain(" · "), quote(a.Progress)))
		}
	}
	return lines
}

// halfOverridden says which admins want to override a check while more are needed.
func (v View) halfOverridden(p *slipway.Plan) []Line {
	if p.Gate == nil {
		return nil
	}
	lines := make([]Line, 0, len(p.Gate.Overrides))
	for _, o := range p.Gate.Overrides {
		lines = append(lines, Line{}.add(
			plain(v.say(slipway.T("⚠️ %[1]s wants to override the check; another admin has to agree · ", "⚠️ %[1]s 申请放行该检测，还需要其他管理员同意 · ", o.By))),
			moment(o.At), plain(" · "), quote(o.Reason)))
	}
	return lines
}
