package webhook

import (
	"encoding/json"
	"net/http"

	"slipway"
)

// askAgain asks the endpoints of a failed check once more: all, or those named.
func (h *handler) askAgain(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	id, _, err := h.Commands.Refer(r.Context(), r.PathValue("id"), "")
	if err != nil {
		return err
	}
	f, err := readVerb(w, r)
	if err != nil {
		return err
	}
	f.only("comment", "version", "endpoints")
	said, version, endpoints := f.text("comment", slipway.MaxComment), f.version("version"), f.texts("endpoints")
	if err := f.err(); err != nil {
		return err
	}
	a, err := ask(r, u, version)
	if err != nil {
		return err
	}
	a.Comment = said
	out, err := h.Commands.AskAgain(r.Context(), a, id, endpoints...)
	if err != nil {
		return err
	}
	return h.answer(w, r, u, http.StatusOK, out.Plan)
}

// texts returns a field that holds a list of texts; nil if it is absent or null.
func (f *form) texts(key string) []string {
	raw := f.fields[key]
	if len(raw) == 0 || raw[0] == 'n' {
		return nil
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		f.Add(key, "a list of texts is expected", "应为文本列表")
	}
	return list
}
