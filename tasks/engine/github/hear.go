package github

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net/url"
	"strings"

	"slipway"
	"slipway/tasks/engine"
)

// notice is what is read of a webhook.
type notice struct {
	Action string `json:"action"`
	Run    struct {
		ID int64 `json:"id"`
	} `json:"workflow_run"`
	Job struct {
		RunID int64 `json:"run_id"`
	} `json:"workflow_job"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`

	// Of the question whether a deployment may go on.
	Environment string `json:"environment"`
	Callback    string `json:"deployment_callback_url"`
	SHA         string `json:"sha"`
	Deployment  struct {
		ID  int64  `json:"id"`
		SHA string `json:"sha"`
	} `json:"deployment"`
}

// Hear implements engine.Hearer: it understands workflow runs, their jobs, and the
// question of a deployment protection rule. The title of a run is chosen by whoever wrote
// the workflow, so no mark is read from it.
func (e *Engine) Hear(_ context.Context, n engine.Notice) ([]engine.Hint, error) {
	if !signed(e.config.WebhookSecret, n.Header.Get("X-Hub-Signature-256"), n.Body) {
		return nil, slipway.Refuse(slipway.Unauthenticated,
			"The webhook's signature is missing or wrong. Set the same secret in GitHub and in SLIPWAY_GITHUB_WEBHOOK_SECRET.",
			"webhook 的签名缺失或错误。请在 GitHub 和 SLIPWAY_GITHUB_WEBHOOK_SECRET 中设置相同的密钥。")
	}
	var said notice
	if err := json.Unmarshal(payload(n), &said); err != nil {
		return nil, slipway.Refuse(slipway.Invalid, "The webhook's body is not JSON as GitHub sends it.", "webhook 的请求体不是 GitHub 发送的 JSON。").
			Because(err)
	}
	r, named := readRepository(said.Repository.FullName)
	switch event := n.Header.Get("X-GitHub-Event"); {
	case !named:
	case event == "workflow_run" && said.Run.ID > 0:
		return []engine.Hint{{Ref: refOfRun(r, said.Run.ID)}}, nil
	case event == "workflow_job" && said.Job.RunID > 0:
		return []engine.Hint{{Ref: refOfRun(r, said.Job.RunID)}}, nil
	case event == "deployment_protection_rule" && said.Action == "requested":
		return e.question(r, &said)
	}
	return nil, nil
}

// signed tells whether GitHub, which knows the secret, sent the body.
func signed(secret, signature string, body []byte) bool {
	given, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write(body)
	return secret != "" && err == nil && strings.HasPrefix(signature, "sha256=") && hmac.Equal(given, sum.Sum(nil))
}

// payload is the JSON of a webhook, which may be set up to come as a form.
func payload(n engine.Notice) []byte {
	if kind, _, err := mime.ParseMediaType(n.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return n.Body
	}
	form, err := url.ParseQuery(string(n.Body))
	if err != nil {
		return nil
	}
	return []byte(form.Get("payload"))
}
