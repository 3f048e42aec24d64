package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"slipway"
)

// ParseEndpoint reads an endpoint from YAML or JSON, with the keys of slipway.yaml. What
// is masked, "***", stays as it is in old, which is nil for a new endpoint. Everything
// that is wrong is refused at once, each with its place.
func (c *Commands) ParseEndpoint(ctx context.Context, data []byte, old *slipway.Endpoint) (slipway.Endpoint, error) {
	tree, err := parseTree(data)
	if err != nil {
		return slipway.Endpoint{}, slipway.Refuse(slipway.Invalid, "The endpoint cannot be read: %s.", "无法读取接收方的设置：%s。", err)
	}
	root, ok := tree.(object)
	if !ok {
		return slipway.Endpoint{}, slipway.Refuse(slipway.Invalid,
			"An endpoint is a mapping of keys such as name, url and events.", "接收方的设置应由 name、url、events 等键组成。")
	}
	r := &reader{ctx: ctx, c: c}
	e := r.endpoint(root)
	e.unmask(r, old)
	for _, p := range c.Hooks.Check(&e.Endpoint) {
		if !r.blames(p.Path) {
			r.Append(p)
		}
	}
	return e.Endpoint, r.Err("The endpoint is not right yet.", "接收方的设置有误。")
}

// EndpointName returns the name in an endpoint that may be wrong otherwise, "" if there
// is none.
func EndpointName(data []byte) string {
	tree, err := parseTree(data)
	if err != nil {
		return ""
	}
	root, _ := tree.(object)
	name, _ := root.values["name"].(string)
	return name
}

type endpointReader struct{ slipway.Endpoint }

func (r *reader) endpoint(o object) endpointReader {
	r.keys(o, "", "name", "url", "events", "wait", "advisory", "deadline", "after_deadline", "ask", "projects", "labels", "secrets",
		"callback_token", "callback_signed", "callback_url", "headers", "allow_private", "allow_networks", "compat", "envelope",
		"credentials", "rate", "client_cert", "client_key", "enabled")
	e := slipway.Endpoint{
		Name: r.text(o, "name", ""), URL: r.text(o, "url", ""), Wait: r.flag(o, "wait", false), Advisory: r.flag(o, "advisory", false),
		Deadline: r.span(o, "deadline"), AfterDeadline: slipway.AfterDeadline(r.text(o, "after_deadline", "")),
		Ask: r.texts(o, "ask"), Projects: r.texts(o, "projects"), Labels: r.texts(o, "labels"), Secrets: r.texts(o, "secrets"),
		CallbackToken: r.text(o, "callback_token", ""), CallbackSigned: r.flag(o, "callback_signed", false),
		CallbackURL: r.flag(o, "callback_url", false), AllowPrivate: r.flag(o, "allow_private", false),
		AllowNetworks: r.texts(o, "allow_networks"), Compat: r.text(o, "compat", ""),
		Envelope: slipway.Envelope(r.text(o, "envelope", "")), Credentials: r.flag(o, "credentials", false), Rate: r.rate(o, "rate"),
		ClientCert: r.text(o, "client_cert", ""), ClientKey: r.text(o, "client_key", ""), Disabled: !r.flag(o, "enabled", true),
		Managed: true,
	}
	for i, name := range e.Ask {
		r.person(fmt.Sprintf("ask[%d]", i), name)
	}
	for _, ev := range r.texts(o, "events") {
		e.Events = append(e.Events, slipway.Event(ev))
	}
	if v := o.values["headers"]; v != nil {
		if ho, ok := r.object(v, "headers"); ok {
			e.Headers = make(map[string]string, len(ho.keys))
			for _, k := range ho.keys {
				e.Headers[k] = r.text(ho, k, "headers.")
			}
		}
	}
	return endpointReader{e}
}

// unmask puts what is secret back where it was shown masked.
func (e *endpointReader) unmask(r *reader, old *slipway.Endpoint) {
	if old == nil {
		old = &slipway.Endpoint{}
	}
	back := func(path string, value *string, was string) {
		if *value != slipway.Mask {
			return
		}
		if *value = was; was == "" {
			r.fault(path, "is masked, and there is nothing that it stands for", "已打码，但没有可沿用的原值")
		}
	}
	back("callback_token", &e.CallbackToken, old.CallbackToken)
	back("client_key", &e.ClientKey, old.ClientKey)
	for i := range e.Secrets {
		was := ""
		if i < len(old.Secrets) {
			was = old.Secrets[i]
		}
		back(fmt.Sprintf("secrets[%d]", i), &e.Secrets[i], was)
	}
	for name, value := range e.Headers {
		back("headers."+name, &value, old.Headers[name])
		e.Headers[name] = value
	}
}

