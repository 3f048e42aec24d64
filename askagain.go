package slipway

import "slices"

// AskAgain asks the endpoints of a failed gate that have not passed once more, with new
// codes and new deadlines: all of them, or those named. Of a plan that waits for approval it
// asks in other systems what came to an end there without an answer.
func (p *Plan) AskAgain(req Request, only ...string) (*Change, error) {
	if err := p.may(req, VerbAskAgain); err != nil {
		return nil, err
	}
	if p.Gate == nil {
		return p.askQuestionsAgain(req, only)
	}
	for _, name := range only {
		if err := p.Gate.mayAsk(name); err != nil {
			return nil, err
		}
	}
	c := p.newChange(req, VerbAskAgain)
	g := p.Gate
	c.Entry.Data.Event = g.Event
	g.State, g.Reason, g.OpenedAt, g.Overrides = GateOpen, Text{}, req.At.Unix(), nil
	asked := map[int]*Endpoint{}
	for i := range g.Waits {
		w := &g.Waits[i]
		if w.State == GatePassed {
			continue
		}
		if len(only) > 0 && !slices.Contains(only, w.Endpoint) {
			if w.State == GateFailed {
				g.State, g.Reason = GateFailed, T("%[1]s: %[2]s", "%[1]s：%[2]s", w.Endpoint, w.Reason)
			}
			continue
		}
		e := req.Rules.Endpoint(w.Endpoint)
		if e == nil {
			return nil, Refuse(Conflict,
				"The endpoint %[1]s is no longer configured, so it cannot be asked again. An admin can `override` the check, or `replan`.",
				"接收方 %[1]s 已不在配置中，无法重新发起检测。管理员可以“放行”，或重新规划。", w.Endpoint)
		}
		c.Unsend, c.Moot = append(c.Unsend, w.DeliveryID), append(c.Moot, w.DeliveryID)
		g.Waits[i] = p.newWait(req, c, e)
		asked[i] = e
	}
	// The bodies are frozen only now that the plan shows what it waits for.
	for i := range g.Waits {
		if e := asked[i]; e != nil {
			p.deliver(req, c, g.Event, e, &g.Waits[i])
		}
	}
	if g.Event == EventStartExecute {
		p.watchWindow(req, c) // it may have ended while the check had failed
	}
	return p.done(req, c), nil
}

// mayAsk refuses to ask an endpoint that is not in the gate, or has agreed.
func (g *Gate) mayAsk(name string) error {
	var names []Text
	for _, w := range g.Waits {
		switch {
		case w.Endpoint != name:
			if w.State != GatePassed {
				names = append(names, T(w.Endpoint, w.Endpoint))
			}
		case w.State == GatePassed:
			return Refuse(Conflict, "%[1]s has agreed already; there is nothing to ask it again.", "%[1]s 已经通过，无需重新发起检测。", name)
		default:
			return nil
		}
	}
	return Refuse(Conflict, "%[1]s is not asked about this plan. Possible: %[2]s.", "当前没有向 %[1]s 发起检测，可选：%[2]s。", name, JoinTexts(names))
}

// Overriding tells that an outside check was overridden; the card shows it.
type Overriding struct {
	Event  Event  `json:"event"`
	By     string `json:"by"`
	ByID   string `json:"by_id,omitempty"`
	Reason string `json:"reason"`
	At     int64  `json:"at"`
}

// Override makes the held move of a waiting or failed gate, for a reason. Where the rules
// want more than one admin, the ones before the last only say that they agree.
func (p *Plan) Override(req Request, reason string) (*Change, error) {
	if err := p.may(req, VerbOverride); err != nil {
		return nil, err
	}
	if err := needReason(VerbOverride, reason); err != nil {
		return nil, err
	}
	g, ev := p.Gate, p.Gate.Event
	said := Overriding{Event: ev, By: req.Actor.Name, ByID: req.Actor.ID, Reason: reason, At: req.At.Unix()}
	if slices.ContainsFunc(g.Overrides, func(o Overriding) bool { return o.ByID == said.ByID }) {
		return nil, Refuse(Conflict, "You have agreed to override this check already. Another admin has to agree too (%[1]d of %[2]d).",
			"您已同意放行该检测，还需要其他管理员同意（%[1]d/%[2]d）。", len(g.Overrides), req.Rules.Overriders)
	}
	c := p.newChange(req, VerbOverride)
	c.Entry.Comment = reason
	c.Entry.Data.Event = ev
	all := append(slices.Clone(g.Overrides), said)
	if len(all) < req.Rules.Overriders {
		g.Overrides = all
		c.Entry.Data.Votes = T("%d/%d", "%d/%d", len(all), req.Rules.Overriders).EN
		c.notify(req, p, T("%[1]s wants to override the %[2]s of plan #%[3]d %[4]s. Another admin has to agree.",
			"%[1]s 申请放行发布计划 #%[3]d %[4]s 的%[2]s，还需要其他管理员同意。", req.Actor.Name, ev.Text(), p.Index, p.Name), p.Manager.ID)
		return p.done(req, c), nil
	}
	p.closeGate(c)
	p.Overrides = append(p.Overrides, all...)
	p.enter(req, ev)
	p.follow(req, c, ev)
	return p.done(req, c), nil
}
