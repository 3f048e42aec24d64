package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

//go:embed templates
var templateFiles embed.FS

// page is what every template is given.
type page struct {
	Title string
	Nav   string // the entry of the navigation that is marked
	V     viewer
	Live  string // the query of /live that keeps the page fresh; "" for none
	Path  string // where the person is; "" for a page that answers a GET: its own address
	Press string // the id of an event made on this page
	Body  any
}

// loadPages parses the templates once per language, so that they can say things in
// both: {{say "Plans" "发布计划"}}.
func loadPages(w *Web) (map[slipway.Lang]*template.Template, error) {
	pages := map[slipway.Lang]*template.Template{}
	for _, lang := range []slipway.Lang{slipway.English, slipway.Chinese} {
		t := template.New("").Funcs(template.FuncMap{
			"say": func(en, zh string, args ...any) string { return slipway.T(en, zh, args...).In(lang) },
			"in":  func(t slipway.Text) string { return t.In(lang) },
			"lang": func() string {
				if lang == slipway.Chinese {
					return "zh-CN"
				}
				return "en"
			},
			"mails":    func() bool { return w.Mails },
			"asset":    w.assets.url,
			"tone":     toneOf,
			"sign":     signOf,
			"step":     stepOf,
			"mark":     markOf,
			"weblink":  webLink,
			"hasEmpty": hasEmpty,
			"markdown": func(m bot.Markdown) template.HTML {
				return template.HTML(w.HTML(string(m))) //nolint:gosec // the renderer sanitises
			},
			"press":    func() string { return w.random(16) },
			"initials": initials,
			"finished": finished,
			"version":  func() string { return w.Version },
			"dict":     dict,
			"json": func(value any) (string, error) {
				b, err := json.Marshal(value)
				return string(b), err
			},
		})
		t, err := t.ParseFS(templateFiles, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("parse templates: %w", err)
		}
		pages[lang] = t
	}
	return pages, nil
}

// dict makes the data of a template out of names and values.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict wants pairs")
	}
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict wants a name, not %v", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// render writes a page: its body inside the frame.
func (w *Web) render(rw http.ResponseWriter, r *http.Request, status int, body string, p page) {
	switch {
	case p.Path != "":
	case r.Method == http.MethodGet:
		p.Path = r.URL.RequestURI()
	default:
		p.Path = "/"
	}
	p.Press = w.random(16)
	inner, err := w.part(p.V.Lang, body, p)
	if err == nil {
		var out bytes.Buffer
		err = w.pages[p.V.Lang].ExecuteTemplate(&out, "frame", struct {
			page
			Inner template.HTML
		}{p, inner})
		if err == nil {
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			rw.WriteHeader(status)
			_, _ = out.WriteTo(rw)
			return
		}
	}
	w.Log.ErrorContext(r.Context(), "render page", "page", body, "error", err)
	http.Error(rw, slipway.TextOf(err).In(p.V.Lang), http.StatusInternalServerError)
}

// part renders one template alone.
func (w *Web) part(lang slipway.Lang, name string, data any) (template.HTML, error) {
	var b bytes.Buffer
	if err := w.pages[lang].ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // html/template made it
}

// fail tells a person about an error, as a page or as a toast, and the log about what
// is not for people.
func (w *Web) fail(rw http.ResponseWriter, r *http.Request, u *slipway.User, err error) {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		err = tooLarge()
	}
	log := w.Log.With("method", r.Method, "path", r.URL.Path)
	switch {
	case r.Context().Err() != nil:
		log.InfoContext(r.Context(), "client has gone")
		return
	case slipway.CodeOf(err) != slipway.Internal:
	case storage.Unreachable(err):
		log.WarnContext(r.Context(), "answer request", "error", err)
		err = slipway.Refuse(slipway.Unavailable, "The database does not answer at the moment. Please try again shortly.",
			"数据库暂时没有响应，请稍后重试。")
	default:
		log.ErrorContext(r.Context(), "answer request", "error", err)
	}
	code := slipway.CodeOf(err)
	v := w.stranger(r)
	if u != nil {
		v = w.viewer(u)
	}
	text := slipway.TextOf(err).In(v.Lang)
	if r.Header.Get("Hx-Request") != "" {
		rw.Header().Set("Hx-Reswap", "none")
		w.toast(rw, r, v, statusOf(code), "failed", text)
		return
	}
	w.render(rw, r, statusOf(code), "error", page{
		Title: v.say("This did not work", "操作未完成"), V: v,
		Body: struct {
			Text     string
			Problems []slipway.Problem
		}{text, slipway.ProblemsOf(err)},
	})
}

// toast answers a press with a line for the person alone.
func (w *Web) toast(rw http.ResponseWriter, r *http.Request, v viewer, status int, tone, text string) {
	html, err := w.part(v.Lang, "toast", dictOf("Tone", tone, "Text", text))
	if err != nil {
		w.Log.ErrorContext(r.Context(), "render toast", "error", err)
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = rw.Write([]byte(html))
}

func dictOf(pairs ...any) map[string]any {
	m, err := dict(pairs...)
	if err != nil {
		panic(err) // the pairs are written in this package
	}
	return m
}

func (w *Web) unknownPage(rw http.ResponseWriter, r *http.Request, v viewer) {
	w.fail(rw, r, v.User, slipway.Refuse(slipway.NotFound, "There is no such page.", "没有这个页面。"))
}

// parseForm reads a form of either encoding.
func parseForm(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return tooLarge()
		}
		return slipway.Refuse(slipway.Invalid, "The form could not be read.", "无法读取表单。").Because(err)
	}
	return nil
}
