package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// times are measured durations.
type times []time.Duration

// percentile returns the time that so many of a hundred do not exceed.
func (t times) percentile(p int) time.Duration {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// report is the table.
type report struct {
	options
	binary  int64 // bytes
	titles  []string
	columns []*measures
}

func newReport(o options, program string) *report {
	r := &report{options: o}
	if info, err := os.Stat(program); err == nil {
		r.binary = info.Size()
	}
	return r
}

func (r *report) add(title string, m *measures) {
	r.titles, r.columns = append(r.titles, title), append(r.columns, m)
}

// print writes the table as Markdown.
func (r *report) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nOn %d cores, with %s; load generator, receiver and servers share them.\n\n", runtime.NumCPU(), runtime.Version())
	r.row(&b, "measure", "aim", func(i int) string { return r.titles[i] })
	b.WriteString("| --- |" + strings.Repeat(" ---: |", len(r.titles)+1) + "\n")
	for _, x := range []struct {
		name, aim string
		value     func(*measures) string
	}{
		{fmt.Sprintf("plan lifecycles per second, %d at once", r.plans), "", func(m *measures) string { return fmt.Sprintf("%.1f", m.texts.perSecond) }},
		{"the same, 1 in 10 with a workflow run", "", func(m *measures) string { return fmt.Sprintf("%.1f", m.mixed.perSecond) }},
		{"computing of the program per lifecycle", "", func(m *measures) string { return milliseconds(m.texts.computing) }},
		{"commit to hook arrival, idle: p50 / p99", "p99 < 100 ms", func(m *measures) string { return pair(m.idle) }},
		{fmt.Sprintf("commit to hook arrival, %d plans at once: p50 / p99", r.plans), "p99 < 100 ms", func(m *measures) string { return pair(m.texts.arrivals) }},
		{"the same, 1 in 10 with a workflow run: p50 / p99", "", func(m *measures) string { return pair(m.mixed.arrivals) }},
		{fmt.Sprintf("click, %d in flight: p50 / p99", r.inFlight), "p99 < 100 ms", func(m *measures) string { return pair(m.clicks.took) }},
		{"clicks per second then", "", func(m *measures) string { return fmt.Sprintf("%.0f", m.clicks.perSecond) }},
		{fmt.Sprintf("callback, %d in flight: p50 / p99", r.inFlight), "p99 < 100 ms", func(m *measures) string { return pair(m.callbacks.took) }},
		{"callbacks per second then", "", func(m *measures) string { return fmt.Sprintf("%.0f", m.callbacks.perSecond) }},
		{fmt.Sprintf("Slack click answered, %d clicks/s: p50 / p99", clickRate), "p99 < 100 ms", func(m *measures) string { return pair(m.chats.slack) }},
		{"Feishu click answered then: p50 / p99", "p99 < 100 ms", func(m *measures) string { return pair(m.chats.feishu) }},
		{"visible on both cards: p50 / p99", "< 2 s", func(m *measures) string { return pair(m.chats.visible) }},
		{"Slack click answered, database far away: p50 / p99", "< 1 s", func(m *measures) string { return pair(m.farChats.slack) }},
		{"Feishu click answered, database far away: p50 / p99", "< 1 s", func(m *measures) string { return pair(m.farChats.feishu) }},
		{fmt.Sprintf("memory at rest, %v after the start", r.rest), "< 60 MB", func(m *measures) string { return megabytes(m.memory) }},
		{fmt.Sprintf("memory %v after all of this", r.rest), "", func(m *measures) string { return megabytes(m.memoryAfter) }},
		{"computing at rest, of one core", "", func(m *measures) string { return fmt.Sprintf("%.1f %%", 100*m.idleCPU) }},
		{"computing of everything else then, of all cores", "little", func(m *measures) string { return fmt.Sprintf("%.1f %%", 100*m.othersCPU) }},
		{"ready, first start", "< 1 s", func(m *measures) string { return milliseconds(m.coldReady) }},
		{"ready, later starts (median of 3)", "< 1 s", func(m *measures) string { return milliseconds(m.warmReady) }},
		{"size of the binary", "", func(*measures) string { return megabytes(r.binary) }},
	} {
		r.row(&b, x.name, x.aim, func(i int) string { return x.value(r.columns[i]) })
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *report) row(b *strings.Builder, name, aim string, cell func(int) string) {
	b.WriteString("| " + name + " |")
	for i := range r.titles {
		b.WriteString(" " + cell(i) + " |")
	}
	b.WriteString(" " + aim + " |\n")
}

func pair(t times) string {
	if len(t) == 0 {
		return "–"
	}
	return fmt.Sprintf("%s / %s", milliseconds(t.percentile(50)), milliseconds(t.percentile(99)))
}

func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
