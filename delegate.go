package slipway

import "slices"

// Delegation lets somebody decide in the place of a person who is away. It does not go
// on from there: whoever stands in passes only their own places to others.
type Delegation struct {
	Of    PersonRef `json:"of"` // who is away
	To    PersonRef `json:"to"`
	Start int64     `json:"start"` // Unix seconds
	End   int64     `json:"end"`   // the first second in which it is over
}

// InForce tells whether the delegation counts at a time, in Unix seconds.
func (d *Delegation) InForce(unix int64) bool { return d.Start <= unix && unix < d.End }

// delegate returns the delegation of a person, nil if they are not away.
func (r *Rules) delegate(userID string) *Delegation {
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(r.Delegations, func(d Delegation) bool { return d.Of.ID == userID })
	if i < 0 {
		return nil
	}
	return &r.Delegations[i]
}

// standsIn tells whether a user decides in the place of another.
func (r *Rules) standsIn(userID, place string) bool {
	d := r.delegate(place)
	return d != nil && d.To.ID == userID
}

// standsIn tells whether somebody who is no approver may do a verb of approvers: they
// stand in for one, or take back what they said while they did.
func (p *Plan) standsIn(a Actor, verb Verb, rules *Rules) bool {
	if p.Approval == nil || a.Kind != Person || !approverVerb(verb) || verb == VerbTransfer {
		return false
	}
	said := func(v Vote) bool { return verb == VerbWithdraw && v.By.ID == a.ID }
	of := func(x PersonRef) bool { return rules.standsIn(a.ID, x.ID) }
	return slices.ContainsFunc(p.Approval.Approvers, of) || slices.ContainsFunc(p.Approval.Votes, said) ||
		slices.ContainsFunc(p.Approval.Escalations, func(e Escalation) bool { return slices.ContainsFunc(e.To, of) })
}

// decider returns who can decide in the place of an approver, "" if nobody can.
func (p *Plan) decider(place string, rules *Rules) string {
	if p.mayDecide(place, rules) {
		return place
	}
	if d := rules.delegate(place); d != nil && p.mayDecide(d.To.ID, rules) {
		return d.To.ID
	}
	return ""
}

// Seat is an approver's place that is to be decided now.
type Seat struct {
	Place PersonRef
	By    PersonRef // who is asked: whoever stands in for Place, else Place
	// Until is when By does not stand in for Place any more, zero if By is Place.
	Until int64
}

// Seats lists the places that are to be decided now: they are of the open level, free,
// and help to pass it. Of each whoever stands in is asked, if they may decide and help;
// else the approver. Nil are the rules by default.
func (p *Plan) Seats(rules *Rules) []Seat {
	a := p.Approval
	rule, n := a.Rule(), a.OpenLevel()
	if n == len(rule) {
		return nil
	}
	var out []Seat
	l := a.here(&rule[n])
	for _, x := range l.people() {
		seats := []Seat{{Place: x, By: x}}
		if d := rules.delegate(x.ID); d != nil {
			seats = slices.Insert(seats, 0, Seat{Place: x, By: d.To, Until: d.End})
		}
		for _, s := range seats {
			if a.free(x.ID, s.By.ID) && p.mayDecide(s.By.ID, rules) && a.helps(l, x.ID, s.By.ID) {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// free tells whether a place can be decided by somebody: nobody has, or somebody stood
// in, and the approver decides now in person.
func (a *Approval) free(place, by string) bool {
	v := a.VoteOf(place)
	return v == nil || v.Approve && v.By.ID != place && by == place
}

// helps tells whether an approval in a place brings a level on.
func (a *Approval) helps(l *Level, place, by string) bool {
	with := func(userID string) string {
		if userID == place {
			return by
		}
		return a.voter(userID)
	}
	return l.count(with) > l.count(a.voter)
}

func askedOf(seats []Seat) []PersonRef {
	var out []PersonRef
	for _, s := range seats {
		if !slices.ContainsFunc(out, func(o PersonRef) bool { return o.ID == s.By.ID }) {
			out = append(out, s.By)
		}
	}
	return out
}

// placeFor returns the place that a user decides, nil if there is none. Of those in the
// open level it is the first in which an approval helps, their own before that of others;
// else their own, if nobody has decided there. If every level has passed, and only
// somebody has to say so, it is any place.
func (a *Approval) placeFor(userID string, rules *Rules) *PersonRef {
	levels, all := a.Rule(), true
	if n := a.OpenLevel(); n < len(levels) {
		levels, all = levels[n:n+1], false
	}
	var helping, own, others []PersonRef
	for i := range levels {
		l := a.here(&levels[i])
		for _, x := range l.people() {
			mine := x.ID == userID
			switch {
			case !mine && !rules.standsIn(userID, x.ID) || !a.free(x.ID, userID):
			case !all && a.helps(l, x.ID, userID) && mine:
				helping = slices.Insert(helping, 0, x)
			case !all && a.helps(l, x.ID, userID):
				helping = append(helping, x)
			case mine && a.VoteOf(x.ID) == nil:
				own = append(own, x)
			case all:
				others = append(others, x)
			}
		}
	}
	if found := slices.Concat(helping, own, others); len(found) > 0 {
		return &found[0]
	}
	return nil
}

// approverVerb tells whether a verb takes a place among the approvers.
func approverVerb(v Verb) bool {
	return v == VerbApprove || v == VerbReject || v == VerbWithdraw || v == VerbTransfer
}

// mayAsApprover tells whether a user can do a verb of approvers now, apart from the
// status.
func (p *Plan) mayAsApprover(userID string, verb Verb, rules *Rules) bool {
	switch verb { //nolint:exhaustive // the others are of other people
	case VerbWithdraw:
		return len(p.Approval.given(userID)) > 0
	case VerbTransfer:
		_, err := p.passable(userID, rules)
		return err == nil
	}
	return p.mayDecide(userID, rules) && p.Approval.placeFor(userID, rules) != nil
}
