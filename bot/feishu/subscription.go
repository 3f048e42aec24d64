package feishu

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"slipway"
	"slipway/bot"
)

// What the app must have subscribed to. Events and callbacks are two settings; what is
// spare only makes some things nicer.
var (
	events         = []string{typeMessage}
	spareEvents    = []string{typeMenu, typeEntered, typeAdded}
	callbacks      = []string{typeClick}
	spareCallbacks = []string{typePreview}
)

// hears are the spare events of this Slipway.
func (f *Feishu) hears() []string {
	if f.approvals == nil {
		return spareEvents
	}
	return slices.Concat(spareEvents, []string{typeInstance, typeTask})
}

// modeOf is Feishu's word for a way that events and callbacks come.
var modeOf = map[string]string{modeSocket: "websocket", modeHTTP: "webhook"}

// probeSubscriptions looks into the app as it is published. What it may not see is left
// to people.
func (f *Feishu) probeSubscriptions(ctx context.Context) []bot.Finding {
	app := "/open-apis/application/v6/applications/" + url.PathEscape(f.AppID)
	called, err := f.subscribedCallbacks(ctx, app)
	if err != nil {
		return []bot.Finding{f.reminder()}
	}
	found := []bot.Finding{f.judgeWay(called)}
	found = append(found, judgeList(slipway.T("Callback", "回调"), slipway.T("Callback configuration", "回调配置"), called.List, callbacks, spareCallbacks)...)
	heard, published, err := f.subscribedEvents(ctx, app)
	switch {
	case err != nil:
		return append(found, f.reminder())
	case !published:
		return append(found, bot.Finding{
			What: slipway.T("No version of the app is published.", "应用没有已发布的版本。"),
			Mend: slipway.T("Create a version under “Version Management & Release”, publish it and have it approved: nothing that was set takes effect before.",
				"请在“版本管理与发布”中创建版本、发布并通过审核：在此之前，所有设置都不会生效。"),
		})
	}
	return append(found, judgeList(slipway.T("Event", "事件"), slipway.T("Event configuration", "事件配置"), heard, events, f.hears())...)
}

// calledBack is what the app has for callbacks.
type calledBack struct {
	Type string   `json:"callback_type"`
	URL  string   `json:"request_url"`
	List []string `json:"subscribed_callbacks"`
}

func (f *Feishu) subscribedCallbacks(ctx context.Context, app string) (calledBack, error) {
	var out struct {
		Data struct {
			App struct {
				Callbacks calledBack `json:"callback_info"`
			} `json:"app"`
		} `json:"data"`
	}
	if err := f.call(ctx, http.MethodGet, app, url.Values{"lang": {"en_us"}}, nil, &out); err != nil {
		return calledBack{}, fmt.Errorf("look up the app: %w", err)
	}
	return out.Data.App.Callbacks, nil
}

// approved is the status of a version of the app that was approved.
const approved = 1

// subscribedEvents are those of the version that is published. There is at most one newer
// version, which is not.
func (f *Feishu) subscribedEvents(ctx context.Context, app string) (types []string, published bool, err error) {
	var out struct {
		Data struct {
			Items []struct {
				Status      int `json:"status"`
				PublishTime any `json:"publish_time"` // null or "" if it is not
				Events      []struct {
					Type string `json:"event_type"`
				} `json:"event_infos"`
			} `json:"items"`
		} `json:"data"`
	}
	if err := f.call(ctx, http.MethodGet, app+"/app_versions", url.Values{"lang": {"en_us"}, "page_size": {"2"}}, nil, &out); err != nil {
		return nil, false, fmt.Errorf("look up the app's versions: %w", err)
	}
	for _, v := range out.Data.Items {
		if v.Status != approved || v.PublishTime == nil || v.PublishTime == "" {
			continue
		}
		for _, e := range v.Events {
			types = append(types, e.Type)
		}
		return types, true, nil
	}
	return nil, false, nil
}

