package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slipway/cmd/slipway/processtest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/github/githubtest"
	"slipway/tasks/engine/gitlab/gitlabtest"
	"slipway/tasks/engine/jenkins/jenkinstest"
	"slipway/tasks/engine/zadig/zadigtest"
)

// How runs in workflow engines are measured.
const (
	runItems  = 20                     // of a plan
	fewRuns   = 60                     // under way at once in each engine but the first
	endRate   = 20                     // runs that end in an engine in a second
	endsFew   = 60                     // runs that end in a phase
	endsMany  = 200                    // the same in the first engine, while webhooks tell
	boundRate = 5                      // the same while the limit of requests binds
	pushPoll  = 5 * time.Second        // between two looks when webhooks tell of changes: the default
	onlyPoll  = 500 * time.Millisecond // between two looks when nothing does
	// quietPoll is between two looks at a run that has not changed for a while.
	quietPoll  = 12 * onlyPoll
	wideLimit  = 15000 // requests a minute that suffice for all of this
	tightLimit = 1200  // requests a minute that do not
)

// engineServer is a stand-in of a workflow engine, in this process.
type engineServer interface {
	Listen(address string) error
	URL() string
	Close()
	Faults() *standin.Faults
	Violations() []string
	Notify(mode standin.Mode)
	NotifyURL(url string)
	Pass(mark string) bool
}

// vendor is a stand-in with what connects a Slipway to it.
type vendor struct {
	engineServer
	name, title       string
	env               []string
	project, workflow string
}

const (
	engineToken  = "the-token-of-the-engine"
	noticeToken  = "the-token-of-its-webhooks"
	engineFolder = "team/app"
)

// blocking are workflows of one job that runs until it is let pass.
func blocking(project string) []standin.Workflow {
	return slices.DeleteFunc(standin.Scenarios(project, "it cannot be run"), func(w standin.Workflow) bool { return w.Name != "blocks" })
}

func vendors() []vendor {
	token := zadigtest.Token(engineToken)
	all := []vendor{
		{
			engineServer: zadigtest.New(zadigtest.Config{
				Token: token, WebhookToken: noticeToken, Workflows: []zadigtest.Workflow{{Workflow: blocking("shop")[0]}},
			}),
			name: "zadig", title: "Zadig", project: "shop", workflow: "blocks",
			env: []string{"SLIPWAY_ZADIG_TOKEN=" + token, "SLIPWAY_ZADIG_WEBHOOK_TOKEN=" + noticeToken},
		},
		{
			engineServer: githubtest.New(githubtest.Config{Token: engineToken, WebhookSecret: noticeToken, Workflows: blocking(engineFolder)}),
			name:         "github", title: "GitHub", project: engineFolder, workflow: "blocks.yml",
			env: []string{"SLIPWAY_GITHUB_TOKEN=" + engineToken, "SLIPWAY_GITHUB_WEBHOOK_SECRET=" + noticeToken},
		},
		{
			engineServer: gitlabtest.New(gitlabtest.Config{Token: engineToken, WebhookToken: noticeToken, Workflows: blocking(engineFolder)}),
			name:         "gitlab", title: "GitLab", project: engineFolder, workflow: "blocks",
			env: []string{"SLIPWAY_GITLAB_TOKEN=" + engineToken, "SLIPWAY_GITLAB_WEBHOOK_TOKEN=" + noticeToken},
		},
		{
			engineServer: jenkinstest.New(jenkinstest.Config{
				User: "slipway", Token: engineToken, WebhookToken: noticeToken, Workflows: blocking(engineFolder),
			}),
			name: "jenkins", title: "Jenkins", project: engineFolder, workflow: "blocks",
			env: []string{
				"SLIPWAY_JENKINS_USER=slipway", "SLIPWAY_JENKINS_TOKEN=" + engineToken, "SLIPWAY_JENKINS_WEBHOOK_TOKEN=" + noticeToken,
			},
		},
	}
	return all
}

// engineRuns is what came of the runs of one engine.
type engineRuns struct {
	title      string
	underWay   int
	starting   time.Duration // until all were under way
	push, poll engineLoad
	bound      engineLoad // with a limit of requests that binds; only of the first engine
}

