package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/cmd/slipway/processtest"
	"slipway/tasks/engine/github/githubtest"
)

// TestDeploymentsWaitForPlans connects GitHub as an app that is the protection rule of the
// environment production: what a plan that is executed deploys there may go on, what
// nobody planned may not.
func TestDeploymentsWaitForPlans(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	server := githubtest.New(githubtest.Config{
		AppID: "4", AppKey: &key.PublicKey, WebhookSecret: vendorHook, Workflows: theirScenarios(vendorFolder),
		Gates: map[string]githubtest.Gate{"gate": {Environment: "production", Rule: true}},
	})
	v := vendor{
		vendorServer: server, name: "github",
		env: map[string]string{
			"SLIPWAY_GITHUB_APP_ID": "4", "SLIPWAY_GITHUB_WEBHOOK_SECRET": vendorHook,
			"SLIPWAY_GITHUB_APP_KEY": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		},
		item: func(s string) string { return "engine=github project=" + vendorFolder + " workflow=" + s + ".yml" },
	}
	h := openHouse(t, v.serve(t), nil)
	v.on(h)
	o := &operator{ctx: t.Context(), t: t, base: h.url, client: processtest.NewClient(adminOfHouse)}

	plan := o.planOf(v, "asks")
	o.ask("POST", "/api/v1/plans/"+plan.ID+"/jobs/"+plan.Jobs[0].ID+"/execute", nil)
	eventually(t, "the plan succeeds", func() bool { return o.plan(plan.ID).Status == string(slipway.Success) })
	want := fmt.Sprintf("approved: Release plan [#1 by github](%s/plans/1) is being executed.", h.url)
	if said := server.Verdicts(); len(said) != 1 || said[0] != want {
		t.Errorf("GitHub was told %q, want %q", said, want)
	}

	server.Dispatch(vendorFolder, "asks", "mallory")
	eventually(t, "the deployment is decided", func() bool { return len(server.Verdicts()) == 2 })
	if said := server.Verdicts()[1]; !strings.HasPrefix(said, "rejected: No release plan covers this deployment.") {
		t.Errorf("of a deployment without a plan GitHub was told %q", said)
	}
}

// eventually waits until something has happened.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-late.C:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}
