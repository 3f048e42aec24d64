package httpengine_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/httpengine"
	"slipway/tasks/engine/httpengine/httpenginetest"
)

// told describes a server that cannot be asked.
const told = `
secrets: {token: {env: SLIPWAY_DEPLOYER_TOKEN}, hook: {file: hook.txt}}
start:
  url: SERVER/api/runs
  headers: {Authorization: "Bearer ${secret.token}"}
  ref: run.id
  body: |
    {"project": "${project}", "workflow": "${workflow}", "mark": "${mark}", "plan": "${plan_id}", "item": "${item}", "params": ${params}}
callback: {token: hook}
cancel: {url: "SERVER/api/runs/${ref}/cancel", headers: {Authorization: "Bearer ${secret.token}"}}
approve:
  url: "SERVER/api/runs/${ref}/jobs/${job}/answer"
  headers: {Authorization: "Bearer ${secret.token}"}
  body: '{"approve": true, "by": "${by}", "comment": "${comment}"}'
reject:
  url: "SERVER/api/runs/${ref}/jobs/${job}/answer"
  headers: {Authorization: "Bearer ${secret.token}"}
  body: '{"approve": false, "by": "${by}", "comment": "${comment}"}'
`

func TestEngineThatIsTold(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World {
		w := newWorld(t, told)
		w.listen(t)
		s := w.suite(t)
		s.Undecidable = true
		return s
	})
}

// without returns settings without some of their keys.
func without(text string, keys ...string) string {
	var kept []string
	drop := false
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" && !strings.HasPrefix(line, " ") {
			key, _, _ := strings.Cut(line, ":")
			drop = false
			for _, k := range keys {
				drop = drop || k == key
			}
		}
		if !drop {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// lost plays a start whose answer, or whose request, is lost, and returns what another
// process finds.
func lost(t *testing.T, w *world, answer bool) (engine.Mark, engine.Ref, engine.Outcome) {
	t.Helper()
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	w.knows(run)
	if answer {
		w.server.Faults().LoseNextAnswer()
	} else {
		w.server.Faults().DropNextRequest()
	}
	if _, err := w.Start(t.Context(), run, mark); slipway.CodeOf(err) != slipway.Internal {
		t.Fatalf("start: %v", err)
	}
	ref, outcome, err := w.another(t).Find(t.Context(), mark)
	if err != nil {
		t.Fatal(err)
	}
	return mark, ref, outcome
}

func TestAStartIsRepeatedOnlyIfTheServerPromisesThatItIsOne(t *testing.T) {
	t.Parallel()
	text := without(asked, "find")
	idempotent := strings.Replace(text, "  ref: run.id\n", "  ref: run.id\n  idempotent: true\n", 1)
	for _, c := range []struct {
		name   string
		text   string
		answer bool
		want   engine.Outcome
	}{
		{"it promises, a lost answer", idempotent, true, engine.Started},
		{"it promises, a lost request", idempotent, false, engine.Started},
		{"it does not, a lost answer", text, true, engine.Unknowable},
		{"it does not, a lost request", text, false, engine.Unknowable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.text, func(s *httpenginetest.Config) { s.Idempotent = true })
			mark, ref, outcome := lost(t, w, c.answer)
			if outcome != c.want {
				t.Fatalf("outcome %d", outcome)
			}
			if n := w.server.Starts(mark.ID); n > 1 || (outcome == engine.Started && n != 1) {
				t.Errorf("started %d times", n)
			}
			if outcome == engine.Started {
				if r := enginetest.Attach(t, w, mark, ref).End(); r.Status != engine.Passed {
					t.Errorf("result is %+v", r)
				}
			}
		})
	}
}

func TestAChangedWorkflowIsNotRepeated(t *testing.T) {
	t.Parallel()
	text := strings.Replace(without(asked, "find"), "  ref: run.id\n", "  ref: run.id\n  idempotent: true\n", 1)
	w := newWorld(t, text, func(s *httpenginetest.Config) { s.Idempotent = true })
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	run.Workflow.Definition = run.Workflow.Definition.Clone()
	run.Workflow.Definition.Remark = "of before"
	w.knows(run)
	if ref, outcome, err := w.Find(t.Context(), mark); err != nil || outcome != engine.Unknowable || w.server.Starts(mark.ID) != 0 {
		t.Errorf("find: %q, %d, %v", ref, outcome, err)
	}
}

func TestAReportIsProofOfAStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, told)
	w.listen(t)
	run, mark := enginetest.RunOf(t, w, spec("blocks"))
	w.knows(run)
	w.server.Faults().LoseNextAnswer()
	if _, err := w.Start(t.Context(), run, mark); slipway.CodeOf(err) != slipway.Internal {
		t.Fatalf("start: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), enginetest.Patience)
	defer cancel()
	for {
		ref, outcome, err := w.another(t).Find(ctx, mark)
		if err != nil {
			t.Fatal(err)
		}
		if outcome == engine.Unknowable {
			continue // the report is on its way
		}
		if err := w.Cancel(ctx, ref); err != nil {
			t.Error(err)
		}
		if r := enginetest.Attach(t, w, mark, ref).End(); r.Status != engine.Cancelled {
			t.Errorf("result is %+v", r)
		}
		return
	}
}

func TestParamsHaveTheirTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, asked)
	s := spec("typed")
	s.Params = map[string]string{"COUNT": "1.5e3", "DRY": "true", "NOTE": "two\nlines \"}"}
	p := enginetest.Start(t, w, s)
	p.End()
	if diff := cmp.Diff([]string{"1500 true two", `lines "}`}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		params map[string]string
		names  string
	}{
		{nil, "COUNT"},
		{map[string]string{"COUNT": "many"}, "COUNT"},
		{map[string]string{"COUNT": "1", "DRY": "perhaps"}, "DRY"},
		{map[string]string{"COUNT": "1", "NOTE": "a\x00"}, "NOTE"},
	} {
		s.Params = c.params
		_, err := w.Resolve(t.Context(), s)
		enginetest.WantRefusal(t, err, slipway.Invalid, c.names)
	}
	s = spec("params")
	s.Params = map[string]string{"GREETING": "two\nlines"}
	_, err := w.Resolve(t.Context(), s)
	enginetest.WantRefusal(t, err, slipway.Invalid, "GREETING")
	s = spec("passes")
	s.Params = map[string]string{"ANY": "x"}
	_, err = w.Resolve(t.Context(), s)
	enginetest.WantRefusal(t, err, slipway.Invalid, "ANY")
	s.Params, s.Inputs = nil, []byte(`{}`)
	_, err = w.Resolve(t.Context(), s)
	enginetest.WantRefusal(t, err, slipway.Invalid, "inputs")
}

func TestAValueDoesNotLeadOutOfItsPlaceInAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(asked, "url: SERVER/api/runs\n", "url: SERVER/api/${params.GREETING}/runs\n", 1))
	for _, value := range []string{".", ".."} {
		s := spec("params")
		s.Params = map[string]string{"GREETING": value}
		run, mark := enginetest.RunOf(t, w, s)
		_, err := w.Start(t.Context(), run, mark)
		enginetest.WantRefusal(t, err, slipway.Invalid, "GREETING")
	}
}

func TestTheDefinitionIsWhatIsDeclared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, asked)
	list, err := w.Engine.(engine.Lister).Workflows(t.Context(), project) //nolint:forcetypeassert // it is one
	if err != nil || len(list) != 11 {
		t.Fatalf("%d workflows, %v", len(list), err)
	}
	if none, err := w.Engine.(engine.Lister).Workflows(t.Context(), "other"); err != nil || len(none) != 0 { //nolint:forcetypeassert // it is one
		t.Errorf("of another project: %d, %v", len(none), err)
	}
	got := list[4]
	want := []slipway.Param{
		{Name: "GREETING", Description: "what to say", Type: slipway.ParamString, Source: slipway.SourceRuntime},
		{
			Name: "TARGET", Type: slipway.ParamChoice, Value: "a", Default: "a", ChoiceOption: []string{"a", "b"}, Source: slipway.SourceRuntime,
		},
	}
	if diff := cmp.Diff(want, got.Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	w.config.Settings.Start.Body = strings.Replace(w.config.Settings.Start.Body, "{", `{ `, 1)
	_, err = w.another(t).Start(t.Context(), run, mark)
	enginetest.WantRefusal(t, err, slipway.Conflict, "passes")
}

func TestCredentialsThatAreNotAcceptedAreNamedByWhereTheyComeFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, asked)
	if err := w.Engine.(engine.Checker).Check(t.Context()); err != nil { //nolint:forcetypeassert // it is one
		t.Error(err)
	}
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	const wrong = "wrong-one"
	w.config.Secrets["token"] = wrong
	e := w.another(t)
	err := e.(engine.Checker).Check(t.Context()) //nolint:forcetypeassert // it is one
	enginetest.WantRefusal(t, err, slipway.Unauthenticated, "SLIPWAY_DEPLOYER_TOKEN")
	_, err = e.Start(t.Context(), run, mark)
	enginetest.WantRefusal(t, err, slipway.Unauthenticated, "SLIPWAY_DEPLOYER_TOKEN")
	if strings.Contains(err.Error(), wrong) || w.server.Starts(mark.ID) != 0 {
		t.Errorf("error is %v", err)
	}
}

// answers answers every request.
type answers struct {
	status int
	body   string
}

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Location", "https://elsewhere.example/")
	w.WriteHeader(a.status)
	_, _ = w.WriteString(a.body)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

func TestWhatAServerMayAnswerToAStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, asked)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	for _, c := range []struct {
		answers
		want  slipway.Code // Internal: not known
		names string
	}{
		{answers{200, `{"run": {"id": 7}}`}, "", ""},
		{answers{202, `{"run": {}}`}, slipway.Internal, ""},
		{answers{201, `created`}, slipway.Internal, ""},
		{answers{301, ``}, slipway.Conflict, name},
		{answers{302, ``}, slipway.Internal, ""},
		{answers{303, ``}, slipway.Internal, ""},
		{answers{400, `{"error": {"message": "no version 4"}}`}, slipway.Conflict, "no version 4"},
		{answers{403, `{"detail": "not yours"}`}, slipway.Forbidden, "not yours"},
		{answers{404, ``}, slipway.NotFound, "404"},
		{answers{408, ``}, slipway.Internal, ""},
		{answers{422, `"no"`}, slipway.Conflict, "no"},
		{answers{500, ``}, slipway.Internal, ""},
		{answers{503, ``}, slipway.Internal, ""},
	} {
		config := w.config
		config.Transport = c.answers
		ref, err := made(t, config).Start(t.Context(), run, mark)
		switch c.want {
		case "":
			if err != nil || ref != engine.Ref(mark.ID+"/shop/passes/7") {
				t.Errorf("%d: %q, %v", c.status, ref, err)
			}
		case slipway.Internal:
			if refusal := (*slipway.Error)(nil); err == nil || errors.As(err, &refusal) {
				t.Errorf("%d: %v", c.status, err)
			}
		default:
			enginetest.WantRefusal(t, err, c.want, c.names)
		}
	}
}

func TestWhatAServerCannotDoIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, without(told, "cancel", "approve", "reject"))
	w.listen(t)
	if _, can := w.Engine.(engine.Retrier); can {
		t.Error("it can retry, and does not know how")
	}
	p := enginetest.Start(t, w, spec("asks"))
	state, _ := p.UntilStatus(engine.Waiting)
	if len(state.Waits) != 1 || state.Waits[0].Answerable {
		t.Errorf("waits are %+v", state.Waits)
	}
	enginetest.WantRefusal(t, w.Cancel(t.Context(), p.Ref), slipway.Conflict, name)
	e := w.Engine.(*httpengine.Engine) //nolint:forcetypeassert // it is one
	enginetest.WantRefusal(t, e.Answer(t.Context(), p.Ref, "gate", engine.Answer{Approve: true}), slipway.Conflict, name)
	_, err := e.Adopt(t.Context(), spec("asks"), "r-1")
	enginetest.WantRefusal(t, err, slipway.Conflict, name)
	w.server.Faults().Status(0)
}

func TestARunWhoseNameIsItsMarkIsAskedForByIt(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("  ref: run.id\n", "", "SERVER/api/runs/${ref}\n", "SERVER/api/runs?mark=${ref}\n",
		"status: run.state", "status: runs[0].state").Replace(without(asked, "find", "logs", "cancel", "retry"))
	text = strings.Replace(text, "  attempt: run.attempt\n", "", 1)
	w := newWorld(t, text)
	p := enginetest.Start(t, w, spec("passes"))
	if r := p.End(); r.Status != engine.Passed || refIn(p.Ref) != p.Mark.ID {
		t.Errorf("%q ends as %+v", p.Ref, r)
	}
	_, ref, outcome := lost(t, newWorld(t, text), true)
	if outcome != engine.Started || ref == "" {
		t.Errorf("find: %q, %d", ref, outcome)
	}
}

func TestAWordThatIsNotSetIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(asked, "busy: running, ", "", 1))
	p := enginetest.Start(t, w, spec("blocks"))
	state, end := p.UntilStatus(engine.Unknown)
	if !strings.Contains(state.WaitFor.EN, "busy") || !strings.Contains(state.WaitFor.ZH, "busy") {
		t.Errorf("state is %+v", state)
	}
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if r := end(); r.Status != engine.Cancelled {
		t.Errorf("result is %+v", r)
	}
}

func TestAnAnswerWithoutAStatusIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(asked, "status: run.state", "status: run.status", 1))
	state, _ := enginetest.Start(t, w, spec("blocks")).UntilStatus(engine.Unknown)
	if !strings.Contains(state.WaitFor.EN, "settings") || !strings.Contains(state.WaitFor.ZH, "配置") {
		t.Errorf("state is %+v", state)
	}
}

func TestNoMoreRequestsAreSentThanAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, without(asked, "retry"))
	w.config.PerMinute = 600               // ten a second, and thirty at once
	e := w.another(t).(*httpengine.Engine) //nolint:forcetypeassert // it is one
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if err := e.Check(ctx); err != nil {
			break
		}
	}
	if n := e.Requests(); n < 30 || n > 41 {
		t.Errorf("%d requests in a second", n)
	}
}

func TestALogOfWhichNotAllCredentialsAreKnownIsNotShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, asked)
	s := spec("secret")
	s.Params = map[string]string{"TOKEN": "hunter2-of-the-run"}
	ref := enginetest.Start(t, w, s).Ref
	for _, known := range []bool{false, true} {
		want := "<***>"
		if known {
			w.knows(slipway.Run{Workflow: s})
		} else {
			want = "not shown"
		}
		p := enginetest.Attach(t, w.another(t), engine.Mark{}, ref)
		p.End()
		if texts := p.Texts(); len(texts) != 1 || !strings.Contains(texts[0], want) {
			t.Errorf("known %t: log is %q", known, texts)
		}
	}
}
