package dingtalk

import (
	"context"
	"errors"
	"net/http"
	"time"

	"slipway"
	"slipway/bot"
)

// nowhere is the id of no instance: calls about it tell what the app may do.
const nowhere = "slipway-doctor"

// Probe implements bot.Prober.
func (d *DingTalk) Probe(ctx context.Context) []bot.Finding {
	found := []bot.Finding{d.probeToken(ctx)}
	if found[0].OK {
		found = append(found, d.probeForm(ctx)...)
		found = append(found, d.probeRead(ctx), d.probeWrite(ctx))
	}
	return append(found, d.probeEvents(ctx))
}

func (d *DingTalk) probeToken(ctx context.Context) bot.Finding {
	if err := d.tokens.Renew(ctx); err != nil {
		reason := oneLine(err.Error(), 300)
		var e *apiError
		if !errors.As(err, &e) {
			return bot.Finding{
				What: slipway.T("DingTalk cannot be reached at %[1]s: %[2]s", "无法连接钉钉（%[1]s）：%[2]s", d.BaseURL, reason),
				Mend: slipway.T("Check the network and SLIPWAY_DINGTALK_BASE_URL.", "请检查网络和 SLIPWAY_DINGTALK_BASE_URL。"),
			}
		}
		return bot.Finding{
			What: slipway.T("DingTalk does not take the app's key and secret: %s", "钉钉拒绝了应用的 AppKey 和 AppSecret：%s", reason),
			Mend: slipway.T("Copy both again from “Credentials and Basic Information” in the developer console: the Client ID is the key, the Client Secret the secret.",
				"请在开发者后台的“凭证与基础信息”中重新复制：Client ID 即 AppKey，Client Secret 即 AppSecret。"),
		}
	}
	return bot.Finding{OK: true, What: slipway.T("DingTalk takes the app's key and secret.", "AppKey 和 AppSecret 有效。")}
}

// probeForm looks whether the definition is there, and its form as configured.
func (d *DingTalk) probeForm(ctx context.Context) []bot.Finding {
	form, err := d.form(ctx)
	if err != nil {
		return []bot.Finding{d.refused(err, slipway.T("The approval %s cannot be read", "无法读取审批模板 %s", d.Definition),
			slipway.T("Open the approval in the admin console of OA approvals and copy the processCode (PROC-…) from the address of the page; the app must be of the same organisation.",
				"请在 OA 审批管理后台打开该审批的编辑页，从网址中复制 processCode（PROC-…）；应用须属于同一企业。"))}
	}
	var found []bot.Finding
	for _, wrong := range d.misfits(form) {
		found = append(found, bot.Finding{
			What: slipway.T("The form of the approval does not fit: %s.", "审批表单不匹配：%s。", wrong),
			Mend: slipway.T("Change the form in the admin console of OA approvals and publish it, or name its fields in the configuration as they are called there.",
				"请在 OA 审批管理后台修改并发布表单，或在配置中改为表单里的控件名称。"),
		})
	}
	if found == nil {
		found = append(found, bot.Finding{OK: true, What: slipway.T("The approval's form has all %d fields.", "审批表单的 %d 个控件均已就绪。", len(d.Fields))})
	}
	return found
}

// probeRead asks for what was asked within the last minute.
func (d *DingTalk) probeRead(ctx context.Context) bot.Finding {
	in := list{ProcessCode: d.Definition, StartTime: d.Now().Add(-time.Minute).UnixMilli(), MaxResults: 1}
	var out struct{}
	if err := d.call(ctx, http.MethodPost, pathList, nil, in, &out); err != nil {
		return d.refused(err, slipway.T("Approvals cannot be read", "无法读取审批实例"),
			slipway.T("Add the permission Workflow.Instance.Read under “Permissions” in the developer console.", "请在开发者后台“权限管理”中开通 Workflow.Instance.Read。"))
	}
	return bot.Finding{OK: true, What: slipway.T("The app may read approvals.", "可以读取审批实例。")}
}

// probeWrite withdraws an approval that does not exist: whatever DingTalk says about that
// means that the app may.
func (d *DingTalk) probeWrite(ctx context.Context) bot.Finding {
	err := d.terminate(ctx, terminate{ProcessInstanceID: nowhere, IsSystem: true})
	var e *apiError
	if err != nil && (!errors.As(err, &e) || e.tooOften() || refusedWith(err, append(codesForbidden, codeDenied, codeAddress)...)) {
		return d.refused(err, slipway.T("Approvals cannot be asked for", "无法发起审批实例"),
			slipway.T("Add the permission Workflow.Instance.Write under “Permissions” in the developer console.", "请在开发者后台“权限管理”中开通 Workflow.Instance.Write。"))
	}
	return bot.Finding{OK: true, What: slipway.T("The app may ask for approvals.", "可以发起和撤销审批实例。")}
}

// refused is the finding about a call that failed: what is known about the refusal says
// how to mend it, else mend does.
func (d *DingTalk) refused(err error, what, mend slipway.Text) bot.Finding {
	f := bot.Finding{What: slipway.T("%[1]s: %[2]s", "%[1]s：%[2]s", what, oneLine(err.Error(), 300)), Mend: mend}
	var e *apiError
	if errors.As(err, &e) && (e.Code == codeDenied || e.Code == codeAddress) {
		f.Mend = refusal(e).Text
	}
	return f
}

// probeEvents looks how events come. A connection is asked for, but not made.
func (d *DingTalk) probeEvents(ctx context.Context) bot.Finding {
	if d.Stream {
		if _, err := d.endpoint(ctx); err != nil {
			return d.refused(err, slipway.T("DingTalk gives no connection for events", "无法建立接收事件的长连接"),
				slipway.T("Choose “Stream mode” under “Events and Callbacks” in the developer console, and see that this machine can open connections to DingTalk.",
					"请在开发者后台“事件与回调”中选择“Stream 模式推送”，并确认本机可以访问钉钉。"))
		}
		return bot.Finding{OK: true, What: slipway.T("Events come over a connection to DingTalk.", "通过长连接接收事件。")}
	}
	if d.key == nil {
		return bot.Finding{
			OK: true,
			What: slipway.T("No event subscription is configured: Slipway notices decisions when it next asks DingTalk.",
				"未配置事件订阅：Slipway 通过定时查询获知审批结果。"),
		}
	}
	return bot.Finding{OK: true, What: slipway.T("Events are encrypted and signed.", "事件推送已加密并签名。")}
}
