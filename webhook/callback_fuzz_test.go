package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"slipway"
	"slipway/webhook"
)

// What stands in fuzzed callbacks for values that are other ones every time.
const (
	openCode    = "$OPEN"    // of the question of the endpoint that demands nothing
	guardedCode = "$GUARDED" // of that which demands a bearer token
	spentCode   = "$SPENT"   // of a question that was answered before
	askedPlan   = "$PLAN"

	guardedToken = "let-me-in"
)

// callbackTarget is a plan that waits for two endpoints, and another one that has nothing to do
// with it.
type callbackTarget struct {
	*world
	bystander string
	quiet     int64  // how often the bystander has changed
	id        string // of the plan
	codes     map[string]string
}

func newCallbackTarget(f *testing.F) *callbackTarget {
	w := newWorldWith(f, webhook.HandlerConfig{CallbackRate: webhook.Rate{PerSecond: -1}}, slipway.EventFinishPlanning)
	w.rules.Endpoints = append(w.rules.Endpoints, slipway.Endpoint{
		Name: "guarded", URL: "https://guarded.example.com", Events: []slipway.Event{slipway.EventFinishPlanning},
		Wait: true, CallbackToken: guardedToken,
	})
	x := &callbackTarget{world: w}
	p := w.create(document())
	x.bystander = p.ID
	x.quiet = w.do("alice", p.ID, "submit", "").Seq
	return x
}

// arm makes sure that both questions are open.
func (x *callbackTarget) arm() {
	if x.id != "" && x.answered() == 0 {
		return
	}
	spent := "00000000000000000000000000000000"
	if x.id != "" {
		spent = x.codes[openCode]
	}
	p := x.create(document())
	x.id = p.ID
	x.do("alice", p.ID, "submit", "")
	x.codes = map[string]string{askedPlan: p.ID, spentCode: spent}
	deliveries, err := x.store.Deliveries(x.t.Context(), p.ID)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, d := range deliveries {
		name := openCode
		if d.Endpoint == "guarded" {
			name = guardedCode
		}
		x.codes[name] = d.InstanceCode
	}
}

// answered tells how many of the two questions are closed.
func (x *callbackTarget) answered() int {
	p := x.plan(x.id)
	if p.Gate == nil {
		return 2
	}
	n := 0
	for _, wait := range p.Gate.Waits {
		if wait.State != slipway.GateOpen {
			n++
		}
	}
	return n
}

func (x *callbackTarget) plan(id string) *slipway.Plan {
	p, err := x.store.Plan(context.WithoutCancel(x.t.Context()), id)
	if err != nil {
		x.t.Fatal(err)
	}
	return p
}

