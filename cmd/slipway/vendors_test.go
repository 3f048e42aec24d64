package main

import (
	"context"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"slipway/bot/feishu/feishutest"
	"slipway/cmd/slipway/storytest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/github/githubtest"
	"slipway/tasks/engine/gitlab/gitlabtest"
	"slipway/tasks/engine/httpengine/httpenginetest"
	"slipway/tasks/engine/jenkins/jenkinstest"
	"slipway/tasks/engine/zadig/zadigtest"
)

// vendorServer is a stand-in of a workflow engine.
type vendorServer interface {
	Listen(address string) error
	URL() string
	Close()
	Faults() *standin.Faults
	Violations() []string
	Notify(mode standin.Mode)
	NotifyURL(url string)
	Starts(mark string) int
}

// vendor is a stand-in with what connects a Slipway to it.
type vendor struct {
	vendorServer
	name string
	env  map[string]string
	item func(scenario string) string // what follows the item's name in `add`
	more string                       // settings beside those that all have; SERVER is its address
}

// The credentials of the stand-ins. None may be seen anywhere.
const (
	vendorToken  = "s3cret-of-the-engine"
	vendorHook   = "s3cret-of-the-webhooks"
	vendorFolder = "team/app"
)

// theirScenarios are the workflows of the suite of package enginetest.
func theirScenarios(project string) []standin.Workflow {
	return standin.Scenarios(project, "it cannot be run")
}

func zadigVendor() vendor {
	var all []zadigtest.Workflow
	for _, w := range theirScenarios("shop") {
		all = append(all, zadigtest.Workflow{Workflow: w})
	}
	s := zadigtest.New(zadigtest.Config{Token: vendorToken, WebhookToken: vendorHook, Workflows: all})
	return vendor{
		vendorServer: s, name: "zadig",
		env:  map[string]string{"SLIPWAY_ZADIG_TOKEN": vendorToken, "SLIPWAY_ZADIG_WEBHOOK_TOKEN": vendorHook},
		item: func(s string) string { return "engine=zadig project=shop workflow=" + s },
	}
}

func githubVendor() vendor {
	s := githubtest.New(githubtest.Config{Token: vendorToken, WebhookSecret: vendorHook, Workflows: theirScenarios(vendorFolder)})
	return vendor{
		vendorServer: s, name: "github",
		env:  map[string]string{"SLIPWAY_GITHUB_TOKEN": vendorToken, "SLIPWAY_GITHUB_WEBHOOK_SECRET": vendorHook},
		item: func(s string) string { return "engine=github project=" + vendorFolder + " workflow=" + s + ".yml" },
	}
}

func gitlabVendor() vendor {
	s := gitlabtest.New(gitlabtest.Config{Token: vendorToken, WebhookToken: vendorHook, Workflows: theirScenarios(vendorFolder)})
	return vendor{
		vendorServer: s, name: "gitlab",
		env:  map[string]string{"SLIPWAY_GITLAB_TOKEN": vendorToken, "SLIPWAY_GITLAB_WEBHOOK_TOKEN": vendorHook},
		item: func(s string) string { return "engine=gitlab project=" + vendorFolder + " workflow=" + s },
	}
}

func jenkinsVendor() vendor {
	s := jenkinstest.New(jenkinstest.Config{
		User: "slipway", Token: vendorToken, WebhookToken: vendorHook, Workflows: theirScenarios(vendorFolder),
	})
	return vendor{
		vendorServer: s, name: "jenkins",
		env:  map[string]string{"SLIPWAY_JENKINS_USER": "slipway", "SLIPWAY_JENKINS_TOKEN": vendorToken, "SLIPWAY_JENKINS_WEBHOOK_TOKEN": vendorHook},
		item: func(s string) string { return "engine=jenkins project=" + vendorFolder + " workflow=" + s },
	}
}

