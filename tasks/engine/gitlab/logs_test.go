package gitlab

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/tasks/engine/output"
)

func TestALogIsMadeReadable(t *testing.T) {
	t.Parallel()
	l := &logs{mask: output.NewMasker([]string{"hunter2", "first line\nsecond line", "ab\nlonger"})}
	raw := "\x1b[0KRunning with gitlab-runner\x1b[0;m\n" +
		"section_start:1560896352:prepare\r\x1b[0K\x1b[36;1mPreparing\x1b[0;m\n" +
		"10%\r50%\r100%\r\n" +
		"\n" +
		"pass hunter2, second line, ab\n" +
		"evil \u202e\x07text\n" +
		"section_end:1560896352:prepare\r\x1b[0K\n" +
		"not whole"
	want := []string{"Running with gitlab-runner", "Preparing", "100%", "", "pass ***, ***, ab", "evil text"}
	if diff := cmp.Diff(want, l.readable(raw, false)); diff != "" {
		t.Errorf("while it runs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append(want, "not whole"), l.readable(raw, true)); diff != "" {
		t.Errorf("in the end (-want +got):\n%s", diff)
	}
}

func TestTheStagesAndVariablesOfAConfiguration(t *testing.T) {
	t.Parallel()
	stages, variables := readMerged(strings.Join([]string{
		"---", "stages: [a, .post, b]", "variables:", "  PLAIN: x", "  EMPTY:", "  NUMBER: 3",
		"  DESCRIBED: {value: y, description: why, options: [y, z]}", "  UNSET: {description: when}",
	}, "\n"))
	if diff := cmp.Diff([]string{".pre", "a", "b", ".post"}, stages); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	want := []string{
		"{PLAIN string  x true []}", "{EMPTY string   false []}", "{NUMBER string  3 true []}",
		"{DESCRIBED string why y true [y z]}", "{UNSET string when  false []}",
	}
	var got []string
	for _, v := range variables {
		got = append(got, fmt.Sprint(v))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	inputs := readInputs([]byte("spec:\n  inputs:\n    replicas: {type: number, default: 2}\n    on: {type: boolean}\n    free:\n---\njob: {script: x}\n"))
	if len(inputs) != 3 || inputs[0].typed("x") != nil || inputs[0].typed("3") == nil || inputs[1].typed("true") == nil || inputs[2].hasDefault {
		t.Errorf("inputs are %+v", inputs)
	}
	for _, nonsense := range []string{"", "[", "- a", "variables: [a]", "a: *b"} {
		if _, v := readMerged(nonsense); v != nil {
			t.Errorf("%q: %+v", nonsense, v)
		}
		readInputs([]byte(nonsense))
	}
}

func TestEveryWordOfGitLabIsFolded(t *testing.T) {
	t.Parallel()
	for _, word := range strings.Fields("created waiting_for_resource preparing pending running success failed canceling canceled skipped manual scheduled") {
		if folded(word) == "unknown" {
			t.Errorf("%q is not known", word)
		}
	}
	if folded("dreaming") != "unknown" {
		t.Error("a word that does not exist is known")
	}
}
