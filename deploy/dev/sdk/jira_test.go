package sdk

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/webhook/jira/jiratest"
)

// TestTheStandInOfJiraServesAClientOfOthers reads and writes the stand-in of Jira with
// jira.js, made for the real one.
func TestTheStandInOfJiraServesAClientOfOthers(t *testing.T) {
	t.Parallel()
	server := jiratest.New(t, jiratest.Payments("bot@example.com", "s3cret"))
	var came map[string]json.RawMessage
	runNode(t, &came, nil, "jira.mjs", "HOST="+server.URL, "EMAIL=bot@example.com", "API_TOKEN=s3cret")
	for name, parts := range map[string][]string{
		"me":         {`"displayName":"Slipway"`},
		"stranger":   {`"status":401`},
		"projects":   {`"key":"PAY"`, `"total":1`, `"isLast":true`},
		"boards":     {`"name":"Payments board"`, `"projectKey":"PAY"`, `"isLast":false`},
		"moreBoards": {`"name":"Shop board"`, `"isLast":true`},
		"board":      {`"id":7`, `"type":"scrum"`},
		"sprints":    {`"name":"Sprint 12"`, `"name":"Sprint 13"`, `"originBoardId":7`},
		"kanban":     {`"status":400`},
		"sprint":     {`"id":42`, `"state":"active"`},
		"noSprint":   {`"status":404`},
		"issues":     {`"key":"PAY-1"`, `"key":"PAY-2"`, `"total":5`, `"statusCategory":{"key":"indeterminate"}`},
		"comment":    {`"body":"by another client"`},
		"comments":   {`"total":1`, `"by another client"`},
		"link":       {`"id":1`},
		"linkAgain":  {`"id":1`},
		"links":      {`"globalId":"slipway=1"`, `"title":"twice"`},
	} {
		for _, part := range parts {
			if !strings.Contains(string(came[name]), part) {
				t.Errorf("%s has no %s: %s", name, part, came[name])
			}
		}
	}
	if diff := cmp.Diff([]string{"by another client"}, server.Comments("PAY-1")); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
}
