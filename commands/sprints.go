package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"slipway"
)

// Sprints answers for Jira.
type Sprints interface {
	// Sprint returns a sprint by its number. NotFound says that there is none, Invalid that
	// it is not one of the project's, if a project's key is given.
	Sprint(ctx context.Context, projectKey string, id int64) (slipway.Sprint, error)
	// Search returns sprints whose project, board or name contain all words of a text; open
	// ones, and any by its number.
	Search(ctx context.Context, text string) ([]slipway.SprintLook, error)
	// Look counts the issues of a sprint. NotFound says that it is gone.
	Look(ctx context.Context, s slipway.Sprint) (*slipway.SprintLook, error)
}

// sprintPatience is how long Jira is waited for while somebody waits for an answer.
const sprintPatience = 1500 * time.Millisecond

// noJira refuses what needs Jira.
func noJira() error {
	return slipway.Refuse(slipway.Unavailable, "Jira is not connected. An admin sets SLIPWAY_JIRA_URL and SLIPWAY_JIRA_TOKEN.",
		"尚未连接 Jira，请管理员设置 SLIPWAY_JIRA_URL 和 SLIPWAY_JIRA_TOKEN。")
}

// SearchSprints returns sprints by what somebody typed.
func (c *Commands) SearchSprints(ctx context.Context, text string) ([]slipway.SprintLook, error) {
	if c.Sprints == nil {
		return nil, noJira()
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.SprintPatience, sprintPatience))
	defer cancel()
	found, err := c.Sprints.Search(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("search sprints: %w", err)
	}
	return found, nil
}

// CheckSprints completes the sprints of an association by what Jira says of them, and notes
// those that Jira does not have. Those that were there before are left as they were. Where
// Jira does not answer nothing is noted: that never holds anybody up.
func (c *Commands) CheckSprints(ctx context.Context, f *slipway.Faults, was, j *slipway.JiraAssociation) {
	asking, cancel := context.WithTimeout(ctx, cmp.Or(c.SprintPatience, sprintPatience))
	defer cancel()
	silent := c.Sprints == nil
	for i := range j.List() {
		s := &j.Sprints[i]
		if old := was.Sprint(s.SprintID); old != nil && strings.EqualFold(old.ProjectKey, s.ProjectKey) {
			s.Complete(*old)
			continue
		}
		if silent || s.SprintID <= 0 {
			continue
		}
		found, err := c.Sprints.Sprint(asking, s.ProjectKey, s.SprintID)
		at := fmt.Sprintf("jira_sprint_association.sprints[%d].", i)
		switch code := slipway.CodeOf(err); {
		case err == nil:
			s.Complete(found)
		case code == slipway.NotFound:
			f.Append(slipway.Problem{Path: at + "sprint_id", Text: slipway.TextOf(err)})
		case code == slipway.Invalid:
			f.Append(slipway.Problem{Path: at + "project_key", Text: slipway.TextOf(err)})
		default:
			silent = true
		}
	}
}

// checkSprints does the same for a plan that is made or replaced.
func (c *Commands) checkSprints(ctx context.Context, was, j *slipway.JiraAssociation) error {
	var f slipway.Faults
	c.CheckSprints(ctx, &f, was, j)
	return f.Err("The plan is not right yet.", "发布计划的内容有误。")
}

// LookAtSprints counts the issues of a plan's sprints now, waiting for Jira for so long, and
// returns what is known then: of those that cannot be asked about, what was known before.
// changed tells whether people would see a difference. An error beside them says why Jira
// could not be asked.
func (c *Commands) LookAtSprints(ctx context.Context, p *slipway.Plan, patience time.Duration) (looks []*slipway.SprintLook, changed bool, err error) {
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	known, err := c.Store.Sprints(ctx, p)
	if err != nil {
		return nil, false, fmt.Errorf("look at sprints of plan %s: %w", p.ID, err)
	}
	var failed error
	for _, s := range p.Jira.List() {
		was := known[s.SprintID]
		look := c.lookAt(asking, s, was, &failed)
		looks = append(looks, look)
		changed = changed || !look.Same(was)
		if err := c.Store.PutSprint(ctx, p.ID, look); err != nil {
			return nil, false, fmt.Errorf("look at sprints of plan %s: %w", p.ID, err)
		}
	}
	return looks, changed, failed
}

// lookAt asks about one sprint, unless Jira failed to answer about one before it.
func (c *Commands) lookAt(ctx context.Context, s slipway.Sprint, was *slipway.SprintLook, failed *error) *slipway.SprintLook {
	look := &slipway.SprintLook{Sprint: s}
	if was != nil {
		*look = *was
	}
	if c.Sprints == nil {
		*failed = noJira()
	}
	if *failed == nil {
		now, err := c.Sprints.Look(ctx, s)
		switch {
		case err == nil:
			return now
		case slipway.CodeOf(err) == slipway.NotFound:
			look.Gone, look.Failing, look.At = true, 0, c.Now().Unix()
			return look
		}
		*failed = err
	}
	if look.Failing == 0 {
		look.Failing = c.Now().Unix()
	}
	return look
}

// OpenIssues counts the issues of a plan's sprints before it is submitted, and returns those
// sprints that have open ones. It does not wait long for Jira, and goes by what was known
// before when that does not answer.
func (c *Commands) OpenIssues(ctx context.Context, p *slipway.Plan) ([]*slipway.SprintLook, error) {
	if c.Sprints == nil || len(p.Jira.List()) == 0 {
		return nil, nil
	}
	looks, changed, err := c.LookAtSprints(ctx, p, cmp.Or(c.SprintPatience, sprintPatience))
	if looks == nil && err != nil {
		return nil, err
	}
	if changed {
		if err := c.Store.RefreshCards(ctx, p.ID, c.Now()); err != nil {
			return nil, fmt.Errorf("count open issues: %w", err)
		}
	}
	return slices.DeleteFunc(looks, func(l *slipway.SprintLook) bool { return l.Gone || l.Unfinished() == 0 }), nil
}
