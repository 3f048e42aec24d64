package engine_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/tasks/engine"
)

// What an engine tells is kept as JSON and read by those who show it: both must mean the
// same by every key.
func TestWhatAnEngineTellsIsReadByThoseWhoShowIt(t *testing.T) {
	t.Parallel()
	told := engine.State{
		Status: engine.Waiting, URL: "https://engine.example.com/7", WaitFor: slipway.T("Bob", "鲍勃"), Started: 1, Ended: 2,
		Stages: []engine.StageState{{Name: "build", Status: engine.Passed, Jobs: []engine.JobState{{
			Name: "compile", Type: slipway.JobFreestyle, Status: engine.Failed, Reason: slipway.T("no", "否"), Started: 3, Ended: 4, URL: "https://engine.example.com/7/1",
		}}}},
	}
	kept, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	want := &storage.RunState{
		Status: "waiting", URL: told.URL, WaitFor: told.WaitFor, Started: 1, Ended: 2,
		Stages: []storage.RunStage{{Name: "build", Status: "passed", Jobs: []storage.RunJob{{
			Name: "compile", Type: "freestyle", Status: "failed", Reason: slipway.T("no", "否"), Started: 3, Ended: 4, URL: "https://engine.example.com/7/1",
		}}}},
	}
	if diff := cmp.Diff(want, (&storage.Run{Progress: kept}).State()); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}
