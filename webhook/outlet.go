package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/commands"
)

// Outlet is where hooks leave, as the use cases know it: it checks endpoints and tries
// them.
type Outlet struct {
	Sender    *Sender
	PublicURL string
	Now       func() time.Time
	Rand      io.Reader
}

var _ commands.Hooks = Outlet{}

// NewSecret returns a new secret to sign with.
func (o Outlet) NewSecret() string { return NewSecret(o.Rand) }

var endpointName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Check returns everything that is wrong with an endpoint.
func (Outlet) Check(e *slipway.Endpoint) []slipway.Problem { return CheckEndpoint(e) }

// CheckEndpoint returns everything that is wrong with an endpoint, by the names of its
// keys. No text repeats a secret.
func CheckEndpoint(e *slipway.Endpoint) []slipway.Problem {
	c := endpointCheck{e: e}
	if !endpointName.MatchString(e.Name) {
		c.note("name", "a name of letters, digits, - and _ is expected, not %q", "应为由字母、数字、- 和 _ 组成的名称，而不是 %q", e.Name)
	}
	c.target()
	c.questions()
	c.credentials()
	if e.Compat != "" && e.Compat != CompatZadig {
		c.note("compat", "zadig or nothing is expected, not %q", "应为 zadig 或留空，而不是 %q", e.Compat)
	}
	if !slices.Contains([]slipway.Envelope{"", slipway.EnvelopeDocument, slipway.EnvelopeV5}, e.Envelope) {
		c.note("envelope", "document or v5 is expected, not %q", "应为 document 或 v5，而不是 %q", e.Envelope)
	}
	if e.Rate < 0 || e.Rate > 10_000 {
		c.note("rate", "hooks a second up to 10000 are expected, not %v", "应为每秒不超过 10000 次，而不是 %v", e.Rate)
	}
	return c.problems
}

type endpointCheck struct {
	e        *slipway.Endpoint
	problems []slipway.Problem
}

func (c *endpointCheck) note(path, en, zh string, args ...any) {
	c.problems = append(c.problems, slipway.Problem{Path: path, Text: slipway.T(en, zh, args...)})
}

// wrong notes an error of this package, whose text is the same in both languages.
func (c *endpointCheck) wrong(path string, err error) {
	if err != nil {
		text := strings.ReplaceAll(err.Error(), "\n", "; ")
		c.problems = append(c.problems, slipway.Problem{Path: path, Text: slipway.Text{EN: text, ZH: text}})
	}
}

func (c *endpointCheck) target() {
	allowed, err := ParseNetworks(c.e.AllowNetworks)
	c.wrong("allow_networks", err)
	if c.e.AllowPrivate {
		allowed = append(allowed, PrivateNetworks()...)
	}
	c.wrong("url", CheckURL(c.e.URL, allowed...))
	if c.e.ClientCert != "" && !strings.HasPrefix(strings.ToLower(c.e.URL), "https:") {
		c.note("client_cert", "can only be shown over https", "仅可用于 https 地址")
	}
	_, err = ParseCertificate(c.e.ClientCert, c.e.ClientKey)
	c.wrong("client_cert", err)
}

func (c *endpointCheck) questions() {
	e := c.e
	if len(e.Events) == 0 {
		c.note("events", "at least one of finish_planning, start_execute, all_job_done is expected", "至少需要 finish_planning、start_execute、all_job_done 中的一个")
	}
	for _, ev := range e.Events {
		if !slices.Contains(slipway.Events(), ev) {
			c.note("events", "finish_planning, start_execute or all_job_done is expected, not %q", "应为 finish_planning、start_execute 或 all_job_done，而不是 %q", ev)
		}
	}
	if e.Advisory && !e.Wait {
		c.note("advisory", "needs wait: true: only who is asked can advise", "需要同时设置 wait: true，仅被征询的接收方才能提出意见")
	}
	if !slices.Contains([]slipway.AfterDeadline{"", slipway.DeadlineFails, slipway.DeadlineAsks}, e.AfterDeadline) {
		c.note("after_deadline", "fail or ask is expected, not %q", "应为 fail 或 ask，而不是 %q", e.AfterDeadline)
	}
	if e.AfterDeadline == slipway.DeadlineAsks && e.Deadline == 0 {
		c.note("after_deadline", "needs a deadline", "需要同时设置 deadline")
	}
	if len(e.Ask) > 0 && e.AfterDeadline != slipway.DeadlineAsks {
		c.note("ask", "needs after_deadline: ask", "需要同时设置 after_deadline: ask")
	}
	for i, name := range e.Ask {
		if strings.TrimSpace(name) == "" {
			c.note(fmt.Sprintf("ask[%d]", i), "the name, e-mail or id of a user is expected", "应为用户的姓名、邮箱或 ID")
		}
	}
}