func (r *reader) flag(o object, key string, otherwise bool) bool {
	switch v := o.values[key].(type) {
	case nil:
		return otherwise
	case bool:
		return v
	}
	r.fault(key, "true or false is expected", "应为 true 或 false")
	return otherwise
}

// span reads a duration such as 24h.
func (r *reader) span(o object, key string) time.Duration {
	text := r.text(o, key, "")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		r.fault(key, "a duration such as 24h or 30m is expected, not %q", "应为 24h、30m 这样的时长，而不是 %q", text)
	}
	return d
}

func (r *reader) rate(o object, key string) float64 {
	switch v := o.values[key].(type) {
	case nil:
		return 0
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
	}
	r.fault(key, "hooks a second are expected, for example 10 or 0.5", "应为每秒发送的 Hook 数，例如 10 或 0.5")
	return 0
}

// WrittenEndpoint is an endpoint as it is written down, with the keys of slipway.yaml. Its
// secrets are masked.
type WrittenEndpoint struct {
	Name           string                `json:"name" yaml:"name"`
	URL            string                `json:"url" yaml:"url"`
	Events         []slipway.Event       `json:"events" yaml:"events,flow"`
	Wait           bool                  `json:"wait" yaml:"wait"`
	Advisory       bool                  `json:"advisory" yaml:"advisory,omitempty"`
	Deadline       string                `json:"deadline" yaml:"deadline,omitempty"`
	AfterDeadline  slipway.AfterDeadline `json:"after_deadline" yaml:"after_deadline,omitempty"`
	Ask            []string              `json:"ask" yaml:"ask,omitempty,flow"`
	Projects       []string              `json:"projects" yaml:"projects,omitempty,flow"`
	Labels         []string              `json:"labels" yaml:"labels,omitempty,flow"`
	Secrets        []string              `json:"secrets" yaml:"secrets,omitempty,flow"`
	CallbackToken  string                `json:"callback_token" yaml:"callback_token,omitempty"`
	CallbackSigned bool                  `json:"callback_signed" yaml:"callback_signed,omitempty"`
	CallbackURL    bool                  `json:"callback_url" yaml:"callback_url,omitempty"`
	Headers        map[string]string     `json:"headers" yaml:"headers,omitempty"`
	AllowPrivate   bool                  `json:"allow_private" yaml:"allow_private,omitempty"`
	AllowNetworks  []string              `json:"allow_networks" yaml:"allow_networks,omitempty,flow"`
	Compat         string                `json:"compat" yaml:"compat,omitempty"`
	Envelope       slipway.Envelope      `json:"envelope" yaml:"envelope,omitempty"`
	Credentials    bool                  `json:"credentials" yaml:"credentials,omitempty"`
	Rate           float64               `json:"rate" yaml:"rate,omitempty"`
	ClientCert     string                `json:"client_cert" yaml:"client_cert,omitempty"`
	ClientKey      string                `json:"client_key" yaml:"client_key,omitempty"`
	Enabled        bool                  `json:"enabled" yaml:"enabled"`
}

// WriteEndpoint writes an endpoint down. What it lacks is empty rather than nil.
func WriteEndpoint(e *slipway.Endpoint) WrittenEndpoint {
	w := WrittenEndpoint{
		Name: e.Name, URL: e.URL, Events: slices.Clone(e.Events), Wait: e.Wait, Advisory: e.Advisory, AfterDeadline: e.AfterDeadline,
		Ask: present(e.Ask), Projects: present(e.Projects), Labels: present(e.Labels), Secrets: []string{}, CallbackToken: masked(e.CallbackToken),
		CallbackSigned: e.CallbackSigned, CallbackURL: e.CallbackURL, Headers: make(map[string]string, len(e.Headers)),
		AllowPrivate: e.AllowPrivate, AllowNetworks: present(e.AllowNetworks), Compat: e.Compat, Envelope: e.Envelope,
		Credentials: e.Credentials, Rate: e.Rate, ClientCert: e.ClientCert, ClientKey: masked(e.ClientKey), Enabled: !e.Disabled,
	}
	if e.Deadline != 0 {
		w.Deadline = e.Deadline.String()
	}
	for range e.Secrets {
		w.Secrets = append(w.Secrets, slipway.Mask)
	}
	for name := range e.Headers {
		w.Headers[name] = slipway.Mask
	}
	return w
}

func present(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func masked(s string) string {
	if s == "" {
		return ""
	}
	return slipway.Mask
}

// EndpointDocument writes an endpoint down in YAML, as ParseEndpoint reads it.
func EndpointDocument(e *slipway.Endpoint) string {
	text, err := yaml.Marshal(WriteEndpoint(e)) //nolint:gosec // secrets are masked
	if err != nil {
		panic(fmt.Sprintf("marshal endpoint: %v", err)) // every part of it marshals
	}
	return string(text)
}
