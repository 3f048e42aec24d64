package web

import (
	"net/http"
	"strconv"

	"slipway"
	"slipway/commands"
)

type pingView struct {
	commands.Ping
	Name string
}

// Milliseconds is how long the answer took.
func (p pingView) Milliseconds() int64 { return p.Duration.Milliseconds() }

// freshSecret is shown once.
type freshSecret struct{ Name, Secret string }

// saveEndpoint makes or replaces an endpoint from what was written.
func (w *Web) saveEndpoint(rw http.ResponseWriter, r *http.Request, v viewer) {
	if err := parseForm(r); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	view := hooksView{Document: r.PostForm.Get("document")}
	err := w.writeEndpoint(r, v, view.Document)
	switch code := slipway.CodeOf(err); {
	case err == nil:
		w.backToHooks(rw, r, endpointSaved)
	case code == slipway.Internal:
		w.fail(rw, r, v.User, err)
	default:
		view.Error, view.Problems = slipway.TextOf(err).In(v.Lang), slipway.ProblemsOf(err)
		w.showHooks(rw, r, v, statusOf(code), view)
	}
}

func (w *Web) writeEndpoint(r *http.Request, v viewer, document string) error {
	name, version := commands.EndpointName([]byte(document)), int64(0)
	var old *slipway.Endpoint
	known, err := w.Commands.Endpoint(r.Context(), name)
	switch {
	case err == nil:
		old, version = &known.Endpoint, known.Version
	case slipway.CodeOf(err) != slipway.NotFound:
		return err
	}
	e, err := w.Commands.ParseEndpoint(r.Context(), []byte(document), old)
	if err != nil {
		return err
	}
	return w.Commands.SaveEndpoint(r.Context(), v.User, e, version)
}

// onEndpoint does what an admin's button says to an endpoint. What is only shown this
// once is the answer; otherwise the page is shown again.
func (w *Web) onEndpoint(rw http.ResponseWriter, r *http.Request, v viewer) {
	if err := parseForm(r); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	if !w.sure(rw, r, v, "/hooks") {
		return
	}
	ctx, name, view, done := r.Context(), r.PathValue("name"), hooksView{}, ""
	var err error
	switch r.PathValue("verb") {
	case "test":
		var p commands.Ping
		p, err = w.Commands.PingEndpoint(ctx, v.User, name)
		view.Ping = &pingView{Ping: p, Name: name}
	case "rotate":
		view.Secret = &freshSecret{Name: name}
		view.Secret.Secret, err = w.rotate(r, v, name)
	case "enable":
		err, done = w.Commands.EnableEndpoint(ctx, v.User, name), endpointOn
	case "disable":
		err, done = w.Commands.DisableEndpoint(ctx, v.User, name), endpointOff
	case "delete":
		err, done = w.Commands.DeleteEndpoint(ctx, v.User, name), endpointGone
	default:
		w.unknownPage(rw, r, v)
		return
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.Log.InfoContext(ctx, "endpoint", "verb", r.PathValue("verb"), "endpoint", name, "by", v.User.Name)
	if done != "" {
		w.backToHooks(rw, r, done)
		return
	}
	w.showHooks(rw, r, v, http.StatusOK, view)
}

// rotate gives an endpoint a new secret, once for each page that shows the button: the
// second of two rotations ends the secret that receivers still have.
func (w *Web) rotate(r *http.Request, v viewer, name string) (string, error) {
	known, err := w.Commands.Endpoint(r.Context(), name)
	if err != nil {
		return "", err
	}
	if strconv.FormatInt(known.Version, 10) != r.PostForm.Get("version") {
		return "", slipway.Refuse(slipway.Stale, "%s was changed since this page was shown, perhaps by this very button. Open the page of hooks again, and look before you make another secret.",
			"此页面显示之后 %s 已有改动，可能正是刚才的轮换。请重新打开推送页面，确认后再轮换密钥。", name)
	}
	return w.Commands.RotateSecret(r.Context(), v.User, name)
}
