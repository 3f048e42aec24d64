package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// entriesShown is how many entries of the operation log a page has.
const entriesShown = 30

// planView is what the page of a plan shows.
type planView struct {
	Plan *slipway.Plan
	// Card is the plan as the bot shows it to this person; the page's buttons are the
	// card's.
	Card       bot.Card
	Scene      scene
	Items      []itemView
	Done       int // items that are done or skipped
	Entries    []bot.Line
	Total      int64
	Newer      string
	Older      string
	Deliveries []deliveryView
}

// itemView is an item with its runs.
type itemView struct {
	*slipway.Item
	Row  bot.Row
	Spec string // a workflow's definition, credentials masked; "" if it is not frozen yet
	Runs []*runView
	// Changes are how the workflow differs from the plan's, while a person has to decide.
	Changes []string
}

// deliveryView is a hook with its attempts and its button.
type deliveryView struct {
	storage.Delivery
	Row  bot.Row
	Body string
}

func (w *Web) planPage(rw http.ResponseWriter, r *http.Request, v viewer) {
	ctx := r.Context()
	p, err := w.Commands.Find(ctx, r.PathValue("plan"))
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	if r.PathValue("plan") != p.ID {
		http.Redirect(rw, r, "/plans/"+p.ID, http.StatusSeeOther) //nolint:gosec // the id is the store's
		return
	}
	seen, err := w.Store.Glances(ctx, p)
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	how := w.view(v)
	how.Runs, how.Page = seen, true
	if how.Times, err = w.Commands.Times(ctx, p); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	if how.Sprints, err = w.Store.Sprints(ctx, p); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	view := &planView{Plan: p, Done: finished(p), Card: bot.PlanCard(p, how), Scene: planScene(v, p)}
	// The page itself shows log and hooks.
	view.Card.More = slices.DeleteFunc(view.Card.More, func(a bot.Action) bool { return a.ID == "log" || a.ID == "hooks" })
	runs, err := w.runsOf(ctx, v, p, seen)
	if err == nil {
		w.addItems(view, runs)
		err = w.addLog(ctx, v, view, r.URL.Query().Get("log"))
	}
	if err == nil {
		err = w.addDeliveries(ctx, v, view)
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	live := url.Values{"plan": {p.ID}}
	for _, run := range runs {
		if run.Live() {
			live.Add("run", run.ID)
		}
	}
	w.render(rw, r, http.StatusOK, "plan", page{
		Title: fmt.Sprintf("#%d %s", p.Index, p.Name), Nav: "plans", V: v, Live: live.Encode(), Body: view,
	})
}

// planScene is the page of a plan. What is said there is said in the person's own room.
func planScene(v viewer, p *slipway.Plan) scene {
	return scene{
		Room: roomRef(directRoomID(v.User.ID)), Direct: true, Act: "/plans/" + p.ID + "/act", Back: "/plans/" + p.ID,
	}
}

func (w *Web) actOnPlan(rw http.ResponseWriter, r *http.Request, v viewer) {
	p, err := w.Commands.Find(r.Context(), r.PathValue("plan"))
	if err == nil {
		err = parseForm(r)
	}
	if err == nil {
		_, err = w.directRoom(r.Context(), v.User.ID)
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.act(rw, r, v, planScene(v, p))
}

func (w *Web) addItems(view *planView, runs []*runView) {
	wire := view.Plan.Wire("", "", w.Commands.Rules(), slipway.Masked)
	for i, it := range view.Plan.Items {
		iv := itemView{Item: it, Row: view.Card.Rows[i]}
		if it.Workflow != nil && it.Workflow.Definition != nil {
			if spec, ok := wire.Jobs[i].Spec.(slipway.HookWorkflow); ok {
				iv.Spec = pretty(spec.Workflow)
			}
		}
		for _, run := range slices.Backward(runs) {
			if run.ItemID == it.ID {
				iv.Runs = append(iv.Runs, run)
			}
		}
		if it.Workflow != nil && it.Workflow.Change != nil {
			iv.Changes = it.Workflow.Change.Lines
		}
		view.Items = append(view.Items, iv)
	}
}

func (w *Web) addLog(ctx context.Context, v viewer, view *planView, cursor string) error {
	page, err := w.Store.Entries(ctx, view.Plan.ID, cursor, entriesShown)
	if err != nil {
		return fmt.Errorf("show log: %w", err)
	}
	view.Total = page.Total
	for _, e := range page.Rows {
		view.Entries = append(view.Entries, bot.EntryLine(e, v.Lang))
	}
	if cursor != "" {
		view.Newer = view.Scene.Back + "#history"
	}
	if page.Next != "" {
		view.Older = view.Scene.Back + "?log=" + url.QueryEscape(page.Next) + "#history"
	}
	return nil
}

func (w *Web) addDeliveries(ctx context.Context, v viewer, view *planView) error {
	deliveries, err := w.Store.Deliveries(ctx, view.Plan.ID)
	if err != nil {
		return fmt.Errorf("show deliveries: %w", err)
	}
	slices.Reverse(deliveries)
	card := bot.HooksCard(view.Plan, deliveries, w.view(v))
	for i, d := range deliveries {
		for j := range d.Attempts {
			a := &d.Attempts[j]
			a.Error, a.Answer, a.Sent, a.AnswerHead = d.Hide(a.Error), d.Hide(a.Answer), d.Hide(a.Sent), d.Hide(a.AnswerHead)
		}
		dv := deliveryView{Delivery: d, Body: d.Shown()}
		if i < len(card.Rows) {
			dv.Row = card.Rows[i]
		}
		view.Deliveries = append(view.Deliveries, dv)
	}
	return nil
}

// pretty shows a value as JSON that people can read.
func pretty(value any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

// finished counts the items of a plan that are done or skipped.
func finished(p *slipway.Plan) int {
	n := 0
	for _, it := range p.Items {
		if it.Status == slipway.Done || it.Status == slipway.Skipped {
			n++
		}
	}
	return n
}
