package jiratest

// Payments is a small Jira: the project PAY with a board and three sprints, a board without
// sprints, and the project WEB with sprints of its own. Sprint 42 has two issues that are
// done, one under way and two to do.
func Payments(user, token string) Config {
	return Config{
		User: user, Token: token, Page: 2,
		Projects: []Project{{"PAY", "Payments"}, {"WEB", "Web shop"}},
		Boards: []Board{
			{ID: 7, Name: "Payments board", Type: "scrum", Projects: []string{"PAY"}},
			{ID: 8, Name: "Operations", Type: "kanban", Projects: []string{"PAY"}},
			{ID: 9, Name: "Shop board", Type: "scrum", Projects: []string{"WEB", "PAY"}},
		},
		Sprints: []Sprint{
			{ID: 41, Name: "Sprint 11", State: "closed", Board: 7},
			{ID: 42, Name: "Sprint 12", State: "active", Board: 7},
			{ID: 43, Name: "Sprint 13", State: "future", Board: 7},
			{ID: 50, Name: "Shop 5", State: "active", Board: 9},
		},
		Issues: []Issue{
			{"PAY-1", "Refunds in two steps", "Done", 42},
			{"PAY-2", "Retry of failed transfers", "In Progress", 42},
			{"PAY-3", "Fees on the receipt", "To Do", 42},
			{"PAY-4", "Audit of limits", "Done", 42},
			{"PAY-5", "Slow search of payments", "To Do", 42},
			{"WEB-1", "Cart keeps its items", "Done", 50},
		},
	}
}
