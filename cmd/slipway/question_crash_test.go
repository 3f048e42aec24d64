package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"slipway/cmd/slipway/processtest"
)

// killedAroundQuestion kills the process around the moment at which a plan is put to Feishu
// and to DingTalk, and wants that there is one instance in each, and that their approvals
// start the plan.
func killedAroundQuestion(t *testing.T, program string) {
	for name, when := range map[string]func(ctx context.Context, all []*channel) error{
		"right after the submission": func(context.Context, []*channel) error { return nil },
		"when the first instance is there": func(ctx context.Context, all []*channel) error {
			return until(ctx, func() bool { return len(all[0].instances())+len(all[1].instances()) > 0 })
		},
		"when both instances are there": func(ctx context.Context, all []*channel) error {
			return until(ctx, func() bool { return len(all[0].instances()) > 0 && len(all[1].instances()) > 0 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), crashBound)
			defer cancel()
			all := []*channel{inFeishu(t), inDingTalk(t)}
			dir := t.TempDir()
			env := map[string]string{
				"SLIPWAY_CONFIG": filepath.Join(dir, "slipway.yaml"), "SLIPWAY_ADMIN_TOKEN": adminToken, "SLIPWAY_DATA_DIR": filepath.Join(dir, "data"),
			}
			settings := "approvals: {lark: {}, dingtalk: {definition: PROC-release}}\nusers:\n"
			for _, who := range []string{"Alice", "Bob", "Carol"} {
				settings += fmt.Sprintf("  - {name: %s, email: %s, feishu_open_id: %s, dingtalk_id: %s}\n",
					who, account("", who)+"@example.com", account("ou_", who), account("", who))
			}
			write(t, env["SLIPWAY_CONFIG"], settings)
			for _, c := range all {
				maps.Copy(env, c.env)
			}
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
			plan := o.asks()

			if err := when(ctx, all); err != nil {
				t.Fatal(err)
			}
			p.Kill()
			if err := p.Restart(ctx); err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				if err := until(ctx, func() bool { return len(c.instances()) > 0 }); err != nil {
					t.Fatalf("%s is never asked", c.kind)
				}
			}
			for i, who := range []string{"bob", "carol"} {
				if err := all[i].approve(ctx, who); err != nil {
					t.Fatal(err)
				}
			}
			if err := until(ctx, func() bool { return o.plan(plan).Status == "executing" }); err != nil {
				t.Errorf("the plan is %s still", o.plan(plan).Status)
			}
			for _, c := range all {
				if got := c.instances(); len(got) != 1 {
					t.Errorf("%s has the instances %v", c.kind, got)
				}
			}
			if err := p.Stop(ctx); err != nil {
				t.Error(err)
			}
			noErrors(t, p)
		})
	}
}

// asks makes a plan of Alice's and submits it, to be approved by Bob in Feishu and by Carol
// in DingTalk.
func (o *operator) asks() string {
	o.t.Helper()
	var p processtest.Plan
	groups := []map[string]any{
		{"type": "lark", "approvers": []string{"bob@example.com"}}, {"type": "dingtalk", "approvers": []string{"carol@example.com"}},
	}
	for _, r := range []processtest.Request{
		{Path: "/api/v1/plans", Body: map[string]any{
			"name": "payments 4.2", "manager": "alice@example.com", "approval": map[string]any{"levels": []map[string]any{{"groups": groups}}},
			"jobs": []map[string]any{{"name": "announce", "type": "text", "spec": map[string]any{"content": "Tell the hotline"}}},
		}},
		{Path: "/submit"},
	} {
		r.Actor = "alice@example.com"
		if p.ID != "" {
			r.Path = "/api/v1/plans/" + p.ID + r.Path
		}
		a, err := o.client.Do(o.ctx, o.base, r)
		if err != nil || a.Status >= http.StatusMultipleChoices {
			o.t.Fatalf("%s: %d %s (%v)", r.Path, a.Status, a.Message(), err)
		}
		if err := a.Decode(&p); err != nil {
			o.t.Fatal(err)
		}
	}
	return p.ID
}

// until looks again and again until something has happened.
func until(ctx context.Context, happened func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
