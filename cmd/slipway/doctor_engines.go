package main

import (
	"context"

	"slipway"
	"slipway/tasks/engine"
)

// engines looks whether the workflow engines can be reached and let us in.
func (d *doctor) engines(ctx context.Context) {
	all, err := d.config.remoteEngines(started{}, d.log)
	if err != nil {
		d.note(areaEngines, unhealthy, slipway.T("%s", "%s", d.hush(err)), slipway.T("put the named setting right", "请修正相应的配置"))
	}
	for _, x := range all {
		area := engineArea(x.Name())
		checker, able := x.(engine.Checker)
		if !able {
			continue
		}
		checking, cancel := context.WithTimeout(ctx, patience)
		err := checker.Check(checking)
		cancel()
		if err != nil {
			d.note(area, unhealthy, slipway.TextOf(err), slipway.T("see docs/engines for the settings and permissions", "所需的配置和权限见 docs/engines"))
			continue
		}
		d.well(area, "it answers and lets Slipway in", "连接正常，凭证有效")
	}
}

func engineArea(name string) slipway.Text { return slipway.T("engine %s", "引擎 %s", name) }

// webhookTokens are what engines sign their webhooks with; those without one send none.
func (c *config) webhookTokens() map[string]secret {
	return map[string]secret{
		"zadig": c.Zadig.WebhookToken, "github": c.GitHub.WebhookSecret, "gitlab": c.GitLab.WebhookToken, "jenkins": c.Jenkins.WebhookToken,
	}
}
