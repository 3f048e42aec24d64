package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	gh "github.com/google/go-github/v93/github"

	"slipway"
	"slipway/tasks/engine"
)

// asked is what a reply needs, kept with the question.
type asked struct {
	Repository  string `json:"repository"`
	Run         int64  `json:"run"`
	Environment string `json:"environment"`
}

var callbackPath = regexp.MustCompile(`^repos/([^/]+/[^/]+)/actions/runs/([0-9]{1,18})/deployment_protection_rule$`)

// question reads the question whether a deployment may go on. GitHub says where the reply
// is to go; that must be its own API, at the repository that asks.
func (e *Engine) question(r repository, said *notice) ([]engine.Hint, error) {
	var where []string
	if u, err := url.Parse(said.Callback); err == nil && u.User == nil && u.RawQuery == "" {
		if path, here := ours(e.base, u); here {
			where = callbackPath.FindStringSubmatch(path)
		}
	}
	if where == nil || !strings.EqualFold(where[1], r.String()) || said.Environment == "" {
		return nil, slipway.Refuse(slipway.Invalid,
			"The question of the deployment protection rule names no environment, or an address for the reply that is not one of %s.",
			"部署保护规则的询问没有指定环境，或者回复地址不属于 %s。", e.base.String())
	}
	run, err := strconv.ParseInt(where[2], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read number of run: %w", err)
	}
	data, err := json.Marshal(asked{Repository: r.String(), Run: run, Environment: said.Environment})
	if err != nil {
		return nil, fmt.Errorf("write question: %w", err)
	}
	ref := refOfRun(r, run)
	return []engine.Hint{{Ref: ref, Question: &engine.Question{
		ID:      fmt.Sprintf("%s/%s/%d", ref, said.Environment, said.Deployment.ID),
		Project: r.String(), Environment: said.Environment, Run: ref, SHA: cmp.Or(said.SHA, said.Deployment.SHA), Data: data,
	}}}, nil
}

// Reply implements engine.Gatekept. Only the app that is the protection rule may reply.
func (e *Engine) Reply(ctx context.Context, q engine.Question, approve bool, comment string) error {
	var a asked
	if err := json.Unmarshal(q.Data, &a); err != nil {
		return slipway.Refuse(slipway.Invalid, "The question cannot be read.", "无法读取该询问。").Because(err)
	}
	r, named := readRepository(a.Repository)
	if !named || a.Run <= 0 || a.Environment == "" {
		return slipway.Refuse(slipway.Invalid, "The question cannot be read.", "无法读取该询问。")
	}
	state := "rejected"
	if approve {
		state = "approved"
	}
	_, err := e.api.Actions.ReviewCustomDeploymentProtectionRule(ctx, r.owner, r.name, a.Run, gh.ReviewCustomDeploymentProtectionRuleRequest{
		EnvironmentName: a.Environment, State: state, Comment: cutComment(comment),
	})
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusConflict:
		e.config.Log.InfoContext(ctx, "deployment asks no more", "question", q.ID, "answer", e.vendor.Hide(said(err)))
		return nil
	}
	if err != nil {
		return e.vendor.Acting(ctx, err)
	}
	e.Nudge(q.Run)
	return nil
}

// maxComment is how long a comment may be in GitHub.
const maxComment = 1024

// cutComment makes a comment fit.
func cutComment(text string) string {
	if r := []rune(text); len(r) > maxComment {
		return string(r[:maxComment-1]) + "…"
	}
	return text
}
