package dingtalk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"slipway/bot/sealed"
)

// maxRef is longer than any id of an instance.
const maxRef = 128

// The types of events that are understood. DingTalk sends the first when the address is
// entered in its console.
const (
	typeCheck    = "check_url"
	typeInstance = "bpms_instance_change"
	typeTask     = "bpms_task_change"
)

// event is what is read of an event. The rest, of which DingTalk writes some now as a
// number and now as a string, does not matter: the instance is looked at.
type event struct {
	Type       string `json:"EventType"`
	InstanceID string `json:"processInstanceId"`
	Definition string `json:"processCode"`
}

// Routes returns the handler of DingTalk's events: POST /dingtalk/events. Without the token
// and the key of the event subscription there is nothing there.
func (d *DingTalk) Routes() http.Handler {
	mux := http.NewServeMux()
	if d.key != nil {
		mux.HandleFunc("POST /dingtalk/events", d.serve)
	}
	return mux
}

// serve takes one event.
func (d *DingTalk) serve(w http.ResponseWriter, r *http.Request) {
	ev, again, err := d.open(w, r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	if again {
		d.Log.InfoContext(r.Context(), "dingtalk event came again", "type", oneLine(ev.Type, 80), "instance", oneLine(ev.InstanceID, 80), "from", r.RemoteAddr)
	} else {
		d.tell(r.Context(), ev)
	}
	if err := d.confirm(w); err != nil {
		d.Log.ErrorContext(r.Context(), "dingtalk event was not confirmed", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// tell passes on that something happened to an instance of the definition.
func (d *DingTalk) tell(ctx context.Context, ev event) {
	ours := ev.Definition == "" || ev.Definition == d.Definition
	if ours && ev.InstanceID != "" && len(ev.InstanceID) <= maxRef && (ev.Type == typeInstance || ev.Type == typeTask) {
		d.Changed(ctx, ev.InstanceID)
		return
	}
	d.Log.DebugContext(ctx, "dingtalk event ignored", "type", oneLine(ev.Type, 80), "instance", oneLine(ev.InstanceID, 80))
}

// open verifies and decrypts an event. again tells that this very request was taken
// before.
func (d *DingTalk) open(w http.ResponseWriter, r *http.Request) (ev event, again bool, err error) {
	body, err := sealed.Body(w, r)
	if err != nil {
		return ev, false, err
	}
	var outer struct {
		Encrypt string `json:"encrypt"`
	}
	if err := json.Unmarshal(body, &outer); err != nil || outer.Encrypt == "" {
		return ev, false, sealed.ErrMalformed
	}
	query, now := r.URL.Query(), d.Now()
	signature := either(query, "signature", "msg_signature")
	if err := verify(d.CallbackToken, either(query, "timestamp", "timeStamp"), query.Get("nonce"), outer.Encrypt, signature, now); err != nil {
		return ev, false, err
	}
	plain, err := unseal(outer.Encrypt, d.key, d.AppKey)
	if err != nil {
		return ev, false, err
	}
	if err := json.Unmarshal(plain, &ev); err != nil || ev.Type == "" {
		return ev, false, sealed.ErrMalformed
	}
	if (ev.Type == typeInstance || ev.Type == typeTask) && (ev.InstanceID == "" || len(ev.InstanceID) > maxRef) {
		return ev, false, sealed.ErrMalformed
	}
	return ev, ev.Type != typeCheck && d.seen.before(signature, now), nil
}

// either returns a parameter that goes by two names: by which depends on the page of
// DingTalk's documentation.
func either(query url.Values, name, other string) string {
	if v := query.Get(name); v != "" {
		return v
	}
	return query.Get(other)
}

// confirm writes the only answer that DingTalk takes for a yes: the word success,
// encrypted and signed.
func (d *DingTalk) confirm(w http.ResponseWriter) error {
	word, err := seal("success", d.key, d.AppKey, d.Rand)
	if err != nil {
		return err
	}
	nonce, err := letters(d.Rand)
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(d.Now().UnixMilli(), 10)
	body, err := json.Marshal(map[string]string{
		"msg_signature": sign(d.CallbackToken, timestamp, nonce, word), "timeStamp": timestamp, "nonce": nonce, "encrypt": word,
	})
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body) // who hung up sends it again
	return nil
}

// refuse answers an event that is not taken, and notes it in one line.
func (d *DingTalk) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := sealed.Status(err)
	d.Log.WarnContext(r.Context(), "dingtalk event refused", "from", r.RemoteAddr, "status", status, "reason", err)
	http.Error(w, http.StatusText(status), status)
}

// seen remembers the signatures of the events that could still come again.
type seen struct {
	mu sync.Mutex
	at map[string]time.Time
}

// before tells whether a signature was there before, and remembers it.
func (s *seen) before(signature string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, at := range s.at {
		if now.Sub(at) > 2*sealed.Tolerance {
			delete(s.at, other)
		}
	}
	_, again := s.at[signature]
	if !again {
		s.at[signature] = now
	}
	return again
}
