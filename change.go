package slipway

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Request is one thing asked of a plan.
type Request struct {
	// ID is the same when the same thing arrives twice: a platform's event id, a
	// callback's id, "task:<id>". It is unique in the operation log.
	ID    string
	Actor Actor
	At    time.Time
	// Version, if not zero, is the plan version that the person saw.
	Version int64
	// Comment is what the actor said with it, for the log. Verbs that do more with a
	// comment take it as an argument.
	Comment string
	// Members are the people of the sources that the approval names, looked up just
	// before; for Submit.
	Members map[Source][]PersonRef
	// Rand is where new identifiers come from.
	Rand  io.Reader
	Rules *Rules
}

// Rules are the settings that transitions obey.
type Rules struct {
	Endpoints []Endpoint
	// SelfApproval lets people approve plans that they manage, created or edited.
	SelfApproval bool
	// ContinueOnFailure counts a failed item as finished, as the documented
	// example does.
	ContinueOnFailure bool
	// Overriders is how many admins must agree to an override; 0 and 1 are one.
	Overriders int
	// Delegations are those in force, at most one of each person.
	Delegations []Delegation
	// Outside are the approval systems that can be asked beside Slipway itself.
	Outside []ApprovalType
	// LeaveRuns leaves runs under way alone when a plan is re-planned or cancelled.
	LeaveRuns bool
	// Approval is what happens when an approval does not come, where the plan does not say.
	Approval TimeRules
	// Week and Holidays are when people work who did not say; holidays are everybody's.
	Week     WorkingHours
	Holidays Holidays
	// Jira tells that the sprints behind plans are looked at, and told of them.
	Jira bool
	// HTML renders Markdown as sanitised HTML for the wire.
	HTML func(markdown string) string
}

// Unchanged is returned by a transition that finds nothing to do, for example the
// result of a run that was given up. Nothing is written.
var Unchanged = errors.New("unchanged") //nolint:revive,staticcheck // a control value, not a failure

// Change is what a transition asks to be written beside the plan, in one transaction.
type Change struct {
	Entry      Entry
	Tasks      []Task
	Drop       []TaskKind // tasks of the plan that are no longer wanted
	Deliveries []Delivery
	Runs       []Run
	StopRuns   []string // runs that are to be cancelled
	Resend     []string // deliveries that are pending once more
	Unsend     []string // deliveries that are no longer wanted, if they are pending
	Moot       []string // deliveries whose deadline does not matter any more

	Questions     []Question // to be asked in other approval systems
	StopQuestions []string   // marks of questions that are to be taken back
}

// Entry is one line of the operation log.
type Entry struct {
	ID        string // 24 hex digits; what an accepted callback is answered with
	PlanID    string
	RequestID string
	Verb      Verb
	Actor     Actor
	At        int64 // Unix milliseconds
	From      Status
	To        Status
	Version   int64
	Seq       int64
	ItemID    string
	ItemName  string
	Comment   string // what the person or system said
	Data      EntryData
}

// EntryData is the rest of what an entry tells; each verb fills what it has.
type EntryData struct {
	Fields     []string   `json:"fields,omitempty"`   // what an edit changed
	Event      Event      `json:"event,omitempty"`    // gate or hook event
	Advisory   bool       `json:"advisory,omitempty"` // it was only advice
	Endpoint   string     `json:"endpoint,omitempty"` // who answered
	Result     string     `json:"result,omitempty"`   // success, failed, executing; passed, ...; added, removed
	ItemStatus ItemStatus `json:"item_status,omitempty"`
	RunID      string     `json:"run_id,omitempty"`
	Items      []string   `json:"items,omitempty"`  // names of items touched by the system or an edit
	Hooks      []string   `json:"hooks,omitempty"`  // deliveries made: endpoint names
	Votes      string     `json:"votes,omitempty"`  // "1/2"
	Kept       []string   `json:"kept,omitempty"`   // names of those whose earlier approval counts
	People     []string   `json:"people,omitempty"` // names of those who were reminded, or to whom a place was passed
	For        string     `json:"for,omitempty"`    // the name of whose place was decided
	Reason     *Text      `json:"reason,omitempty"` // why the system did it
	CopiedFrom string     `json:"copied_from,omitempty"`
	Delivery   string     `json:"delivery,omitempty"` // what was sent again
	Job        string     `json:"job,omitempty"`      // the job of the run that waited
	Changes    []string   `json:"changes,omitempty"`  // how the workflow differs from the plan's
	Left       []string   `json:"left,omitempty"`     // names of items whose runs go on in their engines

	Channel ApprovalType `json:"channel,omitempty"` // the approval system that a question is asked in
}

