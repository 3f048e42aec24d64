package feishu

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/appapi"
	"slipway/storage"
)

// The ids in a definition that Slipway makes. Keys of texts have nine characters or more.
const (
	madeWidget = "slipway_details"
	madeNode   = "SLIPWAY_LEVEL_%d"
	madeName   = "@i18n@slipway_name"
	madeAbout  = "@i18n@slipway_about"
	madeLabel  = "@i18n@slipway_details"
	madeStep   = "@i18n@slipway_level_%d"
)

// shapeOf is what a definition is made for: the types of its nodes. A node of one person
// decides the same either way.
func shapeOf(nodes []askedNode) []string {
	types := make([]string, len(nodes))
	for i, n := range nodes {
		types[i] = nodeAny
		if n.all {
			types[i] = nodeAll
		}
	}
	return types
}

// made returns the definition of a shape, which is made if it is not there. Feishu's
// definitions can be neither listed nor deleted, so it is remembered.
func (a *Approvals) made(ctx context.Context, nodes []askedNode) (*definition, error) {
	shape := shapeOf(nodes)
	key := "feishu.approval." + a.f.AppID + "." + strings.Join(shape, "-")
	code, err := a.f.Store.Setting(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("remember approval definition: %w", err)
	}
	if code != "" {
		d, err := a.read(ctx, code)
		if !errors.Is(err, errNoDefinition) {
			return d, err
		}
	}
	if code, err = a.makeOnce(ctx, key, code, shape); err != nil {
		return nil, err
	}
	return a.read(ctx, code)
}

// makeOnce makes the definition of a shape in the place of one that is gone, if any. Of
// several replicas one makes it; only if that one does not come back another one does.
func (a *Approvals) makeOnce(ctx context.Context, key, gone string, shape []string) (string, error) {
	store, claim := a.f.Store, key+" after "+gone
	p, state, err := store.BeginPost(ctx, string(bot.Feishu), claim, a.f.Now())
	switch {
	case err != nil:
		return "", fmt.Errorf("make approval definition: %w", err)
	case state == storage.PostSent:
		return p.MessageID, store.PutSetting(ctx, key, p.MessageID)
	case state == storage.PostBusy:
		return "", fmt.Errorf("make approval definition: %w: %w", bot.ErrBusy, &bot.RateLimited{After: time.Second})
	}
	code, err := a.makeNow(ctx, shape)
	if err != nil {
		if unsent(err) || errors.Is(err, appapi.ErrNoToken) {
			err = errors.Join(err, store.ForgetPost(context.WithoutCancel(ctx), string(bot.Feishu), claim))
		}
		return "", fmt.Errorf("make approval definition: %w", err)
	}
	p.MessageID = code
	err = errors.Join(store.PutSetting(context.WithoutCancel(ctx), key, code), store.SettlePost(context.WithoutCancel(ctx), p))
	if err != nil {
		return "", fmt.Errorf("remember approval definition %s: %w", code, err)
	}
	return code, nil
}

// makeNow makes a definition: one field of several lines, and nodes whose approvers are
// chosen each time. Nobody else can ask with it, or change it. What was approved cannot be
// taken back, only what is still open; nobody approves by themselves what they ask for.
func (a *Approvals) makeNow(ctx context.Context, shape []string) (string, error) {
	texts := []i18nText{
		{madeName, slipway.T("Slipway release plan", "Slipway 发布计划")},
		{madeAbout, slipway.T("Approvals of release plans, asked for by Slipway (%s)", "由 Slipway 发起的发布计划审批（%s）", strings.Join(shape, "-"))},
		{madeLabel, slipway.T("Release plan", "发布计划")},
	}
	nodes := []element{{"id": "START"}}
	for i, kind := range shape {
		name := fmt.Sprintf(madeStep, i+1)
		texts = append(texts, i18nText{name, slipway.T("Level %d", "第 %d 级审批", i+1)})
		nodes = append(nodes, element{
			"id": fmt.Sprintf(madeNode, i+1), "name": name, "node_type": kind, "approver": []element{{"type": "Free"}},
			"approver_chosen_multi": true, "approver_chosen_range": []element{{"type": "ALL"}}, "starter_assignee": "STARTER",
		})
	}
	in := element{
		"approval_name": madeName, "description": madeAbout, "viewers": []element{{"viewer_type": "NONE"}},
		"form": element{"form_content": string(encode([]element{
			{"id": madeWidget, "name": madeLabel, "type": widgetLong, "required": true, "printable": true},
		}))},
		"node_list": append(nodes, element{"id": "END"}),
		"settings":  element{"revert_interval": 0, "revert_option": 1, "reject_option": 0, "quick_approval_option": 1},
		"config": element{
			"can_update_viewer": false, "can_update_form": false, "can_update_process": false, "can_update_revert": false,
		},
		"i18n_resources": []element{inLanguage(slipway.Chinese, texts), inLanguage(slipway.English, texts)},
	}
	var out struct {
		Data struct {
			Code string `json:"approval_code"`
		} `json:"data"`
	}
	err := a.f.call(ctx, http.MethodPost, "/open-apis/approval/v4/approvals", url.Values{"user_id_type": {"open_id"}}, in, &out)
	if err == nil && out.Data.Code == "" {
		err = errors.New("Feishu named no definition")
	}
	return out.Data.Code, explain(err, "Slipway")
}

// i18nText is a text that Feishu shows in the language of who reads it.
type i18nText struct {
	key  string
	text slipway.Text
}

func inLanguage(lang slipway.Lang, texts []i18nText) element {
	list := make([]element, len(texts))
	for i, t := range texts {
		list[i] = element{"key": t.key, "value": t.text.In(lang)}
	}
	return element{"locale": localeName(lang), "is_default": lang == slipway.Chinese, "texts": list}
}

// listen subscribes to what becomes of a definition's instances. That they change is
// seen by looking, too, so nothing depends on it.
func (a *Approvals) listen(ctx context.Context, code string) {
	a.mu.Lock()
	done := a.listening[code]
	a.mu.Unlock()
	if done {
		return
	}
	err := a.f.call(ctx, http.MethodPost, "/open-apis/approval/v4/approvals/"+url.PathEscape(code)+"/subscribe", nil, element{}, nil)
	if err != nil && !refusedWith(err, codeListening) {
		a.f.Log.WarnContext(ctx, "approvals are not heard of, only looked for", "definition", code, "error", err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listening[code] = true
}
