package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/commands"
	"slipway/webhook"
)

// check judges the file's keys.
func (c *config) check() []error {
	var out []error
	note := func(key, format string, args ...any) {
		out = append(out, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if !slices.Contains([]string{"", "hold", "continue"}, c.OnItemFailure) {
		note("on_item_failure", "hold or continue is expected, not %q", c.OnItemFailure)
	}
	if d, err := time.ParseDuration(c.HookPatience); c.HookPatience != "" && (err != nil || d <= 0) {
		note("hook_patience", "a duration such as 72h is expected, not %q", c.HookPatience)
	}
	if r := c.CallbackRate; r != nil && (*r < 0 || *r > 1_000_000) {
		note("callback_rate", "callbacks a second from 0 (no limit) to 1000000 are expected, not %d", *r)
	}
	mails := map[string]bool{}
	for i, u := range c.Users {
		at := fmt.Sprintf("users[%d]", i)
		if err := u.newUser().Check(); err != nil {
			for _, p := range slipway.ProblemsOf(err) {
				note(at+"."+p.Path, "%s", p.Text.EN)
			}
		}
		if mails[strings.ToLower(u.Email)] {
			note(at+".email", "%s is there twice", u.Email)
		}
		mails[strings.ToLower(u.Email)] = true
	}
	names := map[string]bool{}
	for i, h := range c.Hooks {
		at := fmt.Sprintf("hooks[%d]", i)
		if names[h.Name] {
			note(at+".name", "%q is there twice", h.Name)
		}
		names[h.Name] = true
		h.check(func(key, format string, args ...any) { note(at+"."+key, format, args...) })
	}
	return out
}

func (u userConfig) newUser() commands.NewUser {
	return commands.NewUser{
		Name: u.Name, Email: u.Email, Role: slipway.Role(u.Role), SlackID: u.SlackID, FeishuOpenID: u.FeishuOpenID,
		Locale: u.Locale, TimeZone: u.TimeZone,
	}
}

var hookName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func (h *hookConfig) check(note func(key, format string, args ...any)) {
	if !hookName.MatchString(h.Name) {
		note("name", "a name of letters, digits, - and _ is expected, not %q", h.Name)
	}
	var err error
	if h.AllowPrivate {
		err = webhook.CheckURL(h.URL, webhook.PrivateNetworks()...)
	} else {
		err = webhook.CheckURL(h.URL)
	}
	if err != nil {
		note("url", "%v", err)
	}
	if len(h.Events) == 0 {
		note("events", "at least one of finish_planning, start_execute, all_job_done is expected")
	}
	for _, e := range h.Events {
		if !slices.Contains(slipway.Events(), slipway.Event(e)) {
			note("events", "finish_planning, start_execute or all_job_done is expected, not %q", e)
		}
	}
	if d, err := time.ParseDuration(h.Deadline); h.Deadline != "" && (err != nil || d <= 0) {
		note("deadline", "a duration such as 24h or 30m is expected, not %q", h.Deadline)
	}
	for i, s := range h.Secrets {
		if _, err := webhook.ParseSecret(string(s)); err != nil {
			note(fmt.Sprintf("secrets[%d]", i), "%v", err)
		}
	}
	if h.CallbackSigned && len(h.Secrets) == 0 {
		note("callback_signed", "needs at least one of secrets")
	}
	headers := h.headers()
	if err := webhook.CheckHeaders(headers); err != nil {
		note("headers", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if h.Compat != "" && h.Compat != webhook.CompatZadig {
		note("compat", "zadig or nothing is expected, not %q", h.Compat)
	}
	if !slices.Contains([]string{"", string(slipway.EnvelopeDocument), string(slipway.EnvelopeV5)}, h.Envelope) {
		note("envelope", "document or v5 is expected, not %q", h.Envelope)
	}
}

func (h *hookConfig) headers() map[string]string {
	out := make(map[string]string, len(h.Headers))
	for k, v := range h.Headers {
		out[k] = string(v)
	}
	return out
}
