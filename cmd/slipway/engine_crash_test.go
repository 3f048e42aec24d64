package main

import (
	"context"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway/cmd/slipway/processtest"
)

// deaths are the moments at which a process dies that starts runs, one in each engine. A
// death arms the stand-ins, and returns what waits for the moment and what happens there
// after the process is gone.
var deaths = map[string]func(all []vendor) (moment, after func()){
	"before the call": func(all []vendor) (moment, after func()) {
		// Nobody can be called, so the process dies before any call arrives.
		down := func(is bool) {
			for _, v := range all {
				v.Faults().Down(is)
			}
		}
		down(true)
		return func() {}, func() { down(false) }
	},
	"during the call": func(all []vendor) (moment, after func()) {
		arrived, letGo := hold(all)
		return func() { each(arrived) }, func() { each(letGo) }
	},
	"after the call": func(all []vendor) (moment, after func()) {
		arrived, letGo := hold(all)
		// The answers are on their way, or have just been read, when the process dies.
		return func() { each(arrived); each(letGo) }, func() {}
	},
}

// hold lets the next start in each engine wait.
func hold(all []vendor) (arrived, letGo []func()) {
	for _, v := range all {
		there, free := v.Faults().HoldNextRequest()
		arrived = append(arrived, func() { <-there })
		letGo = append(letGo, free)
	}
	return arrived, letGo
}

func each(all []func()) {
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(f)
	}
	wg.Wait()
}

// killedAroundStart kills the process around the start of runs, for every engine, and
// wants that each workflow was started once, or that a person is asked.
func killedAroundStart(t *testing.T, program string) {
	for name, die := range deaths {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), crashBound)
			defer cancel()
			all := vendors()
			env := map[string]string{}
			engines := ""
			for i := range all {
				maps.Copy(env, all[i].serve(t))
				engines += all[i].settings()
			}
			dir := t.TempDir()
			env["SLIPWAY_CONFIG"] = filepath.Join(dir, "slipway.yaml")
			write(t, env["SLIPWAY_CONFIG"], "engines:\n"+engines)
			env["SLIPWAY_ADMIN_TOKEN"], env["SLIPWAY_DATA_DIR"] = adminToken, filepath.Join(dir, "data")
			config := processtest.Config{Path: program, Dir: dir}
			for k, v := range env {
				config.Env = append(config.Env, k+"="+v)
			}
			p, err := processtest.Start(ctx, config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Kill)
			o := &operator{ctx: ctx, t: t, base: p.URL, client: processtest.NewClient(adminToken)}
			var plans []processtest.Plan
			for _, v := range all {
				plans = append(plans, o.planOf(v, "passes"))
			}

			moment, after := die(all)
			for _, plan := range plans {
				o.ask(http.MethodPost, "/api/v1/plans/"+plan.ID+"/jobs/"+plan.Jobs[0].ID+"/execute", nil)
			}
			moment()
			p.Kill()
			after()
			if err := p.Restart(ctx); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			for i, plan := range plans {
				o.judge(all[i], plan)
			}
			t.Logf("settled %v after the restart", time.Since(began).Round(time.Second))
			if err := p.Stop(ctx); err != nil {
				t.Error(err)
			}
			noErrors(t, p)
		})
	}
}

// operator drives one Slipway through its REST API.
type operator struct {
	ctx    context.Context //nolint:containedctx // that of the test
	t      *testing.T
	base   string
	client *processtest.Client
}

func (o *operator) ask(method, path string, body any) processtest.Answer {
	o.t.Helper()
	a, err := o.client.Do(o.ctx, o.base, processtest.Request{Method: method, Path: path, Body: body})
	if err != nil || a.Status >= http.StatusMultipleChoices {
		o.t.Fatalf("%s %s: %d %s (%v)", method, path, a.Status, a.Message(), err)
	}
	return a
}

func (o *operator) plan(id string) processtest.Plan {
	o.t.Helper()
	var p processtest.Plan
	if err := o.ask(http.MethodGet, "/api/v1/plans/"+id, nil).Decode(&p); err != nil {
		o.t.Fatal(err)
	}
	return p
}

// planOf makes a plan that runs a workflow of the engine, ready to be executed.
func (o *operator) planOf(v vendor, scenario string) processtest.Plan {
	o.t.Helper()
	spec := map[string]any{}
	for _, setting := range strings.Fields(v.item(scenario)) {
		key, value, _ := strings.Cut(setting, "=")
		spec[key] = value
	}
	var p processtest.Plan
	err := o.ask(http.MethodPost, "/api/v1/plans", map[string]any{
		"name": "by " + v.name, "jobs": []map[string]any{{"name": "deploy", "type": "workflow", "spec": spec}},
	}).Decode(&p)
	if err != nil {
		o.t.Fatal(err)
	}
	o.ask(http.MethodPost, "/api/v1/plans/"+p.ID+"/submit", nil)
	o.ask(http.MethodPost, "/api/v1/plans/"+p.ID+"/start", nil)
	return o.plan(p.ID)
}

// judge waits until the plan's item is settled and counts what was started.
func (o *operator) judge(v vendor, plan processtest.Plan) {
	o.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		job := o.plan(plan.ID).Jobs[0]
		n := v.Starts(job.RunID)
		switch {
		case job.Status == "done" && n == 1:
			o.t.Logf("%s: one run", v.name)
			return
		case job.Status == "failed" && strings.HasPrefix(job.Reason, "Start outcome unknown") && n <= 1:
			o.t.Logf("%s: unknown, a person is asked (%d run)", v.name, n)
			return
		case job.Status != "running" || n > 1:
			o.t.Errorf("%s: the item is %s because %q, and there are %d runs", v.name, job.Status, job.Reason, n)
			return
		}
		select {
		case <-o.ctx.Done():
			o.t.Fatalf("%s: the item is %s still, %d runs", v.name, job.Status, n)
		case <-tick.C:
		}
	}
}
