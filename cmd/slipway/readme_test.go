package main

import (
	"os"
	"strings"
	"testing"

	"slipway"
	"slipway/bot"
)

// TestGoldenReadmeVerbs holds the README's table of verbs against the bot's.
func TestGoldenReadmeVerbs(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../README.md", "<!-- verbs:begin -->\n", "<!-- verbs:end -->"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	got, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no %s…%s", path, begin, end)
	}
	want := bot.VerbTable(slipway.English)
	if os.Getenv("SLIPWAY_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Error("the README's table of verbs is stale; `make golden` writes it anew")
	}
}
