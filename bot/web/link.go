package web

import (
	"net/http"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// linkView is what the page shows on which an account of a chat platform becomes a
// person's.
type linkView struct {
	User     *slipway.User
	Platform slipway.Text
	Account  storage.Account
	Token    string
	Warnings []slipway.Text
	Error    string
	Done     bool
}

// linkPage asks the person. Programs that look at links must not use them up, so only the
// form does that.
func (w *Web) linkPage(rw http.ResponseWriter, r *http.Request, v viewer) {
	w.askLink(rw, r, v, r.URL.Query().Get("token"), nil)
}

func (w *Web) askLink(rw http.ResponseWriter, r *http.Request, v viewer, token string, refusal error) {
	l, err := w.Commands.AccountLink(r.Context(), token)
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	view := linkView{User: v.User, Platform: bot.PlatformText(bot.PlatformID(l.Account.Platform)), Account: l.Account, Token: token}
	switch {
	case l.Owner != nil && l.Owner.ID == v.User.ID:
		view.Done = true
	case l.Owner != nil:
		view.Warnings = append(view.Warnings, slipway.T(
			"The account belongs to %[1]s (%[2]s) now and is taken from them.", "该账号目前属于 %[1]s（%[2]s），关联后将从其名下移走。", l.Owner.Name, l.Owner.Email))
	}
	if has := accountOn(v.User, l.Account.Platform); has != "" && has != l.Account.ID {
		view.Warnings = append(view.Warnings, slipway.T(
			"You have another %[1]s account, %[2]s. It is no longer yours then.", "您已有另一个%[1]s账号 %[2]s，关联后它将不再属于您。", view.Platform, has))
	}
	status := http.StatusOK
	if refusal != nil {
		view.Error, status = slipway.TextOf(refusal).In(v.Lang), statusOf(slipway.CodeOf(refusal))
	}
	w.render(rw, r, status, "link", page{Title: v.say("Link your account", "关联账号"), V: v, Body: view})
}

func accountOn(u *slipway.User, platform string) string {
	switch bot.PlatformID(platform) {
	case bot.Slack:
		return u.SlackID
	case bot.Feishu:
		return u.FeishuOpenID
	case bot.Web:
	}
	return ""
}

// link makes the account the person's.
func (w *Web) link(rw http.ResponseWriter, r *http.Request, v viewer) {
	if err := parseForm(r); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	token := r.PostForm.Get("token")
	a, err := w.Commands.LinkAccount(r.Context(), v.User, token)
	if slipway.CodeOf(err) == slipway.Conflict {
		w.askLink(rw, r, v, token, err)
		return
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.Log.InfoContext(r.Context(), "linked account", "user", v.User.Name, "user_id", v.User.ID, "platform", a.Platform, "account", a.ID)
	w.render(rw, r, http.StatusOK, "link", page{Title: v.say("Linked", "已关联"), V: v, Body: linkView{
		User: v.User, Platform: bot.PlatformText(bot.PlatformID(a.Platform)), Account: a, Done: true,
	}})
}
