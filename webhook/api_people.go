package webhook

import (
	"net/http"

	"slipway"
)

// transferPlan passes the caller's place as an approver to another user.
func (h *handler) transferPlan(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	id, _, err := h.Commands.Refer(r.Context(), r.PathValue("id"), "")
	if err != nil {
		return err
	}
	f, err := readFields(w, r, "to", "comment", "version")
	if err != nil {
		return err
	}
	comment, version := f.text("comment", slipway.MaxComment), f.version("version")
	to, err := h.userIn(r, f, "to")
	if err != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	a, err := ask(r, u, version)
	if err != nil {
		return err
	}
	out, err := h.Commands.Transfer(r.Context(), a, id, to, comment)
	if err != nil {
		return err
	}
	return h.answer(w, r, u, http.StatusOK, out.Plan)
}

// userIn reads a field that names a user by name, e-mail or id.
func (h *handler) userIn(r *http.Request, f *form, key string) (*slipway.User, error) {
	who := f.needed(key, maxEmail, "a user's name, e-mail or id", "用户的姓名、邮箱或 ID")
	if who == "" || f.Len() > 0 {
		return nil, nil //nolint:nilnil // what is wrong stands in the form
	}
	found, err := h.Commands.FindUser(r.Context(), who)
	if slipway.CodeOf(err) == slipway.Internal {
		return nil, err
	}
	if err != nil {
		f.Append(slipway.Problem{Path: key, Text: slipway.TextOf(err)})
	}
	return found, nil
}

// awayBody is who decides in somebody's place for a while.
type awayBody struct {
	Of    slipway.PersonRef `json:"of"`
	To    slipway.PersonRef `json:"to"`
	Start int64             `json:"start"`
	End   int64             `json:"end"`
}

// showAway lists who stands in for whom: for admins all of it, for others what concerns
// them.
func (h *handler) showAway(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	known, err := h.Commands.Delegations(r.Context())
	if err != nil {
		return err
	}
	list := []awayBody{}
	for _, d := range known {
		if u.Role == slipway.RoleAdmin || d.Of.ID == u.ID || d.To.ID == u.ID {
			list = append(list, awayBody(d))
		}
	}
	writeJSON(w, http.StatusOK, map[string][]awayBody{"away": list})
	return nil
}

// putAway says that the caller, or for admins anybody, is away.
func (h *handler) putAway(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	of, err := h.userOf(r, u)
	if err != nil {
		return err
	}
	f, err := readFields(w, r, "to", "start", "end")
	if err != nil {
		return err
	}
	start, end := f.when("start"), f.when("end")
	to, err := h.userIn(r, f, "to")
	if err != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	if start == 0 {
		start = h.Now().Unix()
	}
	d, _, err := h.Commands.Away(r.Context(), u, of, to, start, end)
	if err != nil {
		return err
	}
	h.Log.InfoContext(r.Context(), "delegation set", "user", d.Of.ID, "to", d.To.ID, "start", d.Start, "end", d.End, "by", u.ID)
	writeJSON(w, http.StatusOK, awayBody(d))
	return nil
}

// dropAway says that somebody is not away, or will not be.
func (h *handler) dropAway(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	of, err := h.userOf(r, u)
	if err != nil {
		return err
	}
	news, err := h.Commands.Back(r.Context(), u, of)
	if err != nil {
		return err
	}
	if news {
		h.Log.InfoContext(r.Context(), "delegation ended", "user", of.ID, "by", u.ID)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// userOf returns the user whom the path names: "me", a name, an e-mail or an id.
func (h *handler) userOf(r *http.Request, u *slipway.User) (*slipway.User, error) {
	if who := r.PathValue("id"); who != "me" {
		return h.Commands.FindUser(r.Context(), who)
	}
	return u, nil
}
