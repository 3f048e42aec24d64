package remote

import "slipway/tasks/engine"

// Lines makes lines of the log of a job.
func Lines(at int64, job string, texts ...string) []engine.Line {
	var lines []engine.Line
	for _, text := range texts {
		lines = append(lines, engine.Line{At: at, Job: job, Text: text})
	}
	return lines
}

// Instead returns a line in place of a log, unless something of the log was shown.
func Instead(shown *int, at int64, job, text string) []engine.Line {
	if *shown > 0 {
		return nil
	}
	*shown = 1
	return Lines(at, job, text)
}
