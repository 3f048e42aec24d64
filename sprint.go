package slipway

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// JiraAssociation is the documented link to Jira sprints: the requirements behind a plan.
type JiraAssociation struct {
	JiraID  string   `json:"jira_id,omitempty"`
	Sprints []Sprint `json:"sprints"`
}

// Sprint names one Jira sprint. Its number alone says which; the names are for people.
type Sprint struct {
	ProjectName string `json:"project_name,omitempty"`
	ProjectKey  string `json:"project_key"`
	BoardID     int64  `json:"board_id,omitempty"`
	SprintID    int64  `json:"sprint_id"`
	SprintName  string `json:"sprint_name,omitempty"`
}

// Title names the sprint for people.
func (s Sprint) Title() string {
	if s.SprintName == "" {
		return fmt.Sprintf("%s #%d", s.ProjectKey, s.SprintID)
	}
	return strings.TrimSpace(s.ProjectKey + " " + s.SprintName)
}

// Complete fills in what is not said of the sprint from what is known of it.
func (s *Sprint) Complete(known Sprint) {
	s.ProjectKey = known.ProjectKey
	s.ProjectName, s.SprintName = cmp.Or(s.ProjectName, known.ProjectName), cmp.Or(s.SprintName, known.SprintName)
	s.BoardID = cmp.Or(s.BoardID, known.BoardID)
}

// Clone returns a deep copy, nil of nil.
func (j *JiraAssociation) Clone() *JiraAssociation {
	if j == nil {
		return nil
	}
	return &JiraAssociation{JiraID: j.JiraID, Sprints: slices.Clone(j.Sprints)}
}

// List returns the sprints, none of nil.
func (j *JiraAssociation) List() []Sprint {
	if j == nil {
		return nil
	}
	return j.Sprints
}

// Sprint returns the sprint with the number, nil if it is not there.
func (j *JiraAssociation) Sprint(id int64) *Sprint {
	for i := range j.List() {
		if j.Sprints[i].SprintID == id {
			return &j.Sprints[i]
		}
	}
	return nil
}

// ids are the numbers of the sprints, whatever their order.
func (j *JiraAssociation) ids() []int64 {
	var ids []int64
	for _, s := range j.List() {
		ids = append(ids, s.SprintID)
	}
	slices.Sort(ids)
	return ids
}

// MaxSprints is how many sprints a plan may have.
const MaxSprints = 20

// fieldSprints is the wire name of the sprints.
const fieldSprints = "jira_sprint_association"

func (d *Draft) checkSprints(f *Faults) {
	list := d.Jira.List()
	if len(list) > MaxSprints {
		f.Add(fieldSprints+".sprints", "at most %[1]d sprints are possible; this has %[2]d", "最多关联 %[1]d 个冲刺，目前为 %[2]d 个", MaxSprints, len(list))
	}
	for i, s := range list {
		at := fmt.Sprintf("%s.sprints[%d].", fieldSprints, i)
		if s.SprintID <= 0 {
			f.Add(at+"sprint_id", "the number of a sprint is expected", "应为冲刺的编号")
		} else if d.Jira.Sprint(s.SprintID) != &d.Jira.Sprints[i] {
			f.Add(at+"sprint_id", "sprint %d is there twice", "冲刺 %d 重复了", s.SprintID)
		}
		for key, text := range map[string]string{"project_key": s.ProjectKey, "project_name": s.ProjectName, "sprint_name": s.SprintName} {
			if Unprintable(text) || utf8.RuneCountInString(text) > MaxName {
				f.Add(at+key, "a line of at most %d characters is expected", "应为一行不超过 %d 个字符的文字", MaxName)
			}
		}
	}
}

// The states of a sprint, as Jira says them.
const (
	SprintFuture = "future"
	SprintActive = "active"
	SprintClosed = "closed"
)

// SprintStateText names a state of a sprint for people.
func SprintStateText(state string) Text {
	switch state {
	case SprintFuture:
		return T("not started", "未开始")
	case SprintActive:
		return T("active", "进行中")
	case SprintClosed:
		return T("closed", "已关闭")
	}
	return T(state, state)
}

// SprintLook is what Jira told of a sprint when it answered last. It is shown and decides
// nothing.
type SprintLook struct {
	Sprint
	State      string  `json:"state"`
	URL        string  `json:"url"` // the issues of the sprint
	ToDo       int     `json:"to_do"`
	InProgress int     `json:"in_progress"`
	Done       int     `json:"done"`
	Open       []Issue `json:"open"` // the first of those that are not done
	At         int64   `json:"at"`   // Unix seconds; 0: Jira has not answered yet
	// Failing is since when Jira does not answer, 0 if it does.
	Failing int64 `json:"failing,omitempty"`
	// Gone tells that Jira has no such sprint any more.
	Gone bool `json:"gone,omitempty"`
}

// Unfinished is how many of its issues are not done.
func (l *SprintLook) Unfinished() int { return l.ToDo + l.InProgress }

// Same tells whether people would see the same of both.
func (l *SprintLook) Same(o *SprintLook) bool {
	if l == nil || o == nil {
		return l == o
	}
	return l.SprintID == o.SprintID && l.SprintName == o.SprintName && l.State == o.State && l.URL == o.URL && l.ToDo == o.ToDo && l.InProgress == o.InProgress && l.Done == o.Done &&
		slices.Equal(l.Open, o.Open) && (l.Failing != 0) == (o.Failing != 0) && l.Gone == o.Gone
}

// Issue is one of Jira's issues.
type Issue struct {
	Key     string `json:"key"`
	Summary string `json:"summary"`
	Done    bool   `json:"done,omitempty"`
	URL     string `json:"url,omitempty"`
}

// IssueLink is a link on an issue to the page of the plan that brings it.
type IssueLink struct {
	PlanID   string
	URL      string
	Title    string
	Summary  string // where the plan stands
	Relation string // what the plan is to the issue
	Done     bool   // the plan succeeded
}

// JiraTelling is what the issues of a plan's sprints are told, the Ref of a TaskJira. The
// empty one tells them nothing: the sprints are looked at, again and again until the plan
// is over.
type JiraTelling string

// What issues are told.
const (
	JiraLook JiraTelling = ""
	JiraLink JiraTelling = "link" // which plan brings them
	JiraDone JiraTelling = "done" // that it succeeded
)

// JiraProgress is how far the telling has come, the data of a TaskJira.
type JiraProgress struct {
	Issues []string `json:"issues"` // keys of those that are left
	Since  int64    `json:"since"`  // Unix milliseconds
}

// askJira asks for something to be done in Jira, if there are sprints.
func (p *Plan) askJira(req Request, c *Change, what JiraTelling) {
	if req.Rules != nil && req.Rules.Jira && len(p.Jira.List()) > 0 {
		c.task(req, p, TaskJira, JiraKey(p.ID, what), req.At, string(what))
	}
}

// JiraKey is the Task.Key of a TaskJira.
func JiraKey(planID string, what JiraTelling) string {
	return strings.TrimSuffix("jira:"+planID+":"+string(what), ":")
}

// Task makes the task that goes on with the telling later.
func (g JiraProgress) Task(id string, p *Plan, what JiraTelling, runAt int64) Task {
	t := Task{ID: id, Kind: TaskJira, Key: JiraKey(p.ID, what), PlanID: p.ID, Round: p.Round, RunAt: runAt, Ref: string(what)}
	t.Data, _ = json.Marshal(g) // texts and numbers only
	return t
}
