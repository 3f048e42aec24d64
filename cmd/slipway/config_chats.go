package main

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"slipway/bot"
)

// slackConfig connects Slack. The app token selects Socket Mode.
type slackConfig struct {
	BotToken      secret `yaml:"bot_token"`
	SigningSecret secret `yaml:"signing_secret"`
	AppToken      secret `yaml:"app_token"`
	APIURL        string `yaml:"api_url"` // of a stand-in; "" is Slack itself
}

func (s slackConfig) configured() bool {
	return s.BotToken != "" || s.SigningSecret != "" || s.AppToken != ""
}

// http tells that Slack calls us, rather than that we hold a connection.
func (s slackConfig) http() bool { return s.configured() && s.AppToken == "" }

// feishuConfig connects Feishu or Lark.
type feishuConfig struct {
	AppID             string `yaml:"app_id"`
	AppSecret         secret `yaml:"app_secret"`
	VerificationToken secret `yaml:"verification_token"`
	EncryptKey        secret `yaml:"encrypt_key"`
	BaseURL           string `yaml:"base_url"` // feishu, the default, lark, or an address
	Mode              string `yaml:"mode"`     // ws, the default, or http
}

func (f feishuConfig) configured() bool {
	return f.AppID != "" || f.AppSecret != "" || f.VerificationToken != "" || f.EncryptKey != ""
}

func (f feishuConfig) http() bool { return f.configured() && f.Mode == "http" }

// connected tells whether a platform can have rooms.
func (c *config) connected(id bot.PlatformID) bool {
	switch id {
	case bot.Web:
		return true
	case bot.Slack:
		return c.Slack.configured()
	case bot.Feishu:
		return c.Feishu.configured()
	}
	return false
}

// What tokens and ids look like. A space or a line break that was copied along is the
// usual mistake, and so is the name of a channel in the place of its id.
var (
	slackBotToken  = regexp.MustCompile(`^xoxb-[A-Za-z0-9-]+$`)
	slackAppToken  = regexp.MustCompile(`^xapp-[A-Za-z0-9-]+$`)
	feishuAppID    = regexp.MustCompile(`^cli_[A-Za-z0-9]+$`)
	slackAccount   = regexp.MustCompile(`^[UW][A-Z0-9]+$`)
	feishuAccount  = regexp.MustCompile(`^ou_[A-Za-z0-9_-]+$`)
	slackChannel   = regexp.MustCompile(`^[CG][A-Z0-9]+$`)
	feishuGroup    = regexp.MustCompile(`^oc_[A-Za-z0-9_-]+$`)
	spaceInASecret = regexp.MustCompile(`\s`)
)

