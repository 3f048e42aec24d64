package commands

import (
	"context"
	"fmt"
	"slices"
	"time"

	"slipway"
)

// Hooks is what knows how hooks are sent.
type Hooks interface {
	// Check returns everything that is wrong with an endpoint.
	Check(e *slipway.Endpoint) []slipway.Problem
	// Ping sends a signed hook that means nothing, and tells what came of it.
	Ping(ctx context.Context, e *slipway.Endpoint) Ping
	// NewSecret returns a new secret to sign with.
	NewSecret() string
}

// Ping is what came of a hook that was sent to see whether it arrives.
type Ping struct {
	OK         bool          `json:"ok"`
	StatusCode int           `json:"status_code"` // zero: no answer
	Duration   time.Duration `json:"-"`
	Verdict    slipway.Text  `json:"-"` // what it means, and what to do
	Error      string        `json:"error"`
	Sent       string        `json:"sent"`        // the head of the request, secrets masked
	Body       string        `json:"body"`        // as it was sent
	AnswerHead string        `json:"answer_head"` // secrets masked
	Answer     string        `json:"answer"`      // the first part of it, secrets masked
}

// KnownEndpoint is an endpoint with all that is known of it.
type KnownEndpoint struct {
	slipway.Endpoint
	Version   int64 // zero for one of the configuration
	UpdatedBy string
	UpdatedAt int64  // Unix milliseconds
	Off       string // why it was switched off by itself, "" if it was not
	Hidden    bool   // the configuration has one of the same name, which wins
}

// Endpoints lists all endpoints, those of the configuration first.
func (c *Commands) Endpoints(ctx context.Context) ([]KnownEndpoint, error) {
	managed, err := c.Store.Endpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	off, err := c.Store.DisabledEndpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	var out []KnownEndpoint
	configured := map[string]bool{}
	for _, e := range c.Rules().Endpoints {
		if !e.Managed {
			configured[e.Name] = true
			out = append(out, KnownEndpoint{Endpoint: e, Off: off[e.Name]})
		}
	}
	for _, m := range managed {
		out = append(out, KnownEndpoint{
			Endpoint: m.Endpoint, Version: m.Version, UpdatedBy: m.UpdatedBy, UpdatedAt: m.UpdatedAt, Off: off[m.Name], Hidden: configured[m.Name],
		})
	}
	return out, nil
}

// Endpoint returns the endpoint of a name that is in force. NotFound if there is none.
func (c *Commands) Endpoint(ctx context.Context, name string) (*KnownEndpoint, error) {
	all, err := c.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Name == name && !all[i].Hidden {
			return &all[i], nil
		}
	}
	names := make([]slipway.Text, 0, len(all))
	for _, e := range all {
		names = append(names, slipway.T(e.Name, e.Name))
	}
	if len(names) == 0 {
		return nil, slipway.Refuse(slipway.NotFound, "There is no endpoint %[1]s; none is set up.", "没有接收方 %[1]s，目前没有配置任何接收方。", name)
	}
	return nil, slipway.Refuse(slipway.NotFound, "There is no endpoint %[1]s. There are: %[2]s.", "没有接收方 %[1]s，现有：%[2]s。", name, slipway.JoinTexts(names))
}

// SaveEndpoint makes an endpoint, or replaces the one of its name that has the version
// given; version 0 is for a new one. Only admins may, and only where the configuration
// does not name one.
func (c *Commands) SaveEndpoint(ctx context.Context, by *slipway.User, e slipway.Endpoint, version int64) error {
	if err := c.mayManage(by, e.Name); err != nil {
		return err
	}
	if _, err := c.Store.SaveEndpoint(ctx, e, version, by.Name, c.Now()); err != nil {
		return err
	}
	return c.spreadEndpoints(ctx)
}

