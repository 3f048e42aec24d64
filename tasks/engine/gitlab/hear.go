package gitlab

import (
	"cmp"
	"context"
	"encoding/json"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// notice is what is read of a webhook about a pipeline or a job.
type notice struct {
	Kind       string `json:"object_kind"`
	Attributes struct {
		ID        int64 `json:"id"`
		Variables []struct {
			Key   string `json:"key"`
			Value string `json:"value"`
		} `json:"variables"`
	} `json:"object_attributes"`
	Project struct {
		ID int64 `json:"id"`
	} `json:"project"`
	PipelineID int64 `json:"pipeline_id"` // of a job
	ProjectID  int64 `json:"project_id"`  // of a job
}

// Hear implements engine.Hearer: it understands pipeline events and job events. The
// hint of a pipeline that Slipway started has both its ref and its mark.
func (e *Engine) Hear(_ context.Context, n engine.Notice) ([]engine.Hint, error) {
	if !remote.SameToken(e.config.WebhookToken, n.Header.Get("X-Gitlab-Token")) {
		return nil, slipway.Refuse(slipway.Unauthenticated,
			"The webhook's secret token is missing or wrong. Set the same one in GitLab and in SLIPWAY_GITLAB_WEBHOOK_TOKEN.",
			"webhook 的密钥令牌缺失或错误。请在 GitLab 和 SLIPWAY_GITLAB_WEBHOOK_TOKEN 中设置相同的令牌。")
	}
	var said notice
	if err := json.Unmarshal(n.Body, &said); err != nil {
		return nil, slipway.Refuse(slipway.Invalid, "The webhook's body is not JSON as GitLab sends it.", "webhook 的请求体不是 GitLab 发送的 JSON。").
			Because(err)
	}
	switch {
	case said.Kind == "pipeline" && said.Attributes.ID != 0 && said.Project.ID != 0:
		hint := engine.Hint{Ref: refOfPipeline(said.Project.ID, said.Attributes.ID)}
		for _, v := range said.Attributes.Variables {
			if v.Key == markVariable {
				hint.Mark = v.Value
			}
		}
		return []engine.Hint{hint}, nil
	case said.Kind == "build" && said.PipelineID != 0:
		return []engine.Hint{{Ref: refOfPipeline(cmp.Or(said.ProjectID, said.Project.ID), said.PipelineID)}}, nil
	}
	return nil, nil
}
