package tasks

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/commands"
	"slipway/storage"
	"slipway/tasks/engine"
	"slipway/webhook"
)

var genuine = webhook.EngineNotice{Header: http.Header{"Token": {"right"}}}

// hears has the able engine send a genuine notice.
func (w *world) hears(t *testing.T, hints ...engine.Hint) {
	t.Helper()
	w.able.mu.Lock()
	w.able.hears = hints
	w.able.mu.Unlock()
	if err := w.Hear(t.Context(), "able", genuine); err != nil {
		t.Fatal(err)
	}
}

// under starts the world and a run of the able engine, and returns when it is under way.
func (w *world) under(t *testing.T) (*slipway.Plan, engine.Ref) {
	t.Helper()
	w.on = w.able.Name()
	p := w.executing(t, "deploy")
	w.start(t)
	w.must(t)(w.Commands.Execute(t.Context(), commands.Ask{User: alice}, p.ID, p.Items[1].ID))
	eventually(t, "the run is under way", func() bool {
		return w.look(t, p.ID).Items[1].Workflow.RunStatus == slipway.RunRunning
	})
	return p, engine.Ref(w.newest(t, p.ID).Ref)
}

func TestNoticesOfEngines(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.able.nudged = make(chan engine.Ref, 10)
		p, ref := w.under(t)
		other := w.join(t, w.Store, "") // its own embedded Redis: not told
		run := w.newest(t, p.ID)

		w.hears(t, engine.Hint{Ref: ref})
		if got := receive(t, "the watcher looks", w.able.nudged); got != ref {
			t.Errorf("looks at %q", got)
		}
		w.hears(t, engine.Hint{Mark: run.ID, Report: json.RawMessage(`{"status":"passed"}`)})
		if got := receive(t, "the watcher looks", w.able.nudged); got != ref {
			t.Errorf("looks at %q", got)
		}
		if report, err := w.Store.RunReport(t.Context(), run.ID); err != nil || string(report) != `{"status":"passed"}` {
			t.Errorf("report %s, error %v", report, err)
		}
		w.hears(t, engine.Hint{Mark: "nobody's"}, engine.Hint{Ref: "nobody's"}) // nothing to look at
		if got := receive(t, "the engine is told all the same", w.able.nudged); got != "nobody's" {
			t.Errorf("looks at %q", got)
		}

		for name, want := range map[string]slipway.Code{"able": slipway.Unauthenticated, "fake": slipway.NotFound, "none": slipway.NotFound} {
			if err := other.Hear(t.Context(), name, webhook.EngineNotice{}); slipway.CodeOf(err) != want {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.able.end(ref, passed)
		eventually(t, "the item is done", func() bool { return w.look(t, p.ID).Items[1].Status == slipway.Done })
	})
}

func TestARunThatWaitsForAPersonIsAnswered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, ref := w.under(t)
		w.able.shows(ref, func(s *engine.State) {
			s.Status = engine.Waiting
			s.Waits = []engine.Wait{{Job: "gate", For: slipway.T("“gate” waits for an approval.", "“gate”等待审批。"), Answerable: true}, {Job: "page", For: slipway.T("“page” waits for Bob.", "“page”等待 Bob。")}}
		})
		waits := func() []slipway.RunWait { return w.look(t, p.ID).Items[1].Workflow.Wait }
		eventually(t, "the plan says so", func() bool { return len(waits()) == 2 })
		eventually(t, "people are told", func() bool {
			w.cards.mu.Lock()
			defer w.cards.mu.Unlock()
			return slices.ContainsFunc(w.cards.told, func(s string) bool { return strings.Contains(s, "“gate” waits for an approval.") })
		})
		ask := commands.Ask{User: alice}
		if _, err := w.Commands.Decide(t.Context(), ask, p.ID, p.Items[1].ID, "page", true, ""); err == nil {
			t.Error("answered what cannot be answered from here")
		}
		// The engine refuses at first.
		w.able.mu.Lock()
		w.able.answerAs = func() error { return slipway.Refuse(slipway.Forbidden, "Bob has to.", "需要由 Bob 处理。") }
		w.able.mu.Unlock()
		w.must(t)(w.Commands.Decide(t.Context(), ask, p.ID, p.Items[1].ID, "", true, "go"))
		eventually(t, "whoever answered is told", func() bool {
			w.cards.mu.Lock()
			defer w.cards.mu.Unlock()
			return slices.ContainsFunc(w.cards.told, func(s string) bool { return strings.Contains(s, "Bob has to.") })
		})
		w.able.mu.Lock()
		w.able.answerAs = nil
		w.able.mu.Unlock()
		w.must(t)(w.Commands.Decide(t.Context(), ask, p.ID, p.Items[1].ID, "gate", false, "no"))
		want := []string{string(ref) + ` gate true "go" by Alice`, string(ref) + ` gate false "no" by Alice`}
		eventually(t, "the engine is told", func() bool {
			w.able.mu.Lock()
			defer w.able.mu.Unlock()
			return cmp.Equal(want, w.able.answers)
		})
		w.able.shows(ref, func(s *engine.State) { s.Status, s.Waits = engine.Running, nil })
		eventually(t, "it waits no longer", func() bool { return len(waits()) == 0 })
		w.able.end(ref, failed)
		eventually(t, "the item has failed", func() bool { return w.look(t, p.ID).Items[1].Status == slipway.Failed })
	})
}

