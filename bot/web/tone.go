package web

import (
	"fmt"
	"strings"

	"slipway"
	"slipway/bot"
)

// A tone is a colour of the style sheet. It always stands beside a word.
func toneOf(c bot.Colour) string {
	switch c {
	case bot.Blue:
		return "running"
	case bot.Amber:
		return "waiting"
	case bot.Green:
		return "done"
	case bot.Red:
		return "failed"
	case bot.Grey:
		return "pending"
	}
	return "pending"
}

func toneOfToast(k bot.ToastKind) string {
	switch k {
	case bot.ToastDone:
		return "done"
	case bot.ToastRefused:
		return "failed"
	case bot.ToastInfo:
		return "running"
	}
	return "running"
}

// sign is the mark that a line begins with.
type sign struct{ Mark, Tone, Text string }

// signs are the emoji with which the bot begins lines, and the console's own marks for
// them: emoji differ from machine to machine and ignore light and dark.
var signs = map[string]sign{
	"✅": {Mark: "✓", Tone: "done"}, "⛔": {Mark: "✕", Tone: "failed"}, "❗": {Mark: "!", Tone: "failed"},
	"⚠️": {Mark: "!", Tone: "waiting"}, "⏳": {Mark: "…", Tone: "waiting"}, "✋": {Mark: "?", Tone: "waiting"},
}

// signOf takes the sign off a text.
func signOf(text string) sign {
	if first, rest, ok := strings.Cut(text, " "); ok {
		if s, known := signs[first]; known {
			s.Text = rest
			return s
		}
	}
	return sign{Text: text}
}

// runWord is a word of an engine about a run, a stage or a job.
type runWord struct {
	Tone string
	Text slipway.Text
}

var runWords = map[string]runWord{
	"created":   {"pending", slipway.T("queued", "排队中")},
	"queued":    {"pending", slipway.T("queued", "排队中")},
	"running":   {"running", slipway.T("running", "运行中")},
	"waiting":   {"waiting", slipway.T("waiting for a person", "等待人工处理")},
	"passed":    {"done", slipway.T("passed", "成功")},
	"failed":    {"failed", slipway.T("failed", "失败")},
	"timeout":   {"expired", slipway.T("timed out", "超时")},
	"cancelled": {"pending", slipway.T("cancelled", "已取消")},
	"skipped":   {"pending", slipway.T("skipped", "已跳过")},
}

// wordOfRun returns what people read for an engine's word.
func wordOfRun(status any) runWord {
	if w, ok := runWords[fmt.Sprint(status)]; ok {
		return w
	}
	return runWord{"pending", slipway.T("unknown", "未知")}
}
