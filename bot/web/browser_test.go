package web_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"slipway"
)

// browser is somebody's browser: it keeps cookies and follows redirects.
type browser struct {
	w      *world
	client *http.Client
	header http.Header
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w: w, client: &http.Client{Jar: jar}, header: http.Header{"Sec-Fetch-Site": {"same-origin"}}}
}

// signIn opens a fresh one-time link and presses the button.
func (w *world) signIn(u *slipway.User) *browser {
	w.t.Helper()
	secret, err := w.cmds.NewLink(w.t.Context(), u, u.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	b := w.browser()
	b.get("/signin?token=" + secret).form("").send()
	return b
}

// view is a page that came back.
type view struct {
	b      *browser
	status int
	path   string
	header http.Header
	body   string
	doc    *html.Node
}

func (b *browser) do(method, path, kind string, body io.Reader) *view {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), method, b.w.server.URL+path, body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	for name, values := range b.header {
		r.Header[name] = values
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(data)))
	if err != nil {
		b.w.t.Fatal(err)
	}
	return &view{b: b, status: resp.StatusCode, path: resp.Request.URL.RequestURI(), header: resp.Header, body: string(data), doc: doc}
}

func (b *browser) get(path string) *view {
	b.w.t.Helper()
	return b.do(http.MethodGet, path, "", http.NoBody)
}

func (b *browser) post(path string, fields url.Values) *view {
	b.w.t.Helper()
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(fields.Encode()))
}

// inRoom types a line into a room.
func (b *browser) inRoom(room, text string) *view {
	b.w.t.Helper()
	f := b.get("/rooms/" + room).form("/say")
	f.fields.Set("text", text)
	return f.send()
}

// text is what a person reads, with single spaces.
func (v *view) text() string { return textOf(v.doc) }

func textOf(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data + " ")
		case n.Type == html.ElementNode && (n.Data == "script" || n.Data == "style" || n.Data == "template"):
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return strings.Join(strings.Fields(b.String()), " ")
}

// each calls f for every element of a page.
func (v *view) each(f func(*html.Node)) {
	for n := range v.doc.Descendants() {
		if n.Type == html.ElementNode {
			f(n)
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// formOf is a form as it stands in a page, ready to be filled in and sent.
type formOf struct {
	b      *browser
	action string
	fields url.Values
}

// form finds the form whose action ends in what is given, or that has a button or a
// heading with these words; "" is the first.
func (v *view) form(which string) *formOf {
	v.b.w.t.Helper()
	var found *formOf
	v.each(func(n *html.Node) {
		if n.Data != "form" || found != nil {
			return
		}
		if which == "" || strings.HasPrefix(which, "/") && strings.HasSuffix(attr(n, "action"), which) || strings.Contains(textOf(n), which) {
			found = &formOf{b: v.b, action: attr(n, "action"), fields: fieldsIn(n)}
		}
	})
	if found == nil {
		v.b.w.t.Fatalf("%s has no form %q:\n%s", v.path, which, v.text())
	}
	return found
}

func fieldsIn(form *html.Node) url.Values {
	fields := url.Values{}
	for n := range form.Descendants() {
		name := attr(n, "name")
		switch {
		case n.Type != html.ElementNode || name == "" || within(n, "template"):
		case n.Data == "textarea":
			fields.Add(name, strings.TrimPrefix(textNode(n), "\n"))
		case n.Data == "select":
			fields.Add(name, chosen(n))
		case n.Data == "input" && attr(n, "type") == "checkbox":
			if has(n, "checked") {
				fields.Add(name, attr(n, "value"))
			}
		case n.Data == "input":
			fields.Add(name, attr(n, "value"))
		}
	}
	return fields
}

func within(n *html.Node, tag string) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Data == tag {
			return true
		}
	}
	return false
}

func textNode(n *html.Node) string {
	if n.FirstChild == nil {
		return ""
	}
	return n.FirstChild.Data
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func chosen(n *html.Node) string {
	value, first := "", true
	for o := range n.Descendants() {
		if o.Data == "option" && (first || has(o, "selected")) {
			value, first = attr(o, "value"), false
		}
	}
	return value
}

func (f *formOf) set(name, value string) *formOf {
	f.fields.Set(name, value)
	return f
}

func (f *formOf) send() *view {
	f.b.w.t.Helper()
	return f.b.post(f.action, f.fields)
}
