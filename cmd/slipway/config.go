package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"slipway"
	"slipway/storage"
	"slipway/tasks"
	"slipway/webhook"
)

// secret is a value that prints as ***.
type secret string

func (s secret) hidden() string {
	if s == "" {
		return ""
	}
	return "***"
}

// String implements fmt.Stringer.
func (s secret) String() string { return s.hidden() }

// LogValue implements slog.LogValuer.
func (s secret) LogValue() slog.Value { return slog.StringValue(s.hidden()) }

// MarshalText implements encoding.TextMarshaler, for JSON and YAML.
func (s secret) MarshalText() ([]byte, error) { return []byte(s.hidden()), nil } //nolint:unparam // the interface wants the error

// config is everything that can be set (design section 7).
type config struct {
	Listen       string `yaml:"listen"`
	PublicURL    string `yaml:"public_url"`
	DataDir      string `yaml:"data_dir"`
	WorkflowsDir string `yaml:"workflows_dir"`
	DatabaseURL  secret `yaml:"database_url"`
	RedisURL     secret `yaml:"redis_url"`
	AdminToken   secret `yaml:"admin_token"`
	SecretKey    secret `yaml:"secret_key"`
	SMTPURL      secret `yaml:"smtp_url"`

	Slack  slackConfig  `yaml:"slack"`
	Feishu feishuConfig `yaml:"feishu"`

	Zadig   zadigConfig   `yaml:"zadig"`
	GitHub  githubConfig  `yaml:"github"`
	GitLab  gitlabConfig  `yaml:"gitlab"`
	Jenkins jenkinsConfig `yaml:"jenkins"`

	DingTalk dingtalkConfig `yaml:"dingtalk"`

	file `yaml:",inline"`

	engineSecrets map[string]map[string]string // of the engines of type http, by name
}

// file is what slipway.yaml may hold, every key optional.
type file struct {
	Users       []userConfig `yaml:"users"`
	Rooms       []roomConfig `yaml:"rooms"`
	Hooks       []hookConfig `yaml:"hooks"`
	ZadigChecks checksConfig `yaml:"zadig_checks"`
	// Approvals says how plans are approved in other systems.
	Approvals     approvalsConfig `yaml:"approvals"`
	Jira          jiraConfig      `yaml:"jira"`
	OnItemFailure string          `yaml:"on_item_failure"`
	SelfApproval  bool            `yaml:"self_approval"`
	// HookPatience is how long a hook is tried, for example 72h, the default.
	HookPatience string `yaml:"hook_patience"`
	// CallbackRate is how many callbacks a second are taken from one sender, ten times
	// as many at once; zero: no limit.
	CallbackRate *int `yaml:"callback_rate"`
	// Engines says how workflow engines are treated, by name, and sets up those of type http.
	Engines map[string]engineConfig `yaml:"engines"`
	// OverrideAdmins is how many admins must agree before an outside check is overridden; 1
	// is the default.
	OverrideAdmins int `yaml:"override_admins"`
	// LeaveRuns leaves runs alone when their plan is re-planned or cancelled.
	LeaveRuns bool `yaml:"leave_runs"`
	// Approval is what happens when an approval does not come, where the plan does not say.
	Approval approvalConfig `yaml:"approval"`
	// WorkingHours and Holidays are when people work who did not say; holidays are everybody's.
	WorkingHours string   `yaml:"working_hours"`
	Holidays     []string `yaml:"holidays"`
}

type userConfig struct {
	Name         string `yaml:"name"`
	Email        string `yaml:"email"`
	Role         string `yaml:"role"`
	SlackID      string `yaml:"slack_id"`
	FeishuOpenID string `yaml:"feishu_open_id"`
	DingTalkID   string `yaml:"dingtalk_id"`
	Locale       string `yaml:"locale"`
	TimeZone     string `yaml:"time_zone"`

	WorkingHours string   `yaml:"working_hours"`
	Holidays     []string `yaml:"holidays"`
}

type roomConfig struct {
	Platform string `yaml:"platform"`
	ID       string `yaml:"id"`
	Name     string `yaml:"name"`
	Locale   string `yaml:"locale"`
	TimeZone string `yaml:"time_zone"`
}

