package webhook

import (
	"net/http"
	"strings"
	"testing"
)

func TestSendAddsZadigsHeaders(t *testing.T) {
	t.Parallel()
	var got []http.Header
	d := receiver(t, func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header) })
	d.Secrets, d.Compat = nil, CompatZadig
	d.Token, d.Instance, d.Event = "hook-secret", "https://slipway.example.com", "release_plan"
	s := newTestSender(t, SenderConfig{})
	for _, id := range []string{"msg_1", "msg_1", "msg_2"} {
		d.ID = id
		if a := s.Send(t.Context(), d); a.Outcome != Delivered {
			t.Fatalf("Send = %+v", a)
		}
	}
	for name, want := range map[string]string{
		"X-Zadig-Token": "hook-secret", "X-Zadig-Instance": "https://slipway.example.com", "X-Zadig-Event": "release_plan",
		"Content-Type": "application/json", "Webhook-Id": "msg_1", "Webhook-Signature": "",
	} {
		if value := got[0].Get(name); value != want {
			t.Errorf("%s = %q, want %q", name, value, want)
		}
	}
	for _, name := range []string{"X-Zadig-Event-UUID", "X-Zadig-Webhook-UUID"} {
		first, again, other := got[0].Get(name), got[1].Get(name), got[2].Get(name)
		if len(first) != 36 || first != again || first == other {
			t.Errorf("%s: %q, again %q, other delivery %q", name, first, again, other)
		}
	}
	if got[0].Get("X-Zadig-Event-UUID") == got[0].Get("X-Zadig-Webhook-UUID") {
		t.Error("both ids are the same")
	}

	d.Token = ""
	if s.Send(t.Context(), d); len(got[3].Values("X-Zadig-Token")) != 1 {
		t.Error("Zadig sends its token header even when it is empty")
	}
	d.Token = "a\r\nX-Evil: 1"
	if a := s.Send(t.Context(), d); a.Outcome != Retry || len(got) != 4 {
		t.Errorf("token with a line break: %+v, %d requests", a, len(got))
	}
}

func TestCheckHeaders(t *testing.T) {
	t.Parallel()
	good := map[string]string{"Authorization": "Bearer x", "X-Api-Key": "a\tb", "User-Agent": "me", "Cookie": "", "Webhooks": "1", "X-Host": "a", "X-Name": "名"}
	if err := CheckHeaders(good); err != nil {
		t.Errorf("CheckHeaders(good) = %v", err)
	}
	for _, name := range []string{
		"webhook-id", "Webhook-Signature", "WEBHOOK-TIMESTAMP", "Host", "content-length", "Content-Type", "Content-Encoding", "Transfer-Encoding",
		"Accept-Encoding", "connection", "Keep-Alive", "Proxy-Authorization", "TE", "Trailer", "Upgrade", "Expect", "Slipway-Callback",
		"", "a b", "a:b", "X\r\nEvil", "X-Ä",
	} {
		if CheckHeaders(map[string]string{name: "v"}) == nil {
			t.Errorf("header name %q was accepted", name)
		}
	}
	for _, value := range []string{"topsecret\r\nX-Evil: 1", "topsecret\n", "topsecret\r", "topsecret\x00", "topsecret\x7f"} {
		if err := CheckHeaders(map[string]string{"X-A": value}); err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("header value %q: %v", value, err)
		}
	}
	err := CheckHeaders(map[string]string{"Host": "a", "x y": "b"})
	if err == nil || err.Error() != "header Host: set by Slipway itself\nheader \"x y\": not a valid name" {
		t.Errorf("both problems are wanted in one answer, got %v", err)
	}
}
