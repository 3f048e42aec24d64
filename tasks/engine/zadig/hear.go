package zadig

import (
	"context"
	"encoding/json"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// Hear implements engine.Hearer: it understands the notifications of workflows and the
// system's workflow hook, with the event's name or without it. Both tell the key of the
// workflow and the number of the run, and neither tells the mark. A notice may come
// before the run is stored, and none comes of some changes: it is a reason to look.
func (e *Engine) Hear(_ context.Context, n engine.Notice) ([]engine.Hint, error) {
	if !remote.SameToken(e.config.WebhookToken, n.Header.Get("X-Zadig-Token")) {
		return nil, slipway.Refuse(slipway.Unauthenticated,
			"The webhook's token is missing or wrong. Set the same one in Zadig and in SLIPWAY_ZADIG_WEBHOOK_TOKEN.",
			"webhook 的 Token 缺失或错误。请在 Zadig 和 SLIPWAY_ZADIG_WEBHOOK_TOKEN 中设置相同的 Token。")
	}
	var said struct {
		Kind     string `json:"object_kind"`
		Workflow *struct {
			Key  string `json:"workflow_name"`
			Task int64  `json:"task_id"`
		} `json:"workflow"`
	}
	if err := json.Unmarshal(n.Body, &said); err != nil {
		return nil, slipway.Refuse(slipway.Invalid, "The webhook's body is not JSON as Zadig sends it.", "webhook 的请求体不是 Zadig 发送的 JSON。").
			Because(err)
	}
	if said.Kind != "workflow" || said.Workflow == nil || !key.MatchString(said.Workflow.Key) || said.Workflow.Task <= 0 {
		return nil, nil
	}
	return []engine.Hint{{Ref: refOf(said.Workflow.Key, said.Workflow.Task)}}, nil
}
