package main

import (
	"strings"

	"slipway"
	"slipway/commands"
	"slipway/webhook"
)

// checksConfig lets people here decide the outside checks of Zadig's own release plans.
type checksConfig struct {
	// Token is Zadig's hook secret, which it sends as X-Zadig-Token; with it this is on.
	Token     secret   `yaml:"token"`
	Approvers []string `yaml:"approvers"` // who decides: names, e-mails or ids of users
	Needed    int      `yaml:"needed"`    // how many of them; 1 by default
}

// zadigEndpoint is the name of the endpoint that decisions are sent to.
const zadigEndpoint = "zadig"

// checks says how Zadig's checks are decided here; nil if they are not.
func (c *config) checks() *commands.Checks {
	z := c.ZadigChecks
	if z.Token == "" {
		return nil
	}
	return &commands.Checks{System: "Zadig", Endpoint: zadigEndpoint, Token: string(z.Token), Approvers: z.Approvers, Needed: max(1, z.Needed)}
}

// decisions is where the people's decisions are sent: Zadig's callback. Like every engine
// that the operator names, it may be at an inner address.
func (c *config) decisions() slipway.Endpoint {
	return slipway.Endpoint{
		Name: zadigEndpoint, URL: strings.TrimRight(c.Zadig.URL, "/") + webhook.CallbackPath, AllowPrivate: true,
		Headers: map[string]string{"Authorization": "Bearer " + string(c.Zadig.Token)},
	}
}

func (c *config) checkChecks(note func(key, format string, args ...any)) {
	z := c.ZadigChecks
	if z.Token == "" {
		if len(z.Approvers) > 0 || z.Needed != 0 {
			note("zadig_checks.token", "Zadig's hook secret is expected")
		}
		return
	}
	if c.Zadig.URL == "" || c.Zadig.Token == "" {
		note("zadig_checks", "needs SLIPWAY_ZADIG_URL and SLIPWAY_ZADIG_TOKEN: decisions are sent there")
	}
	if len(z.Approvers) == 0 {
		note("zadig_checks.approvers", "at least one user who decides is expected")
	}
	if z.Needed < 0 || z.Needed > max(1, len(z.Approvers)) {
		note("zadig_checks.needed", "a number from 1 to %d (the approvers named) is expected, not %d", max(1, len(z.Approvers)), z.Needed)
	}
	for i := range c.Hooks {
		if c.Hooks[i].Name == zadigEndpoint {
			note("zadig_checks", "takes the name zadig, which hooks[%d] has", i)
		}
	}
}