// TaskKind names what a task does. No kind is the beginning of another, because
// asynq's mux matches by prefix.
type TaskKind string

// The kinds of tasks.
const (
	TaskHook     TaskKind = "hook"     // send a delivery
	TaskRun      TaskKind = "run"      // start a run and watch it to its end
	TaskSchedule TaskKind = "schedule" // the plan's scheduled time
	TaskWindow   TaskKind = "window"   // the end of the plan's window
	TaskDeadline TaskKind = "deadline" // a gate's deadline
	TaskPatience TaskKind = "patience" // an approval that does not come
	TaskPresence TaskKind = "presence" // a person is there at other times than before, or an absence begins or ends
	TaskCard     TaskKind = "card"     // bring the cards of a plan up to date
	TaskNotice   TaskKind = "notice"   // tell people something
	TaskAnswer   TaskKind = "answer"   // give a person's answer to a run that waits
	TaskRecheck  TaskKind = "recheck"  // see whether a failed run was started again in its engine
	TaskJudge    TaskKind = "judge"    // decide whether an engine's deployment may go on
	TaskJira     TaskKind = "jira"     // look at the sprints of a plan, or tell their issues of it
	TaskQuestion TaskKind = "question" // ask in another approval system, and follow it to its end
)

// TaskKinds lists all kinds.
func TaskKinds() []TaskKind {
	return []TaskKind{TaskHook, TaskRun, TaskSchedule, TaskWindow, TaskDeadline, TaskPatience, TaskPresence, TaskCard, TaskNotice, TaskAnswer, TaskRecheck, TaskJudge, TaskJira, TaskQuestion}
}

// Task is one thing to do at or after a time. The table of tasks is outbox and
// scheduler at once.
type Task struct {
	ID   string // UUID
	Kind TaskKind
	// Key is unique among the waiting tasks: writing a task whose key is there
	// replaces time and data of the one that waits.
	Key    string
	PlanID string
	Round  int64
	RunAt  int64 // Unix milliseconds
	// Ref is what the task is about: a delivery's, a run's or, of a TaskPresence, a user's id.
	Ref  string
	Data json.RawMessage // Notice, for TaskNotice; Decision, for TaskAnswer
}

// Notice is a message to people, the data of a TaskNotice.
type Notice struct {
	To   []string `json:"to"` // user ids
	Text Text     `json:"text"`
	// Card asks for the plan's card beside the text, so that the person can act.
	Card bool `json:"card,omitempty"`
	// Urgent asks to remind the people with more than a message, where that can be done.
	Urgent bool `json:"urgent,omitempty"`
	// Asks tells that the people are asked for their approval; they get a mail too.
	Asks Asking `json:"asks,omitempty"`
}

// Asking is on what occasion people are asked for an approval.
type Asking string

// The occasions. For the first there is one mail for each content; the others may come again.
const (
	AskedFirst Asking = "asked"    // the approval is wanted now
	AskedAgain Asking = "reminded" // it is still wanted
)

// Delivery is one hook to one endpoint. Its body is frozen when the event happens.
type Delivery struct {
	ID           string // the webhook-id, the same on every try
	PlanID       string
	Endpoint     string
	Event        Event
	InstanceCode string // unique
	Waits        bool   // the plan waits for the answer
	Body         []byte
	At           int64 // Unix milliseconds
	// Seq orders the deliveries of a plan: one endpoint gets them in this order.
	Seq int64
}

// Run is one execution of a workflow item by an engine.
type Run struct {
	ID       string // UUID; the mark that finds it in its engine
	PlanID   string
	ItemID   string
	TaskID   int64
	Engine   string
	By       string
	At       int64 // Unix milliseconds
	Workflow WorkflowSpec
	// Again is the run that is to be run again in its engine, if the engine can do
	// that; else this one is started anew. Empty: it is started anew.
	Again string
	// Ref, if it is set, is the engine's name for a run that is there already: it is
	// only followed.
	Ref string
}

