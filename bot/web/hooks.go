package web

import (
	"net/http"
	"net/url"
	"slices"
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
	Filtered   bool
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

// endpointView is an endpoint with its figures.
type endpointView struct {
	Name      string
	Known     *commands.KnownEndpoint // nil: it is not set up any more, but was
	Pending   int64
	Delivered int64
	Failed    int64
	Oldest    time.Duration // how long the oldest pending one has waited
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

type pingView struct {
	commands.Ping
	Name string
}

// Milliseconds is how long the answer took.
func (p pingView) Milliseconds() int64 { return p.Duration.Milliseconds() }

// freshSecret is shown once.
type freshSecret struct{ Name, Secret string }

func (w *Web) hooksPage(rw http.ResponseWriter, r *http.Request, v viewer) {
	view := hooksView{}
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
	view.Filter = url.Values{}
	for _, name := range hookFilters {
		if value := r.URL.Query().Get(name); value != "" {
			view.Filter.Set(name, value)
			view.Filtered = true
		}
	}
	f, err := w.hookFilter(r, v)
	if err == nil {
		err = w.endpointFigures(r, &view)
	}
	if err == nil {
		err = w.recentHooks(r, v, f, &view)
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.render(rw, r, status, "hooks", page{Title: v.say("Hooks", "推送"), Nav: "hooks", V: v, Body: view})
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
			e.Pending, e.Oldest = c.Count, now.Sub(time.UnixMilli(c.Oldest)).Truncate(time.Second)
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

// hookFilter reads which deliveries are wanted out of a page's address.
func (w *Web) hookFilter(r *http.Request, v viewer) (storage.DeliveryFilter, error) {
	q := r.URL.Query()
	f := storage.DeliveryFilter{Endpoint: q.Get("endpoint"), Cursor: q.Get("cursor"), Limit: hooksPerPage}
	if state := q.Get("state"); state != "" {
		f.States = []storage.DeliveryState{storage.DeliveryState(state)}
	}
	if ref := q.Get("plan"); ref != "" {
		p, err := w.Commands.Find(r.Context(), ref)
		if err != nil {
			return f, err
		}
		f.PlanID = p.ID
	}
	var err error
	f.Since, f.Until, err = commands.ParsePeriod(q.Get("since"), q.Get("until"), w.Now(), v.zone)
	return f, err
}

// exportHooks writes the deliveries of the filter as JSON Lines.
func (w *Web) exportHooks(rw http.ResponseWriter, r *http.Request, v viewer) {
	f, err := w.hookFilter(r, v)
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

// recentHooks lists the deliveries that the filter finds.
func (w *Web) recentHooks(r *http.Request, v viewer, f storage.DeliveryFilter, view *hooksView) (err error) {
	if view.Failed, err = w.anyFailed(r, v, f); err != nil {
		return err
	}
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
		view.States = append(view.States, choice{bot.Option{Value: string(s.state), Label: v.say(s.en, s.zh)}, string(s.state) == view.Get("state")})
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
	w.showHooks(rw, r, v, http.StatusOK, hooksView{Note: v.say("It is sent again.", "已重新发送。")})
}

// resendFailed sends everything again that was given up, of what the filter finds.
func (w *Web) resendFailed(rw http.ResponseWriter, r *http.Request, v viewer) {
	f, err := w.hookFilter(r, v)
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
	note := slipway.T("%[1]d of %[2]d are sent again.", "已重新发送 %[1]d 条，共 %[2]d 条。", done.Sent, done.Found).In(v.Lang)
	w.showHooks(rw, r, v, http.StatusOK, hooksView{Note: note})
}

// saveEndpoint makes or replaces an endpoint from what was written.
func (w *Web) saveEndpoint(rw http.ResponseWriter, r *http.Request, v viewer) {
	if err := parseForm(r); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	view := hooksView{Document: r.PostForm.Get("document")}
	err := w.writeEndpoint(r, v, view.Document)
	switch code := slipway.CodeOf(err); {
	case err == nil:
		w.showHooks(rw, r, v, http.StatusOK, hooksView{Note: v.say("Saved.", "已保存。")})
	case code == slipway.Internal:
		w.fail(rw, r, v.User, err)
	default:
		view.Error, view.Problems = slipway.TextOf(err).In(v.Lang), slipway.ProblemsOf(err)
		w.showHooks(rw, r, v, statusOf(code), view)
	}
}

func (w *Web) writeEndpoint(r *http.Request, v viewer, document string) error {
	name, version := commands.EndpointName([]byte(document)), int64(0)
	var old *slipway.Endpoint
	known, err := w.Commands.Endpoint(r.Context(), name)
	switch {
	case err == nil:
		old, version = &known.Endpoint, known.Version
	case slipway.CodeOf(err) != slipway.NotFound:
		return err
	}
	e, err := w.Commands.ParseEndpoint(r.Context(), []byte(document), old)
	if err != nil {
		return err
	}
	return w.Commands.SaveEndpoint(r.Context(), v.User, e, version)
}

// onEndpoint does what an admin's button says to an endpoint.
func (w *Web) onEndpoint(rw http.ResponseWriter, r *http.Request, v viewer) {
	ctx, name, view := r.Context(), r.PathValue("name"), hooksView{}
	var err error
	switch r.PathValue("verb") {
	case "test":
		var p commands.Ping
		p, err = w.Commands.PingEndpoint(ctx, v.User, name)
		view.Ping = &pingView{Ping: p, Name: name}
	case "rotate":
		view.Secret = &freshSecret{Name: name}
		view.Secret.Secret, err = w.Commands.RotateSecret(ctx, v.User, name)
	case "enable":
		err = w.Commands.EnableEndpoint(ctx, v.User, name)
	case "disable":
		err = w.Commands.DisableEndpoint(ctx, v.User, name)
	case "delete":
		err = w.Commands.DeleteEndpoint(ctx, v.User, name)
	default:
		w.unknownPage(rw, r, v)
		return
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.Log.InfoContext(ctx, "endpoint", "verb", r.PathValue("verb"), "endpoint", name, "by", v.User.Name)
	w.showHooks(rw, r, v, http.StatusOK, view)
}