// loadConfig reads the file and the environment, which wins, and names every problem.
func loadConfig(path string, p process) (*config, error) {
	c := &config{Listen: "127.0.0.1:8080", DataDir: "./data", WorkflowsDir: "./workflows"}
	var problems []error
	note := func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	problems = append(problems, c.read(path, p)...)
	for name, to := range c.variables() {
		if v, ok := p.getenv(name); ok && v != "" {
			*to = v
		}
	}
	c.fromFiles(p, note)
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		note("SLIPWAY_LISTEN", "an address such as 127.0.0.1:8080 is expected, not %q", c.Listen)
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		note("SLIPWAY_PUBLIC_URL", "an http or https address is expected, not %q", c.PublicURL)
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if u, err := url.Parse(string(c.DatabaseURL)); c.DatabaseURL != "" && (err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql") {
		note("SLIPWAY_DATABASE_URL", "postgres://user:password@host:5432/name is expected")
	}
	if c.RedisURL != "" {
		if err := tasks.CheckRedisURL(string(c.RedisURL)); err != nil {
			note("SLIPWAY_REDIS_URL", "%v", err)
		}
	}
	if _, err := storage.ParseKeys(string(c.SecretKey)); err != nil {
		note("SLIPWAY_SECRET_KEY", "%v", err)
	}
	c.checkMail(note)
	problems = append(problems, c.check()...)
	problems = append(problems, c.checkChats()...)
	problems = append(problems, c.checkApprovals()...)
	problems = append(problems, c.checkEngines(p)...)
	if len(problems) > 0 {
		return nil, fmt.Errorf("the configuration has %d problem(s):\n  %w", len(problems), joined(problems))
	}
	return c, nil
}

// variables are the settings that the environment holds, by name.
func (c *config) variables() map[string]*string {
	return map[string]*string{
		"SLIPWAY_LISTEN": &c.Listen, "SLIPWAY_PUBLIC_URL": &c.PublicURL, "SLIPWAY_DATA_DIR": &c.DataDir,
		"SLIPWAY_WORKFLOWS_DIR": &c.WorkflowsDir, "SLIPWAY_DATABASE_URL": (*string)(&c.DatabaseURL),
		"SLIPWAY_REDIS_URL": (*string)(&c.RedisURL), "SLIPWAY_ADMIN_TOKEN": (*string)(&c.AdminToken),
		"SLIPWAY_SECRET_KEY": (*string)(&c.SecretKey),
		"SLIPWAY_SMTP_URL":   (*string)(&c.SMTPURL),

		"SLIPWAY_SLACK_BOT_TOKEN": (*string)(&c.Slack.BotToken), "SLIPWAY_SLACK_SIGNING_SECRET": (*string)(&c.Slack.SigningSecret),
		"SLIPWAY_SLACK_APP_TOKEN": (*string)(&c.Slack.AppToken), "SLIPWAY_SLACK_API_URL": &c.Slack.APIURL,

		"SLIPWAY_FEISHU_APP_ID": &c.Feishu.AppID, "SLIPWAY_FEISHU_APP_SECRET": (*string)(&c.Feishu.AppSecret),
		"SLIPWAY_FEISHU_VERIFICATION_TOKEN": (*string)(&c.Feishu.VerificationToken),
		"SLIPWAY_FEISHU_ENCRYPT_KEY":        (*string)(&c.Feishu.EncryptKey),
		"SLIPWAY_FEISHU_BASE_URL":           &c.Feishu.BaseURL, "SLIPWAY_FEISHU_MODE": &c.Feishu.Mode,

		"SLIPWAY_DINGTALK_APP_KEY": &c.DingTalk.AppKey, "SLIPWAY_DINGTALK_APP_SECRET": (*string)(&c.DingTalk.AppSecret),
		"SLIPWAY_DINGTALK_BASE_URL": &c.DingTalk.BaseURL, "SLIPWAY_DINGTALK_STREAM": &c.DingTalk.Stream, "SLIPWAY_DINGTALK_PROCESS_CODE": &c.Approvals.DingTalk.Definition,
		"SLIPWAY_DINGTALK_ORIGINATOR": &c.Approvals.DingTalk.Originator, "SLIPWAY_DINGTALK_DEPT": &c.Approvals.DingTalk.Dept,
		"SLIPWAY_DINGTALK_CALLBACK_TOKEN":   (*string)(&c.DingTalk.CallbackToken),
		"SLIPWAY_DINGTALK_CALLBACK_AES_KEY": (*string)(&c.DingTalk.CallbackKey),

		"SLIPWAY_ZADIG_URL": &c.Zadig.URL, "SLIPWAY_ZADIG_TOKEN": (*string)(&c.Zadig.Token),
		"SLIPWAY_ZADIG_WEBHOOK_TOKEN": (*string)(&c.Zadig.WebhookToken),
		"SLIPWAY_ZADIG_CHECKS_TOKEN":  (*string)(&c.ZadigChecks.Token),

		"SLIPWAY_JIRA_URL": &c.Jira.URL, "SLIPWAY_JIRA_USER": &c.Jira.User, "SLIPWAY_JIRA_TOKEN": (*string)(&c.Jira.Token),

		"SLIPWAY_GITHUB_URL": &c.GitHub.URL, "SLIPWAY_GITHUB_TOKEN": (*string)(&c.GitHub.Token), "SLIPWAY_GITHUB_APP_ID": &c.GitHub.AppID,
		"SLIPWAY_GITHUB_APP_KEY": (*string)(&c.GitHub.AppKey), "SLIPWAY_GITHUB_WEBHOOK_SECRET": (*string)(&c.GitHub.WebhookSecret),

		"SLIPWAY_GITLAB_URL": &c.GitLab.URL, "SLIPWAY_GITLAB_TOKEN": (*string)(&c.GitLab.Token),
		"SLIPWAY_GITLAB_WEBHOOK_TOKEN": (*string)(&c.GitLab.WebhookToken),

		"SLIPWAY_JENKINS_URL": &c.Jenkins.URL, "SLIPWAY_JENKINS_USER": &c.Jenkins.User, "SLIPWAY_JENKINS_TOKEN": (*string)(&c.Jenkins.Token),
		"SLIPWAY_JENKINS_WEBHOOK_TOKEN": (*string)(&c.Jenkins.WebhookToken),
	}
}

