package webhook_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
)

// put sets a value deep inside a document; path is as problems name it.
func put(doc map[string]any, path string, value any) map[string]any {
	words := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	var at any = doc
	for i, word := range words {
		last := i == len(words)-1
		switch node := at.(type) {
		case map[string]any:
			if last {
				node[word] = value
			}
			at = node[word]
		case []any:
			n := int(word[0] - '0')
			if last {
				node[n] = value
			}
			at = node[n]
		}
	}
	return doc
}

func TestPlanDocumentsThatAreNotRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("x", 201)
	type object = map[string]any
	// Each row puts a value at a path of a good document; the problem is there, or at
	// the place given after the blank.
	rows := map[string][]any{
		"name":                    {nil, "", "  ", 1, true, []any{}, object{}, long, "two\nlines", "bell\a"},
		"manager":                 {1, "", "nobody@example.com", "Nobody", []any{"alice"}},
		"description":             {1, []any{}, strings.Repeat("x", 100_001)},
		"start_time":              {"22:00", "2026-11-24 22:00", "tomorrow", true, 1.5, -1, []any{}},
		"end_time":                {"soon", noon.Add(-time.Hour).Unix(), object{}, int64(1) << 60},
		"schedule_execute_time":   {"x", noon.Add(24 * time.Hour).Unix(), false},
		"approval":                {"native", 1, []any{}},
		"approval.type":           {"vote", 1},
		"approval.approvers":      {nil, []any{}, "bob", object{}},
		"approval.approvers[1]":   {"zoe@example.com", 5, "bob@example.com", object{"id": "x"}},
		"approval.surprise":       {1},
		"jobs":                    {object{}, "x", 1, slices.Repeat([]any{object{}}, 201)},
		"jobs[0]":                 {"announce", nil, []any{}},
		"jobs[0].name":            {nil, "", 5, long},
		"jobs[1].name":            {"announce"},
		"jobs[0].type":            {nil, "", "Text", 1},
		"jobs[0].manager":         {"Nobody", 1, ""},
		"jobs[0].surprise":        {1},
		"jobs[0].spec.content":    {nil, "", 7, []any{}},
		"jobs[0].spec.surprise":   {1},
		"jobs[0].spec":            {"x", []any{}, 1},
		"jobs[1].spec.engine":     {nil, "", 1},
		"jobs[1].spec.project":    {1, []any{}},
		"jobs[1].spec.workflow":   {nil, "", 1, []any{}},
		"jobs[1].spec.params":     {"x", []any{}, 1},
		"jobs[1].spec.inputs":     {"x", object{}, 1},
		"jobs[1].spec.surprise":   {1},
		"surprise":                {nil, 1, object{}},
		"Name":                    {"x"},
		"jira_sprint_association": {"x", []any{}, 1},
	}
	for path, values := range rows {
		for _, value := range values {
			body := encode(t, put(document(), path, value))
			a := w.send("alice", "POST", "/api/v1/plans", body).want(400)
			if !slices.ContainsFunc(a.paths(), func(p string) bool {
				return p == path || strings.HasPrefix(p, path+".") || strings.HasPrefix(p, path+"[")
			}) {
				t.Errorf("%s = %.60v: problems at %v: %s", path, value, a.paths(), a.body)
			}
			for _, p := range a.refusal().Problems {
				if p.Message == "" {
					t.Errorf("%s = %.60v: %s has no message", path, value, p.Path)
				}
			}
		}
	}
	for _, body := range []string{"", "[]", "1", "{", "name: [", "- a", "null", `{"name":"x","name":"y"}`, "a: &a [*a]", "\x00"} {
		w.send("alice", "POST", "/api/v1/plans", body).want(400)
	}
	if page, err := w.store.Plans(t.Context(), listAll); err != nil || page.Total != 0 {
		t.Errorf("%d plans were made (%v)", page.Total, err)
	}
}

func TestAllFaultsOfADocumentAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := document()
	for path, value := range map[string]any{
		"manager": "zoe", "start_time": "22:00", "approval.needed_approvers": 5, "jobs[0].name": "", "jobs[1].spec.engine": 1,
		"jobs[1].spec.params.version": 4.2, "sprint": 1,
	} {
		put(doc, path, value)
	}
	a := w.send("alice", "POST", "/api/v1/plans", encode(t, doc), "Accept-Language", "zh-CN,en;q=0.5").want(400)
	got := a.paths()
	slices.Sort(got)
	want := []string{
		"approval.needed_approvers", "jobs[0].name", "jobs[1].spec.engine", "jobs[1].spec.params.version", "manager", "sprint", "start_time",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s", diff)
	}
	if e := a.refusal(); e.Message != "发布计划文档有误。" {
		t.Errorf("the message is %q", e.Message)
	}
}

func TestAPlanIsAlsoMadeFromYAML(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.send("alice", "POST", "/api/v1/plans", "name: payments 4.2\nstart_time: 2026-11-24T22:00:00+08:00\njobs:\n"+
		"  - name: announce\n    type: text\n    spec: {content: 'Tell the **hotline**'}\n", "Content-Type", "application/yaml").want(201).plan()
	if p.Name != "payments 4.2" || p.Manager != "Alice" || len(p.Jobs) != 1 {
		t.Errorf("made %+v", p)
	}
}

func TestBodiesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.create(document())
	large := `{"comment":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, c := range [][]string{
		{"POST", "/api/v1/plans"},
		{"PUT", "/api/v1/plans/1", "If-Match", "1"},
		{"POST", "/api/v1/plans/1/submit"},
		{"POST", "/api/v1/plans/1/copy"},
		{"POST", "/api/v1/plans/1/jobs/1/complete"},
	} {
		if e := w.send("alice", c[0], c[1], large, c[2:]...).want(413).refusal(); e.Code != slipway.TooLarge {
			t.Errorf("%s: %+v", c[1], e)
		}
	}
	w.send("root", "POST", "/api/v1/users", large).want(413)
	// A body of exactly 1 MiB is read, and then refused for what it says.
	w.send("alice", "POST", "/api/v1/plans/1/cancel", large[:1<<20-2]+`"}`).want(400)
	if got := w.show("alice", "1"); got.Seq != p.Seq {
		t.Errorf("the plan has changed %d times", got.Seq)
	}
}

func TestVerbsThatAreNotRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.create(document())
	for _, c := range []struct {
		path, body string
		paths      []string
	}{
		{"submit", `[]`, nil},
		{"submit", `{`, nil},
		{"submit", ` `, nil},
		{"submit", `{"comment":1}`, []string{"comment"}},
		{"submit", `{"version":"1"}`, []string{"version"}},
		{"submit", `{"version":0}`, []string{"version"}},
		{"submit", `{"version":1.5}`, []string{"version"}},
		{"submit", `{"remark":"x","force":true,"version":[]}`, []string{"force", "remark", "version"}},
		{"cancel", `{"comment":""}`, []string{"comment"}},
		{"cancel", `{"comment":"` + strings.Repeat("长", 4001) + `"}`, []string{"comment"}},
		{"copy", `{"name":1,"version":1}`, []string{"name", "version"}},
		{"copy", `{"name":"a\nb"}`, []string{"name"}},
		{"jobs/1/complete", `{"comment":"x"}`, []string{"comment"}},
		{"jobs/1/complete", `{"remark":{}}`, []string{"remark"}},
	} {
		a := w.send("alice", "POST", "/api/v1/plans/1/"+c.path, c.body).want(400)
		got := a.paths()
		slices.Sort(got)
		if !slices.Equal(got, c.paths) {
			t.Errorf("%s %s: problems at %v, want %v", c.path, c.body, got, c.paths)
		}
	}
	if e := w.send("alice", "POST", "/api/v1/plans/1/submit", `{"version":9}`).want(409).refusal(); e.Code != slipway.Stale {
		t.Errorf("another version: %+v", e)
	}
	for _, path := range []string{"/api/v1/plans/2/submit", "/api/v1/plans/0123456789abcdef01234567/submit", "/api/v1/plans/1/jobs/3/complete", "/api/v1/plans/1/jobs/x/skip"} {
		w.send("alice", "POST", path, "").want(404)
	}
	if got := w.show("alice", "1"); got.Seq != p.Seq {
		t.Errorf("the plan has changed %d times", got.Seq)
	}
}

// A failed item is skipped with a reason, which this API calls remark.
func TestASkipWithoutAReasonNamesTheRemark(t *testing.T) {
	t.Parallel()
	w, p := reach(t, slipway.Executing)
	w.finish(w.do("alice", p.ID, "jobs/2/execute", ""), slipway.RunFailed)
	if a := w.send("alice", "POST", "/api/v1/plans/1/jobs/2/skip", "").want(400); !slices.Equal(a.paths(), []string{"remark"}) {
		t.Errorf("problems at %v", a.paths())
	}
	w.do("alice", p.ID, "jobs/2/skip", `{"remark":"by hand"}`)
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(document())
	for _, bad := range []string{"", "x", "0", "-1", `"`, `"1`, `W/"1"`, "1,2", "1.0"} {
		var headers []string
		if bad != "" {
			headers = []string{"If-Match", bad}
		}
		a := w.send("alice", "PUT", "/api/v1/plans/1", encode(t, document()), headers...).want(400)
		if !slices.Equal(a.paths(), []string{"If-Match"}) {
			t.Errorf("If-Match %q: problems at %v", bad, a.paths())
		}
	}
	version := int64(1)
	for i, good := range []string{`1`, `"2"`, `*`, ` 4 `} {
		p := w.send("alice", "PUT", "/api/v1/plans/1", encode(t, put(document(), "name", fmt.Sprint("name ", i))), "If-Match", good).want(200).plan()
		if version++; p.Version != version {
			t.Errorf("If-Match %q: version %d, want %d", good, p.Version, version)
		}
	}
	// What changes nothing is no change.
	p := w.send("alice", "PUT", "/api/v1/plans/1", encode(t, put(document(), "name", "name 3")), "If-Match", "5").want(200).plan()
	if p.Version != 5 {
		t.Errorf("the same document made version %d", p.Version)
	}
	w.send("alice", "PUT", "/api/v1/plans/1", encode(t, document()), "If-Match", "4").want(412)
	w.do("alice", "1", "submit", "")
	w.send("alice", "PUT", "/api/v1/plans/1", encode(t, document()), "If-Match", "5").want(409)
}

