package slipway

import (
	"crypto/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJiraIsAskedOnlyWhenItIsConnected(t *testing.T) {
	t.Parallel()
	for _, connected := range []bool{false, true} {
		r := Request{ID: "r", Actor: Actor{ID: "u", Name: "Alice", Kind: Person}, At: noon, Rand: rand.Reader, Rules: &Rules{Jira: connected}}
		d := Draft{Name: "payments", Manager: PersonRef{ID: "u", Name: "Alice"}, Jira: &JiraAssociation{Sprints: []Sprint{{ProjectKey: "PAY", SprintID: 42}}}}
		_, c, err := NewPlan(r, d)
		if err != nil {
			t.Fatal(err)
		}
		asked := slices.ContainsFunc(c.Tasks, func(task Task) bool { return task.Kind == TaskJira })
		if asked != connected {
			t.Errorf("connected %v: asked %v", connected, asked)
		}
	}
}

func TestSprintsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	d := Draft{Name: "a", Manager: PersonRef{ID: "u"}, Jira: &JiraAssociation{Sprints: []Sprint{
		{ProjectKey: "PAY", SprintID: 42}, {ProjectKey: "WEB", SprintID: 42}, {ProjectKey: "P\x00", SprintID: 0},
	}}}
	var paths []string
	for _, p := range ProblemsOf(d.Check()) {
		paths = append(paths, p.Path)
	}
	slices.Sort(paths)
	want := []string{"jira_sprint_association.sprints[1].sprint_id", "jira_sprint_association.sprints[2].project_key", "jira_sprint_association.sprints[2].sprint_id"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestOnlyTheNumbersOfSprintsArePartOfTheContent(t *testing.T) {
	t.Parallel()
	with := func(sprints ...Sprint) Content {
		return (&Plan{Jira: &JiraAssociation{Sprints: sprints}}).content(&Rules{})
	}
	a, b := Sprint{ProjectKey: "PAY", SprintID: 42}, Sprint{ProjectKey: "WEB", SprintID: 50}
	named := a
	named.SprintName = "Sprint 12"
	was, same, other, none := with(a, b), with(b, named), with(a), (&Plan{}).content(&Rules{})
	if was.Digest != same.Digest {
		t.Error("names or order make a difference")
	}
	for name, now := range map[string]Content{"one less": other, "none": none} {
		if got := was.Differences(&now); len(got) != 1 || got[0].EN != "the sprints" {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := none.Differences(&was); len(got) != 1 || got[0].ZH != "需求关联" {
		t.Errorf("new sprints: %v", got)
	}
}
