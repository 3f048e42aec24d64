package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"slipway"
	"slipway/commands"
)

// sessionCookie holds the secret of a session, langCookie the language of a person
// who has not signed in.
const (
	sessionCookie = "slipway_session"
	langCookie    = "slipway_lang"
)

// signedHandler answers a person who has signed in.
type signedHandler func(http.ResponseWriter, *http.Request, viewer)

// signed lets people who have signed in through and sends the others to the door.
func (w *Web) signed(h signedHandler) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		u, err := w.whoIs(r)
		switch {
		case slipway.CodeOf(err) == slipway.Unauthenticated:
			w.toDoor(rw, r)
		case err != nil:
			w.fail(rw, r, nil, err)
		default:
			h(rw, r, w.viewer(u))
		}
	}
}

func (w *Web) adminOnly(h signedHandler) signedHandler {
	return func(rw http.ResponseWriter, r *http.Request, v viewer) {
		if v.User.Role != slipway.RoleAdmin {
			w.fail(rw, r, v.User, slipway.Refuse(slipway.Forbidden,
				"Only admins can open this page.", "只有管理员可以打开此页面。"))
			return
		}
		h(rw, r, v)
	}
}

func (w *Web) whoIs(r *http.Request) (*slipway.User, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || c.Value == "" {
		return nil, slipway.Refuse(slipway.Unauthenticated, "Please sign in.", "请登录。")
	}
	return w.Commands.Session(r.Context(), c.Value)
}

// toDoor asks for a sign-in and remembers where the person wanted to go.
func (w *Web) toDoor(rw http.ResponseWriter, r *http.Request) {
	door := "/signin"
	if r.Method == http.MethodGet && r.URL.Path != "/" && r.URL.Path != "/live" && r.Header.Get("Hx-Request") == "" {
		door += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	switch {
	case r.Header.Get("Hx-Request") != "":
		rw.Header().Set("Hx-Redirect", door)
		rw.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == "/live" || strings.HasPrefix(r.URL.Path, "/queues/api/"):
		http.Error(rw, "sign in", http.StatusUnauthorized)
	default:
		http.Redirect(rw, r, door, http.StatusSeeOther)
	}
}

// door is what the sign-in page shows.
type door struct {
	Owner *slipway.User // whose link it is; nil: a token is asked for
	Token string
	Next  string
	Error string
}

// signInPage shows the door. A one-time link only asks here: programs that look at
// links in mails and chats must not use it up, nor sign anybody in.
func (w *Web) signInPage(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if l := q.Get("lang"); l != "" {
		http.SetCookie(rw, &http.Cookie{ //nolint:gosec // Secure as soon as the console is reached by https
			Name: langCookie, Value: string(slipway.ParseLang(l)), Path: "/", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, Secure: w.secure, SameSite: http.SameSiteLaxMode,
		})
	}
	d := door{Token: q.Get("token"), Next: safeNext(q.Get("next"))}
	status := http.StatusOK
	if d.Token != "" {
		u, err := w.Commands.Owner(r.Context(), d.Token)
		if err != nil {
			w.fail(rw, r, nil, err)
			return
		}
		if me, err := w.whoIs(r); err == nil && (u == nil || u.ID == me.ID) {
			// They are inside already, and the link stays as it is.
			http.Redirect(rw, r, d.Next, http.StatusSeeOther)
			return
		}
		if d.Owner = u; u == nil {
			d.Token, status = "", http.StatusUnauthorized
			d.Error = commands.DeadLink().In(w.langOf(r, nil))
		}
	}
	w.renderDoor(rw, r, status, d)
}

func (w *Web) renderDoor(rw http.ResponseWriter, r *http.Request, status int, d door) {
	v := w.stranger(r)
	if d.Owner != nil && r.URL.Query().Get("lang") == "" {
		v.Lang = d.Owner.Locale
	}
	w.render(rw, r, status, "signin", page{Title: v.say("Sign in", "登录"), V: v, Body: d})
}

// signIn takes a link's secret or a token and begins a session.
func (w *Web) signIn(rw http.ResponseWriter, r *http.Request) {
	if err := parseForm(r); err != nil {
		w.fail(rw, r, nil, err)
		return
	}
	token, next := strings.TrimSpace(r.PostForm.Get("token")), safeNext(r.PostForm.Get("next"))
	u, session, err := w.Commands.SignIn(r.Context(), token)
	if code := slipway.CodeOf(err); code == slipway.Unauthenticated || code == slipway.NotFound {
		w.renderDoor(rw, r, http.StatusUnauthorized, door{Next: next, Error: slipway.TextOf(err).In(w.langOf(r, nil))})
		return
	}
	if err != nil {
		w.fail(rw, r, nil, err)
		return
	}
	http.SetCookie(rw, w.cookie(session, int(commands.SessionLife.Seconds())))
	w.Log.InfoContext(r.Context(), "signed in", "user", u.Name, "user_id", u.ID)
	http.Redirect(rw, r, next, http.StatusSeeOther) //nolint:gosec // safeNext keeps it here
}

func (w *Web) signOut(rw http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		if err := w.Commands.SignOut(r.Context(), c.Value); err != nil {
			w.fail(rw, r, nil, err)
			return
		}
	}
	http.SetCookie(rw, w.cookie("", -1))
	http.Redirect(rw, r, "/signin", http.StatusSeeOther)
}

func (w *Web) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure as soon as the console is reached by https
		Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: w.secure, SameSite: http.SameSiteLaxMode,
	}
}

// safeNext returns a path of this console, "/" for anything else.
func safeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n") {
		return "/"
	}
	return next
}

// langOf is the language for a person: the user's, else what the browser asks for.
func (w *Web) langOf(r *http.Request, u *slipway.User) slipway.Lang {
	if u != nil {
		return slipway.ParseLang(string(u.Locale))
	}
	if l := r.URL.Query().Get("lang"); l != "" {
		return slipway.ParseLang(l)
	}
	if c, err := r.Cookie(langCookie); err == nil {
		return slipway.ParseLang(c.Value)
	}
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if l := strings.ToLower(tag); strings.HasPrefix(l, "zh") || strings.HasPrefix(l, "en") {
			return slipway.ParseLang(l)
		}
	}
	return slipway.English
}

// changeMe takes the person's own language and time zone, and whether they want mails.
func (w *Web) changeMe(rw http.ResponseWriter, r *http.Request, v viewer) {
	if err := parseForm(r); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	u := *v.User
	if l := r.PostForm.Get("locale"); l != "" {
		u.Locale, u.LocaleGuessed = slipway.ParseLang(l), false
	}
	if zone := strings.TrimSpace(r.PostForm.Get("time_zone")); zone != "" {
		if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
			w.again(rw, r, v, againView{Label: v.say("Time zone", "时区"), Name: "time_zone", Back: safeNext(r.PostForm.Get("next"))}, slipway.Refuse(slipway.Invalid,
				"There is no time zone %q. Use an IANA name, for example Asia/Shanghai.", "没有时区 %q，请使用 IANA 名称，例如 Asia/Shanghai。", zone))
			return
		}
		u.TimeZone = zone
	}
	if mail := r.PostForm.Get("mail"); mail != "" {
		u.NoMail = mail == "off"
	}
	if err := w.Commands.SaveUser(r.Context(), v.User, &u); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	http.Redirect(rw, r, safeNext(r.PostForm.Get("next")), http.StatusSeeOther) //nolint:gosec // safeNext keeps it here
}
