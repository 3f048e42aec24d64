package remote

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"slipway"
	"slipway/tasks/engine/output"
)

// Vendor makes errors of what becomes of requests to a vendor's server. None of them
// shows our own credentials.
type Vendor struct {
	Name string       // for people, such as "GitLab"
	Host string       // with the path, if it is not at the root
	Away slipway.Text // that the server does not answer; default: in the words for all
	Own  func() []string
	// Refusal makes a refusal of an error that says that the server, or who was on the
	// way to it, did nothing; nil for any other.
	Refusal func(error) *slipway.Error
}

// Address reads the address of a vendor's server.
func Address(vendor, given string) (*url.URL, error) {
	u, err := url.Parse(given)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("address of %s is not an http or https URL without a password and a query", vendor)
	}
	return u, nil
}

// SameToken tells whether a notice has the token that it must have. Where none is set,
// no notice has.
func SameToken(want, got string) bool {
	w, g := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(got))
	return want != "" && subtle.ConstantTimeCompare(w[:], g[:]) == 1
}

// Reading makes an error for people of one from a request that only read.
func (v *Vendor) Reading(ctx context.Context, err error) error {
	if refusal := v.refusal(ctx, err); refusal != nil {
		return refusal
	}
	return v.Silent(err)
}

// Acting makes an error of one from a request that was to change something. It is for
// people only if nothing was changed.
func (v *Vendor) Acting(ctx context.Context, err error) error {
	switch refusal := v.refusal(ctx, err); {
	case refusal != nil:
		return refusal
	case NeverSent(err):
		return v.Silent(err)
	}
	return v.Redacted(err)
}

// Starting makes an error of one from the request that was to start a run, without the
// credentials of the run.
func (v *Vendor) Starting(ctx context.Context, doing string, err error, secrets []string) error {
	err = v.Acting(ctx, err)
	if ctx.Err() != nil {
		return err
	}
	m := output.NewMasker(written(secrets))
	refusal := (*slipway.Error)(nil)
	if !errors.As(err, &refusal) {
		return fmt.Errorf("%s: %w", doing, errors.New(m.Mask(err.Error())))
	}
	masked := *refusal
	masked.Text.EN, masked.Text.ZH = m.Mask(refusal.Text.EN), m.Mask(refusal.Text.ZH)
	if refusal.Err != nil {
		masked.Err = errors.New(m.Mask(refusal.Err.Error()))
	}
	return &masked
}

// refusal returns what was refused, or the context's end; nil for anything else.
func (v *Vendor) refusal(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	before := (*slipway.Error)(nil)
	if errors.As(err, &before) {
		return before // nothing was sent
	}
	if refusal := v.Refusal(err); refusal != nil {
		return refusal.Because(v.Redacted(err))
	}
	return nil
}

// Silent refuses, because the server does not answer.
func (v *Vendor) Silent(err error) *slipway.Error {
	if v.Away != (slipway.Text{}) {
		return (&slipway.Error{Code: slipway.Unavailable, Text: v.Away}).Because(v.Redacted(err))
	}
	return slipway.Refuse(slipway.Unavailable, "%[1]s at %[2]s does not answer at the moment. Try again in a little while.",
		"%[1]s（%[2]s）暂时没有响应，请稍后重试。", v.Name, v.Host).Because(v.Redacted(err))
}

// Usual is the refusal of an answer for which the engine has no words of its own; nil
// for one that does not say that nothing was done.
func (v *Vendor) Usual(status int, said string) *slipway.Error {
	switch {
	case status == http.StatusNotFound:
		return slipway.Refuse(slipway.NotFound, "%s knows no such thing, or Slipway's account may not see it.",
			"%s 中没有该对象，或者 Slipway 的账号无权查看。", v.Name)
	case status == http.StatusTooManyRequests:
		return slipway.Refuse(slipway.TooMany, "%s is asked too often. Try again in a minute.", "对 %s 的请求过于频繁，请一分钟后重试。", v.Name)
	case status >= 400 && status < 500:
		return slipway.Refuse(slipway.Conflict, "%[1]s refuses: %[2]s", "%[1]s 拒绝了该操作：%[2]s", v.Name, said)
	}
	return nil
}

// Hide replaces our own credentials in a text.
func (v *Vendor) Hide(text string) string { return output.NewMasker(written(v.Own())).Mask(text) }

// Redacted returns an error that says the same without our credentials, and wraps
// nothing.
func (v *Vendor) Redacted(err error) error { return errors.New(v.Hide(err.Error())) }

// written returns secrets as they may stand in a text: as they are, as in a form and as
// within a string of JSON.
func written(secrets []string) []string {
	var all []string
	for _, s := range secrets {
		all = append(all, s, url.QueryEscape(s))
		if b, err := json.Marshal(s); err == nil {
			all = append(all, string(b[1:len(b)-1]))
		}
	}
	return all
}
