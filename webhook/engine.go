package webhook

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"slipway"
)

// EngineNotice is what a workflow engine tells of its runs, as it came. Whether it is
// genuine is for the engine's adapter to say: each engine signs in its own way.
type EngineNotice struct {
	Header http.Header
	Query  url.Values
	Body   []byte
}

// EngineNotices hears what workflow engines tell.
type EngineNotices interface {
	// Hear takes a notice of the engine with the name. It refuses with NotFound if
	// there is no such engine, Unauthenticated if the notice is not genuine and Invalid
	// if it cannot be understood. Once it returns nil the notice is not lost.
	Hear(ctx context.Context, engine string, n EngineNotice) error
}

// engineNotice takes a notice of a workflow engine. Only what an engine's adapter does
// not take counts against its sender: an engine tells of all its runs from one address.
// Notices are hints, so an engine that is told to wait loses nothing.
func (h *handler) engineNotice(w http.ResponseWriter, r *http.Request) (err error) {
	if wait := h.senders.look(r.RemoteAddr, h.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		return slipway.Refuse(slipway.TooMany, "Too many notices from this address. Retry-After says when to try again.",
			"来自该地址的通知过于频繁，请在 Retry-After 指定的时间之后重试。")
	}
	defer func() {
		if err != nil {
			h.senders.wait(r.RemoteAddr, h.Now())
		}
	}()
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	name := r.PathValue("engine")
	if h.Engines == nil {
		return slipway.Refuse(slipway.NotFound, "There is no engine %q here.", "没有名为 %q 的引擎。", cutText(name, 40))
	}
	if err := h.Engines.Hear(r.Context(), name, EngineNotice{Header: r.Header, Query: r.URL.Query(), Body: body}); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Message string `json:"message"`
	}{"success"})
	return nil
}
