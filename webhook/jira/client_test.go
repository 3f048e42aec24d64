package jira_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/webhook/jira"
	"slipway/webhook/jira/jiratest"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newClient(t *testing.T, c jiratest.Config) (*jiratest.Server, *jira.Client) {
	t.Helper()
	server := jiratest.New(t, c)
	return server, jira.New(jira.Config{URL: server.URL + "/", User: c.User, Token: c.Token, Timeout: 5 * time.Second, Now: func() time.Time { return noon }})
}

func TestASprintIsCountedByTheStateOfItsIssues(t *testing.T) {
	t.Parallel()
	server, client := newClient(t, jiratest.Payments("bot@example.com", "s3cret"))
	s, err := client.Sprint(t.Context(), "PAY", 42)
	if err != nil {
		t.Fatal(err)
	}
	want := slipway.Sprint{ProjectKey: "PAY", ProjectName: "Payments", BoardID: 7, SprintID: 42, SprintName: "Sprint 12"}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("sprint (-want +got):\n%s", diff)
	}
	look, err := client.Look(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	base := server.URL + "/browse/"
	if diff := cmp.Diff(&slipway.SprintLook{
		Sprint: want, State: "active", URL: server.URL + "/issues/?jql=sprint+%3D+42+ORDER+BY+status", ToDo: 2, InProgress: 1, Done: 2, At: noon.Unix(),
		Open: []slipway.Issue{
			{Key: "PAY-2", Summary: "Retry of failed transfers", URL: base + "PAY-2"},
			{Key: "PAY-3", Summary: "Fees on the receipt", URL: base + "PAY-3"},
			{Key: "PAY-5", Summary: "Slow search of payments", URL: base + "PAY-5"},
		},
	}, look); diff != "" {
		t.Errorf("look (-want +got):\n%s", diff)
	}
}

func TestASprintOfAnotherProjectOrOfNoneIsNotTaken(t *testing.T) {
	t.Parallel()
	_, client := newClient(t, jiratest.Payments("", "pat"))
	_, err := client.Sprint(t.Context(), "PAY", 99)
	if slipway.CodeOf(err) != slipway.NotFound || !strings.Contains(err.Error(), "Jira has no sprint 99") {
		t.Errorf("sprint 99: %v", err)
	}
	_, err = client.Sprint(t.Context(), "WEB", 42)
	if slipway.CodeOf(err) != slipway.Invalid || !strings.Contains(err.Error(), "Sprint 42 (Sprint 12) belongs to PAY, not to WEB.") {
		t.Errorf("sprint of another project: %v", err)
	}
	if s, err := client.Sprint(t.Context(), "pay", 50); err != nil || s.ProjectKey != "PAY" {
		t.Errorf("a board of two projects: %+v, %v", s, err)
	}
}

func TestSprintsAreFoundByProjectBoardNameAndNumber(t *testing.T) {
	t.Parallel()
	for name, placeless := range map[string]bool{"cloud": false, "data center": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := jiratest.Payments("", "pat")
			c.Placeless = placeless
			_, client := newClient(t, c)
			for text, want := range map[string]string{
				"":                   "PAY 42, WEB 50, PAY 43",
				"pay":                "PAY 42, PAY 43",
				"Payments board":     "PAY 42, PAY 43",
				"shop":               "WEB 50",
				"PAY 12":             "PAY 42",
				"sprint 13":          "PAY 43",
				"PAY 41":             "PAY 41", // closed: by its number only
				"41":                 "PAY 41",
				"sprint":             "PAY 42, PAY 43",
				"nothing like that":  "",
				"WEB 42":             "", // it is PAY's
				"PAY · Sprint 12 42": "PAY 42",
			} {
				found, err := client.Search(t.Context(), text)
				if err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				var got []string
				for _, s := range found {
					got = append(got, (slipway.Sprint{ProjectKey: s.ProjectKey, SprintID: s.SprintID}).Title())
				}
				if said := strings.ReplaceAll(strings.Join(got, ", "), "#", ""); said != want {
					t.Errorf("%q finds %q, want %q", text, said, want)
				}
			}
		})
	}
}

func TestACommentIsThereOnceHoweverOftenItIsWritten(t *testing.T) {
	t.Parallel()
	server, client := newClient(t, jiratest.Payments("", "pat"))
	for _, chat := range []string{"one", "two", "three"} {
		server.Say("PAY-1", chat) // the mark is not on the first page
	}
	for range 3 {
		if err := client.Comment(t.Context(), "PAY-1", "mark-1", "It is out. mark-1"); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"one", "two", "three", "It is out. mark-1"}, server.Comments("PAY-1")); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
	if err := client.Comment(t.Context(), "PAY-404", "m", "m"); slipway.CodeOf(err) != slipway.NotFound {
		t.Errorf("an issue that is not there: %v", err)
	}
}

func TestALinkTakesThePlaceOfTheEarlierOne(t *testing.T) {
	t.Parallel()
	server, client := newClient(t, jiratest.Payments("", "pat"))
	l := slipway.IssueLink{PlanID: "abc", URL: "https://slipway.example.com/plans/abc", Title: "#1 payments 4.2", Summary: "Executing", Relation: "released by"}
	for _, done := range []bool{false, true, true} {
		l.Done = done
		if err := client.Link(t.Context(), "PAY-1", l); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]jiratest.RemoteLink{{GlobalID: "slipway=abc", URL: l.URL, Title: l.Title, Summary: l.Summary, Resolved: true}}, server.Links("PAY-1")); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func TestNamesNeitherFormatNorMention(t *testing.T) {
	t.Parallel()
	if got, want := (*jira.Client)(nil).Escape("*4.2* [~bob]\n{code}"), `\*4.2\* \[\~bob\] \{code\}`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhatIsWrongWithJiraIsSaid(t *testing.T) {
	t.Parallel()
	server, client := newClient(t, jiratest.Payments("", "pat"))
	server.Fail(http.StatusBadGateway)
	_, err := client.Issues(t.Context(), 42)
	if slipway.CodeOf(err) != slipway.Unavailable || slipway.TextOf(err).EN != "Jira does not answer." {
		t.Errorf("down: %v", err)
	}
	server.Fail(http.StatusFound)
	if _, err = client.Issues(t.Context(), 42); !strings.Contains(slipway.TextOf(err).EN, "does not accept the credentials") {
		t.Errorf("a page to sign in: %v", err)
	}
	server.Limit(1, 90)
	_, err = client.Issues(t.Context(), 42)
	if limited := (*jira.Limited)(nil); !errors.As(err, &limited) || limited.After != 90*time.Second || slipway.CodeOf(err) != slipway.Unavailable {
		t.Errorf("limited: %#v", err)
	}
	if _, err = client.Issues(t.Context(), 42); err != nil {
		t.Errorf("after the limit: %v", err)
	}
	wrong := jira.New(jira.Config{URL: server.URL, Token: "s3cret-guess", Now: func() time.Time { return noon }})
	if err = wrong.Check(t.Context()); !strings.Contains(slipway.TextOf(err).EN, "does not accept the credentials") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("wrong token: %v", err)
	}
	if err = client.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
}

func TestASlowJiraIsNotWaitedForLongerThanTheCallerWaits(t *testing.T) {
	t.Parallel()
	server, client := newClient(t, jiratest.Payments("", "pat"))
	server.Silence()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := client.Issues(ctx, 42)
	if slipway.CodeOf(err) != slipway.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
}
