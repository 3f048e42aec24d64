package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/commands"
	"slipway/storage"
)

const (
	hooksPerPage = 25
	// hooksPeriod is how far back the figures of endpoints go.
	hooksPeriod = 24 * time.Hour
)

// hooksView is what the page of hooks shows.
type hooksView struct {
	Endpoints  []endpointView
	Deliveries []hookView
	Filter     url.Values
	Cursor     string
	Filtered   bool
	Wrong      map[string]string // what is not right with the filter, by field
	States     []choice
	First      string // the list from its beginning, "" if this is it
	Next       string // the next page, "" at the end
	Failed     bool   // there is something to be sent again
	// What an admin did last, and what came of it.
	Ping     *pingView
	Secret   *freshSecret
	Note     string
	Document string // an endpoint that is being written
	Error    string
	Problems []slipway.Problem
}

// hookFilters are the parameters of the page that say which deliveries are wanted.
var hookFilters = []string{"endpoint", "state", "plan", "since", "until"}

// Get returns a filter's value as it was given.
func (v hooksView) Get(name string) string { return v.Filter.Get(name) }

// With is an address with the filter of the page.
func (v hooksView) With(path string) string { return withCursor(path, v.Filter, "") }

// Here is an address with the filter and the place in the list.
func (v hooksView) Here(path string) string { return withCursor(path, v.Filter, v.Cursor) }

// endpointView is an endpoint with its figures.
type endpointView struct {
	Name      string
	Known     *commands.KnownEndpoint // nil: it is not set up any more, but was
	Pending   int64
	Delivered int64
	Failed    int64
	Oldest    int64 // for how many milliseconds the oldest pending one has waited
	Speed     storage.EndpointSpeed
}

// Rate is the share of tries that were taken, in percent; -1 without any.
func (e endpointView) Rate() int64 {
	if e.Speed.Tries == 0 {
		return -1
	}
	return e.Speed.Good * 100 / e.Speed.Tries
}

// Mean is the mean time of a try in whole milliseconds.
func (e endpointView) Mean() int64 { return int64(e.Speed.Mean) }

// hookView is a delivery with its plan.
type hookView struct {
	storage.Delivery
	Row  bot.Row
	Plan *slipway.Plan
}

func (w *Web) hooksPage(rw http.ResponseWriter, r *http.Request, v viewer) {
	view := hooksView{Note: noteOf(v, r.URL.Query())}
	if name := r.URL.Query().Get("edit"); name != "" && v.Admin() {
		e, err := w.Commands.Endpoint(r.Context(), name)
		if err != nil {
			w.fail(rw, r, v.User, err)
			return
		}
		view.Document = commands.EndpointDocument(&e.Endpoint)
	}
	w.showHooks(rw, r, v, http.StatusOK, view)
}

