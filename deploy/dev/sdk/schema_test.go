package sdk

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slipway"
	"slipway/bot/slack"
	"slipway/bot/slack/blockkit"
)

// sample is something to be held against a schema.
type sample struct {
	Name  string          `json:"name"`
	Kind  string          `json:"kind"` // message, modal, home or manifest
	Value json.RawMessage `json:"value"`
}

// TestSlackSchemas holds everything that Slipway renders for Slack against the schemas
// made from Slack's types, and the manifest against Slack's own schema.
func TestSlackSchemas(t *testing.T) {
	t.Parallel()
	samples := slices.Concat(golden(t), manifests(t))
	bad := malformed()
	input, err := json.Marshal(slices.Concat(samples, bad))
	if err != nil {
		t.Fatal(err)
	}
	var problems map[string][]string
	runNode(t, &problems, input, "schema.mjs")
	for _, s := range samples {
		if list, judged := problems[s.Name]; !judged || len(list) > 0 {
			t.Errorf("%s is no %s:\n  %s", s.Name, s.Kind, strings.Join(list, "\n  "))
		}
	}
	for _, s := range bad {
		if len(problems[s.Name]) == 0 {
			t.Errorf("%s was taken for a %s", s.Name, s.Kind)
		}
	}
}

// golden returns what the renderer's own tests compare with.
func golden(t *testing.T) []sample {
	t.Helper()
	var list []sample
	for _, kind := range []string{"message", "modal", "home"} {
		paths, err := filepath.Glob("../../../bot/slack/testdata/" + kind + "-*.json")
		if err != nil || len(paths) == 0 {
			t.Errorf("no golden files of the kind %s (%v)", kind, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, sample{filepath.Base(path), kind, data})
		}
	}
	return list
}

// manifests returns what `slipway slack manifest` prints.
func manifests(t *testing.T) []sample {
	t.Helper()
	var list []sample
	for name, m := range map[string]slack.ManifestConfig{
		"manifest over HTTP":         {URL: "https://slipway.example.com"},
		"manifest for Socket Mode":   {URL: "https://slipway.example.com", Socket: true},
		"manifest in Chinese":        {URL: "https://slipway.example.com", Socket: true, Lang: slipway.Chinese},
		"manifest with another verb": {URL: "https://slipway.example.com", Command: "/release"},
	} {
		data, err := slack.Manifest(m)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, sample{name, "manifest", data})
	}
	return list
}

// malformed are samples that the schemas must refuse: a check that takes everything
// proves nothing.
func malformed() []sample {
	var list []sample
	for _, s := range [][3]string{
		{"a block of no known type", "message", `{"text":"x","blocks":[{"type":"heading","text":"x"}]}`},
		{"a property that no block has", "message", `{"text":"x","blocks":[{"type":"divider","colour":"red"}]}`},
		{"a message without text", "message", `{"blocks":[{"type":"divider"}]}`},
		{"a header in mrkdwn", "message", `{"text":"x","blocks":[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]}`},
		{"a button without text", "message", `{"text":"x","blocks":[{"type":"actions","elements":[{"type":"button","action_id":"a"}]}]}`},
		{"a list in a section", "message", `{"text":"x","blocks":[{"type":"section","text":"x"}]}`},
		{"a modal without a title", "modal", `{"type":"modal","blocks":[]}`},
		{"a modal of unknown blocks", "modal", `{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[{"type":"nothing"}]}`},
		{"an input without an element", "modal", `{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[{"type":"input","label":{"type":"plain_text","text":"x"}}]}`},
		{"a home with a title", "home", `{"type":"home","title":{"type":"plain_text","text":"x"},"blocks":[]}`},
		{"a manifest with an unknown key", "manifest", `{"display_information":{"name":"x"},"colour":"red"}`},
		{"a manifest with a number for a name", "manifest", `{"display_information":{"name":7}}`},
		{"a manifest without a name", "manifest", `{"display_information":{}}`},
	} {
		list = append(list, sample{s[0], s[1], json.RawMessage(s[2])})
	}
	return list
}

// TestLimitsOfBlockKit compares the table of limits with the comments in Slack's types.
func TestLimitsOfBlockKit(t *testing.T) {
	t.Parallel()
	var table []blockkit.Limit
	for _, l := range blockkit.Limits {
		if l.Source == blockkit.Types {
			table = append(table, l)
		}
	}
	if len(table) < 40 {
		t.Errorf("only %d limits are said to be from the types", len(table))
	}
	for name, change := range map[string]func([]blockkit.Limit) []blockkit.Limit{
		"":                 func(l []blockkit.Limit) []blockkit.Limit { return l },
		"a number changed": func(l []blockkit.Limit) []blockkit.Limit { l[len(l)-1].Max++; return l },
		"a limit left out": func(l []blockkit.Limit) []blockkit.Limit { return l[:len(l)-1] },
	} {
		input, err := json.Marshal(change(slices.Clone(table)))
		if err != nil {
			t.Fatal(err)
		}
		cmd := node(t.Context(), t, "limits.mjs")
		cmd.Stdin = bytes.NewReader(input)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if name == "" && len(out) > 0 {
			t.Errorf("the table and the types differ:\n%s", out)
		}
		if name != "" && len(out) == 0 {
			t.Errorf("%s, and nobody noticed", name)
		}
	}
}

// TestLockfile keeps the addresses of registries out of the lockfile, so that it can be
// installed from any.
func TestLockfile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"package-lock.json", "package.json", ".npmrc"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "://") || strings.Contains(string(data), `"resolved"`) {
			t.Errorf("%s names an address", name)
		}
	}
}
