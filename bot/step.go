package bot

import (
	"fmt"
	"strings"
	"time"

	"slipway"
	"slipway/storage"
)

// StepWord is how the status of a run, a stage or a job reads.
type StepWord struct {
	Sign   string // one character
	Colour Colour
	Text   slipway.Text
}

var stepWords = map[string]StepWord{
	"created":   {"○", Grey, slipway.T("queued", "排队中")},
	"queued":    {"○", Grey, slipway.T("queued", "排队中")},
	"running":   {"●", Blue, slipway.T("running", "运行中")},
	"waiting":   {"✋", Amber, slipway.T("waiting for a person", "等待人工处理")},
	"passed":    {"✓", Green, slipway.T("passed", "成功")},
	"failed":    {"✕", Red, slipway.T("failed", "失败")},
	"timeout":   {"✕", Red, slipway.T("timed out", "超时")},
	"cancelled": {"⊘", Grey, slipway.T("cancelled", "已取消")},
	"skipped":   {"–", Grey, slipway.T("skipped", "已跳过")},
}

// WordOfStep returns what people read for an engine's word.
func WordOfStep(status string) StepWord {
	if w, ok := stepWords[status]; ok {
		return w
	}
	return StepWord{"?", Grey, slipway.T("unknown", "未知")}
}

// The most steps that a line shows, and the characters of a step's name.
const (
	maxSteps    = 8
	maxStepName = 40
)

// step is a stage, or a job of the only stage.
type step struct {
	name, status string
	note         slipway.Text
}

// stepLine says where a run is: "build ✓ · deploy ● 2/5 jobs · verify ○". Of many steps it
// shows those around the one that counts.
func (v View) stepLine(s *storage.RunState) Line {
	steps := stepsOf(s)
	if len(steps) == 0 {
		return nil
	}
	at := 0 // the first that is not done
	for at < len(steps) && (steps[at].status == "passed" || steps[at].status == "skipped") {
		at++
	}
	from := 0
	if len(steps) > maxSteps {
		from = max(0, min(at-2, len(steps)-maxSteps))
	}
	to := min(len(steps), from+maxSteps)
	var parts []string
	if from > 0 {
		parts = append(parts, v.say(slipway.T("… %d before", "……前 %d 步", from)))
	}
	for _, x := range steps[from:to] {
		part := shorten(oneLine(x.name), maxStepName) + " " + WordOfStep(x.status).Sign
		switch note := v.say(x.note); {
		case strings.HasPrefix(note, "（"):
			part += note
		case note != "":
			part += " " + note
		}
		parts = append(parts, part)
	}
	if left := len(steps) - to; left > 0 {
		parts = append(parts, v.say(slipway.T("%d more …", "后 %d 步……", left)))
	}
	return Line{plain(strings.Join(parts, " · "))}
}

func stepsOf(s *storage.RunState) []step {
	if s == nil {
		return nil
	}
	var steps []step
	if len(s.Stages) == 1 {
		for _, j := range s.Stages[0].Jobs {
			steps = append(steps, step{name: j.Name, status: j.Status})
		}
		return steps
	}
	for _, stage := range s.Stages {
		steps = append(steps, step{stage.Name, stage.Status, stageNote(stage)})
	}
	return steps
}

// stageNote says how far a stage is that has several jobs, or which of them failed.
func stageNote(s storage.RunStage) slipway.Text {
	over := 0
	for _, j := range s.Jobs {
		switch j.Status {
		case "failed", "timeout":
			return slipway.T("(%s)", "（%s）", shorten(oneLine(j.Name), maxStepName))
		case "passed", "cancelled", "skipped":
			over++
		}
	}
	if len(s.Jobs) < 2 || s.Status != "running" && s.Status != "waiting" {
		return slipway.Text{}
	}
	return slipway.T("%[1]d/%[2]d jobs", "%[1]d/%[2]d 个任务", over, len(s.Jobs))
}

// TookText says how long something took, as people say it.
func TookText(d time.Duration) slipway.Text {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return slipway.T("%d s", "%d 秒", max(1, int(d.Seconds())))
	case d < 90*time.Minute:
		return slipway.T("%d min", "%d 分钟", int(d.Round(time.Minute).Minutes()))
	}
	d = d.Round(time.Minute)
	if d%time.Hour == 0 {
		return slipway.T("%d h", "%d 小时", int(d.Hours()))
	}
	return slipway.T("%[1]d h %[2]d min", "%[1]d 小时 %[2]d 分钟", int(d.Hours()), int(d.Minutes())%60)
}

// UsualText says how long the last runs took: "usually 4 to 6 min". It says nothing of
// fewer than two.
func UsualText(took []time.Duration) slipway.Text {
	if len(took) < 2 {
		return slipway.Text{}
	}
	least, most := took[0], took[0]
	for _, d := range took {
		least, most = min(least, d), max(most, d)
	}
	from, to := TookText(least), TookText(most)
	if from == to {
		return slipway.T("usually %s", "通常 %s", to)
	}
	// A unit that both have is said once.
	if number, unit, ok := strings.Cut(from.EN, " "); ok && strings.HasSuffix(to.EN, " "+unit) && strings.Count(to.EN, " ") == 1 {
		zh, _, _ := strings.Cut(from.ZH, " ")
		from = slipway.Text{EN: number, ZH: zh}
	}
	return slipway.T("usually %[1]s to %[2]s", "通常 %[1]s 到 %[2]s", from, to)
}

// tailLines are the last lines of a run's output.
func tailLines(lines []storage.LogLine) []Line {
	out := make([]Line, 0, len(lines))
	for _, l := range lines {
		text := strings.TrimSpace(l.Text)
		if text == "" {
			continue
		}
		if l.Job != "" {
			text = fmt.Sprintf("[%s] %s", l.Job, text)
		}
		out = append(out, Line{{Text: shorten(oneLine(text), maxTail), Style: Code}})
	}
	return out
}

const maxTail = 160 // characters of a line of output
