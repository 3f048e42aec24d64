package web

import (
	"fmt"
	"strings"

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
	"🕓": {Mark: "…", Tone: "waiting"}, "⏱️": {Mark: "…", Tone: "pending"}, "▫️": {Mark: "·", Tone: "pending"},
	"↪": {Mark: "→", Tone: "running"}, "↻": {Mark: "↻", Tone: "waiting"},
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

// stepOf returns what people see for an engine's word about a run, a stage or a job.
func stepOf(status any) bot.StepWord { return bot.WordOfStep(fmt.Sprint(status)) }

// markOf is the mark of a step in the console, which has no emoji.
func markOf(w bot.StepWord) string {
	if s, ok := signs[w.Sign]; ok {
		return s.Mark
	}
	return w.Sign
}
