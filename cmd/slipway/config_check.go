package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/commands"
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
	if n := c.OverrideAdmins; n < 0 || n > 10 {
		note("override_admins", "a number of admins from 1 to 10 is expected, not %d", n)
	}
	c.checkChecks(note)
	c.checkTime(note)
	c.checkJira(note)
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
	for i := range c.Hooks {
		h := &c.Hooks[i]
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
		Name: u.Name, Email: u.Email, Role: slipway.Role(u.Role), SlackID: u.SlackID, FeishuOpenID: u.FeishuOpenID, DingTalkID: u.DingTalkID,
		Locale: u.Locale, TimeZone: u.TimeZone, WorkingHours: u.WorkingHours, Holidays: u.Holidays,
	}
}
