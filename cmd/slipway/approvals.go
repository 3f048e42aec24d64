package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"slipway"
	"slipway/bot"
	"slipway/bot/dingtalk"
	"slipway/bot/feishu"
	"slipway/tasks"
)

// heard is told which instance of an approval system may have changed.
type heard func(kind slipway.ApprovalType) func(ctx context.Context, ref string)

// heardOf passes on what approval systems tell. They tell nothing before the program runs.
func (a *app) heardOf(kind slipway.ApprovalType) func(ctx context.Context, ref string) {
	return func(ctx context.Context, ref string) { a.tasks.HeardOf(ctx, kind, ref) }
}

// newDingTalk makes the connection to DingTalk, nil if it is not configured. It connects to
// nothing yet.
func (c *config) newDingTalk(tell heard, log *slog.Logger) (*dingtalk.DingTalk, error) {
	d, oa := c.DingTalk, c.Approvals.DingTalk
	if !d.configured() {
		return nil, nil //nolint:nilnil // there is none
	}
	dept, _ := strconv.ParseInt(oa.Dept, 10, 64) // checked before
	made, err := dingtalk.New(dingtalk.Config{
		AppKey: d.AppKey, AppSecret: string(d.AppSecret), BaseURL: d.BaseURL, Definition: oa.Definition, Originator: oa.Originator, Dept: dept,
		Fields: oa.fieldNames(), Account: func(u slipway.User) string { return u.DingTalkID },
		Stream: d.Stream == "true", CallbackToken: string(d.CallbackToken), CallbackKey: string(d.CallbackKey), Changed: tell(slipway.DingTalkApproval),
		Now: time.Now, Rand: rand.Reader, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("set up DingTalk: %w", err)
	}
	return made, nil
}

// listenToDingTalk hears of questions there until the context ends. What it misses is seen
// when they are looked at.
func (a *app) listenToDingTalk(ctx context.Context, g *errgroup.Group) {
	if a.dingtalk != nil && a.role != tasks.RoleWorker {
		g.Go(func() error { return a.dingtalk.Run(ctx) })
	}
}

// approvals lists the other systems in which plans are approved.
func (a *app) approvals() []bot.Approvals {
	var out []bot.Approvals
	for _, c := range a.chats {
		if f, ok := c.(*feishu.Feishu); ok && f.Approvals() != nil {
			out = append(out, f.Approvals())
		}
	}
	if a.dingtalk != nil {
		out = append(out, a.dingtalk)
	}
	return out
}

// unheard is told of nothing.
func unheard(slipway.ApprovalType) func(context.Context, string) {
	return func(context.Context, string) {}
}

// dingtalk looks whether approvals can be asked in DingTalk.
func (d *doctor) dingtalk(ctx context.Context) {
	area := slipway.T("DingTalk", "钉钉")
	made, err := d.config.newDingTalk(unheard, d.log)
	switch {
	case err != nil:
		d.note(area, unhealthy, slipway.T("%s", "%s", d.hush(err)), slipway.T("put the named setting right", "请修正相应的配置"))
	case made != nil:
		limited, cancel := context.WithTimeout(ctx, 2*patience)
		defer cancel()
		for _, f := range made.Probe(limited) {
			v := healthy
			if !f.OK {
				v = unhealthy
			}
			d.note(area, v, f.What, f.Mend)
		}
	}
}
