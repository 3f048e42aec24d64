package gitlab

import (
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
