package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
)

// clickTime is how long the doctor waits for somebody to press the button, thanksTime
// how long the answer to the click may take.
const (
	clickTime  = time.Minute
	thanksTime = time.Second
)

// click posts a card with a button and waits until somebody presses it. It shows what
// no other check can: that clicks come back. Feishu subscribes to them apart from
// messages, and nothing is logged anywhere if that was forgotten.
func (d *doctor) click(ctx context.Context, where string) {
	platform, id, _ := strings.Cut(where, ":")
	d.withChats(ctx, func(ctx context.Context, chats []chat) {
		for _, c := range chats {
			if string(c.ID()) == platform && id != "" {
				d.clickIn(ctx, c, bot.RoomRef{Platform: c.ID(), ID: id})
				return
			}
		}
		d.note(areaClick, unhealthy, slipway.T("%q is no room of a platform that is connected", "%q 不是已连接平台上的会话", where),
			slipway.T("name it as slack:C0123456789 or feishu:oc_0123456789abcdef", "请写成 slack:C0123456789 或 feishu:oc_0123456789abcdef"))
	})
}

func (d *doctor) clickIn(ctx context.Context, c chat, room bot.RoomRef) {
	ctx, cancel := context.WithTimeout(ctx, clickTime+patience)
	defer cancel()
	button := &testButton{lang: d.lang, room: room, began: time.Now(), pressed: make(chan time.Duration, 1)}
	var ending error
	ended := make(chan struct{})
	go func() {
		ending = c.Run(ctx, button)
		close(ended)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	if stop := d.receive(ctx, c); stop != nil {
		defer stop()
	}
	if !d.connected(ctx, c) {
		d.note(areaClick, unhealthy, slipway.T("there is no connection: %s", "连接未建立：%s", c.Trouble()), slipway.Text{})
		return
	}
	if _, err := c.Post(ctx, bot.Target{Room: room}, button.card(), ""); err != nil {
		d.note(areaClick, unhealthy, slipway.T("the card cannot be posted: %s", "无法发送卡片：%s", d.hush(err)),
			slipway.T("invite the bot into the room, and check the room's id", "请把机器人邀请进会话，并检查会话 ID"))
		return
	}
	if d.out != nil {
		_, _ = fmt.Fprintf(d.out, "… %s\n", slipway.T("a card is in %s: press its button within %s", "已在 %s 中发送卡片，请在 %s 内点击其中的按钮", room.ID, clickTime).In(d.lang))
	}
	waited := time.NewTimer(clickTime)
	defer waited.Stop()
	select {
	case took := <-button.pressed:
		select { // what the person is told still has to go out
		case <-time.After(thanksTime):
		case <-ctx.Done():
		}
		d.well(areaClick, "the click arrived, %s after the card was posted", "已收到点击，距发送卡片 %s", took.Round(100*time.Millisecond))
	case <-ended: // somebody stops the doctor, or the platform gave up
		d.note(areaClick, unhealthy, slipway.T("the connection ended: %s", "连接已断开：%s", d.hush(cmp.Or(ending, context.Cause(ctx), context.Canceled))), slipway.Text{})
	case <-waited.C:
		d.note(areaClick, unhealthy, slipway.T("no click arrived here", "没有收到点击"), missedClick(c))
	}
}

// connected waits until the platform is connected.
func (d *doctor) connected(ctx context.Context, c chat) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for c.Trouble() != "" {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// missedClick tells where a click can have gone.
func missedClick(c chat) slipway.Text {
	if c.ID() == bot.Feishu {
		return slipway.T(
			"if Slipway's help appeared, another Slipway took the click and all is well; else open the app's Events & callbacks page and subscribe to card.action.trigger under “Callback configuration” too: it is a setting of its own",
			"如果聊天中出现了 Slipway 的帮助，说明点击已由另一个正在运行的 Slipway 收到，一切正常；否则请在开放平台应用的“事件与回调”页面中，在“回调配置”里也订阅“卡片回传交互”（card.action.trigger），它与事件订阅是两项独立的设置")
	}
	return slipway.T(
		"if Slipway's help appeared, another Slipway took the click and all is well; else switch Interactivity on for the app, and compare it with `slipway slack manifest`",
		"如果聊天中出现了 Slipway 的帮助，说明点击已由另一个正在运行的 Slipway 收到，一切正常；否则请为应用打开 Interactivity，并与 slipway slack manifest 的输出对照")
}

// receive takes the platform's calls if it makes any, and if no other Slipway does.
func (d *doctor) receive(ctx context.Context, c chat) (stop func()) {
	calls := c.ID() == bot.Slack && d.config.Slack.http() || c.ID() == bot.Feishu && d.config.Feishu.http()
	if !calls {
		return nil
	}
	l, err := d.config.listen(ctx)
	if err != nil {
		d.note(areaClick, doubtful, slipway.T("Slipway is running here, so the click goes to it: watch for its help in the chat", "本机正在运行 Slipway，点击会由它收到：请留意聊天中是否出现帮助"), slipway.Text{})
		return nil
	}
	server := &http.Server{Handler: c.Routes(), ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(l) }()
	return func() { _ = server.Close() }
}

// harmless is what the button says: a running Slipway that gets the click answers it
// with its help.
const harmless = "help"

// testButton handles the events of the doctor's own connection.
type testButton struct {
	lang    slipway.Lang
	room    bot.RoomRef
	began   time.Time
	pressed chan time.Duration
}

func (b *testButton) say(en, zh string) string { return slipway.T(en, zh).In(b.lang) }

func (b *testButton) card() bot.Card {
	title := b.say("Slipway's doctor: please press the button", "Slipway 检查：请点击按钮")
	return bot.Card{
		Lang: b.lang, Title: title, Summary: title,
		Intro:   []bot.Line{{{Text: b.say("This shows whether clicks reach Slipway.", "用于确认点击能够到达 Slipway。")}}},
		Actions: []bot.Action{{ID: bot.ActionRun, Value: harmless, Label: b.say("Press me", "点击这里"), Style: bot.Primary}},
	}
}

// Handle implements bot.Handler. Other events that come to this connection are not
// answered; who wrote them writes again.
func (b *testButton) Handle(_ context.Context, ev bot.Event) bot.Reply {
	said := b.say("Slipway is being checked; please try again in a minute.", "Slipway 正在检查中，请一分钟后再试。")
	if ev.Kind == bot.Click && ev.Value == harmless && ev.Room == b.room {
		select {
		case b.pressed <- time.Since(b.began):
		default: // pressed before
		}
		return bot.Reply{Toast: &bot.Toast{Kind: bot.ToastDone, Text: b.say("The click arrived. Thank you.", "已收到点击，谢谢。")}}
	}
	switch ev.Kind {
	case bot.Command, bot.Mention, bot.Direct, bot.Click, bot.Shortcut:
		return bot.Reply{Toast: &bot.Toast{Kind: bot.ToastInfo, Text: said}}
	case bot.Submission:
		return bot.Reply{FieldErrors: map[string]string{"": said}}
	case bot.Chatter, bot.HomeOpened, bot.LinkShared:
	}
	return bot.Reply{}
}
