package webhook

import (
	"net/http"

	"slipway"
	"slipway/commands"
)

// personAction answers a request of a user who is known.
type personAction func(http.ResponseWriter, *http.Request, *slipway.User) error

// signedIn finds out who asks: the token's user, or whom the admin token names in
// Slipway-Actor.
func (h *handler) signedIn(do personAction) action {
	return func(w http.ResponseWriter, r *http.Request) error {
		u, err := h.Commands.Authenticate(r.Context(), bearer(r), r.Header.Get("Slipway-Actor"))
		if err != nil {
			return err
		}
		return do(w, r, u)
	}
}

// ask is a user's request for a change, recognised by its Idempotency-Key.
func ask(r *http.Request, u *slipway.User, version int64) (commands.Ask, error) {
	id, err := requestID(r, u)
	return commands.Ask{RequestID: id, User: u, Version: version}, err
}

// readFields reads a body that has only these fields.
func readFields(w http.ResponseWriter, r *http.Request, known ...string) (*form, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	f, err := readForm(body)
	if err != nil {
		return nil, err
	}
	f.only(known...)
	return f, nil
}

// readVerb reads the body of a verb, which may be empty.
func readVerb(w http.ResponseWriter, r *http.Request) (*form, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	return readForm(body)
}
