package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"slipway/bot/feishu/feishutest"
	"slipway/bot/slack/slacktest"
	"slipway/cmd/slipway/processtest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/github/githubtest"
	"slipway/tasks/engine/gitlab/gitlabtest"
	"slipway/tasks/engine/httpengine/httpenginetest"
	"slipway/tasks/engine/jenkins/jenkinstest"
	"slipway/tasks/engine/zadig/zadigtest"
)

func readAll(r *http.Response) (string, error) {
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	return string(body), err
}

// careless is the way to an engine with a server on it that repeats all that it is
// sent, credentials too: in a header of every answer, and as the whole answer while it
// is told to.
type careless struct {
	url string
	to  *httputil.ReverseProxy

	mu            sync.Mutex
	reads, writes int // the status that is answered; 0: the server behind it answers
	code          any // given as its own, if it is not nil
	repeated      int
	heard         chan struct{} // closed when something is repeated
}

// newCareless puts the careless server before an engine.
func newCareless(t *testing.T, target, token string) *careless {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	c := &careless{heard: make(chan struct{})}
	c.to = &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = u.Host },
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("X-Repeated", oneHeader(said(r.Request, nil)))
			if !strings.Contains(r.Header.Get("Content-Type"), "json") && token != "" {
				r.Body = printing{r.Body, token}
			}
			return nil
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// repeat has requests that read, and those that change something, answered so.
func (c *careless) repeat(reads, writes int) (heard <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads, c.writes, c.heard = reads, writes, make(chan struct{})
	return c.heard
}

// said is all that a request says, its credentials first: what repeats it may be cut short.
func said(r *http.Request, body []byte) string {
	all := []string{r.Header.Get("Authorization"), string(body)}
	if user, password, basic := r.BasicAuth(); basic {
		all = append(all, user+":"+password)
	}
	for name, values := range r.Header {
		all = append(all, name+": "+strings.Join(values, ", "))
	}
	return strings.Join(append(all, r.URL.String()), "; ")
}

func oneHeader(text string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(text) }

// ServeHTTP implements http.Handler.
func (c *careless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	status, heard, code := c.writes, c.heard, c.code
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		status = c.reads
	}
	c.mu.Unlock()
	if status == 0 {
		c.to.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	text := said(r, body)
	w.Header().Set("X-Repeated", oneHeader(text))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	answer := map[string]any{
		"message": text, "error": text, "errors": []string{text}, "description": text, "status": text, "msg": text, "errorMessages": []string{text},
	}
	if code != nil {
		answer["code"] = code
	}
	_ = json.NewEncoder(w).Encode(answer)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.repeated++
	select {
	case <-heard:
	default:
		close(heard)
	}
}

// watchedVendor is an engine behind a careless server, with credentials of its own.
type watchedVendor struct {
	vendor

	way   *careless
	token string // that Slipway has there, printed by workflows
	mute  bool   // it takes no answers of Slipway for people
}

// credentialOf makes an unmistakable credential, with characters that are written in
// many ways. Each field of each engine has one.
func credentialOf(field string) string {
	return `s3cret:of+` + field + `/%41&<"never` + "`" + `seen">=`
}

// tokenOf is one that Zadig reads: it names an account.
var zadigSecret = zadigtest.Token("s3cret-of-zadig-never-seen")

// own stands for the engine's own credential in what workflows print. The way puts the
// credential there, so that no definition of a workflow has it.
func own(token string) string { return strings.Repeat("@", len(token)) }

// leaky is a workflow that prints all it knows, the engine's own credential too.
func leaky(project, token string) standin.Workflow {
	return standin.Workflow{
		Project: project, Name: "leaky", Params: []standin.Param{{Name: "TOKEN", Secret: true}},
		Stages: []standin.Stage{{Name: "run", Jobs: []standin.Job{{Name: "one", Says: []string{
			"<${TOKEN}>", "the token of the engine is " + own(token), `{"token": "${TOKEN}"}`,
		}}}}},
	}
}

// printing puts a credential where a text says own.
type printing struct {
	io.ReadCloser

	token string
}

func (p printing) Read(into []byte) (int, error) {
	n, err := p.ReadCloser.Read(into)
	copy(into, bytes.ReplaceAll(into[:n], []byte(own(p.token)), []byte(p.token)))
	return n, err
}

