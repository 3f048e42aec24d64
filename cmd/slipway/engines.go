package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"slipway"
	"slipway/storage"
	"slipway/tasks"
	"slipway/tasks/engine"
	"slipway/tasks/engine/github"
	"slipway/tasks/engine/gitlab"
	"slipway/tasks/engine/httpengine"
	"slipway/tasks/engine/jenkins"
	"slipway/tasks/engine/remote"
	"slipway/tasks/engine/zadig"
)

// How many requests a minute an engine is sent at most, unless slipway.yaml says
// otherwise. GitHub counts 5000 an hour, but not what is as it was before.
const (
	perMinute       = 600
	perMinuteGitHub = 300
)

// started tells the engines what runs were started with. Without a store it knows
// nothing, which is enough to look whether an engine can be reached.
type started struct{ store *storage.Store }

func (s started) byMark(ctx context.Context, mark string) (slipway.WorkflowSpec, error) {
	return spec(s.store.Run(ctx, mark))
}

func (s started) byRef(name string) func(context.Context, engine.Ref) (slipway.WorkflowSpec, error) {
	return func(ctx context.Context, ref engine.Ref) (slipway.WorkflowSpec, error) {
		return spec(s.store.RunByRef(ctx, name, string(ref)))
	}
}

// whole returns the run of a mark.
func (s started) whole(ctx context.Context, mark string) (slipway.Run, error) {
	run, err := s.store.Run(ctx, mark)
	if err != nil {
		return slipway.Run{}, err
	}
	return run.Run, nil
}

func (s started) report(ctx context.Context, mark string) (json.RawMessage, error) {
	return s.store.RunReport(ctx, mark)
}

func spec(run *storage.Run, err error) (slipway.WorkflowSpec, error) {
	if err != nil {
		return slipway.WorkflowSpec{}, err
	}
	return run.Workflow, nil
}

// remoteEngines sets up the engines that are reached over the network, those that are
// configured, in the order in which people are offered them.
func (c *config) remoteEngines(runs started, log *slog.Logger) ([]engine.Engine, error) {
	var all []engine.Engine
	var failed error
	add := func(name string, configured bool, make func(pace) (engine.Engine, error)) {
		if !configured || failed != nil {
			return
		}
		x, err := make(c.Engines[name].pace)
		if err != nil {
			failed = fmt.Errorf("engine %s: %w", name, err)
			return
		}
		all = append(all, x)
	}
	add("zadig", c.Zadig.URL != "", func(p pace) (engine.Engine, error) {
		return zadig.New(zadig.Config{
			Access: p.access(perMinute, log), URL: c.Zadig.URL, Token: string(c.Zadig.Token), WebhookToken: string(c.Zadig.WebhookToken),
			Runs: runs.byMark,
		})
	})
	add("github", c.GitHub.Token != "" || c.GitHub.AppID != "", func(p pace) (engine.Engine, error) {
		return github.New(github.Config{
			Access: p.access(perMinuteGitHub, log), URL: c.GitHub.URL, Token: string(c.GitHub.Token), AppID: c.GitHub.AppID, AppKey: string(c.GitHub.AppKey),
			WebhookSecret: string(c.GitHub.WebhookSecret),
			Runs:          runs.byMark, Started: runs.byRef("github"),
		})
	})
	add("gitlab", c.GitLab.Token != "", func(p pace) (engine.Engine, error) {
		return gitlab.New(gitlab.Config{
			Access: p.access(perMinute, log), URL: c.GitLab.URL, Token: string(c.GitLab.Token), WebhookToken: string(c.GitLab.WebhookToken),
			Runs: runs.byMark,
		})
	})
	add("jenkins", c.Jenkins.URL != "", func(p pace) (engine.Engine, error) {
		return jenkins.New(jenkins.Config{
			Access: p.access(perMinute, log), URL: c.Jenkins.URL, User: c.Jenkins.User, Token: string(c.Jenkins.Token), WebhookToken: string(c.Jenkins.WebhookToken),
			Runs: runs.byMark,
		})
	})
	for _, name := range slices.Sorted(maps.Keys(c.Engines)) {
		e := c.Engines[name]
		add(name, e.Type == "http", func(p pace) (engine.Engine, error) {
			return httpengine.New(httpengine.Config{
				Access: p.access(perMinute, log), Name: name, Settings: e.Server, Secrets: c.engineSecrets[name], CallbackURL: c.publicURL() + "/api/engine/" + name,
				Runs: runs.whole, Report: runs.report,
			})
		})
	}
	return all, failed
}

// access is how an engine is reached that takes so many requests a minute unless
// slipway.yaml says otherwise.
func (p pace) access(requests int, log *slog.Logger) remote.Access {
	return remote.Access{
		Timeout: duration(p.Timeout), Poll: duration(p.Poll), PerMinute: p.perMinute(requests), Now: time.Now, Rand: rand.Reader, Log: log,
	}
}

// engineCollector reports how many requests the engines were sent.
type engineCollector struct{ engines *tasks.Engines }

var engineRequests = prometheus.NewDesc("slipway_engine_requests_total", "Requests sent to workflow engines.", []string{"engine"}, nil)

// Describe implements prometheus.Collector.
func (engineCollector) Describe(ch chan<- *prometheus.Desc) { ch <- engineRequests }

// Collect implements prometheus.Collector.
func (c engineCollector) Collect(ch chan<- prometheus.Metric) {
	for _, name := range c.engines.Names() {
		if x, counts := c.engines.Named(name).(interface{ Requests() int64 }); counts {
			ch <- prometheus.MustNewConstMetric(engineRequests, prometheus.CounterValue, float64(x.Requests()), name)
		}
	}
}
