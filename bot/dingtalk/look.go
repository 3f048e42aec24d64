package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
)

// instance is what DingTalk tells about an instance.
type instance struct {
	Status  string   `json:"status"`
	Result  string   `json:"result"`
	Form    []fill   `json:"formComponentValues"`
	Records []record `json:"operationRecords"`
}

// record is one thing that a person did.
type record struct {
	UserID string `json:"userId"`
	Type   string `json:"type"`
	Result string `json:"result"`
	Remark string `json:"remark"`
	At     moment `json:"date"`
}

// The statuses of an instance. Two are not in its documentation any more, but have been.
const (
	statusNew        = "NEW"
	statusRunning    = "RUNNING"
	statusCompleted  = "COMPLETED"
	statusTerminated = "TERMINATED"
	statusCanceled   = "CANCELED"
)

// Look implements bot.Approvals.
func (d *DingTalk) Look(ctx context.Context, ref string) (bot.Verdict, error) {
	in, err := d.instance(ctx, ref)
	if err != nil {
		return bot.Verdict{}, fmt.Errorf("look at approval %s in DingTalk: %w", oneLine(ref, 64), err)
	}
	state, err := in.state()
	if err != nil {
		return bot.Verdict{}, fmt.Errorf("look at approval %s in DingTalk: %w", oneLine(ref, 64), err)
	}
	return bot.Verdict{State: state, Said: in.opinions(d.Now())}, nil
}

func (d *DingTalk) instance(ctx context.Context, ref string) (instance, error) {
	var out struct {
		Result *instance `json:"result"`
	}
	if err := d.call(ctx, http.MethodGet, pathInstance, url.Values{"processInstanceId": {ref}}, nil, &out); err != nil {
		return instance{}, err
	}
	if out.Result == nil {
		return instance{}, errors.New("the answer has no result")
	}
	return *out.Result, nil
}

// state reads status and result. What is not known for certain is an error, never an
// approval.
func (in instance) state() (bot.VerdictState, error) {
	switch in.Status {
	case statusNew, statusRunning:
		return bot.VerdictOpen, nil
	case statusTerminated, statusCanceled:
		return bot.VerdictWithdrawn, nil
	case statusCompleted:
		switch strings.ToLower(in.Result) {
		case "agree":
			return bot.VerdictApproved, nil
		case "refuse":
			return bot.VerdictRejected, nil
		}
	}
	return "", fmt.Errorf("status %s with result %s is not understood", oneLine(in.Status, 40), oneLine(in.Result, 40))
}

// decided are the types of records in which a person decided: who was asked, or who stands
// in for them. What a rule of the approval passed is an EXECUTE_TASK_AUTO, which nobody said.
var decided = []string{"EXECUTE_TASK_NORMAL", "EXECUTE_TASK_AGENT"}

// opinions returns who agreed and who refused, oldest first.
func (in instance) opinions(now time.Time) []bot.Opinion {
	var said []bot.Opinion
	for _, r := range in.Records {
		if !slices.Contains(decided, r.Type) {
			continue // passed by itself, started, transferred, remarked, copied
		}
		agreed := strings.EqualFold(r.Result, "AGREE")
		if !agreed && !strings.EqualFold(r.Result, "REFUSE") {
			continue
		}
		said = append(said, bot.Opinion{
			Account: r.UserID, Approve: agreed, Comment: r.Remark, At: r.At.unix(now),
		})
	}
	slices.SortStableFunc(said, func(a, b bot.Opinion) int { return int(a.At - b.At) })
	return said
}

// tooFresh is how long DingTalk keeps an instance from being withdrawn.
const tooFresh = 15 * time.Second

// terminate is the request to end an instance.
type terminate struct {
	ProcessInstanceID string `json:"processInstanceId"`
	IsSystem          bool   `json:"isSystem"` // false: the originator withdraws
	OperatingUserID   string `json:"operatingUserId,omitempty"`
	Remark            string `json:"remark,omitempty"`
}

// Withdraw implements bot.Approvals. If the originator may not withdraw, whatever the reason,
// the app ends the instance itself. DingTalk does neither within the first 15 seconds.
func (d *DingTalk) Withdraw(ctx context.Context, ref string, q bot.Question, why slipway.Text) error {
	in := terminate{ProcessInstanceID: ref, Remark: shorten(why.In(q.Lang), maxRemark)}
	originator, err := d.originator(q)
	if err == nil {
		in.OperatingUserID = originator
		err = d.terminate(ctx, in)
	}
	if err != nil && (in.OperatingUserID == "" || ofTheOriginator(err)) {
		in.IsSystem, in.OperatingUserID = true, ""
		err = d.terminate(ctx, in)
	}
	switch {
	case err == nil, errors.Is(err, bot.ErrGone):
		return nil
	case refusedWith(err, codeNotNow):
		return d.notNow(ctx, ref, err)
	}
	return fmt.Errorf("withdraw approval %s in DingTalk: %w", oneLine(ref, 64), err)
}

// ofTheOriginator tells whether a withdrawal was refused for a reason that the app's own
// would not be.
func ofTheOriginator(err error) bool {
	var e *apiError
	if !errors.As(err, &e) || refusedWith(err, append(codesGone, codeNotNow, codeToken, codeSecret, codeDenied, codeAddress)...) {
		return false
	}
	return e.forGood() || e.Code == "internalError" // which is said of who may not
}

func (d *DingTalk) terminate(ctx context.Context, in terminate) error {
	var out struct {
		Result bool `json:"result"`
	}
	if err := d.call(ctx, http.MethodPost, pathTerminate, nil, in, &out); err != nil {
		return err
	}
	if !out.Result {
		return &apiError{Status: http.StatusBadRequest, Code: codeNotNow, Msg: "the answer is that it was not done"}
	}
	return nil
}

// notNow finds out why an instance was not withdrawn: it is over, or it is too early.
func (d *DingTalk) notNow(ctx context.Context, ref string, refused error) error {
	in, err := d.instance(ctx, ref)
	if errors.Is(err, bot.ErrGone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("withdraw approval %s in DingTalk: %w", oneLine(ref, 64), err)
	}
	if in.Status != statusNew && in.Status != statusRunning {
		return nil
	}
	return fmt.Errorf("withdraw approval %s in DingTalk: %w: %w", oneLine(ref, 64), &bot.RateLimited{After: tooFresh}, refused)
}