// watchedVendors are the engines with every credential field set, and the table of the
// secrets: one more engine, or one more field, is one more line.
func watchedVendors(t *testing.T) ([]*watchedVendor, []kept) {
	t.Helper()
	var secrets []kept
	field := func(variable, value string) string {
		secrets = append(secrets, kept{name: variable, value: value})
		return value
	}
	plain := func(variable string) string { return field(variable, credentialOf(strings.ToLower(variable))) }
	more := func(project, own string) []standin.Workflow {
		return append(theirScenarios(project), leaky(project, own))
	}
	env := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	at := func(format string) func(string) string {
		return func(scenario string) string { return fmt.Sprintf(format, scenario) }
	}
	var all []*watchedVendor
	var token, hook string
	add := func(v vendor) { all = append(all, &watchedVendor{vendor: v, token: token}) }

	token, hook = field("SLIPWAY_ZADIG_TOKEN", zadigSecret), plain("SLIPWAY_ZADIG_WEBHOOK_TOKEN")
	var flows []zadigtest.Workflow
	for _, w := range more("shop", token) {
		flows = append(flows, zadigtest.Workflow{Workflow: w})
	}
	add(vendor{
		vendorServer: zadigtest.New(zadigtest.Config{Token: token, WebhookToken: hook, Workflows: flows}), name: "zadig",
		env:  env("SLIPWAY_ZADIG_TOKEN", token, "SLIPWAY_ZADIG_WEBHOOK_TOKEN", hook),
		item: at("engine=zadig project=shop workflow=%s"),
	})
	token, hook = plain("SLIPWAY_GITHUB_TOKEN"), plain("SLIPWAY_GITHUB_WEBHOOK_SECRET")
	add(vendor{
		vendorServer: githubtest.New(githubtest.Config{Token: token, WebhookSecret: hook, Workflows: more(vendorFolder, token)}), name: "github",
		env:  env("SLIPWAY_GITHUB_TOKEN", token, "SLIPWAY_GITHUB_WEBHOOK_SECRET", hook),
		item: at("engine=github project=" + vendorFolder + " workflow=%s.yml"),
	})
	token, hook = plain("SLIPWAY_GITLAB_TOKEN"), plain("SLIPWAY_GITLAB_WEBHOOK_TOKEN")
	add(vendor{
		vendorServer: gitlabtest.New(gitlabtest.Config{Token: token, WebhookToken: hook, Workflows: more(vendorFolder, token)}), name: "gitlab",
		env:  env("SLIPWAY_GITLAB_TOKEN", token, "SLIPWAY_GITLAB_WEBHOOK_TOKEN", hook),
		item: at("engine=gitlab project=" + vendorFolder + " workflow=%s"),
	})
	token, hook = plain("SLIPWAY_JENKINS_TOKEN"), plain("SLIPWAY_JENKINS_WEBHOOK_TOKEN")
	add(vendor{
		vendorServer: jenkinstest.New(jenkinstest.Config{User: "slipway", Token: token, WebhookToken: hook, Workflows: more(vendorFolder, token)}), name: "jenkins",
		env:  env("SLIPWAY_JENKINS_USER", "slipway", "SLIPWAY_JENKINS_TOKEN", token, "SLIPWAY_JENKINS_WEBHOOK_TOKEN", hook),
		item: at("engine=jenkins project=" + vendorFolder + " workflow=%s"),
	})
	token, hook = plain("DEPLOYER_TOKEN"), plain("DEPLOYER_HOOK")
	add(vendor{
		vendorServer: httpenginetest.New(httpenginetest.Config{Token: token, CallbackToken: hook, Workflows: more("shop", token)}), name: "deployer",
		env:  env("DEPLOYER_TOKEN", token, "DEPLOYER_HOOK", hook),
		item: at("engine=deployer project=shop workflow=%s"),
		more: ownVendor().more + "      - {project: shop, name: fails}\n      - {project: shop, name: leaky, params: [{name: TOKEN, credential: true}]}\n",
	})
	return all, secrets
}

// watchedApp is GitHub with Slipway as its app, whose key is a secret of many lines.
func watchedApp(t *testing.T) (*watchedVendor, []kept) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	hook := credentialOf("slipway_github_webhook_secret")
	return &watchedVendor{mute: true, vendor: vendor{
		vendorServer: githubtest.New(githubtest.Config{
			AppID: "4", AppKey: &key.PublicKey, WebhookSecret: hook, Workflows: append(theirScenarios(vendorFolder), leaky(vendorFolder, "")),
		}), name: "github",
		env:  map[string]string{"SLIPWAY_GITHUB_APP_ID": "4", "SLIPWAY_GITHUB_APP_KEY": text, "SLIPWAY_GITHUB_WEBHOOK_SECRET": hook},
		item: func(s string) string { return "engine=github project=" + vendorFolder + " workflow=" + s + ".yml" },
	}}, []kept{{name: "SLIPWAY_GITHUB_APP_KEY", value: text}, {name: "SLIPWAY_GITHUB_WEBHOOK_SECRET", value: hook}}
}

