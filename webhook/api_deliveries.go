package webhook

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// wholeDelivery is a delivery with everything that may be shown of it.
type wholeDelivery struct {
	deliveryBody
	Body string `json:"body"` // without the instance code, credentials masked
}

func newWholeDelivery(d *storage.Delivery) wholeDelivery {
	return wholeDelivery{deliveryBody: newDeliveryBody(d), Body: d.Shown()}
}

// listDeliveries lists the deliveries of all plans, newest first.
func (h *handler) listDeliveries(w http.ResponseWriter, r *http.Request, _ *slipway.User) error {
	f, err := h.deliveryFilter(r)
	if err != nil {
		return err
	}
	page, err := h.Store.SearchDeliveries(r.Context(), f)
	if err != nil {
		return atCursor(err)
	}
	answer := struct {
		Deliveries []deliveryBody `json:"deliveries"`
		Next       string         `json:"next_cursor"`
	}{Deliveries: []deliveryBody{}, Next: page.Next}
	for i := range page.Rows {
		answer.Deliveries = append(answer.Deliveries, newDeliveryBody(&page.Rows[i]))
	}
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// deliveryFilter reads the parameters of a list of deliveries.
func (h *handler) deliveryFilter(r *http.Request) (storage.DeliveryFilter, error) {
	q := readQuery(r, "plan", "endpoint", "event", "state", "since", "until", "limit", "cursor")
	f := storage.DeliveryFilter{
		Endpoint: q.one("endpoint"), Event: slipway.Event(q.one("event")), Since: q.time("since") * 1000, Until: q.time("until") * 1000,
		Limit: int(q.number("limit", 1, maxLimit, defaultLimit)), Cursor: q.one("cursor"),
	}
	for word := range strings.SplitSeq(q.one("state"), ",") {
		state := storage.DeliveryState(strings.TrimSpace(word))
		switch {
		case state == "":
		case !slices.Contains(deliveryStates, state):
			q.Add("state", "pending, delivered, failed or dropped is expected, not %q", "应为 pending、delivered、failed 或 dropped，而不是 %q", cutText(word, 40))
		default:
			f.States = append(f.States, state)
		}
	}
	if f.Event != "" && !slices.Contains(slipway.Events(), f.Event) {
		q.Add("event", "finish_planning, start_execute or all_job_done is expected, not %q",
			"应为 finish_planning、start_execute 或 all_job_done，而不是 %q", cutText(string(f.Event), 40))
	}
	if f.Since != 0 && f.Until != 0 && f.Until <= f.Since {
		q.Add("until", "must be after since", "必须晚于 since")
	}
	if err := q.err(); err != nil {
		return f, err
	}
	if ref := q.one("plan"); ref != "" {
		p, err := h.Commands.Find(r.Context(), ref)
		if err != nil {
			return f, err
		}
		f.PlanID = p.ID
	}
	return f, nil
}

var deliveryStates = []storage.DeliveryState{
	storage.DeliveryPending, storage.DeliveryDelivered, storage.DeliveryFailed, storage.DeliveryDropped,
}

func (h *handler) showDelivery(w http.ResponseWriter, r *http.Request, _ *slipway.User) error {
	d, err := h.Store.Delivery(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, newWholeDelivery(d))
	return nil
}

func (h *handler) exportDeliveries(w http.ResponseWriter, r *http.Request, _ *slipway.User) error {
	f, err := h.deliveryFilter(r)
	if err != nil {
		return err
	}
	return atCursor(ExportDeliveries(w, r, h.Store, h.Log, f))
}

// ExportDeliveries writes the deliveries of a filter as JSON Lines, oldest first, each whole
// as it may be shown. An error says that nothing was written.
func ExportDeliveries(w http.ResponseWriter, r *http.Request, store *storage.Store, log *slog.Logger, f storage.DeliveryFilter) error {
	f.Limit, f.Oldest = maxLimit, true
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for begun := false; ; begun = true {
		page, err := store.SearchDeliveries(r.Context(), f)
		if err != nil && !begun {
			return err
		}
		if err != nil {
			// The answer is under way; cut short, it is not taken for whole.
			log.ErrorContext(r.Context(), "export broke off", "error", err)
			panic(http.ErrAbortHandler)
		}
		if !begun {
			w.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
		}
		for i := range page.Rows {
			if enc.Encode(newWholeDelivery(&page.Rows[i])) != nil {
				return nil //nolint:nilerr // the client has gone
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return nil
		}
	}
}

// replayMany sends all deliveries of a filter again that were given up.
func (h *handler) replayMany(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	f, err := readVerb(w, r)
	if err != nil {
		return err
	}
	f.only("plan", "endpoint", "since", "until", "dry_run")
	want := commands.Replay{Endpoint: f.text("endpoint", 64), Since: f.when("since") * 1000, Until: f.when("until") * 1000, DryRun: f.flag("dry_run")}
	ref := f.text("plan", 64)
	if want.Since != 0 && want.Until != 0 && want.Until <= want.Since {
		f.Add("until", "must be after since", "必须晚于 since")
	}
	if err := f.err(); err != nil {
		return err
	}
	if ref != "" {
		p, err := h.Commands.Find(r.Context(), ref)
		if err != nil {
			return err
		}
		want.PlanID = p.ID
	}
	a, err := ask(r, u, 0)
	if err != nil {
		return err
	}
	done, err := h.Commands.ReplayFailed(r.Context(), a, want)
	if err != nil {
		return err
	}
	status := http.StatusAccepted
	if want.DryRun {
		status = http.StatusOK
	}
	writeJSON(w, status, done)
	return nil
}

// flag returns a field that is true or false; false if it is absent or null.
func (f *form) flag(key string) bool {
	switch string(f.fields[key]) {
	case "", "null", "false":
		return false
	case "true":
		return true
	}
	f.Add(key, "true or false is expected", "应为 true 或 false")
	return false
}

// when returns a time in Unix seconds; 0 if it is absent or null.
func (f *form) when(key string) int64 {
	raw := f.fields[key]
	if len(raw) == 0 || raw[0] == 'n' {
		return 0
	}
	text := string(raw)
	if raw[0] == '"' {
		_ = json.Unmarshal(raw, &text) // what is no text is no time either
	}
	at, err := parseTime(text)
	if err != nil {
		f.Add(key, "a time with its zone is expected, for example 2026-11-24T22:00:00+08:00, or Unix seconds",
			"应为带时区的时间，例如 2026-11-24T22:00:00+08:00，或 Unix 秒数")
	}
	return at
}
