package standin

import (
	"strconv"
	"time"
)

// moment is how long a job lasts that is not over at once.
const moment = 40 * time.Millisecond

// Scenarios returns the workflows of the suite that engines pass, in a project, each
// named as its scenario. fault is what the vendor says of the one that is broken.
func Scenarios(project, fault string) []Workflow {
	numbers := make([]string, 200)
	for i := range numbers {
		numbers[i] = strconv.Itoa(i + 1)
	}
	all := []Workflow{
		{Name: "passes", Stages: []Stage{run(Job{Name: "one", Says: []string{"hello"}})}},
		{Name: "fails", Stages: []Stage{
			{Name: "first", Jobs: []Job{{Name: "bad", Ends: Fails}, {Name: "good", Lasts: moment}}},
			{Name: "second", Jobs: []Job{{Name: "never"}}},
		}},
		{Name: "blocks", Stages: []Stage{run(Job{Name: "one", Says: []string{"ready"}, Ends: Blocks})}},
		{Name: "slow", Stages: []Stage{run(Job{Name: "one", Ends: TimesOut})}},
		{
			Name: "params", Params: []Param{{Name: "GREETING"}, {Name: "TARGET", Default: "a", Choices: []string{"a", "b"}}},
			Stages: []Stage{run(Job{Name: "one", Says: []string{"[${GREETING}][${TARGET}]"}})},
		},
		{
			Name: "secret", Params: []Param{{Name: "TOKEN", Secret: true}},
			Stages: []Stage{run(Job{Name: "one", Says: []string{"<${TOKEN}>"}})},
		},
		{Name: "chatter", Stages: []Stage{run(Job{Name: "one", Says: numbers})}},
		{Name: "stages", Stages: []Stage{
			{Name: "first", Jobs: []Job{{Name: "left", Lasts: moment}, {Name: "right", Lasts: moment}}},
			{Name: "second", Jobs: []Job{{Name: "last"}}},
		}},
		{Name: "broken", Broken: fault, Stages: []Stage{run(Job{Name: "odd"})}},
		{Name: "asks", Stages: []Stage{
			{Name: "first", Jobs: []Job{{Name: "before"}}},
			{Name: "second", Jobs: []Job{{Name: "gate", Asks: true, Says: []string{"through"}}}},
			{Name: "third", Jobs: []Job{{Name: "after"}}},
		}},
		{Name: "flaky", Stages: []Stage{
			{Name: "first", Jobs: []Job{{Name: "one", FailsFirst: 1, Says: []string{"trying"}}}},
			{Name: "second", Jobs: []Job{{Name: "two"}}},
		}},
	}
	for i := range all {
		all[i].Project = project
	}
	return all
}

func run(jobs ...Job) Stage { return Stage{Name: "run", Jobs: jobs} }
