package main

import (
	"fmt"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"slipway/tasks/engine/httpengine"
)

// zadigConfig connects Zadig.
type zadigConfig struct {
	URL          string `yaml:"url"`
	Token        secret `yaml:"token"`
	WebhookToken secret `yaml:"webhook_token"`
}

// githubConfig connects GitHub: with a token, or as an app.
type githubConfig struct {
	URL           string `yaml:"url"` // of the API; "" is api.github.com
	Token         secret `yaml:"token"`
	AppID         string `yaml:"app_id"`
	AppKey        secret `yaml:"app_key"` // PEM
	WebhookSecret secret `yaml:"webhook_secret"`
}

// gitlabConfig connects GitLab.
type gitlabConfig struct {
	URL          string `yaml:"url"` // "" is gitlab.com
	Token        secret `yaml:"token"`
	WebhookToken secret `yaml:"webhook_token"`
}

// jenkinsConfig connects Jenkins.
type jenkinsConfig struct {
	URL          string `yaml:"url"`
	User         string `yaml:"user"`
	Token        secret `yaml:"token"`
	WebhookToken secret `yaml:"webhook_token"`
}

// pace is how an engine is treated, a part of engines in slipway.yaml.
type pace struct {
	Timeout           string `yaml:"timeout"`             // of one request
	Poll              string `yaml:"poll"`                // how often a run is looked at
	RequestsPerMinute *int   `yaml:"requests_per_minute"` // zero: no limit
}

// engineConfig is one entry of engines in slipway.yaml.
type engineConfig struct {
	Type   string `yaml:"type"` // http for an engine of one's own; nothing for the known ones
	pace   `yaml:",inline"`
	Server httpengine.Settings `yaml:",inline"` // of type http
}

func (p pace) check(note func(key, format string, args ...any)) {
	for key, d := range map[string]string{"timeout": p.Timeout, "poll": p.Poll} {
		if v, err := time.ParseDuration(d); d != "" && (err != nil || v <= 0) {
			note(key, "a duration such as 15s is expected, not %q", d)
		}
	}
	if n := p.RequestsPerMinute; n != nil && (*n < 0 || *n > 1_000_000) {
		note("requests_per_minute", "a number from 0 (no limit) to 1000000 is expected, not %d", *n)
	}
}

// duration reads a duration that was checked before; zero means the default.
func duration(s string) time.Duration {
	d, _ := time.ParseDuration(s)
	return d
}

// perMinute is the limit of requests, or the engine's default.
func (p pace) perMinute(def int) int {
	if p.RequestsPerMinute == nil {
		return def
	}
	return *p.RequestsPerMinute
}

// engineNames are the engines that are set up by variables; others in slipway.yaml are
// of type http.
var engineNames = []string{"zadig", "github", "gitlab", "jenkins"}

