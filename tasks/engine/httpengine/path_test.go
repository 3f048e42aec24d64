package httpengine

import (
	"encoding/json"
	"testing"
	"time"

	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

const document = `{"run": {"id": 7, "ok": true, "jobs": [{"name": "one"}, {"name": "two"}], "a b": {"c.d": "odd"}, "at": "2026-11-29T08:00:00.5Z",
	"seconds": 1764403200, "millis": 1764403200500, "none": null}, "list": [[1, 2], [3]]}`

func TestPathsLeadToValues(t *testing.T) {
	t.Parallel()
	value, err := decode([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"run.id": "7", "run.ok": "true", "run.jobs[0].name": "one", "run.jobs[1].name": "two", `run["a b"]["c.d"]`: "odd", "list[0][1]": "2",
		`["run"].id`: "7", "run.none": "", "run.jobs": "", "run.jobs[2].name": "", "run.id.more": "", "list[5]": "", "nowhere": "", "run[0]": "",
		"run.jobs.name": "",
	} {
		if got := text(value, at); got != want {
			t.Errorf("%s is %q, want %q", at, got, want)
		}
	}
	second := time.Date(2026, 11, 29, 8, 0, 0, 500e6, time.UTC).UnixMilli()
	for at, want := range map[string]int64{
		"run.at": second, "run.seconds": 1764403200000, "run.millis": 1764403200500, "run.ok": 0, "": 0, "nowhere": 0,
	} {
		if got := moment(value, at); got != want {
			t.Errorf("the time at %s is %d, want %d", at, got, want)
		}
	}
}

func TestWhatIsNoPath(t *testing.T) {
	t.Parallel()
	for _, text := range []string{".a", "a.", "a..b", "a[", "a[]", "a[-1]", "a[01]", "a[x]", "a]b", "a[0", "$.a", "a[*]", `a["b]`, `a["b"`, "a b", "a[0]b"} {
		if p, err := parsePath(text); err == nil {
			t.Errorf("%q is %v", text, p)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add(`run["a b"].c[0]`)
	f.Add(`[0][1]`)
	value, err := decode([]byte(document))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, said string) {
		if p, err := parsePath(said); err == nil {
			p.find(value)
			text(value, said)
		}
	})
}

func TestPlaceholdersAreWrittenAsTheirPlaceNeeds(t *testing.T) {
	t.Parallel()
	v := values{
		texts: map[string]string{"mark": "m-1", "params.A": "a \"b\"\\ & ${mark}\n你/好", "params.N": "5"},
		raw:   map[string]json.RawMessage{"params.N": []byte("5"), "params": []byte(`{"N":5}`)},
	}
	for _, c := range []struct {
		name, text string
		escape     func(part, values) string
		want       string
	}{
		{"within a string of JSON", `{"a": "x ${params.A} y"}`, inJSON, `{"a": "x a \"b\"\\ \u0026 ${mark}\n你/好 y"}`},
		{"as a value of JSON", `{"a": ${params.A}}`, inJSON, `{"a": "a \"b\"\\ \u0026 ${mark}\n你/好"}`},
		{"a number", `{"n": ${params.N}, "s": "${params.N}"}`, inJSON, `{"n": 5, "s": "5"}`},
		{"all params", `{"p": ${params}}`, inJSON, `{"p": {"N":5}}`},
		{"after an escaped quote", `{"a": "\"${mark}\""}`, inJSON, `{"a": "\"m-1\""}`},
		{"in an address", `https://x/${params.A}?m=${mark}`, inURL, "https://x/a%20%22b%22%5C%20%26%20%24%7Bmark%7D%0A%E4%BD%A0%2F%E5%A5%BD?m=m-1"},
		{"in a form", `m=${mark}&a=${params.A}`, inForm, "m=m-1&a=a+%22b%22%5C+%26+%24%7Bmark%7D%0A%E4%BD%A0%2F%E5%A5%BD"},
		{"in a header", `x ${params.A}`, inHeader, "x a \"b\"\\ & ${mark} 你/好"},
		{"itself", `$${mark} $mark {mark}`, inHeader, "${mark} $mark {mark}"},
	} {
		if got := fill(c.text, v, c.escape); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, text := range []string{"${", "${mark", "${}", "${MARK}", "${params.}", "${params.a b}", "${a.b}"} {
		if parts, err := parse(text); err == nil {
			t.Errorf("%q is %v", text, parts)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add(`{"a": "x ${mark} y", "b": ${mark}}`, "v\"\\\n")
	f.Fuzz(func(t *testing.T, template, value string) {
		parts, err := parse(template)
		if err != nil || !json.Valid([]byte(fill(template, values{texts: map[string]string{}}, inJSON))) {
			return
		}
		v := values{texts: map[string]string{}}
		for _, name := range names(parts) {
			v.texts[name] = value
		}
		if got := fill(template, v, inJSON); !json.Valid([]byte(got)) {
			t.Errorf("%q with %q is no JSON any more: %q", template, value, got)
		}
	})
}

func TestTheEndOfAnAttemptThatWasRunAgainIsNoEnd(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(0)
	e := &Engine{config: Config{Access: remote.Access{Settle: time.Minute, Now: func() time.Time { return now }}}}
	e.again.Keep("r", attempt{of: "1", at: now})
	failed := &seen{status: engine.Failed, attempt: "1"}
	if !e.stale("r", failed) {
		t.Error("the end of the first attempt counts at once")
	}
	if e.stale("other", failed) || e.stale("r", &seen{status: engine.Failed, attempt: "2"}) || e.stale("r", &seen{status: engine.Running, attempt: "1"}) {
		t.Error("what is news does not count")
	}
	now = now.Add(time.Minute)
	if e.stale("r", failed) {
		t.Error("the end never counts")
	}
}
