package tasks

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/commands"
	"slipway/webhook/jira"
	"slipway/webhook/jira/jiratest"
)

// withJira connects a small Jira; see jiratest.Payments.
func (w *world) withJira(tb testing.TB) *jiratest.Server {
	tb.Helper()
	server := jiratest.New(tb, jiratest.Payments("bot@example.com", "s3cret"))
	client := jira.New(jira.Config{URL: server.URL, User: "bot@example.com", Token: "s3cret", Now: w.clock.now})
	w.Jira, w.JiraComments, w.JiraLang, w.PublicURL = client, true, slipway.English, "https://slipway.example.com"
	w.Commands.Sprints, w.rules.Jira = client, true
	return server
}

// behind is a plan of Alice's with sprint 42 behind it, submitted.
func (w *world) behind(tb testing.TB, sprints ...int64) *slipway.Plan {
	tb.Helper()
	return w.plan(tb, func(d *slipway.Draft) {
		d.Jira = &slipway.JiraAssociation{}
		for _, id := range sprints {
			d.Jira.Sprints = append(d.Jira.Sprints, slipway.Sprint{ProjectKey: "PAY", SprintID: id})
		}
	})
}

// succeed lets a plan come to its good end.
func (w *world) succeed(tb testing.TB, p *slipway.Plan) {
	tb.Helper()
	ask := commands.Ask{User: alice}
	p = w.must(tb)(w.Commands.Start(tb.Context(), ask, p.ID))
	if p = w.must(tb)(w.Commands.Complete(tb.Context(), ask, p.ID, p.Items[0].ID, "")); p.Status() != slipway.Success {
		tb.Fatalf("the plan is %s", p.Status())
	}
}

// jiraTasks does the tasks of Jira that are due, and returns how they ended.
func (w *world) jiraTasks(tb testing.TB) []Ending {
	tb.Helper()
	var endings []Ending
	for _, id := range w.due(tb, slipway.TaskJira) {
		endings = append(endings, w.Handle(tb.Context(), id))
	}
	return endings
}

func (w *world) sprint(tb testing.TB, p *slipway.Plan) *slipway.SprintLook {
	tb.Helper()
	looks, err := w.Store.Sprints(tb.Context(), p)
	if err != nil {
		tb.Fatal(err)
	}
	return looks[42]
}

var issuesOf42 = []string{"PAY-1", "PAY-2", "PAY-3", "PAY-4", "PAY-5"}

func TestSprintsAreLookedAtUntilThePlanIsOver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		server := w.withJira(t)
		p := w.behind(t, 42)
		if diff := cmp.Diff([]Ending{Again, Done}, slices.Sorted(slices.Values(w.jiraTasks(t)))); diff != "" { // the look; the links
			t.Fatalf("endings (-want +got):\n%s\n%s", diff, w.logged)
		}
		if s := w.sprint(t, p); s == nil || s.ToDo != 2 || s.InProgress != 1 || s.Done != 2 || s.Failing != 0 {
			t.Fatalf("counted %+v", s)
		}
		if n := len(w.due(t, slipway.TaskJira)); n != 0 {
			t.Errorf("%d looks at once", n)
		}
		server.Move("PAY-2", "Done")
		w.clock.advance(jiraEvery)
		w.jiraTasks(t)
		if s := w.sprint(t, p); s.Done != 3 {
			t.Errorf("counted %+v after five minutes", s)
		}
		w.must(t)(w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, p.ID, "not now"))
		w.clock.advance(jiraEvery)
		w.jiraTasks(t)
		if n := w.count(t, slipway.TaskJira); n != 0 {
			t.Errorf("%d tasks are left of a plan that is over", n)
		}
	})
}

func TestJiraBeingDownIsNotedAndHoldsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		server := w.withJira(t)
		p := w.behind(t, 42)
		w.jiraTasks(t)
		server.Fail(http.StatusBadGateway)
		w.clock.advance(jiraEvery)
		w.jiraTasks(t)
		if s := w.sprint(t, p); s.Failing == 0 || s.Done != 2 || s.At == 0 {
			t.Errorf("while Jira is down: %+v", s)
		}
		w.succeed(t, p)
		w.jiraTasks(t)
		server.Fail(0)
		w.clock.advance(jiraEvery)
		for w.count(t, slipway.TaskJira) > 0 {
			w.jiraTasks(t)
			w.clock.advance(time.Minute)
		}
		for _, key := range issuesOf42 {
			if n := len(server.Comments(key)); n != 1 {
				t.Errorf("%s has %d comments", key, n)
			}
		}
	})
}