// ownVendor is a server of one's own, as slipway.yaml describes it.
func ownVendor() vendor {
	s := httpenginetest.New(httpenginetest.Config{Token: vendorToken, CallbackToken: vendorHook, Workflows: theirScenarios("shop")})
	return vendor{
		vendorServer: s, name: "deployer",
		env:  map[string]string{"DEPLOYER_TOKEN": vendorToken, "DEPLOYER_HOOK": vendorHook},
		item: func(s string) string { return "engine=deployer project=shop workflow=" + s },
		more: `
    type: http
    secrets: {token: {env: DEPLOYER_TOKEN}, hook: {env: DEPLOYER_HOOK}}
` + strings.ReplaceAll("\n"+httpenginetest.Settings, "\n", "\n    ") + `
    workflows:
      - {project: shop, name: passes, stages: [{name: run, jobs: [one]}]}
      - {project: shop, name: blocks, stages: [{name: run, jobs: [one]}]}
      - {project: shop, name: asks, stages: [{name: first, jobs: [before]}, {name: second, jobs: [gate]}, {name: third, jobs: [after]}]}
      - {project: shop, name: flaky, stages: [{name: first, jobs: [one]}, {name: second, jobs: [two]}]}
`,
	}
}

func vendors() []vendor {
	return []vendor{zadigVendor(), githubVendor(), gitlabVendor(), jenkinsVendor(), ownVendor()}
}

// settings is the vendor's part of engines in slipway.yaml: it is looked at often.
func (v *vendor) settings() string {
	return fmt.Sprintf("  %s:\n    poll: 100ms\n    requests_per_minute: 0%s\n", v.name, strings.ReplaceAll(v.more, "SERVER", v.URL()))
}

// serve starts the stand-in for a test, and returns the environment that connects a
// Slipway to it, with a configuration that has it look often.
func (v *vendor) serve(t *testing.T) map[string]string {
	t.Helper()
	if err := v.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	faultless(t, v.Violations)
	env := maps.Clone(v.env)
	if v.more == "" {
		env["SLIPWAY_"+strings.ToUpper(v.name)+"_URL"] = v.URL()
	}
	env["SLIPWAY_CONFIG"] = filepath.Join(t.TempDir(), "slipway.yaml")
	write(t, env["SLIPWAY_CONFIG"], "engines:\n"+v.settings())
	return env
}

// on is the stand-in as a story sees it, once a house is connected to it.
func (v *vendor) on(h *house) *storytest.Vendor {
	v.NotifyURL(h.url + "/api/engine/" + v.name)
	v.Notify(standin.On)
	known := &storytest.Vendor{Name: v.name, Item: v.item, Faults: v.Faults(), Notify: v.Notify, Starts: v.Starts}
	refOf := func(run string) string {
		row, err := h.app.store.Run(context.Background(), run)
		if err != nil {
			return ""
		}
		return row.Ref
	}
	switch r := v.vendorServer.(type) {
	case interface{ Rerun(ref string) bool }:
		known.Rerun = func(run string) bool { return r.Rerun(refOf(run)) }
	case interface{ Rerun(id string) }: // its refs end with the server's own word for the run
		known.Rerun = func(run string) bool {
			r.Rerun(path.Base(refOf(run)))
			return true
		}
	}
	return known
}

// engineStages are chats in which the engines' stories are played.
var engineStages = []func(t *testing.T, env map[string]string) (*house, storytest.Stage){
	func(t *testing.T, env map[string]string) (*house, storytest.Stage) {
		s, own := company(t, feishutest.LongConnection)
		maps.Copy(env, own)
		h := openHouse(t, env, nil)
		connected(t, s)
		return h, feishuStage(s, h, nil)
	},
	func(t *testing.T, env map[string]string) (*house, storytest.Stage) {
		s, own := workspace(t, true)
		maps.Copy(env, own)
		h := openHouse(t, env, nil)
		if err := s.WaitConnected(t.Context()); err != nil {
			t.Fatal(err)
		}
		return h, slackStage(s, h, nil)
	},
	func(t *testing.T, env map[string]string) (*house, storytest.Stage) {
		h := openHouse(t, env, nil)
		return h, consoleStage(t, h, nil)
	},
}

// TestEngines plays the stories of workflow engines in chat, one engine beside the
// other, each in another chat.
func TestEngines(t *testing.T) {
	for i, v := range vendors() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			h, stage := engineStages[i%len(engineStages)](t, v.serve(t))
			stage.Vendor = v.on(h)
			for n, s := range storytest.EngineStories() {
				t.Run(s.Name, func(t *testing.T) { s.Play(t, storytest.NewWorld(t, stage, fmt.Sprintf("E%02d", n+1))) })
			}
		})
	}
}
