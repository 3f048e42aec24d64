package main

import (
	"time"

	"slipway"
	"slipway/webhook"
)

// hookConfig is an endpoint. Endpoints that admins manage have the same keys.
type hookConfig struct {
	Name           string            `yaml:"name"`
	URL            string            `yaml:"url"`
	Events         []string          `yaml:"events"`
	Wait           bool              `yaml:"wait"`
	Advisory       bool              `yaml:"advisory"`
	Deadline       string            `yaml:"deadline"`
	AfterDeadline  string            `yaml:"after_deadline"`
	Ask            []string          `yaml:"ask"`
	Projects       []string          `yaml:"projects"`
	Labels         []string          `yaml:"labels"`
	Secrets        []secret          `yaml:"secrets"`
	CallbackToken  secret            `yaml:"callback_token"`
	CallbackSigned bool              `yaml:"callback_signed"`
	CallbackURL    bool              `yaml:"callback_url"`
	Headers        map[string]secret `yaml:"headers"`
	AllowPrivate   bool              `yaml:"allow_private"`
	AllowNetworks  []string          `yaml:"allow_networks"`
	Compat         string            `yaml:"compat"`
	Envelope       string            `yaml:"envelope"`
	Credentials    bool              `yaml:"credentials"`
	Rate           float64           `yaml:"rate"`
	ClientCert     string            `yaml:"client_cert"`
	ClientKey      secret            `yaml:"client_key"`
	Enabled        *bool             `yaml:"enabled"`
}

// endpoint is what the configuration says, for those who send.
func (h *hookConfig) endpoint() slipway.Endpoint {
	e := slipway.Endpoint{
		Name: h.Name, URL: h.URL, Wait: h.Wait, Advisory: h.Advisory, AfterDeadline: slipway.AfterDeadline(h.AfterDeadline),
		Ask: h.Ask, Projects: h.Projects, Labels: h.Labels, CallbackToken: string(h.CallbackToken), CallbackSigned: h.CallbackSigned,
		CallbackURL: h.CallbackURL, AllowPrivate: h.AllowPrivate, AllowNetworks: h.AllowNetworks, Compat: h.Compat,
		Envelope: slipway.Envelope(h.Envelope), Credentials: h.Credentials, Rate: h.Rate, ClientCert: h.ClientCert,
		ClientKey: string(h.ClientKey), Disabled: h.Enabled != nil && !*h.Enabled, Headers: make(map[string]string, len(h.Headers)),
	}
	for _, ev := range h.Events {
		e.Events = append(e.Events, slipway.Event(ev))
	}
	for _, s := range h.Secrets {
		e.Secrets = append(e.Secrets, string(s))
	}
	for k, v := range h.Headers {
		e.Headers[k] = string(v)
	}
	e.Deadline, _ = time.ParseDuration(h.Deadline) // checked before
	return e
}

func (h *hookConfig) check(note func(key, format string, args ...any)) {
	if d, err := time.ParseDuration(h.Deadline); h.Deadline != "" && (err != nil || d <= 0) {
		note("deadline", "a duration such as 24h or 30m is expected, not %q", h.Deadline)
	}
	e := h.endpoint()
	for _, p := range webhook.CheckEndpoint(&e) {
		note(p.Path, "%s", p.Text.EN)
	}
}
