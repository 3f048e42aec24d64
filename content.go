package slipway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// Content is what an approval is about: what the plan runs, when, and which outside
// checks hold it. It is never changed, only replaced.
type Content struct {
	Digest string        `json:"digest"` // of all parts, in their order
	Parts  []ContentPart `json:"parts"`
}

// ContentPart is one thing of a content, as a digest.
type ContentPart struct {
	Kind   PartKind `json:"kind"`
	Name   string   `json:"name,omitempty"` // of an item; items have different names
	Digest string   `json:"digest"`
}

// PartKind says what a part of a content is.
type PartKind string

// The parts of a content.
const (
	PartWindow   PartKind = "window"
	PartSchedule PartKind = "schedule"
	PartChecks   PartKind = "checks"  // the endpoints that hold the plan, by event
	PartSprints  PartKind = "sprints" // which sprints are behind it; not there without any
	PartItem     PartKind = "item"    // its name, its text or its workflow with inputs and definition
)

// content takes down what the plan is to run under the rules. Who manages it, what it
// is called, its description and who owns its items are not part of that.
func (p *Plan) content(rules *Rules) Content {
	c := Content{Parts: []ContentPart{
		newPart(PartWindow, "", []int64{p.StartTime, p.EndTime}),
		newPart(PartSchedule, "", p.ScheduleExecuteTime),
		newPart(PartChecks, "", rules.checks(p)),
	}}
	if ids := p.Jira.ids(); len(ids) > 0 {
		c.Parts = append(c.Parts, newPart(PartSprints, "", ids))
	}
	for _, it := range p.Items {
		c.Parts = append(c.Parts, newPart(PartItem, it.Name, it.substance()))
	}
	c.Digest = digest(c.Parts)
	return c
}

// checks names, for each event, the endpoints that are waited for.
func (r *Rules) checks(p *Plan) [][]string {
	out := make([][]string, len(Events()))
	for i, ev := range Events() {
		for _, e := range r.Endpoints {
			if e.Wait && !e.Advisory && e.Hears(ev) && e.Concerns(p) {
				out[i] = append(out[i], e.Name)
			}
		}
		slices.Sort(out[i])
	}
	return out
}

// substance is what an item asks to be done, and nothing of what became of it.
func (it *Item) substance() any {
	if it.Workflow == nil {
		return []any{it.Type, it.Text}
	}
	w := it.Workflow
	var inputs bytes.Buffer
	if err := json.Compact(&inputs, w.Inputs); err != nil {
		inputs.Reset()
		inputs.Write(w.Inputs)
	}
	definition := sha256.Sum256(w.Definition.canonical())
	params := w.Params
	if params == nil {
		params = map[string]string{}
	}
	return []any{it.Type, w.Engine, w.Project, w.Name, w.Inline, params, inputs.String(), definition}
}

func newPart(kind PartKind, name string, v any) ContentPart {
	return ContentPart{Kind: kind, Name: name, Digest: digest(v)}
}

func digest(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		// Only texts, numbers, lists and maps of them are given.
		panic("slipway: content cannot be written: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// Differences names what differs between a content and a later one, for people.
func (c *Content) Differences(now *Content) []Text {
	var out []Text
	for _, part := range now.Parts {
		switch was := c.part(part.Kind, part.Name); {
		case was == nil && part.Kind == PartSprints:
			out = append(out, part.text())
		case was == nil:
			out = append(out, T("item “%s” (new)", "发布项“%s”（新增）", part.Name))
		case was.Digest != part.Digest:
			out = append(out, part.text())
		}
	}
	for _, part := range c.Parts {
		switch gone := now.part(part.Kind, part.Name) == nil; {
		case gone && part.Kind == PartSprints:
			out = append(out, part.text())
		case gone:
			out = append(out, T("item “%s” (removed)", "发布项“%s”（已删除）", part.Name))
		}
	}
	if len(out) == 0 && c.Digest != now.Digest {
		out = append(out, T("the order of the items", "发布项的顺序"))
	}
	return out
}

func (c *Content) part(kind PartKind, name string) *ContentPart {
	i := slices.IndexFunc(c.Parts, func(p ContentPart) bool { return p.Kind == kind && p.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Parts[i]
}

func (p *ContentPart) text() Text {
	switch p.Kind {
	case PartWindow:
		return T("the window", "发布窗口期")
	case PartSchedule:
		return T("the schedule", "定时执行")
	case PartChecks:
		return T("the outside checks", "外部检测")
	case PartSprints:
		return T("the sprints", "需求关联")
	case PartItem:
	}
	return T("item “%s”", "发布项“%s”", p.Name)
}

// ask puts the plan's present content to the approvers. Approvals of other content, and
// of people who may not give them any more, become earlier ones; earlier ones of this
// content count. It returns those in whose place nothing counts any more.
func (a *Approval) ask(p *Plan, rules *Rules) (lapsed []string) {
	now := p.content(rules)
	a.Content = now.Digest
	said := slices.Concat(a.Votes, a.Earlier)
	counted := slices.Clone(a.Votes)
	a.Votes, a.Earlier = nil, nil
	for _, v := range said {
		if v.Content == now.Digest && a.Has(v.place()) && p.mayDecide(v.By.ID, rules) {
			a.Votes = append(a.Votes, v)
		} else {
			a.Earlier = append(a.Earlier, v)
		}
	}
	for _, v := range counted {
		if a.VoteOf(v.place()) == nil {
			lapsed = append(lapsed, v.place())
		}
	}
	a.keep(&now)
	a.review(p, rules)
	return lapsed
}

// keep adds a content, and forgets those that nothing is about any more.
func (a *Approval) keep(now *Content) {
	if now != nil && a.content(now.Digest) == nil {
		a.Contents = append(a.Contents, *now)
	}
	a.Contents = slices.DeleteFunc(a.Contents, func(c Content) bool {
		about := func(v Vote) bool { return v.Content == c.Digest }
		return c.Digest != a.Content && !slices.ContainsFunc(a.Votes, about) && !slices.ContainsFunc(a.Earlier, about)
	})
}

// shelve ends the question: approvals become earlier ones, a no is forgotten.
func (a *Approval) shelve() {
	for _, v := range a.Votes {
		if v.Approve {
			a.Earlier = append(slices.DeleteFunc(a.Earlier, func(e Vote) bool { return e.place() == v.place() }), v)
		}
	}
	a.restore()
	a.Votes, a.Result, a.RemindedAt, a.Content = nil, ApprovalOpen, 0, ""
	a.Waiting, a.Escalations = nil, nil
	a.Outside = slices.DeleteFunc(a.Outside, func(q Question) bool { return q.State != QuestionApproved && !q.UnderWay() })
	a.keep(nil)
}

func (a *Approval) content(digest string) *Content {
	i := slices.IndexFunc(a.Contents, func(c Content) bool { return c.Digest == digest })
	if i < 0 {
		return nil
	}
	return &a.Contents[i]
}

// ChangedSince says what was changed since the last approval in the place of an approver
// who is asked again; nothing if there was none.
func (a *Approval) ChangedSince(userID string) []Text {
	for i := range a.Earlier {
		if a.Earlier[i].place() != userID {
			continue
		}
		was, now := a.content(a.Earlier[i].Content), a.content(a.Content)
		if was != nil && now != nil {
			return was.Differences(now)
		}
	}
	return nil
}
