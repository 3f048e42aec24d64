package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
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

// report is the tables.
type report struct {
	options
	binary  int64 // bytes
	titles  []string
	columns []*measures
	engines []engineRuns // measured on the servers only
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

// print writes the tables as Markdown.
func (r *report) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nOn %d cores, with %s; load generator, receiver and servers share them.\n", runtime.NumCPU(), runtime.Version())
	if !r.options.engines {
		r.program(&b)
	}
	if len(r.engines) > 0 {
		r.runsInEngines(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// program is the table of the program with nothing set up and on servers.
func (r *report) program(b *strings.Builder) {
	head(b, r.titles)
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
		row(b, x.name, x.aim, r.columns, x.value)
	}
}

// runsInEngines is the table of runs in workflow engines.
func (r *report) runsInEngines(b *strings.Builder) {
	titles := make([]string, len(r.engines))
	columns := make([]*engineRuns, len(r.engines))
	for i := range r.engines {
		titles[i], columns[i] = r.engines[i].title, &r.engines[i]
	}
	fmt.Fprintf(b, "\nRuns in workflow engines, on PostgreSQL + Redis; %d of them end every second.\n", endRate)
	head(b, titles)
	for _, x := range []struct {
		name, aim string
		value     func(*engineRuns) string
	}{
		{"runs under way at once", "", func(m *engineRuns) string { return strconv.Itoa(m.underWay) }},
		{"until all were", "", func(m *engineRuns) string { return fmt.Sprintf("%.1f s", m.starting.Seconds()) }},
		{"end shown, webhooks tell: p50 / p99 / max", "p99 < 200 ms", func(m *engineRuns) string { return triple(m.push.lag) }},
		{fmt.Sprintf("requests a minute then, at most %d", wideLimit), "", func(m *engineRuns) string { return requests(&m.push) }},
		{
			fmt.Sprintf("end shown, nobody tells, looked at every %v to %v: p50 / p99 / max", onlyPoll, quietPoll),
			fmt.Sprintf("p99 < %v", quietPoll+time.Second), func(m *engineRuns) string { return triple(m.poll.lag) },
		},
		{fmt.Sprintf("requests a minute then, at most %d", wideLimit), "", func(m *engineRuns) string { return requests(&m.poll) }},
		{
			fmt.Sprintf("end shown, webhooks tell, the limit of requests binds, %d ends/s: p50 / p99 / max", boundRate),
			"", func(m *engineRuns) string { return triple(m.bound.lag) },
		},
		{"requests in the fullest minute then", fmt.Sprintf("at most %d", tightLimit), func(m *engineRuns) string { return fullest(&m.bound) }},
		{"computing of the program, of one core: webhooks / none", "", func(m *engineRuns) string {
			return fmt.Sprintf("%.0f %% / %.0f %%", 100*m.push.computing, 100*m.poll.computing)
		}},
		{"memory: webhooks / none", "", func(m *engineRuns) string { return megabytes(m.push.memory) + " / " + megabytes(m.poll.memory) }},
	} {
		row(b, x.name, x.aim, columns, x.value)
	}
}

func requests(l *engineLoad) string { return fmt.Sprintf("%.0f", l.perMinute) }

func fullest(l *engineLoad) string {
	if l.fullest == 0 {
		return "–"
	}
	return strconv.FormatInt(l.fullest, 10)
}

func head(b *strings.Builder, titles []string) {
	b.WriteString("\n| measure | " + strings.Join(titles, " | ") + " | aim |\n| --- |" + strings.Repeat(" ---: |", len(titles)+1) + "\n")
}

func row[T any](b *strings.Builder, name, aim string, columns []*T, cell func(*T) string) {
	b.WriteString("| " + name + " |")
	for _, c := range columns {
		b.WriteString(" " + cell(c) + " |")
	}
	b.WriteString(" " + aim + " |\n")
}

func triple(t times) string {
	if len(t) == 0 {
		return "–"
	}
	return pair(t) + " / " + milliseconds(slices.Max(t))
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
