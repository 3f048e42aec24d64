package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynqmon"

	"slipway"
	"slipway/bot"
)

// queuesRoot is where the dashboard of the task queues is.
const queuesRoot = "/queues"

// Queues is asynq's own dashboard. It comes without a sign-in and asks other hosts for
// fonts; here admins alone see it, what they change is recorded, and its page is
// served without anything from outside.
type Queues struct {
	app    *asynqmon.HTTPHandler
	page   []byte
	policy string
}

// NewQueues returns the dashboard of the queues in a Redis. Close it at the end.
func NewQueues(redis asynq.RedisConnOpt) (*Queues, error) {
	q := &Queues{app: asynqmon.New(asynqmon.Options{RootPath: queuesRoot, RedisConnOpt: redis})}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, queuesRoot+"/", http.NoBody)
	if err != nil {
		return nil, err
	}
	var page buffer
	q.app.ServeHTTP(&page, r)
	if page.status != http.StatusOK || !bytes.Contains(page.Bytes(), []byte("</head>")) {
		return nil, errors.New("asynqmon has no page")
	}
	q.page, q.policy = tame(page.Bytes())
	return q, nil
}

// Close ends the dashboard's connections.
func (q *Queues) Close() error { return q.app.Close() }

var (
	outsideLinks  = regexp.MustCompile(`<link[^>]*href="https?://[^>]*>`)
	inlineScripts = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

// wayBack leads from the dashboard, which knows nothing of the console, back to it.
const wayBack = `<a href="/" style="position:fixed;right:16px;bottom:16px;padding:8px 14px;border-radius:8px;` +
	`background:#0b6a84;color:#fff;font:600 14px system-ui,sans-serif;text-decoration:none">← Slipway</a>`

// tame takes the links to other hosts out of asynqmon's page and returns it with a
// policy that lets exactly its own inline scripts run.
func tame(page []byte) ([]byte, string) {
	page = outsideLinks.ReplaceAll(page, nil)
	page = bytes.Replace(page, []byte("</body>"), []byte(wayBack+"</body>"), 1)
	scripts := "'self'"
	for _, m := range inlineScripts.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(m[1])
		scripts += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return page, "default-src 'none'; script-src " + scripts + "; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
}

// buffer is a response that is kept.
type buffer struct {
	bytes.Buffer
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (b *buffer) Header() http.Header {
	if b.header == nil {
		b.header = http.Header{}
	}
	return b.header
}

// WriteHeader implements http.ResponseWriter.
func (b *buffer) WriteHeader(status int) { b.status = status }

// Write implements http.ResponseWriter.
func (b *buffer) Write(p []byte) (int, error) {
	if b.status == 0 {
		b.status = http.StatusOK
	}
	return b.Buffer.Write(p)
}

// queues answers for the dashboard. Whatever changes the queues is recorded first.
func (w *Web) queues(rw http.ResponseWriter, r *http.Request, v viewer) {
	if w.Queues == nil {
		w.fail(rw, r, v.User, slipway.Refuse(slipway.NotFound,
			"This process has no queue dashboard.", "当前进程未启用队列面板。"))
		return
	}
	rw.Header().Set("Content-Security-Policy", w.Queues.policy)
	below := strings.TrimPrefix(path.Clean(r.URL.Path), queuesRoot)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := w.audit(r.Context(), v.User, r.Method, below); err != nil {
			w.Log.ErrorContext(r.Context(), "record change of queues", "error", err)
			http.Error(rw, slipway.TextOf(err).In(v.Lang), http.StatusInternalServerError)
			return
		}
	}
	if strings.HasPrefix(below, "/api/") || path.Ext(below) != "" {
		w.Queues.app.ServeHTTP(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = rw.Write(w.Queues.page)
}

// audit notes who changes the queues: in the log, and in every admin's own room.
func (w *Web) audit(ctx context.Context, u *slipway.User, method, what string) error {
	w.Log.WarnContext(ctx, "queues changed by hand", "user", u.Name, "user_id", u.ID, "method", method, "path", what)
	users, err := w.Store.Users(ctx)
	if err != nil {
		return err
	}
	key := "queues:" + w.random(12)
	for _, admin := range users {
		if admin.Role != slipway.RoleAdmin {
			continue
		}
		lang := slipway.ParseLang(string(admin.Locale))
		title := slipway.T("Task queues changed by hand", "任务队列被手动更改").In(lang)
		card := bot.Card{
			Lang: lang, Title: title, Summary: title,
			Intro: []bot.Line{{{Text: u.Name, Style: bot.Bold}, {Text: ": "}, {Text: method + " " + what, Style: bot.Code}}},
		}
		to := bot.Target{User: bot.UserRef{Platform: bot.Web, ID: admin.ID}}
		if _, err := w.Post(ctx, to, card, key+":"+admin.ID); err != nil {
			return err
		}
	}
	return nil
}