func TestAnAnswerThatCannotBeGiven(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(w *world, run *storage.Run)
		ending  Ending
		told    string
	}{
		{"the engine does not answer", func(w *world, _ *storage.Run) {
			w.able.answerAs = func() error { return slipway.Refuse(slipway.Unavailable, "Away.", "没有响应。") }
		}, Again, ""},
		{"nor for long", func(w *world, _ *storage.Run) {
			w.able.answerAs = func() error { return slipway.Refuse(slipway.Unavailable, "Away.", "没有响应。") }
			w.clock.advance(answerPatience)
		}, Done, "did not answer for ten minutes"},
		{"the run is gone", func(w *world, _ *storage.Run) { w.able.answerAs = func() error { return engine.ErrNoRun } }, Done, "no longer knows the run"},
		{"it takes none", func(w *world, _ *storage.Run) { w.Engines = NewEngines(w.engine, w.able.fakeEngine) }, Done, "takes no answers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			embedded(t, func(t *testing.T, w *world) {
				w.on = w.able.Name()
				p := w.executing(t, "deploy")
				w.must(t)(w.Commands.Execute(t.Context(), commands.Ask{User: alice}, p.ID, p.Items[1].ID))
				run := w.onlyRun(t, p.ID)
				started(t, w, run)
				if _, err := w.Commands.RunWaits(t.Context(), "waits", p.ID, run.ID, []slipway.RunWait{{Job: "gate", Answerable: true}}); err != nil {
					t.Fatal(err)
				}
				w.must(t)(w.Commands.Decide(t.Context(), commands.Ask{User: alice}, p.ID, p.Items[1].ID, "", true, ""))
				row := w.one(t, slipway.TaskAnswer)
				tt.prepare(w, run)
				w.handle(t, row, tt.ending)
				if open := w.look(t, p.ID).Items[1].Workflow.Wait[0].By == ""; open != (tt.told != "") {
					t.Errorf("can be answered again: %t", open)
				}
				for _, row := range w.due(t, slipway.TaskNotice) {
					w.handle(t, row, Done)
				}
				if told := strings.Join(w.cards.told, "\n"); tt.told != "" && !strings.Contains(told, tt.told) {
					t.Errorf("told: %s", told)
				}
			})
		})
	}
}

// Each change of what a run shows reaches the cards, though the plan does not change.
func TestTheProgressOfARunIsShownOnCards(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, ref := w.under(t)
		card := storage.CardRef{Platform: "web", RoomID: "r", MessageID: "m", PlanID: p.ID, Seq: w.look(t, p.ID).Seq}
		if _, err := w.Store.PutCard(t.Context(), card, w.clock.now()); err != nil {
			t.Fatal(err)
		}
		stale := func() bool {
			c, err := w.Store.CardAt(t.Context(), "web", "r", "m")
			return err == nil && c.StaleAt > 0
		}
		w.clock.advance(2 * time.Second)
		w.able.shows(ref, func(s *engine.State) {
			s.Stages = []engine.StageState{{Name: "build", Status: engine.Passed}}
		})
		eventually(t, "the card is to be painted", stale)
		w.able.end(ref, passed)
	})
}

