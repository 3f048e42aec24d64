package webhook_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/commands"
)

// aSprint answers for Jira with one sprint, or fails.
type aSprint struct {
	commands.Sprints
	look slipway.SprintLook
	err  error
}

func (s *aSprint) Sprint(context.Context, string, int64) (slipway.Sprint, error) {
	return s.look.Sprint, s.err
}

func (s *aSprint) Look(context.Context, slipway.Sprint) (*slipway.SprintLook, error) {
	l := s.look
	return &l, s.err
}

type warned struct {
	Status   string
	Warnings []struct {
		Code, Message string
		Sprint        slipway.Sprint
		Open          int
		Issues        []slipway.Issue
	}
}

// Whoever submits by the API is told of open issues, in the answer; it holds nothing back,
// nor does Jira when it does not answer.
func TestSubmittingWarnsOfOpenIssues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sprint := slipway.Sprint{ProjectKey: "PAY", SprintID: 42, SprintName: "Sprint 12"}
	jira := &aSprint{look: slipway.SprintLook{
		Sprint: sprint, ToDo: 2, InProgress: 1, Done: 4, At: noon.Unix(),
		Open: []slipway.Issue{{Key: "PAY-1", Summary: "Refunds", URL: "https://jira.example.com/browse/PAY-1"}, {Key: "PAY-2", Summary: "Receipts"}},
	}}
	w.cmds.Sprints = jira
	submit := func() (got warned) {
		t.Helper()
		doc := document()
		doc["jira_sprint_association"] = map[string]any{"sprints": []any{map[string]any{"project_key": "PAY", "sprint_id": 42}}}
		p := w.create(doc)
		w.send("alice", "POST", "/api/v1/plans/"+p.ID+"/submit", "").want(200).into(&got)
		var shown warned
		w.send("alice", "GET", "/api/v1/plans/"+p.ID, "").want(200).into(&shown)
		if got.Status == string(slipway.Planning) || shown.Status != got.Status || shown.Warnings != nil {
			t.Errorf("the plan is %s, and shown as %+v", got.Status, shown)
		}
		return got
	}
	got := submit()
	if len(got.Warnings) != 1 {
		t.Fatalf("warnings %+v", got.Warnings)
	}
	x := got.Warnings[0]
	if x.Code != "open_issues" || x.Message != "PAY Sprint 12 has open issues (3): PAY-1, PAY-2, …" || x.Open != 3 || x.Sprint != sprint {
		t.Errorf("warning %+v", x)
	}
	if diff := cmp.Diff(jira.look.Open, x.Issues); diff != "" {
		t.Errorf("issues (-want +got):\n%s", diff)
	}
	if jira.look.ToDo, jira.look.InProgress, jira.look.Open = 0, 0, nil; len(submit().Warnings) != 0 {
		t.Error("a sprint that is done is warned about")
	}
	if jira.err = errors.New("Jira is down"); len(submit().Warnings) != 0 {
		t.Error("what is not known is warned about")
	}
	w.cmds.Sprints = nil
	submit()
}
