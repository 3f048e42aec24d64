package bot

import (
	"errors"

	"slipway"
	"slipway/storage"
)

// ListCard shows plans, one per row. words is what the list was asked for; a cursor
// makes a button for older plans.
func ListCard(plans []*slipway.Plan, total int64, words, next string, v View) Card {
	c := Card{Lang: v.Lang, Zone: v.Zone, Title: v.say(slipway.T("Plans", "发布计划"))}
	if words != "" {
		c.Title = v.say(slipway.T("Plans: %s", "发布计划：%s", words))
	}
	c.Summary = v.say(slipway.T("%[1]s (%[2]d)", "%[1]s（%[2]d 个）", c.Title, total))
	if len(plans) == 0 {
		c.Intro = []Line{{plain(v.say(slipway.T("Nothing found. `new` creates a plan, `list` shows all.", "没有符合条件的发布计划。可以“新建”一个，或用“列表”查看全部。")))}}
		c.Actions = []Action{v.button(verbNew, "")}
		return c
	}
	for _, p := range plans {
		r := Row{
			ID: p.ID, State: statusState(p.Status(), v.Lang), Title: Line{bold(planTitle(p))},
			Details: []Line{v.listLine(p)}, Actions: []Action{v.button(verbShow, Ref{Plan: p.ID}.Encode())},
		}
		c.Rows = append(c.Rows, r)
	}
	if next != "" {
		older := v.button(verbList, Ref{Words: words, Cursor: next}.Encode())
		older.Label = v.say(slipway.T("Older", "更早的"))
		c.Actions = append(c.Actions, older)
	}
	c.Footer = []Line{{faint(v.say(slipway.T("%[1]d of %[2]d", "%[1]d/%[2]d 个", len(plans), total)))}}
	return c
}

// listLine says of a plan who leads it, how far it is and when it is to be.
func (v View) listLine(p *slipway.Plan) Line {
	l := Line{plain(p.Manager.Name)}
	if len(p.Items) > 0 {
		l = l.add(plain(" · " + v.progress(p)))
	}
	if w := v.window(p); len(w) > 0 {
		l = append(l.add(plain(" · ")), w...)
	}
	return l
}

// LogCard shows the operation log of a plan, newest first.
func LogCard(p *slipway.Plan, entries []slipway.Entry, next string, v View) Card {
	c := Card{Lang: v.Lang, Zone: v.Zone, Title: v.say(slipway.T("Log of %s", "%s 的操作日志", planTitle(p))), Link: v.link(p)}
	c.Summary = c.Title
	for _, e := range entries {
		r := Row{Title: EntryLine(e, v.Lang)}
		if len(e.Data.Hooks) > 0 && e.Verb != slipway.VerbResend {
			r.Details = []Line{{faint(v.say(slipway.T("hooks to %s", "Hook 发往 %s", quoteList(e.Data.Hooks))))}}
		}
		c.Rows = append(c.Rows, r)
	}
	if next != "" {
		older := v.button(verbLog, Ref{Plan: p.ID, Cursor: next}.Encode())
		older.Label = v.say(slipway.T("Older", "更早的"))
		c.Actions = []Action{older}
	}
	return c
}

// HooksCard shows what was sent to outside systems about a plan, newest first.
func HooksCard(p *slipway.Plan, deliveries []storage.Delivery, v View) Card {
	c := Card{Lang: v.Lang, Zone: v.Zone, Title: v.say(slipway.T("Hooks of %s", "%s 的推送记录", planTitle(p))), Link: v.link(p)}
	c.Summary = c.Title
	if len(deliveries) == 0 {
		c.Intro = []Line{{plain(v.say(slipway.T("No outside system was told of this plan.", "没有向外部系统推送过该发布计划。")))}}
	}
	lead := v.Viewer == nil || v.Viewer.Admin || v.Viewer.ID == p.Manager.ID
	for _, d := range deliveries {
		r := Row{
			ID: d.ID, State: deliveryState(d.State, v.Lang),
			Title:   Line{bold(d.Endpoint), plain(" · " + v.say(d.Event.Text()))},
			Details: []Line{v.deliveryLine(d)},
		}
		if d.LastError != "" {
			r.Details = append(r.Details, Line{quote(shorten(oneLine(d.LastError), 300))})
		}
		if lead && d.State != storage.DeliveryPending {
			r.Actions = []Action{v.button(actionResend, Ref{Plan: p.ID, Delivery: d.ID}.Encode())}
		}
		c.Rows = append(c.Rows, r)
	}
	return c
}

func (v View) deliveryLine(d storage.Delivery) Line {
	l := Line{moment(d.At / 1000)}
	if d.Waits {
		l = l.add(plain(v.say(slipway.T(" · asks for an answer", " · 需要答复"))))
	}
	if n := len(d.Attempts); n > 0 {
		tried := slipway.T(" · tried %d times, last ", " · 已尝试 %d 次，最近一次 ", n)
		if n == 1 {
			tried = slipway.T(" · tried once, ", " · 已尝试 1 次，")
		}
		l = l.add(plain(v.say(tried)), moment(d.Attempts[n-1].StartedAt/1000))
		if code := d.Attempts[n-1].StatusCode; code != 0 {
			l = l.add(plain(v.say(slipway.T(" (HTTP %d)", "（HTTP %d）", code))))
		}
	}
	return l
}

