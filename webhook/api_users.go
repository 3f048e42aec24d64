package webhook

import (
	"fmt"
	"net/http"
	"slices"

	"slipway"
	"slipway/commands"
)

// personBody is what everybody may know of a user.
type personBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (h *handler) me(w http.ResponseWriter, _ *http.Request, u *slipway.User) error {
	writeJSON(w, http.StatusOK, u)
	return nil
}

// listUsers shows admins everything and others the names, which plans are made with.
func (h *handler) listUsers(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	users, err := h.Store.Users(r.Context())
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	list := make([]any, 0, len(users))
	for _, x := range users {
		if u.Role == slipway.RoleAdmin {
			list = append(list, x)
		} else {
			list = append(list, personBody{x.ID, x.Name})
		}
	}
	writeJSON(w, http.StatusOK, map[string][]any{"users": list})
	return nil
}

// addUser makes a user and answers its API token, which cannot be asked for again.
func (h *handler) addUser(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	a, err := ask(r, u, 0)
	if err != nil {
		return err
	}
	f, err := readFields(w, r, "name", "email", "role", "slack_id", "feishu_open_id", "dingtalk_id", "locale", "time_zone", "working_hours", "holidays")
	if err != nil {
		return err
	}
	n := commands.NewUser{
		Name: f.text("name", slipway.MaxName), Email: f.text("email", maxEmail), Role: slipway.Role(f.text("role", maxWord)),
		SlackID: f.text("slack_id", maxWord), FeishuOpenID: f.text("feishu_open_id", maxWord),
		DingTalkID: f.text("dingtalk_id", maxWord),
		Locale:     f.text("locale", maxWord), TimeZone: f.text("time_zone", maxWord),
		WorkingHours: f.text("working_hours", maxHours), Holidays: f.texts("holidays"),
	}
	if f.Len() > 0 {
		// What is wrong with the values is named together with what is wrong with the keys.
		found := slipway.ProblemsOf(f.err())
		for _, p := range slipway.ProblemsOf(n.Check()) {
			if !slices.ContainsFunc(found, func(b slipway.Problem) bool { return b.Path == p.Path }) {
				f.Append(p)
			}
		}
		return f.err()
	}
	made, token, err := h.Commands.AddUserOnce(r.Context(), a, n)
	if err != nil {
		return err
	}
	h.Log.InfoContext(r.Context(), "user added", "user_id", made.ID, "by", u.ID)
	writeJSON(w, http.StatusCreated, struct {
		*slipway.User
		Token string `json:"token"`
	}{made, token})
	return nil
}

// setHours notes when the caller, or for admins anybody, works. A field that is absent stays as it is.
func (h *handler) setHours(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	f, err := readFields(w, r, "working_hours", "holidays")
	if err != nil {
		return err
	}
	var n commands.NewHours
	if _, given := f.fields["working_hours"]; given {
		week := f.text("working_hours", maxHours)
		n.WorkingHours = &week
	}
	if _, given := f.fields["holidays"]; given {
		days := f.texts("holidays")
		n.Holidays = &days
	}
	if err := f.err(); err != nil {
		return err
	}
	of, err := h.userOf(r, u)
	if err != nil {
		return err
	}
	changed, err := h.Commands.SetHours(r.Context(), u, of.ID, n)
	if err != nil {
		return err
	}
	h.Log.InfoContext(r.Context(), "hours of a user changed", "user_id", changed.ID, "by", u.ID)
	writeJSON(w, http.StatusOK, changed)
	return nil
}

// The lengths of the fields of a user.
const (
	maxEmail = 254
	maxWord  = 100
	maxHours = 500
)