// RunEnd is how a run ended.
type RunEnd struct {
	Status RunStatus
	Reason Text // why it did not pass
	// Doubt is set when nothing is known to have run and a person has to decide.
	Doubt  Doubt
	Change *DefinitionChange // with DoubtChanged
}

// Decision is a person's answer to a run that waits, the data of a TaskAnswer.
type Decision struct {
	Job     string    `json:"job"`
	Approve bool      `json:"approve"`
	Comment string    `json:"comment,omitempty"`
	By      PersonRef `json:"by"`
}

// newChange begins the change of a plan; the caller fills it and ends it with done.
func (p *Plan) newChange(req Request, verb Verb) *Change {
	return &Change{Entry: Entry{
		ID: req.hex(12), PlanID: p.ID, RequestID: req.ID, Verb: verb, Actor: req.Actor,
		At: req.At.UnixMilli(), From: p.Status(), Comment: req.Comment,
	}}
}

// done ends a change: counts it, notes who did it and asks for fresh cards.
func (p *Plan) done(req Request, c *Change) *Change {
	p.settleQuestions(req, c)
	p.Seq++
	p.UpdatedBy = req.Actor.Name
	p.UpdateTime = req.At.Unix()
	p.Last = LastMove{Verb: c.Entry.Verb, By: req.Actor.Name, At: req.At.Unix(), Item: c.Entry.ItemName}
	c.Entry.To, c.Entry.Version, c.Entry.Seq = p.Status(), p.Version, p.Seq
	c.task(req, p, TaskCard, CardKey(p.ID), req.At, "")
	return c
}

// CardKey is the Task.Key of a plan's TaskCard.
func CardKey(planID string) string { return "card:" + planID }

func (c *Change) task(req Request, p *Plan, kind TaskKind, key string, at time.Time, ref string) *Task {
	c.Tasks = append(c.Tasks, Task{
		ID: req.uuid(), Kind: kind, Key: key, PlanID: p.ID, Round: p.Round, RunAt: at.UnixMilli(), Ref: ref,
	})
	return &c.Tasks[len(c.Tasks)-1]
}

// notify asks to tell people something, with the card at which they can act.
func (c *Change) notify(req Request, p *Plan, text Text, users ...string) {
	c.tell(req, p, Notice{To: users, Text: text, Card: true})
}

// tell gives a notice to everybody it is for, apart from whoever brings it about.
func (c *Change) tell(req Request, p *Plan, n Notice) {
	users := n.To
	to := make([]string, 0, len(users))
	for _, u := range users {
		if u != "" && u != req.Actor.ID {
			to = append(to, u)
		}
	}
	if len(to) == 0 {
		return
	}
	n.To = to
	t := c.task(req, p, TaskNotice, "notice:"+req.uuid(), req.At, "")
	t.Data, _ = json.Marshal(n)
}

// hex returns n random bytes as 2n hex digits.
func (r Request) hex(n int) string {
	b := make([]byte, n)
	if _, err := io.ReadFull(r.Rand, b); err != nil {
		// Without randomness no identifier can be trusted.
		panic(fmt.Sprintf("read randomness: %v", err))
	}
	return hex.EncodeToString(b)
}

// uuid returns a random (version 4) UUID.
func (r Request) uuid() string {
	h := []byte(r.hex(16))
	h[12] = '4'
	h[16] = "89ab"[h[16]&3]
	return string(h[0:8]) + "-" + string(h[8:12]) + "-" + string(h[12:16]) + "-" + string(h[16:20]) + "-" + string(h[20:])
}

// objectID returns 24 hex digits that begin with the time, as the document's ids do.
func (r Request) objectID() string {
	return fmt.Sprintf("%08x", uint32(r.At.Unix())) + r.hex(8) //nolint:gosec // wraps in 2106, as ObjectIDs do
}

func maxTime(a time.Time, unix int64) time.Time {
	if b := time.Unix(unix, 0); b.After(a) {
		return b
	}
	return a
}