func TestIssuesAreLinkedAtSubmitAndToldOfTheSuccess(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		server := w.withJira(t)
		p := w.behind(t, 42)
		w.jiraTasks(t)
		page := "https://slipway.example.com/plans/" + p.ID
		link := jiratest.RemoteLink{GlobalID: "slipway=" + p.ID, URL: page, Title: "#1 payments 4.2", Summary: "Planned"}
		if diff := cmp.Diff([]jiratest.RemoteLink{link}, server.Links("PAY-3")); diff != "" {
			t.Errorf("links at submit (-want +got):\n%s", diff)
		}
		server.Say("PAY-1", "see "+page) // a person's words are no mark
		w.succeed(t, p)
		w.jiraTasks(t)
		link.Summary, link.Resolved = "Success", true
		if diff := cmp.Diff([]jiratest.RemoteLink{link}, server.Links("PAY-3")); diff != "" {
			t.Errorf("links at success (-want +got):\n%s", diff)
		}
		want := "Release plan #1 payments 4.2 succeeded: " + page + "#success"
		if diff := cmp.Diff([]string{"see " + page, want}, server.Comments("PAY-1")); diff != "" {
			t.Errorf("comments (-want +got):\n%s", diff)
		}
	})
}

// A worker dies at every request in turn, before it and after it; the next one goes on.
func TestAnIssueIsCommentedOnceWhateverCrashes(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			embedded(t, func(t *testing.T, w *world) {
				server := w.withJira(t)
				p := w.behind(t, 42)
				w.jiraTasks(t)
				w.succeed(t, p)
				for crash := 0; w.count(t, slipway.TaskJira) > 0; crash++ {
					if crash > 200 {
						t.Fatalf("it does not come to an end:\n%s", w.logged)
					}
					for _, id := range w.due(t, slipway.TaskJira) {
						w.crashAt(t, server, id, crash%20, when == "after")
					}
				}
				for _, key := range issuesOf42 {
					if got := server.Comments(key); len(got) != 1 || !strings.HasSuffix(got[0], "#success") {
						t.Errorf("%s has the comments %q", key, got)
					}
					if got := server.Links(key); len(got) != 1 || !got[0].Resolved {
						t.Errorf("%s has the links %+v", key, got)
					}
				}
			})
		})
	}
}

// crashAt does a task as a worker that loses Jira at its n-th request, or that does its work
// and dies before it can write that down.
func (w *world) crashAt(tb testing.TB, server *jiratest.Server, id string, n int, after bool) {
	tb.Helper()
	server.FailSome(func(*http.Request) (int, http.Header) {
		if n--; n == -1 && !after {
			return http.StatusBadGateway, nil
		}
		return 0, nil
	})
	if !after {
		w.Handle(tb.Context(), id)
		w.clock.advance(2 * time.Minute)
		return
	}
	if n%2 == 0 {
		row := w.lease(tb, id, "a worker that dies")
		_ = w.jira(tb.Context(), row.Lease) // whatever came of it is lost with the worker
		w.clock.advance(leaseTime + time.Second)
	}
	w.Handle(tb.Context(), id)
	w.clock.advance(2 * time.Minute)
}

func TestJiraIsLeftAloneForAsLongAsItSays(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		server := w.withJira(t)
		p := w.behind(t, 42)
		w.jiraTasks(t)
		w.succeed(t, p)
		server.Limit(1, 600)
		w.jiraTasks(t)
		asked := len(server.Requests())
		w.clock.advance(9 * time.Minute)
		for _, id := range w.due(t, slipway.TaskJira) {
			if l := w.lease(t, id, "test"); l.Task.Ref == string(slipway.JiraDone) {
				t.Error("the issues are told before the time")
			}
		}
		if now := len(server.Requests()); now != asked {
			t.Errorf("%d requests meanwhile", now-asked)
		}
	})
}

func TestTellingIssuesIsGivenUpWithoutHarm(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		server := w.withJira(t)
		p := w.behind(t, 42)
		w.jiraTasks(t)
		w.succeed(t, p)
		server.Fail(http.StatusServiceUnavailable)
		for range 40 {
			w.jiraTasks(t)
			w.clock.advance(time.Hour)
		}
		if n := w.count(t, slipway.TaskJira); n != 0 {
			t.Errorf("%d tasks are left; log:\n%s", n, w.logged)
		}
		if p = w.look(t, p.ID); p.Status() != slipway.Success {
			t.Errorf("the plan is %s", p.Status())
		}
	})
}

func TestAnIssueThatCannotBeToldHoldsNoOtherUp(t *testing.T) {
	t.Parallel()
	embedded(t, func(t *testing.T, w *world) {
		server := w.withJira(t)
		p := w.behind(t, 42, 50, 99)
		server.FailSome(func(r *http.Request) (int, http.Header) {
			if strings.Contains(r.URL.Path, "PAY-2") {
				return http.StatusForbidden, nil
			}
			return 0, nil
		})
		w.jiraTasks(t)
		w.succeed(t, p)
		for w.count(t, slipway.TaskJira) > 0 {
			w.clock.advance(jiraEvery)
			w.jiraTasks(t)
		}
		for key, want := range map[string]int{"PAY-1": 1, "PAY-2": 0, "PAY-5": 1, "WEB-1": 1} {
			if n := len(server.Comments(key)); n != want {
				t.Errorf("%s has %d comments, want %d", key, n, want)
			}
		}
	})
}
