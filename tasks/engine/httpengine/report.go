package httpengine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
	"slipway/tasks/engine/remote"
)

// tokenHeader may carry the token of a callback.
const tokenHeader = "X-Slipway-Token" //nolint:gosec // the name of a header

// callback is what the server reports. The newest one takes the place of those before.
type callback struct {
	Mark    string        `json:"mark"`
	Ref     string        `json:"ref,omitempty"` // the server's name for the run
	Status  string        `json:"status"`        // one of our words or of those in the settings
	Reason  string        `json:"reason,omitempty"`
	Page    string        `json:"url,omitempty"`
	Started int64         `json:"started,omitempty"` // Unix milliseconds
	Ended   int64         `json:"ended,omitempty"`   // Unix milliseconds
	Jobs    []callbackJob `json:"jobs,omitempty"`
	Log     []string      `json:"log,omitempty"` // all lines so far
}

type callbackJob struct {
	Name    string `json:"name"`
	Stage   string `json:"stage,omitempty"`
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Started int64  `json:"started,omitempty"`
	Ended   int64  `json:"ended,omitempty"`
}

// Hear implements engine.Hearer. If the server can be asked, a callback is only a reason
// to ask; else it is kept with the run, unless it was overtaken by the end of the run.
func (e *Engine) Hear(ctx context.Context, n engine.Notice) ([]engine.Hint, error) {
	if err := e.genuine(n); err != nil {
		return nil, err
	}
	var said callback
	if err := json.Unmarshal(n.Body, &said); err != nil {
		return nil, slipway.Refuse(slipway.Invalid, `The callback's body is not JSON as it is expected, such as {"mark": "…", "status": "running"}.`,
			`回调的请求体不是预期的 JSON，例如 {"mark": "…", "status": "running"}。`).Because(err)
	}
	switch {
	case said.Mark == "":
		return nil, slipway.Refuse(slipway.Invalid, "The callback has no mark: send back the one that came with the start.", "回调中没有 mark：请原样返回启动请求中的 mark。")
	case e.settings.Status != nil:
		return []engine.Hint{{Mark: said.Mark}}, nil
	case e.folded(said.Status) == engine.Unknown:
		return nil, slipway.Refuse(slipway.Invalid, "The callback's status is not known. Use one of these: %s, or set the word in the engine's settings.",
			"回调中的 status 无法识别。请使用以下之一：%s，或在引擎配置的 words 中设置。", strings.ReplaceAll(knownWords(), ", skipped", ""))
	}
	before, err := e.last(ctx, said.Mark)
	switch {
	case slipway.CodeOf(err) == slipway.NotFound:
		return nil, nil // of a run that is none of ours
	case err != nil:
		return nil, fmt.Errorf("read report: %w", err)
	}
	hint := engine.Hint{Mark: said.Mark}
	if e.overtaken(before, &said) {
		return []engine.Hint{hint}, nil
	}
	e.complete(before, &said)
	if hint.Report, err = json.Marshal(said); err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	return []engine.Hint{hint}, nil
}

// genuine refuses a callback without the right token.
func (e *Engine) genuine(n engine.Notice) error {
	given := n.Query.Get("token")
	if h := n.Header.Get(tokenHeader); h != "" {
		given = h
	} else if bearer, ok := strings.CutPrefix(n.Header.Get("Authorization"), "Bearer "); ok {
		given = bearer
	}
	if e.settings.Callback != nil {
		if remote.SameToken(e.config.Secrets[e.settings.Callback.Token], given) {
			return nil
		}
	}
	return slipway.Refuse(slipway.Unauthenticated,
		"The callback's token is missing or wrong. Send it as Authorization: Bearer …, as X-Slipway-Token or as ?token=…; it is set as callback.token of the engine %s.",
		"回调的 token 缺失或错误。请通过 Authorization: Bearer …、X-Slipway-Token 或 ?token=… 发送，其值由引擎 %s 的 callback.token 设置。", e.config.Name)
}

// last returns the last report of a run; nil if there is none.
func (e *Engine) last(ctx context.Context, mark string) (*callback, error) {
	if e.config.Report == nil {
		return nil, nil
	}
	kept, err := e.config.Report(ctx, mark)
	if err != nil || kept == nil {
		return nil, err
	}
	var c callback
	if err := json.Unmarshal(kept, &c); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	return &c, nil
}

// overtaken tells whether a report comes late: the run is over by what came before.
func (e *Engine) overtaken(before, said *callback) bool {
	return before != nil && e.folded(before.Status).Over() && !e.folded(said.Status).Over()
}

// complete fills in what a report leaves out and is known from the one before, or by
// when it came.
func (e *Engine) complete(before, said *callback) {
	now := e.config.Now().UnixMilli()
	status := e.folded(said.Status)
	if before != nil {
		if said.Started == 0 {
			said.Started = before.Started
		}
		if said.Log == nil {
			said.Log = before.Log
		}
		if said.Jobs == nil && !status.Over() {
			said.Jobs = before.Jobs
		}
		said.Page, said.Ref = cmp.Or(said.Page, before.Page), cmp.Or(said.Ref, before.Ref)
	}
	if said.Started == 0 && status != engine.Queued {
		said.Started = now
	}
	if said.Ended == 0 && status.Over() {
		said.Ended = now
	}
	secrets, _ := e.secrets.Of(said.Mark)
	m := output.NewMasker(secrets)
	said.Reason = e.vendor.Hide(m.Mask(said.Reason))
	for i, line := range said.Log {
		said.Log[i] = e.vendor.Hide(m.Mask(line))
	}
}

// report is how a run is as the server reported it.
func (e *Engine) report(ctx context.Context, r run) (*seen, error) {
	c, err := e.last(ctx, r.mark)
	switch {
	case slipway.CodeOf(err) == slipway.NotFound:
		return nil, engine.ErrNoRun
	case err != nil:
		return nil, err
	case c == nil:
		return &seen{status: engine.Queued}, nil
	}
	s := &seen{
		status: e.folded(c.Status), word: c.Status, reason: c.Reason, page: c.Page, started: c.Started, ended: c.Ended,
		log: c.Log,
	}
	for _, j := range c.Jobs {
		s.jobs = append(s.jobs, seenJob{
			name: j.Name, stage: j.Stage, reason: j.Reason, status: e.folded(j.Status), started: j.Started, ended: j.Ended,
		})
	}
	return s, nil
}

// reported names a run of which the server has reported something; empty if it has not,
// or did not say what it calls the run.
func (e *Engine) reported(ctx context.Context, r run) (engine.Ref, error) {
	c, err := e.last(ctx, r.mark)
	switch {
	case err != nil:
		return "", fmt.Errorf("read report: %w", err)
	case c == nil:
		return "", nil
	case e.settings.Start.Ref != "":
		r.ref = c.Ref
	}
	if r.ref == "" {
		return "", nil
	}
	return r.name(), nil
}