func TestADeploymentThatAsksWhetherItMayGoOn(t *testing.T) {
	t.Parallel()
	ask := func(w *world, t *testing.T, run engine.Ref) string {
		t.Helper()
		w.hears(t, engine.Hint{Question: &engine.Question{ID: "q1", Project: "team/app", Environment: "production", Run: run}})
		return w.one(t, slipway.TaskJudge)
	}
	plan := func(w *world, t *testing.T) *slipway.Plan {
		t.Helper()
		w.PublicURL = "https://slipway.example.com"
		w.on = w.able.Name()
		return w.plan(t, func(d *slipway.Draft) {
			d.Name = "pay_ments [x](https://evil.example.com)"
			d.Items[1].Workflow.Project = "team/app"
		}, "deploy")
	}
	start := func(w *world, t *testing.T, p *slipway.Plan) {
		t.Helper()
		w.must(t)(w.Commands.Start(t.Context(), commands.Ask{User: alice}, p.ID))
	}
	t.Run("without a plan it is rejected", func(t *testing.T) {
		t.Parallel()
		embedded(t, func(t *testing.T, w *world) {
			w.handle(t, ask(w, t, ""), Done)
			if len(w.able.verdicts) != 1 || !strings.HasPrefix(w.able.verdicts[0], "q1 false No release plan covers") {
				t.Errorf("verdicts %q", w.able.verdicts)
			}
		})
	})
	t.Run("it waits until the plan is executed", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, w *world) {
			p := plan(w, t)
			row := ask(w, t, "")
			w.handle(t, row, Again)
			start(w, t, p)
			w.clock.advance(judgeEvery)
			w.able.replyAs = func() error { return slipway.Refuse(slipway.Unavailable, "Away.", "没有响应。") }
			w.handle(t, row, Again)
			w.able.replyAs = nil
			w.clock.advance(time.Minute)
			w.handle(t, row, Done)
			want := `q1 true Release plan [#1 pay\_ments \[x\](https://evil.example.com)](https://slipway.example.com/plans/1) is being executed.`
			if diff := cmp.Diff([]string{want}, w.able.verdicts); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("it waits until the plan is cancelled", func(t *testing.T) {
		t.Parallel()
		embedded(t, func(t *testing.T, w *world) {
			p := plan(w, t)
			row := ask(w, t, "")
			w.handle(t, row, Again)
			w.must(t)(w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, p.ID, "no"))
			w.clock.advance(judgeEvery)
			w.handle(t, row, Done)
			if len(w.able.verdicts) != 1 || !strings.HasPrefix(w.able.verdicts[0], "q1 false") {
				t.Errorf("verdicts %q", w.able.verdicts)
			}
		})
	})
	t.Run("for a month at most", func(t *testing.T) {
		t.Parallel()
		embedded(t, func(t *testing.T, w *world) {
			plan(w, t)
			row := ask(w, t, "")
			w.clock.advance(judgeFor)
			w.handle(t, row, Done)
			if len(w.able.verdicts) != 1 || !strings.Contains(w.able.verdicts[0], "q1 false") {
				t.Errorf("verdicts %q", w.able.verdicts)
			}
		})
	})
	t.Run("a run of the plan may, one that was given up may not", func(t *testing.T) {
		t.Parallel()
		embedded(t, func(t *testing.T, w *world) {
			p := plan(w, t)
			start(w, t, p)
			w.must(t)(w.Commands.Execute(t.Context(), commands.Ask{User: alice}, p.ID, p.Items[1].ID))
			run := w.onlyRun(t, p.ID)
			started(t, w, run)
			w.handle(t, ask(w, t, engine.Ref("ref-"+run.ID)), Done)
			w.must(t)(w.Commands.Replan(t.Context(), commands.Ask{User: alice}, p.ID, "again"))
			w.handle(t, ask(w, t, engine.Ref("ref-"+run.ID)), Done)
			if len(w.able.verdicts) != 2 || !strings.HasPrefix(w.able.verdicts[0], "q1 true") || !strings.HasPrefix(w.able.verdicts[1], "q1 false") {
				t.Errorf("verdicts %q", w.able.verdicts)
			}
		})
	})
}