func TestLists(t *testing.T) {
	t.Parallel()
	onEach(t, nil, lists)
}

func lists(t *testing.T, w *world) {
	for i := range 5 {
		doc := put(document(), "name", fmt.Sprintf("Release %d_%d", i, i%2))
		doc["start_time"], doc["end_time"] = noon.Add(time.Duration(i-1)*time.Hour).Unix(), noon.Add(time.Duration(i+1)*time.Hour).Unix()
		if i == 4 {
			doc["manager"] = "Bob"
		}
		p := w.create(doc)
		if i < 2 {
			w.do("alice", p.ID, "submit", "")
		}
	}
	for query, want := range map[string][]int64{
		"":                                    {5, 4, 3, 2, 1},
		"status=planning":                     {5, 4, 3},
		"status=planning,wait_for_approval":   {5, 4, 3, 2, 1},
		"status=planning&status=success":      {5, 4, 3},
		"status=wait_for_approval":            {2, 1},
		"status=finished_planning":            {},
		"q=release":                           {5, 4, 3, 2, 1},
		"q=E%204_":                            {5},
		"q=_1":                                {4, 2},
		"q=%25":                               {},
		"manager=bob@example.com":             {5},
		"manager=Bob":                         {5},
		"manager=" + w.ids["bob"]:             {5},
		"manager=me":                          {4, 3, 2, 1},
		"window_from=2026-11-24T15:30:00Z":    {5, 4},
		"window_to=2026-11-24T19:30:00+08:00": {1},
		fmt.Sprint("window_from=", noon.Unix(), "&window_to=", noon.Unix()): {2, 1},
		"limit=200&status=": {5, 4, 3, 2, 1},
	} {
		var list struct {
			Plans []plan
			Total int
			Next  string `json:"next_cursor"`
		}
		w.send("alice", "GET", "/api/v1/plans?"+query, "").want(200).into(&list)
		got := []int64{}
		for _, p := range list.Plans {
			got = append(got, p.Index)
		}
		if diff := cmp.Diff(want, got); diff != "" || list.Total != len(want) || list.Next != "" {
			t.Errorf("%s: total %d, next %q\n%s", query, list.Total, list.Next, diff)
		}
	}

	var pages [][]int64
	for cursor := ""; ; {
		var list struct {
			Plans []plan
			Total int
			Next  string `json:"next_cursor"`
		}
		w.send("alice", "GET", "/api/v1/plans?limit=2&cursor="+url.QueryEscape(cursor), "").want(200).into(&list)
		var page []int64
		for _, p := range list.Plans {
			page = append(page, p.Index)
		}
		pages = append(pages, page)
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([][]int64{{5, 4}, {3, 2}, {1}}, pages); diff != "" {
		t.Errorf("pages differ:\n%s", diff)
	}
}

func TestParametersThatAreNotRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(document())
	for path, want := range map[string][]string{
		"plans?state=planning":                           {"state"},
		"plans?status=done":                              {"status"},
		"plans?manager=zoe":                              {"manager"},
		"plans?window_from=22:00&window_to=x":            {"window_from", "window_to"},
		"plans?window_from=2000000000&window_to=1000000": {"window_to"},
		"plans?limit=0":                                  {"limit"},
		"plans?limit=201&q=a&q=b":                        {"limit", "q"},
		"plans?limit=ten&page=2&x=1":                     {"limit", "page", "x"},
		"plans?cursor=abc":                               {"cursor"},
		"plans?q=%zz":                                    {"?"},
		"plans/1/log?limit=1000&after=1":                 {"after", "limit"},
		"plans/1/log?cursor=%00":                         {"cursor"},
		"runs/x/log?after=-1&limit=0":                    {"after", "limit"},
		"events":                                         {"plan"},
		"events?plan=1&plan=2&all=1":                     {"all", "plan"},
	} {
		a := w.send("alice", "GET", "/api/v1/"+path, "").want(400)
		got := a.paths()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: problems at %v, want %v: %s", path, got, want, a.body)
		}
	}
}

func TestMessagesAreInTheCallersLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const en, zh = "There is no such release plan.", "没有这个发布计划。"
	for accept, want := range map[string]string{
		"": en, "zh": zh, "zh-CN": zh, "ZH-hant-TW,en;q=0.8": zh, "en-GB,zh;q=0.9": en, "fr, zh;q=0.5, en;q=0.4": zh, "fr": en, "*": en, "zh;q=0": en, "zh;q=x": en,
	} {
		a := w.send("alice", "GET", "/api/v1/plans/7", "", "Accept-Language", accept).want(404)
		if got := a.refusal().Message; got != want {
			t.Errorf("Accept-Language %q: %q, want %q", accept, got, want)
		}
	}
}
