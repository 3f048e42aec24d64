package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// print writes the table of the relay as Markdown.
func (r *relayed) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe relay, on PostgreSQL + Redis (append-only file, everysec), bodies of 5 KB, on %d cores with %s.\n", runtime.NumCPU(), runtime.Version())
	b.WriteString("Sender, receiver, committing replica and servers share them.\n\n| measure | value | aim |\n| --- | ---: | ---: |\n")
	row := func(name, value, aim string) { fmt.Fprintf(&b, "| %s | %s | %s |\n", name, value, aim) }
	rate := func(x float64) string { return fmt.Sprintf("%.0f /s", x) }
	share := func(x float64) string { return fmt.Sprintf("%.0f %%", 100*x/r.bare) }
	row("signed POSTs, one pooled transport, nothing else", rate(r.post), "")
	row("asynq by itself: enqueue and a handler that does nothing", rate(r.bare), "")
	row("commits of an event with one delivery", rate(r.outbox[0]), "")
	row("deliveries in commits of events with twenty", rate(r.outbox[1]), "")
	row("deliveries through everything, one to an event", rate(r.through[0]), "")
	row("the same, of bare asynq", share(r.through[0]), "25 %, then 50 %")
	row(fmt.Sprintf("deliveries through everything, twenty to an event (%d)", r.count), rate(r.through[1]), "")
	row("the same, of bare asynq", share(r.through[1]), "25 %, then 50 %")
	row("computing of the program per delivery, one or twenty to an event", microseconds(r.took[0])+" / "+microseconds(r.took[1]), "")
	row("commit to arrival, idle: p50 / p99", pair(r.idle), "10 / 50 ms")
	row(fmt.Sprintf("commit to arrival at half the rate, %s: p50 / p99", rate(r.halfRate)), pair(r.half), "p99 < 250 ms")
	row("nineteen endpoints then, the twentieth well: p50 / p99", pair(r.without), "")
	row("nineteen endpoints then, the twentieth hanging: p50 / p99", pair(r.with), "p99 at most doubled")
	row(fmt.Sprintf("worker killed: its %d hooks came again after", r.killed), seconds(r.killGap), "lease 20 s + 1 s")
	row("memory of the program at each tenth of the deliveries", memories(r.memory), "flat")
	_, err := io.WriteString(w, b.String())
	return err
}

func microseconds(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func memories(list []int64) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = fmt.Sprintf("%.0f", float64(n)/1e6)
	}
	return strings.Join(texts, " ") + " MB"
}
