package github

import (
	"context"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v93/github"

	"slipway"
	"slipway/tasks/engine"
)

// maxPages bounds the runs that are looked through: GitHub gives no more than 1000.
const maxPages = 10

// Find implements engine.Engine. It looks through the runs of the workflow since the
// mark was written down. A run that may be the one, of a workflow that does not show the
// mark, decides nothing: it may as well be that of another start.
func (e *Engine) Find(ctx context.Context, mark engine.Mark) (engine.Ref, engine.Outcome, error) {
	return e.starts.Find(ctx, mark, func(ctx context.Context, spec slipway.WorkflowSpec, since time.Time) (engine.Ref, engine.Outcome, error) {
		r, ok := readRepository(spec.Project)
		if !ok {
			return "", engine.Unknowable, nil
		}
		s := search{e: e, repository: r, mark: mark.ID, since: since}
		marked := false
		if d := spec.Definition; d != nil {
			s.workflow, s.branch, _ = strings.Cut(d.Name, "@")
			marked = strings.Contains(d.Remark, markInput)
		}
		found, err := s.look(ctx)
		switch {
		case err != nil:
			return "", engine.Unknowable, e.vendor.Reading(ctx, err)
		case found.marked != 0:
			return refOfRun(r, found.marked), engine.Started, nil
		case !found.whole, len(found.others) > 0 && !marked:
			return "", engine.Unknowable, nil
		}
		return "", engine.NeverStarted, nil
	})
}

// search looks for the run of a start.
type search struct {
	e          *Engine
	repository repository
	workflow   string // its file; empty: not known
	branch     string // or tag; empty: not known
	mark       string
	since      time.Time
	earlier    []int64 // runs that were there before the start
	noted      bool    // earlier has all of them
}

// sighting is what a search found.
type sighting struct {
	marked int64   // the run that shows the mark; 0: none
	others []int64 // the runs without a mark that may be the one
	whole  bool    // all runs were seen
}

// noteEarlier notes the runs that are there before the start.
func (s *search) noteEarlier(ctx context.Context) error {
	found, err := s.look(ctx)
	if err != nil {
		return s.e.vendor.Reading(ctx, err)
	}
	s.earlier, s.noted = found.others, found.whole
	return nil
}

// look looks once.
func (s *search) look(ctx context.Context) (sighting, error) {
	var found sighting
	options := &gh.ListWorkflowRunsOptions{
		Event: dispatch, Created: ">=" + s.since.UTC().Format(time.RFC3339), ExcludePullRequests: true,
		ListOptions: gh.ListOptions{PerPage: 100, Page: 1},
	}
	for range maxPages {
		list, answer, err := s.list(ctx, options)
		if err != nil {
			return found, err
		}
		for _, run := range list.WorkflowRuns {
			if shows(run.GetDisplayTitle(), s.mark) {
				found.marked = run.GetID()
				return found, nil
			}
			may, err := s.mayBe(ctx, run)
			if err != nil {
				return found, err
			} else if may {
				found.others = append(found.others, run.GetID())
			}
		}
		if answer.NextPage == 0 {
			found.whole = true
			return found, nil
		}
		options.Page = answer.NextPage
	}
	return found, nil
}

func (s *search) list(ctx context.Context, o *gh.ListWorkflowRunsOptions) (*gh.WorkflowRuns, *gh.Response, error) {
	if s.workflow == "" {
		return s.e.api.Actions.ListRepositoryWorkflowRuns(ctx, s.repository.owner, s.repository.name, o)
	}
	return s.e.api.Actions.ListWorkflowRunsByFileName(ctx, s.repository.owner, s.repository.name, s.workflow, o)
}

// mayBe tells whether a run without our mark may be the one: Slipway's account started
// it, for the branch, and it was not there before.
func (s *search) mayBe(ctx context.Context, run *gh.WorkflowRun) (bool, error) {
	if slices.Contains(s.earlier, run.GetID()) || (s.branch != "" && run.GetHeadBranch() != s.branch) {
		return false, nil
	}
	name, err := s.e.whoami(ctx)
	return err == nil && strings.EqualFold(name, run.GetActor().GetLogin()), err
}

// shows tells whether a title holds a mark, and not just one that begins like it.
func shows(title, mark string) bool {
	for at := 0; ; {
		i := strings.Index(title[at:], mark)
		if i < 0 || mark == "" {
			return false
		}
		from, to := at+i, at+i+len(mark)
		if (from == 0 || !ofMark(title[from-1])) && (to == len(title) || !ofMark(title[to])) {
			return true
		}
		at = from + 1
	}
}

func ofMark(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '_' || c == '-'
}
