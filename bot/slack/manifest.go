package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/slack-go/slack"

	"slipway"
)

// ManifestConfig is what an app manifest depends on.
type ManifestConfig struct {
	// URL is how people, and without Socket Slack too, reach Slipway. With Socket it may
	// be empty; then links to plans are not unfurled.
	URL    string
	Socket bool
	// Command is the name of the slash command, "" for "/plan".
	Command string
	// Name is the name of the app and the bot, "" for "Slipway".
	Name string
	Lang slipway.Lang
}

// Manifest returns the manifest, as JSON, that Slack makes the app from.
func Manifest(c ManifestConfig) ([]byte, error) {
	base, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil || c.URL != "" && (base.Host == "" || base.Scheme != "https" && base.Scheme != "http") {
		return nil, fmt.Errorf("manifest: %q is no web address", c.URL)
	}
	if c.URL == "" && !c.Socket {
		return nil, errors.New("manifest: without Socket Mode Slack must know the address of Slipway")
	}
	c.Command, c.Name = or(c.Command, DefaultCommand), or(c.Name, "Slipway")
	m := slack.Manifest{
		Metadata: slack.ManifestMetadata{MajorVersion: 2},
		Display: slack.Display{
			Name: c.Name, BackgroundColor: "#1b3a57",
			Description: c.say("Plans, approves and runs releases.", "发布计划的编排、审批与执行。"),
		},
		Features: c.features(base),
		Settings: slack.Settings{
			EventSubscriptions: &slack.EventSubscriptions{
				RequestUrl: c.route("events"),
				BotEvents:  []string{"app_home_opened", "app_mention", "link_shared", "message.channels", "message.groups", "message.im"},
			},
			Interactivity:     &slack.Interactivity{IsEnabled: true, RequestUrl: c.route("interactions"), MessageMenuOptionsUrl: c.route("interactions")},
			SocketModeEnabled: c.Socket,
		},
	}
	for _, scope := range Scopes() {
		m.OAuthConfig.Scopes.Bot = append(m.OAuthConfig.Scopes.Bot, scope.Name)
	}
	return write(m)
}

// write writes a manifest. The library leaves out what is false, and Slack takes a
// messages tab of which nothing is said for one that people cannot write in.
func write(m slack.Manifest) ([]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	var whole struct {
		slack.Manifest
		Features map[string]any `json:"features"`
	}
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if home, ok := whole.Features["app_home"].(map[string]any); ok {
		home["messages_tab_read_only_enabled"] = false
	}
	if data, err = json.MarshalIndent(whole, "", "  "); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return append(data, '\n'), nil
}

func (c *ManifestConfig) say(en, zh string) string { return slipway.Text{EN: en, ZH: zh}.In(c.Lang) }

// route is where Slack sends things over HTTP; over Socket Mode it is nowhere.
func (c *ManifestConfig) route(name string) string {
	if c.Socket {
		return ""
	}
	return strings.TrimRight(c.URL, "/") + "/slack/" + name
}

func (c *ManifestConfig) features(base *url.URL) slack.Features {
	f := slack.Features{
		AppHome: slack.AppHome{HomeTabEnabled: true, MessagesTabEnabled: true},
		BotUser: slack.BotUser{DisplayName: c.Name, AlwaysOnline: true},
		Shortcuts: []slack.Shortcut{
			{Name: c.say("New plan", "新建发布计划"), CallbackID: shortcutNew, Description: c.say("Create a release plan", "新建一个发布计划"), Type: slack.GlobalShortcut},
			{
				Name: c.say("New plan from this", "由此新建发布计划"), CallbackID: shortcutFrom,
				Description: c.say("Create a release plan from this message", "根据这条消息新建发布计划"), Type: slack.MessageShortcut,
			},
		},
		SlashCommands: []slack.ManifestSlashCommand{{
			Command: c.Command, Description: c.say("Release plans", "发布计划"), ShouldEscape: true, Url: c.route("commands"),
			UsageHint: c.say("help · new · list mine · approve #12", "帮助 · 新建 · 列表 我的 · 通过 #12"),
		}},
	}
	if base.Host != "" && strings.Contains(base.Hostname(), ".") {
		f.UnfurlDomains = []string{base.Hostname()}
	}
	return f
}