func deliveryState(s storage.DeliveryState, lang slipway.Lang) *State {
	switch s {
	case storage.DeliveryDelivered:
		return &State{Colour: Green, Emoji: "✅", Word: slipway.T("delivered", "已送达").In(lang)}
	case storage.DeliveryFailed:
		return &State{Colour: Red, Emoji: "❌", Word: slipway.T("given up", "已放弃").In(lang)}
	case storage.DeliveryDropped:
		return &State{Colour: Grey, Emoji: "🚫", Word: slipway.T("not needed any more", "已不需要").In(lang)}
	case storage.DeliveryPending:
	}
	return &State{Colour: Amber, Emoji: "⏳", Word: slipway.T("on its way", "发送中").In(lang)}
}

// ErrorCard says to one person why something was not done, with every problem, and
// offers the actions that lead on.
func ErrorCard(err error, v View, ways ...Action) Card {
	text := v.say(slipway.TextOf(err))
	c := Card{
		Lang: v.Lang, Zone: v.Zone, Title: v.say(slipway.T("That did not work", "操作未完成")), Summary: text, Intro: []Line{{plain(text)}},
		State: &State{Colour: Red, Emoji: "⚠️", Word: v.say(codeText(slipway.CodeOf(err)))}, Actions: ways,
	}
	for _, p := range slipway.ProblemsOf(err) {
		c.Rows = append(c.Rows, Row{Title: problemLine(p, v.Lang)})
	}
	return c
}

func problemLine(p slipway.Problem, lang slipway.Lang) Line {
	if p.Path == "" {
		return Line{plain(p.Text.In(lang))}
	}
	return Line{{Text: p.Path, Style: Code}, plain(slipway.T(": ", "：").In(lang)), plain(p.Text.In(lang))}
}

// codeText classes an error for people.
func codeText(c slipway.Code) slipway.Text {
	switch c {
	case slipway.Invalid, slipway.TooLarge, slipway.Unfit:
		return slipway.T("not right yet", "内容有误")
	case slipway.Unauthenticated, slipway.Forbidden:
		return slipway.T("not allowed", "没有权限")
	case slipway.NotFound:
		return slipway.T("not found", "未找到")
	case slipway.Conflict:
		return slipway.T("not possible now", "当前无法操作")
	case slipway.Stale:
		return slipway.T("changed meanwhile", "内容已变化")
	case slipway.TooMany, slipway.Unavailable:
		return slipway.T("try again later", "请稍后重试")
	case slipway.Internal:
	}
	return slipway.T("internal error", "系统出错")
}

// errorToast says the same in one line.
func errorToast(err error, lang slipway.Lang) *Toast {
	text := slipway.TextOf(err).In(lang)
	for i, p := range slipway.ProblemsOf(err) {
		if i == 0 && len(slipway.ProblemsOf(err)) == 1 && isReason(p.Path) {
			break // the text says it
		}
		text += "\n" + problemLine(p, lang).Text(lang, nil)
	}
	return &Toast{Kind: ToastRefused, Text: text}
}

// NoticeCard tells people something about a plan, which may be nil.
func NoticeCard(text slipway.Text, p *slipway.Plan, v View) Card {
	c := Card{Lang: v.Lang, Zone: v.Zone, Title: v.say(text), Summary: v.say(text)}
	if p != nil {
		c.Title, c.Intro, c.Link = planTitle(p), []Line{{plain(v.say(text))}}, v.link(p)
		c.State = statusState(p.Status(), v.Lang)
		c.Actions = []Action{v.button(verbShow, Ref{Plan: p.ID}.Encode())}
	}
	return c
}

// MovedCard takes the place of a plan's card when a newer one was posted in the room.
func MovedCard(p *slipway.Plan, v View) Card {
	text := v.say(slipway.T("The card of %s goes on further down.", "%s 的卡片已移到下方。", planTitle(p)))
	return Card{Lang: v.Lang, Zone: v.Zone, Title: planTitle(p), Summary: text, Intro: []Line{{faint(text)}}, Link: v.link(p)}
}

// WhoamiCard shows a user to themselves.
func WhoamiCard(u *slipway.User, v View) Card {
	role := slipway.T("member", "成员")
	if u.Role == slipway.RoleAdmin {
		role = slipway.T("admin", "管理员")
	}
	language := slipway.T("English", "英文")
	if u.Locale == slipway.Chinese {
		language = slipway.T("Chinese", "中文")
	}
	c := Card{Lang: v.Lang, Zone: v.Zone, Title: u.Name, Summary: v.say(slipway.T("You are %[1]s (%[2]s).", "您是 %[1]s（%[2]s）。", u.Name, role))}
	fact := func(label slipway.Text, value string) {
		if value != "" {
			c.Facts = append(c.Facts, Fact{Label: v.say(label), Value: Line{plain(value)}})
		}
	}
	fact(slipway.T("Role", "角色"), v.say(role))
	fact(slipway.T("E-mail", "邮箱"), u.Email)
	fact(slipway.T("Language", "语言"), v.say(language))
	fact(slipway.T("Time zone", "时区"), u.TimeZone)
	c.Facts = append(c.Facts, v.hoursFacts(u)...)
	fact(slipway.T("Slack", "Slack"), u.SlackID)
	fact(slipway.T("Feishu", "飞书"), u.FeishuOpenID)
	fact(slipway.T("DingTalk", "钉钉"), u.DingTalkID)
	return c
}

// isInternal tells whether an error is a fault of ours, to be logged.
func isInternal(err error) bool {
	var e *slipway.Error
	return err != nil && (!errors.As(err, &e) || e.Code == slipway.Internal)
}
