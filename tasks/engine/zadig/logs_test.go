package zadig_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/zadig/zadigtest"
)

func TestALogReadsTheSameWhileItIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *zadigtest.Config) {
		c.Workflows = []zadigtest.Workflow{flow("talks",
			stage("first", standin.Job{Name: "quiet"}, standin.Job{Name: "loud", Says: []string{"one", "", "10%\r50%\rdone", `a \r b`}}),
			stage("second", standin.Job{Name: "runs", Says: []string{"half a line\r", "\x1b[31mred\x1b[0m", "ready"}, Ends: standin.Blocks}))}
	})
	want := []string{"one", "", "done", `a \r b`, "half a line", "red", "ready"}
	p := enginetest.Start(t, w, spec("talks"))
	end := p.Until("ready")
	if diff := cmp.Diff(want, p.Texts()); diff != "" {
		t.Errorf("while it runs (-want +got):\n%s", diff)
	}
	w.cancelled(t, p, end)
	if diff := cmp.Diff(want, p.Texts()); diff != "" {
		t.Errorf("at its end (-want +got):\n%s", diff)
	}
	again := enginetest.Attach(t, w.another(t), engine.Mark{}, p.Ref)
	again.End()
	if diff := cmp.Diff(want, again.Texts()); diff != "" {
		t.Errorf("after its end (-want +got):\n%s", diff)
	}
}
