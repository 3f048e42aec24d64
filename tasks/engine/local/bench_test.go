//go:build unix

package local_test

import (
	"fmt"
	"testing"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/local"
)

func BenchmarkRun(b *testing.B) {
	w := world{dir: b.TempDir(), state: b.TempDir()}
	w.write(b, "w.yaml", script("echo hello"))
	e, err := local.New(config(w.dir, w.state))
	if err != nil {
		b.Fatal(err)
	}
	spec := named
	if spec.Definition, err = e.Resolve(b.Context(), spec); err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		mark := engine.Mark{ID: fmt.Sprint("m", n), Place: e.Place()}
		ref, err := e.Start(b.Context(), slipway.Run{ID: mark.ID, Workflow: spec}, mark)
		if err != nil {
			b.Fatal(err)
		}
		if result, err := e.Watch(b.Context(), ref, engine.Observer{}); err != nil || result.Status != engine.Passed {
			b.Fatal(result, err)
		}
	}
}
