package jira

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"slipway"
)

// sprint is a sprint as the Agile API gives it.
type sprint struct {
	ID            int64  `json:"id"`
	Name          string `json:"name"`
	State         string `json:"state"`
	OriginBoardID int64  `json:"originBoardId"`
}

// project is a project as far as it matters here.
type project struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// Sprint returns a sprint by its number. NotFound says that Jira has none; Invalid, that it
// is not one of the project's, if a project's key is given.
func (c *Client) Sprint(ctx context.Context, projectKey string, id int64) (slipway.Sprint, error) {
	s, err := c.sprint(ctx, id)
	if err != nil {
		return slipway.Sprint{}, err
	}
	found := slipway.Sprint{ProjectKey: projectKey, BoardID: s.OriginBoardID, SprintID: s.ID, SprintName: s.Name}
	of, err := c.projectsOf(ctx, s.OriginBoardID)
	if isNone(err) || slipway.CodeOf(err) == slipway.Forbidden {
		return found, nil // the sprint is there; whose board made it, Jira keeps to itself
	}
	if err != nil {
		return slipway.Sprint{}, err
	}
	if projectKey == "" && len(of) > 0 {
		found.ProjectKey = of[0].Key
	}
	i := slices.IndexFunc(of, func(p project) bool { return strings.EqualFold(p.Key, found.ProjectKey) })
	if i < 0 && len(of) > 0 {
		keys := make([]string, len(of))
		for i, p := range of {
			keys[i] = p.Key
		}
		return slipway.Sprint{}, slipway.Refuse(slipway.Invalid, "Sprint %[1]d (%[2]s) belongs to %[3]s, not to %[4]s.",
			"冲刺 %[1]d（%[2]s）属于项目 %[3]s，而不是 %[4]s。", s.ID, s.Name, strings.Join(keys, ", "), projectKey)
	}
	if i >= 0 {
		found.ProjectKey, found.ProjectName = of[i].Key, of[i].Name
	}
	return found, nil
}

func (c *Client) sprint(ctx context.Context, id int64) (sprint, error) {
	var s sprint
	err := c.get(ctx, "/rest/agile/1.0/sprint/"+strconv.FormatInt(id, 10), nil, &s)
	if isNone(err) {
		return s, slipway.Refuse(slipway.NotFound, "Jira has no sprint %d, or does not show it to Slipway.", "Jira 中没有编号为 %d 的冲刺，或未对 Slipway 开放。", id).Because(err)
	}
	return s, err
}

// projectsOf are the projects whose issues a board shows, that of its place first.
func (c *Client) projectsOf(ctx context.Context, boardID int64) ([]project, error) {
	if boardID == 0 {
		return nil, nil
	}
	return all[project](ctx, c, "/rest/agile/1.0/board/"+strconv.FormatInt(boardID, 10)+"/project", nil, values)
}

// namedOpen is how many open issues a look names.
const namedOpen = 5

// issue is an issue as far as it matters here.
type issue struct {
	Key    string `json:"key"`
	Fields struct {
		Summary string `json:"summary"`
		Status  struct {
			Category struct {
				Key string `json:"key"`
			} `json:"statusCategory"`
		} `json:"status"`
	} `json:"fields"`
}

// The categories of statuses; all else is still to do.
const (
	categoryDone     = "done"
	categoryUnderWay = "indeterminate"
)

// Look counts the issues of a sprint by their state.
func (c *Client) Look(ctx context.Context, s slipway.Sprint) (*slipway.SprintLook, error) {
	now, err := c.sprint(ctx, s.SprintID)
	if err != nil {
		return nil, fmt.Errorf("look at sprint %d: %w", s.SprintID, err)
	}
	list, err := c.issues(ctx, s.SprintID)
	if err != nil {
		return nil, fmt.Errorf("look at sprint %d: %w", s.SprintID, err)
	}
	look := &slipway.SprintLook{Sprint: s, State: now.State, URL: c.sprintURL(s.SprintID), Open: []slipway.Issue{}, At: c.config.Now().Unix()}
	look.SprintName = now.Name
	for _, i := range list {
		switch i.Fields.Status.Category.Key {
		case categoryDone:
			look.Done++
			continue
		case categoryUnderWay:
			look.InProgress++
		default:
			look.ToDo++
		}
		if len(look.Open) < namedOpen {
			look.Open = append(look.Open, c.issue(i))
		}
	}
	return look, nil
}

// Issues returns the issues of a sprint.
func (c *Client) Issues(ctx context.Context, sprintID int64) ([]slipway.Issue, error) {
	list, err := c.issues(ctx, sprintID)
	if err != nil {
		return nil, fmt.Errorf("list issues of sprint %d: %w", sprintID, err)
	}
	out := make([]slipway.Issue, len(list))
	for i := range list {
		out[i] = c.issue(list[i])
	}
	return out, nil
}

func (c *Client) issues(ctx context.Context, sprintID int64) ([]issue, error) {
	return all[issue](ctx, c, "/rest/agile/1.0/sprint/"+strconv.FormatInt(sprintID, 10)+"/issue", url.Values{"fields": {"summary,status"}}, issues)
}

func (c *Client) issue(i issue) slipway.Issue {
	return slipway.Issue{
		Key: i.Key, Summary: i.Fields.Summary, Done: i.Fields.Status.Category.Key == categoryDone, URL: c.config.URL + "/browse/" + url.PathEscape(i.Key),
	}
}

// sprintURL lists the issues of a sprint. The page of its board has another address in
// every edition of Jira; the search has the same.
func (c *Client) sprintURL(id int64) string {
	return c.config.URL + "/issues/?jql=" + url.QueryEscape(fmt.Sprintf("sprint = %d ORDER BY status", id))
}
