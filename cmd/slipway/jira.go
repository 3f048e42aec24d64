package main

import (
	"context"
	"time"

	"slipway"
	"slipway/tasks"
	"slipway/webhook/jira"
)

// newJira returns the client of Jira, nil if it is not connected.
func (c *config) newJira() *jira.Client {
	if c.Jira.URL == "" {
		return nil
	}
	return jira.New(jira.Config{URL: c.Jira.URL, User: c.Jira.User, Token: string(c.Jira.Token), Now: time.Now})
}

// connectJira lets commands and tasks ask Jira.
func (a *app) connectJira(t *tasks.Config) {
	client := a.config.newJira()
	if client == nil {
		return
	}
	a.commands.Sprints = client
	t.Jira, t.JiraComments, t.JiraLang = client, a.config.Jira.Comment, a.config.language()
}

// language is that of the first room that says which; English if none does.
func (c *config) language() slipway.Lang {
	for _, r := range c.Rooms {
		if r.Locale != "" {
			return slipway.ParseLang(r.Locale)
		}
	}
	return slipway.English
}

// jira looks whether Jira can be reached and lets us in.
func (d *doctor) jira(ctx context.Context) {
	client := d.config.newJira()
	if client == nil {
		return
	}
	checking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.Check(checking); err != nil {
		d.note(areaJira, unhealthy, slipway.TextOf(err),
			slipway.T("check SLIPWAY_JIRA_URL, SLIPWAY_JIRA_USER and SLIPWAY_JIRA_TOKEN; the account needs to browse the projects, and to comment and link issues. Plans do not wait for Jira",
				"请检查 SLIPWAY_JIRA_URL、SLIPWAY_JIRA_USER 和 SLIPWAY_JIRA_TOKEN；账号需要浏览项目、评论和关联问题的权限。Jira 不可用不影响发布计划"))
		return
	}
	d.well(areaJira, "it answers and lets Slipway in", "连接正常，凭证有效")
}