var engineName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// checkEngines judges what connects the workflow engines. It never repeats a value that
// may be a secret.
func (c *config) checkEngines(p process) []error {
	var out []error
	note := func(key, format string, args ...any) {
		out = append(out, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	c.checkEngineVariables(note)
	for name, e := range c.Engines {
		at := "engines." + name
		below := func(key, format string, args ...any) { note(at+"."+key, format, args...) }
		e.check(below)
		switch {
		case name == "local":
			note(at, "the local engine has nothing to set here")
		case slices.Contains(engineNames, name):
			if e.Type != "" || !reflect.ValueOf(e.Server).IsZero() {
				note(at, "only timeout, poll and requests_per_minute can be set for %s; the rest is in SLIPWAY_%s_… variables", name, strings.ToUpper(name))
			}
		case !engineName.MatchString(name):
			note(at, "a name that begins with a small letter and holds small letters, digits, - and _ is expected")
		case e.Type != "http":
			note(at+".type", "http is expected for an engine of your own, not %q", e.Type)
		default:
			e.Server.Check(below)
			if c.engineSecrets == nil {
				c.engineSecrets = map[string]map[string]string{}
			}
			c.engineSecrets[name] = e.Server.Reveal(p.getenv, os.ReadFile, below)
		}
	}
	slices.SortFunc(out, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return out
}

func (c *config) checkEngineVariables(note func(key, format string, args ...any)) {
	address := func(key, value string) {
		if u, err := url.Parse(value); value != "" && (err != nil || u.User != nil || !isAddress(value)) {
			note(key, "an http or https address is expected, without a user or a password in it")
		}
	}
	together := func(engine string, values map[string]string) {
		given := ""
		for _, v := range values {
			given += v
		}
		for key, v := range values {
			if given != "" && v == "" {
				note(key, "it is expected beside the other settings of %s", engine)
			}
		}
	}
	address("SLIPWAY_ZADIG_URL", c.Zadig.URL)
	address("SLIPWAY_GITHUB_URL", c.GitHub.URL)
	address("SLIPWAY_GITLAB_URL", c.GitLab.URL)
	address("SLIPWAY_JENKINS_URL", c.Jenkins.URL)
	together("Zadig", map[string]string{"SLIPWAY_ZADIG_URL": c.Zadig.URL, "SLIPWAY_ZADIG_TOKEN": string(c.Zadig.Token)})
	together("Jenkins", map[string]string{
		"SLIPWAY_JENKINS_URL": c.Jenkins.URL, "SLIPWAY_JENKINS_USER": c.Jenkins.User, "SLIPWAY_JENKINS_TOKEN": string(c.Jenkins.Token),
	})
	together("the GitHub app", map[string]string{"SLIPWAY_GITHUB_APP_ID": c.GitHub.AppID, "SLIPWAY_GITHUB_APP_KEY": string(c.GitHub.AppKey)})
	if c.GitHub.Token != "" && c.GitHub.AppID != "" {
		note("SLIPWAY_GITHUB_TOKEN", "either a token or an app (SLIPWAY_GITHUB_APP_ID and SLIPWAY_GITHUB_APP_KEY) is expected, not both")
	}
	if k := string(c.GitHub.AppKey); k != "" && !strings.Contains(k, "PRIVATE KEY-----") {
		note("SLIPWAY_GITHUB_APP_KEY", "a private key in PEM form is expected; SLIPWAY_GITHUB_APP_KEY_FILE may name its file")
	}
	for key, s := range map[string]secret{
		"SLIPWAY_ZADIG_TOKEN": c.Zadig.Token, "SLIPWAY_ZADIG_WEBHOOK_TOKEN": c.Zadig.WebhookToken,
		"SLIPWAY_GITHUB_TOKEN": c.GitHub.Token, "SLIPWAY_GITHUB_WEBHOOK_SECRET": c.GitHub.WebhookSecret,
		"SLIPWAY_GITLAB_TOKEN": c.GitLab.Token, "SLIPWAY_GITLAB_WEBHOOK_TOKEN": c.GitLab.WebhookToken,
		"SLIPWAY_JENKINS_TOKEN": c.Jenkins.Token, "SLIPWAY_JENKINS_WEBHOOK_TOKEN": c.Jenkins.WebhookToken,
	} {
		if spaceInASecret.MatchString(string(s)) {
			note(key, "a secret without spaces is expected")
		}
	}
}

// fromFiles reads the secrets that the environment names the files of: NAME_FILE beside
// NAME, as container platforms mount them.
func (c *config) fromFiles(p process, note func(key, format string, args ...any)) {
	for name, to := range c.variables() {
		path, ok := p.getenv(name + "_FILE")
		if !ok || path == "" {
			continue
		}
		if v, set := p.getenv(name); set && v != "" {
			note(name+"_FILE", "either this or %s is expected, not both", name)
			continue
		}
		text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			note(name+"_FILE", "the file cannot be read: %v", err)
			continue
		}
		*to = strings.TrimRight(string(text), "\r\n")
	}
}
