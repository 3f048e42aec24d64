package mailtest

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
)

// Letter is a mail taken apart, as a mail program does it.
type Letter struct {
	Header     netmail.Header
	Subject    string
	Text, HTML string
}

// Read takes a mail apart. It has to be a text and the same as HTML, in this order.
func Read(t testing.TB, m Mail) Letter {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		t.Fatalf("the mail cannot be read: %v\n%s", err, m.Raw)
	}
	l := Letter{Header: msg.Header}
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		t.Fatalf("the subject cannot be read: %v", err)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the mail is a %s: %v", kind, err)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	l.Text, l.HTML = part(t, parts, "text/plain"), part(t, parts, "text/html")
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("the mail has more parts: %v", err)
	}
	return l
}

func part(t testing.TB, parts *multipart.Reader, want string) string {
	t.Helper()
	p, err := parts.NextRawPart()
	if err != nil {
		t.Fatalf("the mail has no %s: %v", want, err)
	}
	if kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Type")); err != nil || kind != want || !strings.EqualFold(params["charset"], "utf-8") {
		t.Fatalf("a part is %s %v, want %s: %v", kind, params, want, err)
	}
	var body io.Reader
	switch encoding := p.Header.Get("Content-Transfer-Encoding"); encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(p)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, p)
	default:
		t.Fatalf("%s is encoded as %q", want, encoding)
	}
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("%s cannot be read: %v", want, err)
	}
	return strings.ReplaceAll(string(data), "\r\n", "\n")
}