// engineLoad is what came of runs that end, one after another.
type engineLoad struct {
	lag       times
	perMinute float64 // requests, on average, as the program counts them
	fullest   int64   // requests in the minute that had most, as the engine counts them; 0: it was shorter than that
	computing float64 // of the program, of one core
	memory    int64   // of the program, bytes
}

// measureEngines measures each engine with a program of its own, on the servers.
func measureEngines(ctx context.Context, o options, program, dir string, env []string, say func(string)) (all []engineRuns, err error) {
	for n, v := range vendors() {
		runs := fewRuns
		if n == 0 {
			runs = o.runs
		}
		m, err := measureEngine(ctx, v, runs, n == 0, program, filepath.Join(dir, v.name), env, func(what string) { say(v.title + ": " + what) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.title, err)
		}
		all = append(all, *m)
	}
	return all, nil
}

func measureEngine(
	ctx context.Context, v vendor, runs int, whole bool, program, dir string, env []string, say func(string),
) (m *engineRuns, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	if err := v.Listen("127.0.0.1:0"); err != nil {
		return nil, err
	}
	defer v.Close()
	settings := filepath.Join(dir, "slipway.yaml")
	env = slices.Concat(env, v.env, []string{
		"SLIPWAY_" + strings.ToUpper(v.name) + "_URL=" + v.URL(),
		"SLIPWAY_ADMIN_TOKEN=" + adminToken, "SLIPWAY_CONFIG=" + settings, "SLIPWAY_DATA_DIR=" + filepath.Join(dir, "data"),
	})
	f := &fleet{vendor: v, settings: settings, client: processtest.NewClient(adminToken), say: say, m: &engineRuns{title: v.title, underWay: runs}}
	defer f.client.HTTP.CloseIdleConnections()
	if err := f.set(pushPoll, wideLimit); err != nil {
		return nil, err
	}
	if f.process, err = processtest.Start(ctx, processtest.Config{Path: program, Dir: dir, Env: env}); err != nil {
		return nil, err
	}
	defer f.process.Kill()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := f.phases(ctx, runs, whole); err != nil {
		lines := f.process.Logged()
		return nil, fmt.Errorf("%w; the end of its log:\n%s", err, strings.Join(lines[max(0, len(lines)-5):], "\n"))
	}
	if wrong := v.Violations(); len(wrong) > 0 {
		return nil, fmt.Errorf("%d violations of the engine's rules, the first: %s", len(wrong), wrong[0])
	}
	return f.m, f.process.Stop(ctx)
}

// phases measures with webhooks, without, and with a limit of requests that binds. What
// is under way stays so when the program is started anew with other settings.
func (f *fleet) phases(ctx context.Context, runs int, whole bool) (err error) {
	ends := min(endsFew, runs)
	if whole {
		ends = min(endsMany, runs)
	}
	f.NotifyURL(f.process.URL + "/api/engine/" + f.name)
	f.Notify(standin.On)
	f.say(fmt.Sprintf("starting %d runs", runs))
	began := time.Now()
	if err := f.fill(ctx, runs); err != nil {
		return err
	}
	f.m.starting = time.Since(began)
	f.say(fmt.Sprintf("%d of %d runs end, webhooks tell", ends, runs))
	if f.m.push, err = f.load(ctx, ends, endRate); err != nil {
		return err
	}
	if err := f.fill(ctx, runs); err != nil {
		return err
	}
	f.Notify(standin.Off)
	if err := f.restart(ctx, onlyPoll, wideLimit); err != nil {
		return err
	}
	ends = min(endsFew, runs)
	f.say(fmt.Sprintf("%d of %d runs end, nobody tells", ends, runs))
	if f.m.poll, err = f.load(ctx, ends, endRate); err != nil || !whole {
		return err
	}
	if err := f.fill(ctx, runs); err != nil {
		return err
	}
	f.Notify(standin.On)
	if err := f.restart(ctx, onlyPoll, tightLimit); err != nil {
		return err
	}
	f.say(fmt.Sprintf("runs end for a minute, webhooks tell, at most %d requests a minute", tightLimit))
	f.m.bound, err = f.load(ctx, 60*boundRate, boundRate)
	return err
}
