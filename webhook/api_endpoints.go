package webhook

import (
	"net/http"
	"strconv"

	"slipway"
	"slipway/commands"
)

// endpointBody is an endpoint with what is known of it besides its settings.
type endpointBody struct {
	commands.WrittenEndpoint

	Source    string `json:"source"`  // configuration or database
	Version   int64  `json:"version"` // 0 for one of the configuration
	UpdatedBy string `json:"updated_by"`
	UpdatedAt int64  `json:"updated_at"` // Unix milliseconds
	Off       string `json:"off"`        // why it was switched off by itself
}

func newEndpointBody(e *commands.KnownEndpoint) endpointBody {
	b := endpointBody{
		WrittenEndpoint: commands.WriteEndpoint(&e.Endpoint),
		Source:          "configuration", Version: e.Version, UpdatedBy: e.UpdatedBy, UpdatedAt: e.UpdatedAt, Off: e.Off,
	}
	if e.Managed {
		b.Source = "database"
	}
	return b
}

// adminsOnly refuses everybody else: the URLs of endpoints may hold secrets.
func adminsOnly(do personAction) personAction {
	return func(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
		if u.Role != slipway.RoleAdmin {
			return slipway.Refuse(slipway.Forbidden, "Only an admin can do this. Ask one of them.", "只有管理员可以进行此操作，请联系管理员。")
		}
		return do(w, r, u)
	}
}

func (h *handler) listEndpoints(w http.ResponseWriter, r *http.Request, _ *slipway.User) error {
	all, err := h.Commands.Endpoints(r.Context())
	if err != nil {
		return err
	}
	answer := []endpointBody{}
	for i := range all {
		if !all[i].Hidden {
			answer = append(answer, newEndpointBody(&all[i]))
		}
	}
	writeJSON(w, http.StatusOK, map[string][]endpointBody{"endpoints": answer})
	return nil
}

func (h *handler) showEndpoint(w http.ResponseWriter, r *http.Request, _ *slipway.User) error {
	return h.answerEndpoint(w, r, http.StatusOK)
}

func (h *handler) answerEndpoint(w http.ResponseWriter, r *http.Request, status int) error {
	e, err := h.Commands.Endpoint(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	w.Header().Set("ETag", strconv.Quote(strconv.FormatInt(e.Version, 10)))
	writeJSON(w, status, newEndpointBody(e))
	return nil
}

// putEndpoint makes an endpoint, or replaces one whose version If-Match names.
func (h *handler) putEndpoint(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	old, version, status := (*slipway.Endpoint)(nil), int64(0), http.StatusCreated
	known, err := h.Commands.Endpoint(r.Context(), name)
	switch {
	case err == nil && known.Managed:
		old, version, status = &known.Endpoint, known.Version, http.StatusOK
		seen, err := ifMatch(r)
		if err != nil {
			return err
		}
		if seen != 0 {
			version = seen
		}
	case err != nil && slipway.CodeOf(err) != slipway.NotFound:
		return err
	}
	e, err := h.Commands.ParseEndpoint(r.Context(), body, old)
	if err != nil {
		return err
	}
	if e.Name != name {
		var f slipway.Faults
		f.Add("name", "%[1]s is expected, as in the address, not %[2]q", "应与地址中的 %[1]s 一致，而不是 %[2]q", name, e.Name)
		return f.Err("The endpoint is not right yet.", "接收方的设置有误。")
	}
	if err := h.Commands.SaveEndpoint(r.Context(), u, e, version); err != nil {
		return err
	}
	return h.answerEndpoint(w, r, status)
}

func (h *handler) deleteEndpoint(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	if err := h.Commands.DeleteEndpoint(r.Context(), u, r.PathValue("name")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// rotateSecret answers the new secret, this once.
func (h *handler) rotateSecret(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	secret, err := h.Commands.RotateSecret(r.Context(), u, r.PathValue("name"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"secret": secret})
	return nil
}

func (h *handler) enableEndpoint(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	if err := h.Commands.EnableEndpoint(r.Context(), u, r.PathValue("name")); err != nil {
		return err
	}
	return h.answerEndpoint(w, r, http.StatusOK)
}

func (h *handler) disableEndpoint(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	if err := h.Commands.DisableEndpoint(r.Context(), u, r.PathValue("name")); err != nil {
		return err
	}
	return h.answerEndpoint(w, r, http.StatusOK)
}

// pingAnswer is what came of a ping, in the caller's language.
type pingAnswer struct {
	commands.Ping
	Verdict    string `json:"verdict"`
	DurationMS int64  `json:"duration_ms"`
}

// testEndpoint sends a signed ping and explains the answer.
func (h *handler) testEndpoint(w http.ResponseWriter, r *http.Request, u *slipway.User) error {
	p, err := h.Commands.PingEndpoint(r.Context(), u, r.PathValue("name"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, pingAnswer{Ping: p, Verdict: p.Verdict.In(language(r)), DurationMS: p.Duration.Milliseconds()})
	return nil
}
