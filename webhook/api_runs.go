package webhook

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// runVerb is a verb of items that takes more than a remark: its fields, and how they are
// read into what is to be done.
type runVerb struct {
	fields []string
	read   func(f *form) runDeed
}

// runDeed does a verb whose fields were read.
type runDeed func(ctx context.Context, a commands.Ask, planID, itemID string) (storage.Outcome, error)

// The most characters of what names a run, a job and a change.
const (
	maxRunName = 2000
	maxJobName = 1000
	maxDigest  = 100
)

func (h *handler) runVerbs() map[slipway.Verb]runVerb {
	c := h.Commands
	return map[slipway.Verb]runVerb{
		slipway.VerbRetry: {[]string{"accept", "remark"}, func(f *form) runDeed {
			accept, remark := f.text("accept", maxDigest), f.text("remark", slipway.MaxComment)
			return func(ctx context.Context, a commands.Ask, planID, itemID string) (storage.Outcome, error) {
				a.Comment = remark
				return c.Retry(ctx, a, planID, itemID, accept)
			}
		}},
		slipway.VerbAdopt: {[]string{"run"}, func(f *form) runDeed {
			run := f.needed("run", maxRunName, "the address or the number of the run", "该次运行的链接或编号")
			return func(ctx context.Context, a commands.Ask, planID, itemID string) (storage.Outcome, error) {
				return c.Adopt(ctx, a, planID, itemID, run)
			}
		}},
		slipway.VerbDecide: {[]string{"job", "approve", "comment"}, func(f *form) runDeed {
			job, approve, comment := f.text("job", maxJobName), f.truth("approve"), f.text("comment", slipway.MaxComment)
			return func(ctx context.Context, a commands.Ask, planID, itemID string) (storage.Outcome, error) {
				return c.Decide(ctx, a, planID, itemID, job, approve, comment)
			}
		}},
	}
}

func (h *handler) runVerb(v runVerb) personAction {
	return func(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
		id, item, err := h.Commands.Refer(r.Context(), r.PathValue("id"), r.PathValue("job"))
		if err != nil {
			return err
		}
		f, err := readVerb(w, r)
		if err != nil {
			return err
		}
		f.only(append(slices.Clone(v.fields), "version")...)
		do, version := v.read(f), f.version("version")
		if err := f.err(); err != nil {
			return err
		}
		a, err := ask(r, u, version)
		if err != nil {
			return err
		}
		out, err := do(r.Context(), a, id, item)
		if err != nil {
			return err
		}
		return h.answer(w, r, u, http.StatusOK, out.Plan)
	}
}

// runWaitBody is a point at which a run waits for a person.
type runWaitBody struct {
	Job        string `json:"job"`
	For        string `json:"for"`
	Answerable bool   `json:"answerable"`
	By         string `json:"by"` // who has answered; the engine is being told
}

func (v viewer) runWaits(w *slipway.WorkflowSpec) []runWaitBody {
	waits := make([]runWaitBody, 0, len(w.Wait))
	for _, x := range w.Wait {
		waits = append(waits, runWaitBody{Job: x.Job, For: x.For.In(v.lang), Answerable: x.Answerable, By: x.By})
	}
	return waits
}

type runBody struct {
	ID        string            `json:"id"`
	PlanID    string            `json:"plan_id"`
	ItemID    string            `json:"item_id"`
	TaskID    int64             `json:"task_id"`
	Engine    string            `json:"engine"`
	By        string            `json:"by"`
	At        int64             `json:"at"` // Unix milliseconds
	Status    slipway.RunStatus `json:"status"`
	Phase     storage.RunPhase  `json:"phase"`
	URL       string            `json:"url"`
	Progress  *progressBody     `json:"progress"` // null if the engine has told nothing
	Reason    string            `json:"reason"`
	StartedAt int64             `json:"started_at"` // Unix milliseconds
	EndedAt   int64             `json:"ended_at"`   // Unix milliseconds
}

// progressBody is what an engine told last of a run.
type progressBody struct {
	Status  string      `json:"status"`
	URL     string      `json:"url"`
	WaitFor string      `json:"wait_for"`
	Stages  []stageBody `json:"stages"`
	Started int64       `json:"started"` // Unix milliseconds
	Ended   int64       `json:"ended"`   // Unix milliseconds
}

type stageBody struct {
	Name   string    `json:"name"`
	Status string    `json:"status"`
	Jobs   []jobStep `json:"jobs"`
}

type jobStep struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Started int64  `json:"started"` // Unix milliseconds
	Ended   int64  `json:"ended"`   // Unix milliseconds
	URL     string `json:"url"`
}

func newProgressBody(s *storage.RunState, lang slipway.Lang) *progressBody {
	if s == nil {
		return nil
	}
	b := &progressBody{
		Status: s.Status, URL: s.URL, WaitFor: s.WaitFor.In(lang), Stages: make([]stageBody, 0, len(s.Stages)), Started: s.Started, Ended: s.Ended,
	}
	for _, stage := range s.Stages {
		jobs := make([]jobStep, 0, len(stage.Jobs))
		for _, j := range stage.Jobs {
			jobs = append(jobs, jobStep{
				Name: j.Name, Type: j.Type, Status: j.Status, Reason: j.Reason.In(lang), Started: j.Started, Ended: j.Ended, URL: j.URL,
			})
		}
		b.Stages = append(b.Stages, stageBody{Name: stage.Name, Status: stage.Status, Jobs: jobs})
	}
	return b
}

func (h *handler) planRuns(w http.ResponseWriter, r *http.Request, _ *slipway.User) error {
	p, err := h.Commands.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	runs, err := h.Store.Runs(r.Context(), p.ID)
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	lang := language(r)
	list := make([]runBody, 0, len(runs))
	for i := range runs {
		x := &runs[i]
		list = append(list, runBody{
			ID: x.ID, PlanID: x.PlanID, ItemID: x.ItemID, TaskID: x.TaskID, Engine: x.Engine, By: x.By, At: x.At, Status: x.Status,
			Phase: x.Phase, URL: x.URL, Progress: newProgressBody(x.State(), lang), Reason: x.Reason.In(lang),
			StartedAt: x.StartedAt, EndedAt: x.EndedAt,
		})
	}
	writeJSON(w, http.StatusOK, map[string][]runBody{"runs": list})
	return nil
}
