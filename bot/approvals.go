package bot

import (
	"context"

	"slipway"
)

// Approvals is a system of its own in which people approve: Feishu's, DingTalk's. What
// is asked there is an instance of a definition that was made there.
type Approvals interface {
	// Type names the system; it never changes.
	Type() slipway.ApprovalType
	// Create asks, and returns the instance's id. The same Question.Mark makes at most
	// one instance where the system promises that; elsewhere Find is asked before a
	// Create that may have been one already. A refusal that no repetition will change is
	// a *slipway.Error, for example that an approver has no account there.
	Create(ctx context.Context, q Question) (ref string, err error)
	// Find looks for the instance that was made with the mark of a question: after a
	// crash, or an answer that was lost. It returns "" if there is none.
	Find(ctx context.Context, q Question) (ref string, err error)
	// Look says how an instance stands. It asks the system itself: what its events say
	// is only a reason to look. It fails with ErrGone if there is no such instance.
	Look(ctx context.Context, ref string) (Verdict, error)
	// Withdraw ends an instance that is open, in the name of who asked. An instance that
	// is over or gone is left as it is, without an error.
	Withdraw(ctx context.Context, ref string, q Question, why slipway.Text) error
}

// Question is what is asked in another system, of whom.
type Question struct {
	Mark  string // ours, a UUID; new for everything that is asked
	Lang  slipway.Lang
	Asker slipway.User
	Title string
	// Details are what there is to know, in the order in which they are shown. The first
	// ones are short; all of them together fit one multi-line field of a form.
	Details []Detail
	URL     string // the plan's page
	// Nodes are passed one after another.
	Nodes []QuestionNode
	At    int64 // when it was first asked, in Unix seconds
}

// Detail is one line of a question.
type Detail struct {
	Key   DetailKey
	Label string
	Text  string // may have several lines
}

// DetailKey names a detail, so that a system can be told which field of its form takes it.
type DetailKey string

// The details of a plan.
const (
	DetailPlan        DetailKey = "plan" // index and name
	DetailManager     DetailKey = "manager"
	DetailWindow      DetailKey = "window"
	DetailSchedule    DetailKey = "schedule"
	DetailItems       DetailKey = "items"
	DetailDescription DetailKey = "description"
	DetailRequired    DetailKey = "requirements" // linked sprints
	DetailLink        DetailKey = "link"
)

// QuestionNode is one step: any of its approvers, or all of them.
type QuestionNode struct {
	Name      string
	Approvers []slipway.User
	All       bool
}

// Verdict is how a question stands in the other system.
type Verdict struct {
	State VerdictState
	Said  []Opinion // oldest first
	URL   string    // the instance's page, "" if it has none
}

// VerdictState is the state of an instance.
type VerdictState string

// The states of an instance.
const (
	VerdictOpen      VerdictState = "open"
	VerdictApproved  VerdictState = "approved"
	VerdictRejected  VerdictState = "rejected"
	VerdictWithdrawn VerdictState = "withdrawn" // by a person, or by Slipway
	VerdictDeleted   VerdictState = "deleted"
)

// Opinion is what one person said there.
type Opinion struct {
	Account string // the person's account there
	Name    string // "" if the system does not tell it
	Approve bool
	Comment string
	At      int64 // Unix seconds
}
