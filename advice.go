package slipway

// Advice is a question to an advisory endpoint: its answer is shown and holds nothing
// back.
type Advice struct {
	Event Event `json:"event"`
	Wait
}

func cloneAdvice(list []Advice) []Advice {
	if list == nil {
		return nil
	}
	out := make([]Advice, len(list))
	for i, a := range list {
		out[i] = Advice{Event: a.Event, Wait: a.clone()}
	}
	return out
}

// seekAdvice asks an advisory endpoint; nil for one that is only told. The question
// takes the place of an earlier one about the same event.
func (p *Plan) seekAdvice(req Request, c *Change, ev Event, e *Endpoint) *Wait {
	if !e.Wait {
		return nil
	}
	a := Advice{Event: ev, Wait: p.newWait(req, c, e)}
	for i := range p.Advice {
		if old := &p.Advice[i]; old.Event == ev && old.Endpoint == e.Name {
			c.Unsend, c.Moot = append(c.Unsend, old.DeliveryID), append(c.Moot, old.DeliveryID)
			p.Advice[i] = a
			return &p.Advice[i].Wait
		}
	}
	p.Advice = append(p.Advice, a)
	return &p.Advice[len(p.Advice)-1].Wait
}

// advice returns the question with the code about an event, nil if there is none.
func (p *Plan) advice(ev Event, code string) *Wait {
	var found *Wait
	for i := range p.Advice {
		if p.Advice[i].has(code) && p.Advice[i].Event == ev {
			found = &p.Advice[i].Wait
		}
	}
	return found
}

// forgetAdvice takes back every question of the round: the plan is another one now.
func (p *Plan) forgetAdvice(c *Change) {
	p.dropAdvice(c)
	p.Advice = nil
}

// dropAdvice takes back the questions that are open: nobody reads an answer any more.
func (p *Plan) dropAdvice(c *Change) {
	var answered []Advice
	for _, a := range p.Advice {
		if a.State != GateOpen {
			answered = append(answered, a)
			continue
		}
		c.Unsend, c.Moot = append(c.Unsend, a.DeliveryID), append(c.Moot, a.DeliveryID)
	}
	p.Advice = answered
}
