package webhook

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/http/httpguts"
)

// HeaderCallback holds the address at which this one question can be answered, for
// endpoints that want it.
const HeaderCallback = "Slipway-Callback-Url"

// CompatZadig is the setting compat of an endpoint that was written for Zadig. It
// adds the five headers that Zadig sends. The two ids, random there, are derived
// from the delivery's id here, so a receiver can tell a double by them.
const CompatZadig = "zadig"

// reserved are the headers that carry the meaning of the request or belong to the
// connection. Those with a "-" at the end stand for every name that begins so.
var reserved = []string{
	"webhook-", "slipway-", "proxy-",
	"host", "content-type", "content-length", "content-encoding", "transfer-encoding", "accept-encoding",
	"connection", "keep-alive", "te", "trailer", "upgrade", "expect",
}

// CheckHeaders returns nil or all that is wrong with an endpoint's configured
// headers: names and values that are not valid in HTTP (line breaks above all), and
// names that Slipway sets itself. Authorization is allowed. The error holds the names
// and never a value.
func CheckHeaders(headers map[string]string) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			problems = append(problems, fmt.Errorf("header %q: not a valid name", name))
		case isReserved(name):
			problems = append(problems, fmt.Errorf("header %s: set by Slipway itself", name))
		case !httpguts.ValidHeaderFieldValue(headers[name]):
			problems = append(problems, fmt.Errorf("header %s: the value holds a line break or another control character", name))
		}
	}
	return errors.Join(problems...)
}

func isReserved(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(reserved, func(r string) bool {
		return name == r || strings.HasSuffix(r, "-") && strings.HasPrefix(name, r)
	})
}

// header builds the request's header: the configuration's first, so that nothing in
// it can stand in for what Slipway says itself.
func (s *Sender) header(d Delivery, at time.Time) (http.Header, error) {
	if !validID(d.ID) {
		return nil, ErrBadID
	}
	if err := CheckHeaders(d.Headers); err != nil {
		return nil, err
	}
	h := make(http.Header, len(d.Headers)+12)
	h["User-Agent"] = []string{s.agent}
	h["Accept"] = []string{"application/json"}
	// Present but empty: tells the transport that a request which met a connection
	// the receiver had just closed may be sent again at once. Not sent itself.
	h["Idempotency-Key"] = []string{}
	for name, value := range d.Headers {
		h.Set(name, value)
	}
	h["Content-Type"] = []string{"application/json"}
	h["Accept-Encoding"] = []string{"identity"}
	h[HeaderID] = []string{d.ID}
	h[HeaderTimestamp] = []string{strconv.FormatInt(at.Unix(), 10)}
	if len(d.Secrets) > 0 {
		signature, err := Sign(d.Secrets, d.ID, at, d.Body)
		if err != nil {
			return nil, fmt.Errorf("sign delivery: %w", err)
		}
		h[HeaderSignature] = []string{signature}
	}
	if d.CallbackURL != "" {
		h[HeaderCallback] = []string{d.CallbackURL}
	}
	if d.Compat == CompatZadig {
		return h, zadigHeaders(h, d)
	}
	return h, nil
}

// sentHead shows the head of a request to people: what is configured is masked where it
// may be secret.
func sentHead(h http.Header, d Delivery) string {
	shown := h.Clone()
	for name := range d.Headers {
		if !harmless(name) {
			shown.Set(name, "***")
		}
	}
	for _, name := range []string{"X-Zadig-Token", HeaderCallback} {
		if shown.Get(name) != "" {
			shown.Set(name, "***")
		}
	}
	return headText(shown)
}

// headText writes a head down, one header a line, in order.
func headText(h http.Header) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			_, _ = fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	return cutText(b.String(), maxAnswer)
}

func zadigHeaders(h http.Header, d Delivery) error {
	for _, f := range []struct{ name, value string }{
		{"X-Zadig-Token", d.Token},
		{"X-Zadig-Instance", d.Instance},
		{"X-Zadig-Event", d.Event},
		{"X-Zadig-Event-Uuid", derivedUUID("event", d.ID)},
		{"X-Zadig-Webhook-Uuid", derivedUUID("webhook", d.ID)},
	} {
		if !httpguts.ValidHeaderFieldValue(f.value) {
			return fmt.Errorf("header %s: the value holds a line break or another control character", f.name)
		}
		h.Set(f.name, f.value)
	}
	return nil
}

func derivedUUID(kind, id string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("slipway:"+kind+":"+id)).String()
}

// digits tells whether the text is a number without sign or fraction.
func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
