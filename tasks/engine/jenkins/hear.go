package jenkins

import (
	"context"
	"encoding/json"
	"net/url"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/remote"
)

// tokenHeader may carry the token of a notice, where something can set headers.
const tokenHeader = "X-Slipway-Token" //nolint:gosec // the name of a header

// notice is what is read of a notice of the Notification plugin.
type notice struct {
	URL   string `json:"url"` // of the job, below the address of Jenkins
	Build struct {
		FullURL    string            `json:"full_url"`
		URL        string            `json:"url"` // of the build, below the address of Jenkins
		Number     int64             `json:"number"`
		QueueID    int64             `json:"queue_id"`
		Parameters map[string]string `json:"parameters"`
	} `json:"build"`
}

// Hear implements engine.Hearer: it understands the JSON of the Notification plugin. A
// notice of a plugin that does not tell the item of the queue is a reason to ask for it.
func (e *Engine) Hear(ctx context.Context, n engine.Notice) ([]engine.Hint, error) {
	given := n.Query.Get("token")
	if given == "" {
		given = n.Header.Get(tokenHeader)
	}
	if !remote.SameToken(e.config.WebhookToken, given) {
		return nil, slipway.Refuse(slipway.Unauthenticated,
			"The notice's token is missing or wrong. End the address in Jenkins with ?token= and the value of SLIPWAY_JENKINS_WEBHOOK_TOKEN.",
			"通知的 token 缺失或错误。请在 Jenkins 中的地址末尾加上 ?token=，其值为 SLIPWAY_JENKINS_WEBHOOK_TOKEN。")
	}
	var said notice
	if err := json.Unmarshal(n.Body, &said); err != nil {
		return nil, slipway.Refuse(slipway.Invalid, "The notice's body is not JSON as the Notification plugin of Jenkins sends it.",
			"通知的请求体不是 Jenkins Notification 插件发送的 JSON。").Because(err)
	}
	path, build := said.where()
	hint := engine.Hint{Mark: said.Build.Parameters[markParameter]}
	switch {
	case path != "" && said.Build.QueueID > 0:
		hint.Ref = refOf(path, said.Build.QueueID)
	case path != "" && build > 0 && hint.Mark == "":
		ref, err := e.refOfBuild(ctx, path, build)
		if isNotFound(err) {
			return nil, nil
		} else if err != nil {
			return nil, e.vendor.Reading(ctx, err)
		}
		hint.Ref = ref
	}
	if hint.Ref == "" && hint.Mark == "" {
		return nil, nil
	}
	return []engine.Hint{hint}, nil
}

// where returns the job and the build that a notice is about.
func (n *notice) where() (path string, build int64) {
	for _, address := range []string{n.Build.FullURL, n.Build.URL, n.URL} {
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		if path, build, ok := readAddress(u.EscapedPath()); ok {
			if build == 0 {
				build = n.Build.Number
			}
			return path, build
		}
	}
	return "", 0
}