// checkChats judges the platforms, their rooms and the accounts of people there.
func (c *config) checkChats() []error {
	var out []error
	note := func(key, format string, args ...any) {
		out = append(out, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.Slack.configured() {
		c.Slack.check(note)
	}
	if c.Feishu.configured() {
		c.Feishu.check(note)
	}
	if c.FeishuApproval != nil {
		c.FeishuApproval.check(c.Feishu.configured(), note)
	}
	seen := map[string]bool{}
	for i, r := range c.Rooms {
		at := fmt.Sprintf("rooms[%d]", i)
		c.checkRoom(r, func(key, format string, args ...any) { note(at+"."+key, format, args...) })
		if key := r.Platform + ":" + r.ID; seen[key] {
			note(at+".id", "%s is there twice", r.ID)
		} else {
			seen[key] = true
		}
	}
	for i, u := range c.Users {
		if u.SlackID != "" && !slackAccount.MatchString(u.SlackID) {
			note(fmt.Sprintf("users[%d].slack_id", i), "a member id such as U0123456789 is expected, not %q", u.SlackID)
		}
		if u.FeishuOpenID != "" && !feishuAccount.MatchString(u.FeishuOpenID) {
			note(fmt.Sprintf("users[%d].feishu_open_id", i), "an open id such as ou_0123456789abcdef is expected, not %q", u.FeishuOpenID)
		}
	}
	return out
}

// check never repeats what it judges: it may be a secret in the wrong place.
func (s slackConfig) check(note func(key, format string, args ...any)) {
	switch {
	case s.BotToken == "":
		note("SLIPWAY_SLACK_BOT_TOKEN", "the bot token (xoxb-…) is expected beside the other settings of Slack")
	case !slackBotToken.MatchString(string(s.BotToken)):
		note("SLIPWAY_SLACK_BOT_TOKEN", "a bot token is expected; it begins with xoxb- and holds no space")
	}
	if s.AppToken != "" && !slackAppToken.MatchString(string(s.AppToken)) {
		note("SLIPWAY_SLACK_APP_TOKEN", "an app-level token is expected; it begins with xapp- and holds no space")
	}
	if s.AppToken == "" && s.SigningSecret == "" {
		note("SLIPWAY_SLACK_APP_TOKEN", "an app-level token (xapp-…) for Socket Mode is expected, or SLIPWAY_SLACK_SIGNING_SECRET for HTTP")
	}
	if spaceInASecret.MatchString(string(s.SigningSecret)) {
		note("SLIPWAY_SLACK_SIGNING_SECRET", "a secret without spaces is expected")
	}
	if s.APIURL != "" && !isAddress(s.APIURL) {
		note("SLIPWAY_SLACK_API_URL", "an http or https address is expected, or nothing, which is Slack itself")
	}
}

func (f feishuConfig) check(note func(key, format string, args ...any)) {
	if !feishuAppID.MatchString(f.AppID) {
		note("SLIPWAY_FEISHU_APP_ID", "an app id is expected; it begins with cli_")
	}
	if f.AppSecret == "" {
		note("SLIPWAY_FEISHU_APP_SECRET", "the secret of the app is expected")
	}
	if !slices.Contains([]string{"", "ws", "http"}, f.Mode) {
		note("SLIPWAY_FEISHU_MODE", "ws (long connection, the default) or http is expected, not %q", f.Mode)
	}
	if f.Mode == "http" && f.EncryptKey == "" {
		note("SLIPWAY_FEISHU_ENCRYPT_KEY", "the encrypt key is expected with SLIPWAY_FEISHU_MODE=http: without it anybody could send events")
	}
	if !slices.Contains([]string{"", "feishu", "lark"}, f.BaseURL) && !isAddress(f.BaseURL) {
		note("SLIPWAY_FEISHU_BASE_URL", "feishu, lark or an http or https address is expected, not %q", f.BaseURL)
	}
	for key, s := range map[string]secret{
		"SLIPWAY_FEISHU_APP_SECRET": f.AppSecret, "SLIPWAY_FEISHU_VERIFICATION_TOKEN": f.VerificationToken, "SLIPWAY_FEISHU_ENCRYPT_KEY": f.EncryptKey,
	} {
		if spaceInASecret.MatchString(string(s)) {
			note(key, "a secret without spaces is expected")
		}
	}
}

func (c *config) checkRoom(r roomConfig, note func(key, format string, args ...any)) {
	known := slices.Contains([]string{"web", "slack", "feishu"}, r.Platform)
	switch {
	case !known:
		note("platform", "web, slack or feishu is expected, not %q", r.Platform)
	case !c.connected(bot.PlatformID(r.Platform)):
		note("platform", "%s is not connected: set %s", r.Platform, map[string]string{
			"slack":  "SLIPWAY_SLACK_BOT_TOKEN and SLIPWAY_SLACK_APP_TOKEN or SLIPWAY_SLACK_SIGNING_SECRET",
			"feishu": "SLIPWAY_FEISHU_APP_ID and SLIPWAY_FEISHU_APP_SECRET",
		}[r.Platform])
	}
	switch {
	case r.ID == "":
		note("id", "the id of a room is expected")
	case r.Platform == "slack" && !slackChannel.MatchString(r.ID):
		note("id", "the id of a channel such as C0123456789 is expected (it stands below the channel's details), not %q", r.ID)
	case r.Platform == "feishu" && !feishuGroup.MatchString(r.ID):
		note("id", "the id of a group such as oc_0123456789abcdef is expected (it stands below the group's settings), not %q", r.ID)
	}
	if !slices.Contains([]string{"", "en", "zh"}, r.Locale) {
		note("locale", "en or zh is expected, not %q", r.Locale)
	}
	if _, err := time.LoadLocation(r.TimeZone); err != nil || r.TimeZone == "Local" {
		note("time_zone", "an IANA time zone is expected, for example Asia/Shanghai, not %q", r.TimeZone)
	}
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// warnings are what can be worked with and is yet hardly meant.
func (c *config) warnings() []string {
	var out []string
	for _, p := range []struct {
		name, instead string
		http          bool
	}{
		{"Slack", "SLIPWAY_SLACK_APP_TOKEN (Socket Mode)", c.Slack.http()},
		{"Feishu", "SLIPWAY_FEISHU_MODE=ws", c.Feishu.http()},
	} {
		if p.http && !strings.HasPrefix(c.PublicURL, "https://") {
			out = append(out, fmt.Sprintf("SLIPWAY_PUBLIC_URL: %s delivers events by HTTPS to a public address; without one, use %s", p.name, p.instead))
		}
	}
	if c.Slack.AppToken != "" && c.Slack.SigningSecret != "" {
		out = append(out, "SLIPWAY_SLACK_SIGNING_SECRET: it is not used, because SLIPWAY_SLACK_APP_TOKEN selects Socket Mode")
	}
	return out
}