// DeleteEndpoint removes an endpoint. Hooks to it that are still to be sent are given up.
func (c *Commands) DeleteEndpoint(ctx context.Context, by *slipway.User, name string) error {
	if err := c.mayManage(by, name); err != nil {
		return err
	}
	if err := c.Store.DeleteEndpoint(ctx, name); err != nil {
		return err
	}
	return c.spreadEndpoints(ctx)
}

// keptSecrets is how many secrets are in use at once while they are rotated.
const keptSecrets = 2

// RotateSecret gives an endpoint a new secret, which is returned and not shown again.
// The one before stays good until the next rotation, so that the receiver can change
// over in its own time.
func (c *Commands) RotateSecret(ctx context.Context, by *slipway.User, name string) (string, error) {
	if err := c.mayManage(by, name); err != nil {
		return "", err
	}
	known, err := c.Endpoint(ctx, name)
	if err != nil {
		return "", err
	}
	e := known.Endpoint
	secret := c.Hooks.NewSecret()
	e.Secrets = append([]string{secret}, e.Secrets[:min(len(e.Secrets), keptSecrets-1)]...)
	if err := c.SaveEndpoint(ctx, by, e, known.Version); err != nil {
		return "", err
	}
	return secret, nil
}

// EnableEndpoint gives an endpoint that switched itself off by 410 another chance, and
// switches a managed one on.
func (c *Commands) EnableEndpoint(ctx context.Context, by *slipway.User, name string) error {
	return c.switchEndpoint(ctx, by, name, true)
}

// DisableEndpoint switches a managed endpoint off.
func (c *Commands) DisableEndpoint(ctx context.Context, by *slipway.User, name string) error {
	return c.switchEndpoint(ctx, by, name, false)
}

func (c *Commands) switchEndpoint(ctx context.Context, by *slipway.User, name string, on bool) error {
	if err := adminOnly(by); err != nil {
		return err
	}
	known, err := c.Endpoint(ctx, name)
	if err != nil {
		return err
	}
	if on && known.Off != "" {
		if err := c.Store.EnableEndpoint(ctx, name); err != nil {
			return fmt.Errorf("enable endpoint: %w", err)
		}
	}
	if known.Disabled == !on {
		return nil
	}
	e := known.Endpoint
	e.Disabled = !on
	return c.SaveEndpoint(ctx, by, e, known.Version)
}

// PingEndpoint sends a signed hook that means nothing. Only admins may.
func (c *Commands) PingEndpoint(ctx context.Context, by *slipway.User, name string) (Ping, error) {
	if err := adminOnly(by); err != nil {
		return Ping{}, err
	}
	known, err := c.Endpoint(ctx, name)
	if err != nil {
		return Ping{}, err
	}
	return c.Hooks.Ping(ctx, &known.Endpoint), nil
}

// mayManage refuses who is no admin, and what the configuration decides.
func (c *Commands) mayManage(by *slipway.User, name string) error {
	if err := adminOnly(by); err != nil {
		return err
	}
	if slices.ContainsFunc(c.Rules().Endpoints, func(e slipway.Endpoint) bool { return e.Name == name && !e.Managed }) {
		return slipway.Refuse(slipway.Conflict,
			"The endpoint %[1]s stands in the configuration file. Change it there; nothing here can.",
			"接收方 %[1]s 由配置文件定义，请在配置文件中修改。", name)
	}
	return nil
}

// spreadEndpoints brings changed endpoints into force. Approvals that are asked for under
// other checks are asked for anew.
func (c *Commands) spreadEndpoints(ctx context.Context) error {
	if err := c.spreadRules(ctx); err != nil {
		return err
	}
	return c.AskAnew(ctx)
}

// spreadRules brings changed endpoints and delegations into force, here at once and elsewhere soon.
func (c *Commands) spreadRules(ctx context.Context) error {
	if err := c.readRules(ctx); err != nil {
		return err
	}
	if c.Announce != nil {
		c.Announce(ctx, TopicRules)
	}
	return nil
}
