package web

import (
	"net/http"
	"net/url"

	"slipway"
	"slipway/commands"
)

// peopleView is what the page of people shows.
type peopleView struct {
	Users []*slipway.User
	Form  personForm
	Link  *freshLink
}

// personForm is what was filled in, and what is wrong with it.
type personForm struct {
	commands.NewUser
	Error  string
	Errors map[string]string
}

// freshLink is shown once.
type freshLink struct{ Name, URL, Token string }

func (w *Web) peoplePage(rw http.ResponseWriter, r *http.Request, v viewer) {
	w.showPeople(rw, r, v, http.StatusOK, peopleView{})
}

func (w *Web) showPeople(rw http.ResponseWriter, r *http.Request, v viewer, status int, view peopleView) {
	users, err := w.Store.Users(r.Context())
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	view.Users = users
	if view.Form.TimeZone == "" {
		view.Form.TimeZone = v.User.TimeZone
	}
	if view.Form.Locale == "" {
		view.Form.Locale = string(v.Lang)
	}
	w.render(rw, r, status, "people", page{Title: v.say("People", "人员"), Nav: "people", V: v, Body: view})
}

func (w *Web) addPerson(rw http.ResponseWriter, r *http.Request, v viewer) {
	if err := parseForm(r); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	form := r.PostForm
	n := commands.NewUser{
		Name: form.Get("name"), Email: form.Get("email"), Role: slipway.Role(form.Get("role")),
		Locale: form.Get("locale"), TimeZone: form.Get("time_zone"),
	}
	u, token, err := w.Commands.AddUser(r.Context(), v.User, n)
	if code := slipway.CodeOf(err); code == slipway.Invalid || code == slipway.Conflict {
		f := personForm{NewUser: n, Error: slipway.TextOf(err).In(v.Lang), Errors: map[string]string{}}
		for _, p := range slipway.ProblemsOf(err) {
			f.Errors[p.Path] = p.Text.In(v.Lang)
		}
		w.showPeople(rw, r, v, statusOf(code), peopleView{Form: f})
		return
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.showLink(rw, r, v, u, token)
}

func (w *Web) newLink(rw http.ResponseWriter, r *http.Request, v viewer) {
	u, err := w.Store.User(r.Context(), r.PathValue("user"))
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.showLink(rw, r, v, u, "")
}

// showLink makes a sign-in link and shows it this once.
func (w *Web) showLink(rw http.ResponseWriter, r *http.Request, v viewer, u *slipway.User, token string) {
	secret, err := w.Commands.NewLink(r.Context(), v.User, u.ID)
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.Log.InfoContext(r.Context(), "made sign-in link", "by", v.User.Name, "user", u.Name, "user_id", u.ID)
	w.showPeople(rw, r, v, http.StatusOK, peopleView{Link: &freshLink{Name: u.Name, URL: w.SignInURL(secret), Token: token}})
}

// SignInURL is the address of a one-time link.
func (w *Web) SignInURL(secret string) string {
	return w.PublicURL + "/signin?token=" + url.QueryEscape(secret)
}
