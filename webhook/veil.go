package webhook

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxAnswer = 4 << 10
	maxErr    = 500

	minVeiled      = 4 // shorter values would blot out ordinary text
	minVeiledQuery = 8 // most query values are no secrets
)

// veil masks what the endpoint's configuration keeps to itself, wherever an answer
// or an error repeats it: receivers that echo requests are common, and attempts are
// shown to people who may not see the configuration. It lists the words, the longer
// ones first, since one may be part of another.
type veil []string

func newVeil(d Delivery) veil {
	var v veil
	for _, secret := range d.Secrets {
		v = v.with(strings.TrimPrefix(secret, secretPrefix), minVeiled)
	}
	if d.Compat == CompatZadig {
		v = v.with(d.Token, minVeiled)
	}
	for name, value := range d.Headers {
		if harmless(name) {
			continue
		}
		_, credential, _ := strings.Cut(value, " ") // without "Bearer"
		v = v.with(value, minVeiled).with(credential, minVeiled)
	}
	if u, err := url.Parse(d.URL); err == nil {
		password, _ := u.User.Password()
		v = v.with(password, minVeiled).with(u.RawQuery, minVeiledQuery)
		for _, values := range u.Query() {
			for _, value := range values {
				v = v.with(value, minVeiledQuery).with(url.QueryEscape(value), minVeiledQuery)
			}
		}
	}
	slices.SortFunc(v, func(a, b string) int { return len(b) - len(a) })
	return v
}

func (v veil) with(word string, least int) veil {
	if len(word) < least {
		return v
	}
	return append(v, word)
}

func (v veil) mask(text string) string {
	for _, word := range v {
		text = strings.ReplaceAll(text, word, "***")
	}
	return text
}

// harmless names configured headers whose values are no secrets.
func harmless(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Accept", "Accept-Language", "User-Agent":
		return true
	}
	return false
}

// answerText makes an answer's body fit to keep and to show.
func answerText(h http.Header, body []byte) string {
	if e := h.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return "(compressed answer, not shown)" // we asked for a plain one
	}
	return cleanText(string(body))
}

// cleanText makes text valid UTF-8 without NUL, which Postgres cannot keep.
func cleanText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// cutText returns at most limit bytes of clean text and cuts no character in two.
func cutText(text string, limit int) string {
	text = cleanText(text)
	if len(text) <= limit {
		return text
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