func (w *Web) showHooks(rw http.ResponseWriter, r *http.Request, v viewer, status int, view hooksView) {
	view.Filter, view.Cursor = hooksAsked(r), r.URL.Query().Get("cursor")
	view.Filtered = len(view.Filter) > 0
	view.addStates(v)
	err := w.endpointFigures(r, &view)
	f, wrong, refusal := w.hookFilter(r, v)
	switch code := slipway.CodeOf(refusal); {
	case err != nil:
	case refusal == nil:
		err = w.recentHooks(r, v, f, &view)
	case code == slipway.Invalid || code == slipway.NotFound:
		status, view.Wrong = statusOf(code), map[string]string{wrong: slipway.TextOf(refusal).In(v.Lang)}
	default:
		err = refusal
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.render(rw, r, status, "hooks", page{Title: v.say("Hooks", "推送"), Nav: "hooks", Path: view.Here("/hooks"), V: v, Body: view})
}

// hooksAsked is the filter in a page's address.
func hooksAsked(r *http.Request) url.Values {
	asked := url.Values{}
	for _, name := range hookFilters {
		if value := r.URL.Query().Get(name); value != "" {
			asked.Set(name, value)
		}
	}
	return asked
}

// What was done to hooks, as the page that follows is told.
const (
	hookSent      = "sent"
	hooksSent     = "all"
	endpointSaved = "saved"
	endpointOn    = "on"
	endpointOff   = "off"
	endpointGone  = "deleted"
)

// noteOf says what was done before this page.
func noteOf(v viewer, q url.Values) string {
	switch q.Get("done") {
	case hookSent:
		return v.say("It is sent again.", "已重新发送。")
	case hooksSent:
		return v.say("%[1]s of %[2]s are sent again.", "已重新发送 %[1]s 条，共 %[2]s 条。", q.Get("sent"), q.Get("found"))
	case endpointSaved:
		return v.say("Saved.", "已保存。")
	case endpointOn:
		return v.say("Switched on.", "已启用。")
	case endpointOff:
		return v.say("Switched off: nothing is sent there any more.", "已停用，不再向其推送。")
	case endpointGone:
		return v.say("Deleted.", "已删除。")
	}
	return ""
}

// backToHooks shows the page that was left, and what was done, so that loading it again
// does nothing twice.
func (w *Web) backToHooks(rw http.ResponseWriter, r *http.Request, done string, more ...string) {
	q := hooksAsked(r)
	q.Set("done", done)
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	http.Redirect(rw, r, withCursor("/hooks", q, r.URL.Query().Get("cursor")), http.StatusSeeOther)
}

// endpointFigures gathers what is known of every endpoint.
func (w *Web) endpointFigures(r *http.Request, view *hooksView) error {
	now := w.Now()
	known, err := w.Commands.Endpoints(r.Context())
	if err != nil {
		return err
	}
	counts, err := w.Store.DeliveryCounts(r.Context(), now.Add(-hooksPeriod).UnixMilli())
	if err != nil {
		return err
	}
	speeds, err := w.Store.EndpointSpeeds(r.Context(), now.Add(-hooksPeriod).UnixMilli())
	if err != nil {
		return err
	}
	row := func(name string) *endpointView {
		i := slices.IndexFunc(view.Endpoints, func(e endpointView) bool { return e.Name == name })
		if i < 0 {
			i = len(view.Endpoints)
			view.Endpoints = append(view.Endpoints, endpointView{Name: name})
		}
		return &view.Endpoints[i]
	}
	for i := range known {
		if !known[i].Hidden {
			row(known[i].Name).Known = &known[i]
		}
	}
	for _, c := range counts {
		e := row(c.Endpoint)
		switch c.State {
		case storage.DeliveryPending:
			e.Pending, e.Oldest = c.Count, now.UnixMilli()-c.Oldest
		case storage.DeliveryDelivered:
			e.Delivered = c.Count
		case storage.DeliveryFailed:
			e.Failed = c.Count
		case storage.DeliveryDropped:
		}
	}
	for _, s := range speeds {
		row(s.Endpoint).Speed = s
	}
	return nil
}

// hookFilter reads which deliveries are wanted out of a page's address. With an error it
// names the field that is wrong.
func (w *Web) hookFilter(r *http.Request, v viewer) (f storage.DeliveryFilter, wrong string, err error) {
	q := r.URL.Query()
	f = storage.DeliveryFilter{Endpoint: q.Get("endpoint"), Cursor: q.Get("cursor"), Limit: hooksPerPage}
	if state := q.Get("state"); state != "" {
		f.States = []storage.DeliveryState{storage.DeliveryState(state)}
	}
	if ref := q.Get("plan"); ref != "" {
		p, err := w.Commands.Find(r.Context(), ref)
		if err != nil {
			return f, "plan", err
		}
		f.PlanID = p.ID
	}
	f.Since, f.Until, err = commands.ParsePeriod(q.Get("since"), q.Get("until"), w.Now(), v.zone)
	return f, "until", err
}

// exportHooks writes the deliveries of the filter as JSON Lines.
func (w *Web) exportHooks(rw http.ResponseWriter, r *http.Request, v viewer) {
	f, _, err := w.hookFilter(r, v)
	if err == nil {
		f.Cursor = ""
		rw.Header().Set("Content-Disposition", `attachment; filename="hooks.jsonl"`)
		err = w.ExportHooks(rw, r, f)
	}
	if err != nil {
		rw.Header().Del("Content-Disposition")
		w.fail(rw, r, v.User, err)
	}
}

// anyFailed tells whether an admin can have something of what the filter finds sent again.
func (w *Web) anyFailed(r *http.Request, v viewer, f storage.DeliveryFilter) (bool, error) {
	if !v.Admin() || len(f.States) > 0 && f.States[0] != storage.DeliveryFailed {
		return false, nil
	}
	f.States, f.Cursor, f.Limit = []storage.DeliveryState{storage.DeliveryFailed}, "", 1
	list, err := w.Store.SearchDeliveries(r.Context(), f)
	return len(list.Rows) > 0, err
}

// addStates offers the states of deliveries to choose from.
func (v *hooksView) addStates(reader viewer) {
	for _, s := range []struct {
		state  storage.DeliveryState
		en, zh string
	}{
		{"", "Any", "不限"},
		{storage.DeliveryPending, "on its way", "发送中"},
		{storage.DeliveryDelivered, "delivered", "已送达"},
		{storage.DeliveryFailed, "given up", "已放弃"},
		{storage.DeliveryDropped, "not needed any more", "已不需要"},
	} {
		v.States = append(v.States, choice{bot.Option{Value: string(s.state), Label: reader.say(s.en, s.zh)}, string(s.state) == v.Get("state")})
	}
}

// recentHooks lists the deliveries that the filter finds.
func (w *Web) recentHooks(r *http.Request, v viewer, f storage.DeliveryFilter, view *hooksView) (err error) {
	if view.Failed, err = w.anyFailed(r, v, f); err != nil {
		return err
	}
	list, err := w.Store.SearchDeliveries(r.Context(), f)
	if err != nil {
		return err
	}
	if f.Cursor != "" {
		view.First = view.With("/hooks")
	}
	if list.Next != "" {
		view.Next = withCursor("/hooks", view.Filter, list.Next)
	}
	plans := map[string]*slipway.Plan{}
	for i := range list.Rows {
		d := &list.Rows[i]
		p := plans[d.PlanID]
		if p == nil {
			if p, err = w.Store.Plan(r.Context(), d.PlanID); err != nil {
				return err
			}
			plans[d.PlanID] = p
		}
		card := bot.HooksCard(p, list.Rows[i:i+1], w.view(v))
		view.Deliveries = append(view.Deliveries, hookView{Delivery: *d, Row: card.Rows[0], Plan: p})
	}
	return nil
}

// resendHook sends one delivery again.
func (w *Web) resendHook(rw http.ResponseWriter, r *http.Request, v viewer) {
	if _, err := w.Commands.Resend(r.Context(), commands.Ask{User: v.User}, r.PathValue("delivery")); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.backToHooks(rw, r, hookSent)
}

// resendFailed sends everything again that was given up, of what the filter finds.
func (w *Web) resendFailed(rw http.ResponseWriter, r *http.Request, v viewer) {
	f, _, err := w.hookFilter(r, v)
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	done, err := w.Commands.ReplayFailed(r.Context(), commands.Ask{User: v.User}, commands.Replay{
		Endpoint: f.Endpoint, PlanID: f.PlanID, Since: f.Since, Until: f.Until,
	})
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.backToHooks(rw, r, hooksSent, "sent", strconv.FormatInt(done.Sent, 10), "found", strconv.FormatInt(done.Found, 10))
}
