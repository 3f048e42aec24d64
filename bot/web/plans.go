package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// plansPerPage is how many plans a page of the list has.
const plansPerPage = 25

// plansView is what the list of plans shows.
type plansView struct {
	Filter   url.Values
	Statuses []statusChoice
	People   []choice
	Rows     []bot.Card
	Plans    []*slipway.Plan
	Total    int64
	First    string // the list from its beginning, "" if this is it
	Next     string // the next page, "" at the end
	Filtered bool
}

// statusChoice is an entry of the filter by status.
type statusChoice struct {
	Value, Label string
	Chosen       bool
}

// Get returns a filter's value as it was given.
func (v plansView) Get(name string) string { return v.Filter.Get(name) }

// openStatuses are those of plans that are not over.
const openStatuses = "open"

func (w *Web) plansPage(rw http.ResponseWriter, r *http.Request, v viewer) {
	q := r.URL.Query()
	filter, err := planFilter(v, q)
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	list, err := w.Store.Plans(r.Context(), filter)
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	users, err := w.Store.Users(r.Context())
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	view := plansView{Filter: q, Plans: list.Rows, Total: list.Total, Statuses: statusChoices(v, q.Get("status"))}
	for _, u := range users {
		view.People = append(view.People, choice{bot.Option{Value: u.ID, Label: u.Name}, u.ID == q.Get("manager")})
	}
	for _, p := range list.Rows {
		view.Rows = append(view.Rows, bot.PlanCard(p, w.view(v)))
	}
	for name := range q {
		view.Filtered = view.Filtered || name != "cursor" && q.Get(name) != ""
	}
	if q.Get("cursor") != "" {
		view.First = withCursor("/plans", q, "")
	}
	if list.Next != "" {
		view.Next = withCursor("/plans", q, list.Next)
	}
	w.render(rw, r, http.StatusOK, "plans", page{
		Title: v.say("Plans", "发布计划"), Nav: "plans", V: v, Live: "all=1", Body: view,
	})
}

// withCursor is the address of a list from a cursor on, "" for its beginning.
func withCursor(path string, q url.Values, cursor string) string {
	next := url.Values{}
	for name, values := range q {
		if name != "cursor" && values[0] != "" {
			next[name] = values
		}
	}
	if cursor != "" {
		next.Set("cursor", cursor)
	}
	if len(next) == 0 {
		return path
	}
	return path + "?" + next.Encode()
}

// view is for whom the bot makes cards that a page shows.
func (w *Web) view(v viewer) bot.View {
	actor := v.User.Actor()
	return bot.View{Lang: v.Lang, Viewer: &actor, Rules: w.Commands.Rules(), Link: func(p *slipway.Plan) string { return "/plans/" + p.ID }}
}

func statusChoices(v viewer, chosen string) []statusChoice {
	out := []statusChoice{
		{"", v.say("All", "全部"), chosen == ""},
		{openStatuses, v.say("Not over yet", "未结束"), chosen == openStatuses},
	}
	for _, s := range slipway.Statuses() {
		out = append(out, statusChoice{string(s), s.Text().In(v.Lang), string(s) == chosen})
	}
	return out
}

// planFilter reads the filter of the list out of a page's address.
func planFilter(v viewer, q url.Values) (storage.Filter, error) {
	f := storage.Filter{
		Text: strings.TrimSpace(q.Get("q")), ManagerID: q.Get("manager"), Limit: plansPerPage, Cursor: q.Get("cursor"),
	}
	switch s := q.Get("status"); s {
	case "":
	case openStatuses:
		f.Statuses = slices.DeleteFunc(slipway.Statuses(), slipway.Status.Over)
	default:
		status, ok := slipway.ParseStatus(s)
		if !ok {
			return f, slipway.Refuse(slipway.Invalid, "There is no status %q.", "没有状态 %q。", s)
		}
		f.Statuses = []slipway.Status{status}
	}
	if q.Get("mine") != "" {
		f.PersonID = v.User.ID
	}
	var err error
	if f.WindowFrom, err = day(v, q.Get("from"), 0); err == nil {
		f.WindowTo, err = day(v, q.Get("to"), 1)
	}
	return f, err
}

// day reads a day in the person's zone and returns when it, or the one n days later,
// begins; 0 for none.
func day(v viewer, s string, n int) (int64, error) {
	if s == "" {
		return 0, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, v.zone)
	if err != nil {
		return 0, slipway.Refuse(slipway.Invalid, "%q is not a day; write 2026-11-24.", "%q 不是日期，请写成 2026-11-24。", s)
	}
	return t.AddDate(0, 0, n).Unix() - int64(n), nil
}