// fill puts the values into a text.
func (x *callbackTarget) fill(text string) string {
	for name, value := range x.codes {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

// post sends a callback, to the address of a question if one is named.
func (x *callbackTarget) post(question, authorization, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(x.t.Context(), http.MethodPost, webhook.CallbackPath, strings.NewReader(body))
	if question != "" {
		r.URL = &url.URL{Path: webhook.CallbackPath + "/" + question}
	}
	r.Header["Authorization"] = []string{authorization}
	rec := httptest.NewRecorder()
	x.handler.ServeHTTP(rec, r)
	return rec
}

var recordID = regexp.MustCompile(`^[0-9a-f]{24}$`)

// judge holds one callback against what must be true of all.
func (x *callbackTarget) judge(question, authorization, body string) {
	question, authorization, body = x.fill(question), x.fill(authorization), x.fill(body)
	before := x.plan(x.id).Seq
	rec := x.post(question, authorization, body)
	changed := x.plan(x.id).Seq - before
	x.judgeAnswer(rec, question+authorization+body)
	said := question + rec.Header().Get("Location") + unescaped(body)
	switch {
	case x.plan(x.bystander).Seq != x.quiet:
		x.t.Error("another plan has changed")
	case changed > 1 || changed == 1 && rec.Code != http.StatusOK:
		x.t.Errorf("the plan has changed %d times, and the answer is %d", changed, rec.Code)
	case changed == 1 && !strings.Contains(said, x.codes[openCode]) && !strings.Contains(said, x.codes[guardedCode]):
		x.t.Error("the plan has changed without one of its codes")
	case changed == 1 && !strings.Contains(said, x.codes[openCode]) && !strings.Contains(authorization, guardedToken):
		x.t.Error("the guarded question was answered without its token")
	}
	if rec.Code != http.StatusOK {
		return
	}
	again := x.post(question, authorization, body)
	if again.Code != rec.Code || again.Body.String() != rec.Body.String() {
		x.t.Errorf("the same again is answered by %d %s, and was by %s", again.Code, again.Body, rec.Body)
	}
	if n := x.plan(x.id).Seq - before; n != changed {
		x.t.Errorf("the same again changed the plan: %d changes, and %d before", n, changed)
	}
}

// judgeAnswer looks at the answer itself.
func (x *callbackTarget) judgeAnswer(rec *httptest.ResponseRecorder, sent string) {
	text := rec.Body.String() + fmt.Sprint(rec.Header())
	for name, code := range x.codes {
		// What came with the request may be repeated.
		if name != askedPlan && strings.Contains(text, code) && !strings.Contains(sent+unescaped(sent), code) {
			x.t.Errorf("the answer tells the code %s: %s", name, text)
		}
	}
	var a struct {
		ID    string
		Error *refusal
	}
	switch err := json.Unmarshal(rec.Body.Bytes(), &a); {
	case rec.Code >= 500:
		x.t.Errorf("answered %d %s", rec.Code, rec.Body)
	case rec.Code >= 300 && rec.Code < 400: // an address that is not clean
	case err != nil:
		x.t.Errorf("%d is not JSON: %s", rec.Code, rec.Body)
	case rec.Code == http.StatusOK && !recordID.MatchString(a.ID):
		x.t.Errorf("accepted as %q", a.ID)
	case rec.Code != http.StatusOK && (a.Error == nil || a.Error.Message == ""):
		x.t.Errorf("%d without a word: %s", rec.Code, rec.Body)
	}
}

// unescaped is the text of a JSON document as its reader sees it: the same code can be
// written in many ways.
func unescaped(body string) string {
	var fields map[string]any
	if json.Unmarshal([]byte(body), &fields) != nil {
		return body
	}
	var b strings.Builder
	for _, v := range fields {
		if s, ok := v.(string); ok {
			b.WriteString(s + "\n")
		}
	}
	return b.String()
}

// Whatever comes to the address of callbacks: it is never a fault of ours, no answer gives a
// code away, and nothing but a code, with what its endpoint demands, changes anything, once.
func FuzzCallback(f *testing.F) {
	whole := func(code, result string) string {
		return `{"hook_event":"finish_planning","release_plan_id":"$PLAN","instance_code":"` + code + `","result":"` + result + `","failed_reason":"no","description":"1/2"}`
	}
	for _, seed := range []struct{ question, authorization, body string }{
		{"", "", whole(openCode, "success")},
		{"", "", whole(openCode, "failed")},
		{"", "", whole(openCode, "executing")},
		{"", "", whole(guardedCode, "success")},
		{"", "Bearer " + guardedToken, whole(guardedCode, "success")},
		{"", "Bearer " + guardedToken, whole(guardedCode, "executing")},
		{"", "bearer  ", whole(guardedCode, "failed")},
		{"", "", whole(spentCode, "success")},
		{"", "", whole("$PLAN", "success")},
		{"", "", strings.Replace(whole(openCode, "success"), "finish_planning", openCode, 1)},
		{"", "", `{"instance_code":"` + openCode + `","instance_code":"x","result":["` + guardedCode + `"]}`},
		{openCode, "", `{"result":"success"}`},
		{openCode, "", `{"result":"executing","description":"\ud800\u0000` + guardedCode + `"}`},
		{guardedCode, "Bearer " + guardedToken, `{"result":"failed","failed_reason":"不行"}`},
		{guardedCode, "", `{"result":"success"}`},
		{spentCode + "/../" + openCode, "", `{"result":"success"}`},
		{"\x00", "\x00", "\xff"},
		{"", "", `{"result":1e999}`},
		{"", "", "[]"},
	} {
		f.Add(seed.question, seed.authorization, seed.body)
	}
	x := newCallbackTarget(f)
	f.Fuzz(func(t *testing.T, question, authorization, body string) {
		x.t = t
		x.arm()
		x.judge(question, authorization, body)
	})
}