// judgeWay tells whether callbacks come the way that Slipway listens.
func (f *Feishu) judgeWay(c calledBack) bot.Finding {
	page := slipway.T("Under “Events & Callbacks” > “Callback configuration” set the subscription mode to %s, then publish a version.",
		"请在“事件与回调”>“回调配置”中将订阅方式设为%s，然后发布新版本。", f.way())
	base := strings.TrimRight(f.PublicURL, "/")
	addresses := []string{base + "/feishu/cards", base + "/feishu/events"}
	switch {
	case c.Type != modeOf[f.Mode]:
		return bot.Finding{What: slipway.T("Callbacks are not sent over %s: buttons do nothing.", "回调没有通过%s发送：点击按钮不会有反应。", f.way()), Mend: page}
	case f.Mode == modeHTTP && !slices.Contains(addresses, c.URL):
		return bot.Finding{What: slipway.T("Callbacks are sent to %[1]s, not to %[2]s: buttons do nothing.", "回调发送到 %[1]s，而不是 %[2]s：点击按钮不会有反应。", c.URL, addresses[0]), Mend: page}
	}
	return bot.Finding{OK: true, What: slipway.T("Callbacks are sent over %s.", "回调通过%s发送。", f.way())}
}

// judgeList compares what is subscribed to with what is needed, and with what is good to
// have.
func judgeList(kind, page slipway.Text, have, need, spare []string) []bot.Finding {
	var found []bot.Finding
	var there []string
	for _, name := range slices.Concat(need, spare) {
		if slices.Contains(have, name) {
			there = append(there, name)
			continue
		}
		where := slipway.T("Add it under “Events & Callbacks” > “%s”, then publish a version.", "请在“事件与回调”>“%s”中添加，然后发布新版本。", page)
		if slices.Contains(need, name) {
			found = append(found, bot.Finding{What: slipway.T("%[1]s %[2]s is not subscribed to.", "%[1]s %[2]s 尚未订阅。", kind, name), Mend: where})
			continue
		}
		found = append(found, bot.Finding{OK: true, What: slipway.T(
			"%[1]s %[2]s is not subscribed to; that may be so, but then %[3]s.", "%[1]s %[2]s 尚未订阅；可以不订阅，但这样%[3]s。", kind, name, missed[name],
		)})
	}
	if len(there) > 0 {
		found = append(found, bot.Finding{OK: true, What: slipway.T("%[1]s subscribed to: %[2]s", "已订阅%[1]s：%[2]s", kind, strings.Join(there, ", "))})
	}
	return found
}

// missed is what does not work without a spare subscription.
var missed = map[string]slipway.Text{
	typeMenu:     slipway.T("the bot's menu does nothing", "机器人菜单不会有反应"),
	typeEntered:  slipway.T("opening the chat with the bot does not show your page", "打开与机器人的单聊时不会显示主页"),
	typeAdded:    slipway.T("the bot does not greet a group that it is added to", "机器人进群时不会打招呼"),
	typeInstance: slipway.T("what is decided in Feishu's approval center is seen minutes later", "飞书审批的结果要几分钟后才能看到"),
	typeTask:     slipway.T("what single approvers say in Feishu's approval center is seen minutes later", "单个审批人在飞书审批中的意见要几分钟后才能看到"),
	typePreview:  slipway.T("links to plans are shown without a card", "发布计划的链接不会显示卡片"),
}

// way is how events and callbacks come to this Slipway.
func (f *Feishu) way() slipway.Text {
	if f.Mode == modeHTTP {
		return slipway.T("your server's addresses /feishu/events and /feishu/cards", "您的服务器地址 /feishu/events 和 /feishu/cards")
	}
	return slipway.T("the persistent connection", "长连接")
}

// reminder tells what Feishu does not let the app find out: which events it has
// subscribed to, and that clicks need a subscription of their own.
func (f *Feishu) reminder() bot.Finding {
	return bot.Finding{OK: true, What: slipway.T(
		"To be checked by hand under “Events & Callbacks” (with the permission application:application:self_manage it is checked here): "+
			"events AND callbacks are two settings, both must be set to %[1]s. Events: %[2]s. Callbacks: %[3]s. If buttons do nothing, the callbacks are not set.",
		"请在“事件与回调”中人工确认（开通权限 application:application:self_manage 后可在此自动检查）："+
			"事件配置与回调配置是两项设置，都必须设为%[1]s。事件：%[2]s。回调：%[3]s。如果点击按钮没有反应，说明回调尚未配置。",
		f.way(), strings.Join(slices.Concat(events, f.hears()), ", "), strings.Join(slices.Concat(callbacks, spareCallbacks), ", "))}
}
