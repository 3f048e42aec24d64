package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

func TestHowLongRunsTake(t *testing.T) {
	t.Parallel()
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, tt := range []struct {
		took   []time.Duration
		en, zh string
	}{
		{nil, "", ""},
		{[]time.Duration{5 * m}, "", ""},
		{[]time.Duration{4 * m, 250 * s, 6 * m}, "usually 4 to 6 min", "通常 4 到 6 分钟"},
		{[]time.Duration{6 * m, 4 * m}, "usually 4 to 6 min", "通常 4 到 6 分钟"},
		{[]time.Duration{300 * s, 310 * s}, "usually 5 min", "通常 5 分钟"},
		{[]time.Duration{0, 59*s + 900*time.Millisecond}, "usually 1 s to 1 min", "通常 1 秒 到 1 分钟"},
		{[]time.Duration{12 * s, 40 * s}, "usually 12 to 40 s", "通常 12 到 40 秒"},
		{[]time.Duration{80 * m, 90 * m}, "usually 80 min to 1 h 30 min", "通常 80 分钟 到 1 小时 30 分钟"},
		{[]time.Duration{2 * h, 3 * h}, "usually 2 to 3 h", "通常 2 到 3 小时"},
	} {
		if got := bot.UsualText(tt.took); got.EN != tt.en || got.ZH != tt.zh {
			t.Errorf("%v: %q, %q; want %q, %q", tt.took, got.EN, got.ZH, tt.en, tt.zh)
		}
	}
}

func TestOfManyStepsThoseThatCountAreShown(t *testing.T) {
	t.Parallel()
	many := func(done, of int) *storage.RunState {
		s := &storage.RunState{Status: "running"}
		for i := range of {
			status := "queued"
			if i < done {
				status = "passed"
			} else if i == done {
				status = "running"
			}
			s.Stages = append(s.Stages, storage.RunStage{Name: fmt.Sprint("s", i), Status: status})
		}
		return s
	}
	one := &storage.RunState{Status: "waiting", Stages: []storage.RunStage{{Name: "all", Status: "waiting", Jobs: []storage.RunJob{
		{Name: "lint", Status: "passed"}, {Name: "ask", Status: "waiting"}, {Name: "odd", Status: "frozen"}, {Name: "late", Status: "timeout"},
	}}}}
	for _, tt := range []struct {
		state *storage.RunState
		want  string
	}{
		{one, "lint ✓ · ask ✋ · odd ? · late ✕"},
		{many(0, 8), "s0 ● · s1 ○ · s2 ○ · s3 ○ · s4 ○ · s5 ○ · s6 ○ · s7 ○"},
		{many(1, 20), "s0 ✓ · s1 ● · s2 ○ · s3 ○ · s4 ○ · s5 ○ · s6 ○ · s7 ○ · 12 more …"},
		{many(9, 20), "… 7 before · s7 ✓ · s8 ✓ · s9 ● · s10 ○ · s11 ○ · s12 ○ · s13 ○ · s14 ○ · 5 more …"},
		{many(20, 20), "… 12 before · s12 ✓ · s13 ✓ · s14 ✓ · s15 ✓ · s16 ✓ · s17 ✓ · s18 ✓ · s19 ✓"},
		{&storage.RunState{Status: "unknown", Stages: many(0, 1).Stages}, "The engine does not answer clearly"},
	} {
		p := payments()
		runs(func(*slipway.WorkflowSpec) {})(p)
		v := view(slipway.English)
		v.Runs = map[string]*storage.Glance{"run1": {Status: slipway.RunRunning, State: tt.state}}
		if text := textOf(bot.PlanCard(p, v)); !strings.Contains(text, tt.want) {
			t.Errorf("want %q in:\n%s", tt.want, text)
		}
	}
}
