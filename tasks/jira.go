package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/storage"
)

// Jira is the part of Jira's client that tells issues of plans. Everything may be done
// again: it is there once.
type Jira interface {
	Issues(ctx context.Context, sprintID int64) ([]slipway.Issue, error)
	// Link puts a link to a plan on an issue, in the place of an earlier one of the plan.
	Link(ctx context.Context, key string, l slipway.IssueLink) error
	// Comment writes a comment on an issue, unless one that contains the mark is there.
	Comment(ctx context.Context, key, mark, text string) error
	// Escape makes a text safe to stand in a comment.
	Escape(text string) string
}

const (
	jiraEvery    = 5 * time.Minute // sprints are looked at
	jiraPatience = time.Minute     // for one look
	jiraFor      = 12 * time.Hour  // issues are told
	jiraStep     = 20              // issues are told before it is noted how far that has come
	jiraTitle    = 250             // bytes of a link's title
)

// jira looks at the sprints of a plan as long as it is not over, or tells their issues of
// the plan. Nothing waits for that.
func (t *Tasks) jira(ctx context.Context, l *storage.Lease) error {
	if t.Jira == nil {
		return nil // it is no longer connected
	}
	p, err := t.Store.Plan(ctx, l.Task.PlanID)
	if err != nil {
		return fmt.Errorf("load plan: %w", err)
	}
	if len(p.Jira.List()) == 0 {
		return nil
	}
	if what := slipway.JiraTelling(l.Task.Ref); what != slipway.JiraLook {
		return t.tellIssues(ctx, l, p, what)
	}
	_, changed, err := t.Commands.LookAtSprints(ctx, p, jiraPatience)
	if err != nil && !jiraFails(err) {
		return err
	}
	now := t.Now()
	if err != nil {
		t.Log.WarnContext(ctx, "look at sprints", "plan", p.ID, "err", err)
	}
	if changed {
		if err := t.Store.RefreshCards(ctx, p.ID, now); err != nil {
			return err
		}
	}
	if p.Phase == slipway.PhaseSuccess || p.Phase == slipway.PhaseCancel {
		return nil
	}
	return later{at: now.Add(max(jiraEvery, afterOf(err)))}
}

// jiraFails tells whether an error is Jira's, and none of ours.
func jiraFails(err error) bool { return slipway.CodeOf(err) != slipway.Internal }

// afterOf is how long Jira wants to be left alone.
func afterOf(err error) time.Duration {
	var limited interface{ RetryAfter() time.Duration }
	if errors.As(err, &limited) {
		return limited.RetryAfter()
	}
	return 0
}

// tellIssues tells the issues of a plan's sprints of it, some at a time. How far it has come
// is kept in the task, which takes its own place until none is left.
func (t *Tasks) tellIssues(ctx context.Context, l *storage.Lease, p *slipway.Plan, what slipway.JiraTelling) error {
	var g slipway.JiraProgress
	begun := len(l.Task.Data) > 0
	if begun {
		if err := json.Unmarshal(l.Task.Data, &g); err != nil {
			return slipway.Refuse(slipway.Invalid, "The progress cannot be read.", "无法读取进度。").Because(err)
		}
	} else {
		g.Since = l.CreatedAt
	}
	if t.Now().Sub(time.UnixMilli(g.Since)) > jiraFor {
		t.Log.WarnContext(ctx, "issues not told", "plan", p.ID, "what", string(what), "left", len(g.Issues))
		return nil
	}
	if !begun {
		var err error
		if g.Issues, err = t.issuesOf(ctx, p); err != nil {
			return t.jiraLater(l, "list issues", err)
		}
	}
	for told := 0; len(g.Issues) > 0 && told < jiraStep; told++ {
		err := t.tellIssue(ctx, p, g.Issues[0], what)
		if err != nil && passing(err) {
			if told == 0 && begun {
				return t.jiraLater(l, "tell "+g.Issues[0], err)
			}
			t.Log.InfoContext(ctx, "issues told later", "plan", p.ID, "left", len(g.Issues), "err", err)
			return t.goOn(ctx, p, what, g, max(t.pause(0), afterOf(err)))
		}
		if err != nil {
			t.Log.WarnContext(ctx, "issue not told", "plan", p.ID, "issue", g.Issues[0], "err", err)
		}
		g.Issues = g.Issues[1:]
	}
	if len(g.Issues) == 0 {
		return nil
	}
	return t.goOn(ctx, p, what, g, 0)
}

// jiraLater lets the task wait as long as Jira wants, or a little longer each time.
func (t *Tasks) jiraLater(l *storage.Lease, what string, err error) error {
	if !passing(err) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return again{at: t.Now().Add(max(t.pause(l.Attempt), afterOf(err))), why: what + ": " + err.Error()}
}

// goOn writes down how far the telling has come, in the place of the task at hand.
func (t *Tasks) goOn(ctx context.Context, p *slipway.Plan, what slipway.JiraTelling, g slipway.JiraProgress, after time.Duration) error {
	now := t.Now()
	return t.Store.PutTask(ctx, g.Task(t.Commands.NewID(), p, what, now.Add(after).UnixMilli()), now)
}

// issuesOf lists the issues of all sprints of a plan, each once.
func (t *Tasks) issuesOf(ctx context.Context, p *slipway.Plan) ([]string, error) {
	keys := []string{}
	for _, s := range p.Jira.List() {
		issues, err := t.Jira.Issues(ctx, s.SprintID)
		if slipway.CodeOf(err) == slipway.NotFound {
			continue // the sprint is gone
		}
		if err != nil {
			return nil, err
		}
		for _, i := range issues {
			if !slices.Contains(keys, i.Key) {
				keys = append(keys, i.Key)
			}
		}
	}
	return keys, nil
}

func (t *Tasks) tellIssue(ctx context.Context, p *slipway.Plan, key string, what slipway.JiraTelling) error {
	page := strings.TrimSuffix(t.PublicURL, "/") + "/plans/" + p.ID
	if what == slipway.JiraDone && t.JiraComments {
		// The mark is the address with its ending: a person who links the plan does not write it.
		mark := page + "#success"
		text := slipway.T("Release plan #%[1]d %[2]s succeeded: %[3]s", "发布计划 #%[1]d %[2]s 已发布成功：%[3]s", p.Index, t.Jira.Escape(p.Name), mark)
		if err := t.Jira.Comment(ctx, key, mark, text.In(t.JiraLang)); err != nil {
			return err
		}
	}
	title := fmt.Sprintf("#%d %s", p.Index, p.Name)
	for len(title) > jiraTitle {
		title = strings.ToValidUTF8(title[:jiraTitle-3], "") + "…"
	}
	return t.Jira.Link(ctx, key, slipway.IssueLink{
		PlanID: p.ID, URL: page, Title: title, Summary: p.Status().Text().In(t.JiraLang), Done: p.Phase == slipway.PhaseSuccess,
		Relation: slipway.T("release plans", "发布计划").In(t.JiraLang),
	})
}