func joined(errs []error) error {
	texts := make([]string, len(errs))
	for i, e := range errs {
		texts[i] = e.Error()
	}
	slices.Sort(texts)
	return errors.New(strings.Join(slices.Compact(texts), "\n  "))
}

// read reads slipway.yaml; only a file that was asked for has to be there.
func (c *config) read(path string, p process) []error {
	asked := path != ""
	if !asked {
		path, asked = p.getenv("SLIPWAY_CONFIG")
	}
	if path == "" {
		path = "slipway.yaml"
	}
	data, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return nil
	}
	if err != nil {
		return []error{fmt.Errorf("--config: %w", err)}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var f file
	err = dec.Decode(&f)
	if errors.Is(err, io.EOF) {
		return nil
	}
	var types *yaml.TypeError
	if errors.As(err, &types) {
		out := make([]error, len(types.Errors))
		for i, e := range types.Errors {
			out[i] = errors.New(path + " " + explainYAML(e))
		}
		c.file = f // the rest was read; its problems are named too
		return out
	}
	if err != nil {
		return []error{fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	c.file = f
	return nil
}

var (
	unknownField = regexp.MustCompile(`^(line \d+): field (\S+) not found in type .*$`)
	wrongType    = regexp.MustCompile(`^(line \d+): cannot unmarshal (\S+) (.*) ?into (\S+)$`)
)

// explainYAML says in our words what the YAML reader found.
func explainYAML(s string) string {
	if m := unknownField.FindStringSubmatch(s); m != nil {
		return m[1] + ": " + m[2] + " is not a key that is known here"
	}
	if m := wrongType.FindStringSubmatch(s); m != nil {
		want := map[string]string{"bool": "true or false", "string": "a text", "int": "a whole number", "main.secret": "a text"}[m[4]]
		switch {
		case want != "":
		case strings.HasPrefix(m[4], "[]"):
			want = "a list"
		default:
			want = "a mapping of keys"
		}
		return fmt.Sprintf("%s: %s is expected, not %s", m[1], want, strings.Trim(m[3], " `"))
	}
	return s
}

// rules are the settings that transitions obey.
func (c *config) rules(html func(string) string) *slipway.Rules {
	r := &slipway.Rules{SelfApproval: c.SelfApproval, ContinueOnFailure: c.OnItemFailure == "continue", LeaveRuns: c.LeaveRuns, HTML: html}
	r.Overriders, r.Outside = c.OverrideAdmins, c.outside()
	c.timeRules(r)
	r.Jira = c.Jira.URL != ""
	for i := range c.Hooks {
		r.Endpoints = append(r.Endpoints, c.Hooks[i].endpoint())
	}
	if c.checks() != nil {
		r.Endpoints = append(r.Endpoints, c.decisions())
	}
	return r
}

// hookPatience is how long a hook is tried; zero means the default.
func (c *config) hookPatience() time.Duration {
	d, _ := time.ParseDuration(c.HookPatience) // checked before
	return d
}

// callbackRate limits what one sender may call back.
func (c *config) callbackRate() webhook.Rate {
	perSecond := 100
	if c.CallbackRate != nil {
		perSecond = *c.CallbackRate
	}
	if perSecond == 0 {
		return webhook.Rate{PerSecond: -1}
	}
	return webhook.Rate{PerSecond: float64(perSecond), Burst: 10 * perSecond}
}

// embedded tells whether nothing was set up: SQLite and the in-process Redis.
func (c *config) embedded() bool { return c.DatabaseURL == "" }

// publicURL is how others reach Slipway.
func (c *config) publicURL() string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	host, port, _ := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func configCommand(args []string, path string, p process) error {
	if len(args) != 1 || args[0] != "check" && args[0] != "show" {
		return errors.New("config check or config show is expected")
	}
	c, err := loadConfig(path, p)
	if err != nil {
		return err
	}
	if args[0] == "check" {
		said := "the configuration is in order\n"
		for _, w := range c.warnings() {
			said += "  but " + w + "\n"
		}
		_, err = io.WriteString(p.stdout, said)
		return err
	}
	out, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	_, err = p.stdout.Write(out)
	return err
}
