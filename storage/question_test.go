package storage_test

import (
	"encoding/json"
	"testing"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// inFeishu makes a plan that is asked about in Feishu, and returns it with the mark of the
// question.
func inFeishu(t *testing.T, s *storage.Store, name string) (*slipway.Plan, string) {
	t.Helper()
	d := draft(t, name)
	d.Approval = &slipway.Approval{Type: slipway.LarkApproval, Needed: 1, Approvers: []slipway.PersonRef{bob.Ref()}}
	p := submit(t, s, create(t, s, d), &slipway.Rules{Outside: []slipway.ApprovalType{slipway.LarkApproval}}).Plan
	return p, p.Approval.Outside[0].Mark
}

func TestAQuestionIsWrittenDownStepByStep(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		p, mark := inFeishu(t, s, "one")
		phase := func(want storage.QuestionPhase) *storage.Question {
			t.Helper()
			q, err := s.Question(ctx, mark)
			must(t, err)
			if q.Phase != want || q.PlanID != p.ID || q.Type != slipway.LarkApproval {
				t.Fatalf("the question is %+v, want it %s", q, want)
			}
			return q
		}
		if q := phase(storage.QuestionPhaseCreated); q.Body != nil || q.Stop {
			t.Errorf("the question is %+v", q)
		}
		asking, err := s.AskingQuestion(ctx, mark, json.RawMessage(`{"Mark":"1"}`), morning.Add(time.Minute))
		must(t, err)
		again, err := s.AskingQuestion(ctx, mark, json.RawMessage(`{}`), morning)
		must(t, err)
		if q := phase(storage.QuestionPhaseAsking); !asking || again || string(q.Body) != `{"Mark":"1"}` || q.AskingAt != morning.Add(time.Minute).UnixMilli() {
			t.Errorf("asking %t, again %t: %+v", asking, again, q)
		}
		if _, err := s.QuestionByRef(ctx, slipway.LarkApproval, ""); slipway.CodeOf(err) != slipway.NotFound {
			t.Errorf("an instance without a name is found: %v", err)
		}
		must(t, s.AskedQuestion(ctx, mark, "i-1"))
		phase(storage.QuestionPhaseAsked)
		q, err := s.QuestionByRef(ctx, slipway.LarkApproval, "i-1")
		must(t, err)
		if q.Mark != mark {
			t.Errorf("found %+v", q)
		}
		if _, err := s.QuestionByRef(ctx, slipway.DingTalkApproval, "i-1"); slipway.CodeOf(err) != slipway.NotFound {
			t.Errorf("an instance of another system is found: %v", err)
		}
		must(t, s.EndQuestion(ctx, mark))
		phase(storage.QuestionPhaseEnded)
		if _, err := s.Question(ctx, "nobody's"); slipway.CodeOf(err) != slipway.NotFound {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhatIsToBeTakenBackIsNotAsked(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		p, mark := inFeishu(t, s, "one")
		_, other := inFeishu(t, s, "two")
		req := ask(alice, &slipway.Rules{})
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Cancel(req, "no") })
		asking, err := s.AskingQuestion(ctx, mark, json.RawMessage(`{}`), morning)
		must(t, err)
		q, err := s.Question(ctx, mark)
		must(t, err)
		if asking || !q.Stop {
			t.Errorf("it is asked: %t, %+v", asking, q)
		}
		for of, want := range map[string]bool{"another question of the plan": true, mark: false} {
			there, err := s.QuestionsToStop(ctx, &storage.Question{Mark: of, PlanID: p.ID, Type: slipway.LarkApproval})
			must(t, err)
			if there != want {
				t.Errorf("something is to be taken back before %s: %t", of, there)
			}
		}
		must(t, s.EndQuestion(ctx, mark))
		there, err := s.QuestionsToStop(ctx, &storage.Question{Mark: "x", PlanID: p.ID, Type: slipway.LarkApproval})
		must(t, err)
		if q, err := s.Question(ctx, other); there || err != nil || q.Stop {
			t.Errorf("still to be taken back: %t; the other is %+v, %v", there, q, err)
		}
	})
}

func TestADingTalkAccountIsOnePersons(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		u, other := alice, bob
		u.DingTalkID, other.DingTalkID = "manager4220", "manager4220"
		must(t, s.CreateUser(ctx, &u))
		if err := s.CreateUser(ctx, &other); slipway.CodeOf(err) != slipway.Conflict {
			t.Errorf("two people have one account: %v", err)
		}
		found, err := s.UserByDingTalkID(ctx, "manager4220")
		must(t, err)
		if found.ID != u.ID {
			t.Errorf("found %+v", found)
		}
		if _, err := s.UserByDingTalkID(ctx, ""); slipway.CodeOf(err) != slipway.NotFound {
			t.Errorf("nobody's account is somebody's: %v", err)
		}
	})
}