func (c *endpointCheck) credentials() {
	for i, s := range c.e.Secrets {
		_, err := ParseSecret(s)
		c.wrong(fmt.Sprintf("secrets[%d]", i), err)
	}
	if c.e.CallbackSigned && len(c.e.Secrets) == 0 {
		c.note("callback_signed", "needs at least one of secrets", "至少需要一个 secrets")
	}
	c.wrong("headers", CheckHeaders(c.e.Headers))
}

// pingBody is the body of a hook that means nothing, in the documented envelope.
type pingBody struct {
	ObjectKind  string    `json:"object_kind"`
	Event       string    `json:"event"`
	Workflow    *struct{} `json:"workflow"`
	ReleasePlan *struct{} `json:"release_plan"`
	SentAt      int64     `json:"sent_at"`
}

// Ping sends a signed hook with "ping" for object_kind and event, once, and tells what
// came of it.
func (o Outlet) Ping(ctx context.Context, e *slipway.Endpoint) commands.Ping {
	at := o.Now()
	// Every part of the body is of a kind that marshals.
	body, _ := json.Marshal(pingBody{ObjectKind: "ping", Event: "ping", SentAt: at.Unix()})
	id := make([]byte, 12)
	if _, err := io.ReadFull(o.Rand, id); err != nil {
		panic(fmt.Errorf("read random bytes: %w", err))
	}
	d := EndpointDelivery(e)
	d.ID, d.Body, d.At, d.Instance, d.Event = fmt.Sprintf("ping_%x", id), body, at, o.PublicURL, "ping"
	a := o.Sender.Send(ctx, d)
	return commands.Ping{
		OK: a.Outcome == Delivered, StatusCode: a.StatusCode, Duration: a.Duration, Verdict: verdict(e, a), Error: a.Err,
		Sent: a.Sent, Body: string(body), AnswerHead: a.AnswerHead, Answer: a.Answer,
	}
}

// EndpointDelivery is a delivery with all that the endpoint says about it, still without
// an id and a body.
func EndpointDelivery(e *slipway.Endpoint) Delivery {
	return Delivery{
		URL: e.URL, Secrets: e.Secrets, Headers: e.Headers, AllowPrivate: e.AllowPrivate, AllowNetworks: e.AllowNetworks,
		ClientCert: e.ClientCert, ClientKey: e.ClientKey, Compat: e.Compat, Token: e.CallbackToken,
	}
}

// verdict explains what came of a ping.
func verdict(e *slipway.Endpoint, a Attempt) slipway.Text {
	signed := slipway.T("The hook was signed; make sure that the receiver verifies it.", "该 Hook 已签名，请确认接收方会验证签名。")
	if len(e.Secrets) == 0 {
		signed = slipway.T("It is not signed, because the endpoint has no secrets.", "接收方没有配置 secrets，因此未签名。")
	}
	switch status := a.StatusCode; {
	case a.Outcome == Delivered:
		return slipway.T("The receiver took it with %[1]d. %[2]s", "接收方已接收（%[1]d）。%[2]s", status, signed)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return slipway.T("The receiver does not let us in (%[1]d): its secret, token or header is another one. %[2]s",
			"接收方拒绝访问（%[1]d）：密钥、令牌或请求头不一致。%[2]s", status, signed)
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return slipway.T("Somebody answers there, but takes no POST at this path (%d). Is the URL right?", "地址可达，但该路径不接受 POST（%d），请检查 URL。", status)
	case status == http.StatusGone:
		return slipway.T("The receiver says that it wants no more hooks (410). A real hook would have switched the endpoint off.",
			"接收方表示不再接收 Hook（410）。如果是真实的 Hook，该接收方会被停用。")
	case status == http.StatusTooManyRequests:
		return slipway.T("The receiver asks for a pause (429). A real hook would come again after %s.", "接收方要求稍后再试（429），真实的 Hook 会在 %s 后重试。", a.RetryAfter)
	case status >= 300 && status <= 399:
		return slipway.T("The receiver sends us elsewhere (%d). Redirects are not followed; set the URL that it leads to.",
			"接收方返回了重定向（%d）。重定向不会被跟随，请改为最终的 URL。", status)
	case status >= 500:
		return slipway.T("The receiver is reached, and fails (%d). A real hook would be tried again.", "接收方可达，但处理出错（%d），真实的 Hook 会重试。", status)
	case status != 0:
		return slipway.T("The receiver is reached, and does not take it (%d). A real hook would be tried again.", "接收方可达，但没有接收（%d），真实的 Hook 会重试。", status)
	}
	return slipway.T("The receiver was not reached: %[1]s. A real hook would be tried again.", "无法访问接收方：%[1]s。真实的 Hook 会重试。", a.Err)
}