// watched is a Slipway with engines and chats, of which all is seen that can be seen.
type watched struct {
	*house
	operator
	evidence

	vendors  []*watchedVendor
	slack    *slacktest.Server
	feishu   *feishutest.Server
	outsides *outsides  // nil: there are none
	forms    sync.Mutex // held while somebody has a form open
	env      map[string]string
	dir      string
}

// openWatched starts a Slipway that logs everything, connected to the engines behind
// careless servers, to both chats and to outside systems.
func openWatched(t *testing.T, all []*watchedVendor, outside *outsides) *watched {
	t.Helper()
	x := &watched{vendors: all, outsides: outside, env: map[string]string{}, dir: t.TempDir()}
	engines := ""
	for _, v := range all {
		if err := v.Listen("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(v.Close)
		v.way = newCareless(t, v.URL(), v.token)
		maps.Copy(x.env, v.env)
		if v.more == "" {
			x.env["SLIPWAY_"+strings.ToUpper(v.name)+"_URL"] = v.way.url
		}
		engines += fmt.Sprintf("  %s:\n    poll: 50ms\n    timeout: 2s\n    requests_per_minute: 0%s\n", v.name, strings.ReplaceAll(v.more, "SERVER", v.way.url))
	}
	rooms := x.chats(t)
	more := x.connectOutsides(t)
	receiver := processtest.NewReceiver(func(h processtest.Hook) { x.see("hook to "+h.Endpoint, string(h.Body)) }, func(err error) { t.Error(err) })
	t.Cleanup(receiver.Close)
	x.env["SLIPWAY_CONFIG"], x.env["SLIPWAY_DATA_DIR"] = filepath.Join(x.dir, "slipway.yaml"), filepath.Join(x.dir, "data")
	x.env["SLIPWAY_LISTEN"], x.env["SLIPWAY_WORKFLOWS_DIR"] = "127.0.0.1:0", filepath.Join(x.dir, "workflows")
	x.env["SLIPWAY_ADMIN_TOKEN"] = adminOfHouse
	events := "events: [finish_planning, start_execute, all_job_done], allow_private: true"
	write(t, x.env["SLIPWAY_CONFIG"], fmt.Sprintf("engines:\n%shooks:\n- {name: office, url: %[2]s/office, %[3]s}\n- {name: vault, url: %[2]s/vault, credentials: true, %[3]s}\n%[4]s%[5]s",
		engines, receiver.URL, events, rooms, more))
	c, err := loadConfig("", x.process(nil))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(x.writer("the log"), &slog.HandlerOptions{Level: slog.LevelDebug}))
	x.house = runHere(t, c, nil, log)
	x.operator = operator{ctx: t.Context(), t: t, base: c.PublicURL, client: x.asAdmin()}
	for _, v := range all {
		v.on(x.house)
	}
	return x
}

// chats connects Slack and Feishu, each by a way on which everything that is sent there
// is seen, and returns the rooms of the configuration.
func (x *watched) chats(t *testing.T) string {
	t.Helper()
	slack, env := workspace(t, true)
	maps.Copy(x.env, env)
	x.env["SLIPWAY_SLACK_API_URL"] = x.seenWay(t, "sent to Slack", slack.APIURL())
	feishu, env := x.company(t)
	maps.Copy(x.env, env)
	slack.AddUser(slacktest.User{ID: "UALICE", Name: "Alice", Email: "alice@example.com"})
	slack.AddChannel(slacktest.Channel{ID: "C1", Name: "releases", Members: []string{"UALICE"}, Bot: true})
	feishu.AddGroup(feishutest.Group{ID: "oc_1", Name: "发布"})
	x.slack, x.feishu = slack, feishu
	return "rooms:\n- {platform: slack, id: C1}\n- {platform: feishu, id: oc_1, locale: zh}\n- {platform: web, id: releases}\n"
}

// seenWay puts a way before a server on which every request is seen.
func (x *watched) seenWay(t *testing.T, place, target string) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	to := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = u.Scheme, u.Host, u.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		x.see(place, fmt.Sprint(r.URL, "\n", r.Header, "\n", string(body)))
		if form, err := url.ParseQuery(string(body)); err == nil {
			for _, values := range form {
				x.see(place, strings.Join(values, "\n"))
			}
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		to.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL + u.Path
}

// process is what a command of the program gets, with some variables set otherwise.
func (x *watched) process(other map[string]string) process {
	return process{
		getenv: func(name string) (string, bool) {
			if v, set := other[name]; set {
				return v, true
			}
			v, set := x.env[name]
			return v, set
		},
		environ: func() []string { return nil },
		stdin:   strings.NewReader(""), stdout: io.Discard, stderr: io.Discard,
	}
}
