package feishu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher/callback"

	"slipway"
	"slipway/bot"
	"slipway/bot/sealed"
)

// menuEvent is application.bot.menu_v6: an entry of the bot's menu was pressed.
type menuEvent struct {
	Operator struct {
		OperatorID accountIDs `json:"operator_id"`
	} `json:"operator"`
	EventKey string `json:"event_key"`
}

// menu runs an entry of the bot's menu: its event key is a command, with underscores for
// spaces. Feishu does not say in which chat that is, so the account stands for it.
func (f *Feishu) menu(ctx context.Context, h eventHeader, m menuEvent) (answer, error) {
	who := m.Operator.OperatorID.OpenID
	if who == "" {
		return answer{}, sealed.ErrMalformed
	}
	ev := bot.Event{
		Kind: bot.Direct, ID: h.EventID, From: userRef(who), Room: roomRef(who), Direct: true, At: h.at(),
		Text: strings.TrimSpace(strings.ReplaceAll(m.EventKey, "_", " ")),
	}
	if ev.Text == "home" {
		ev.Kind, ev.Text = bot.HomeOpened, ""
	}
	f.inTime(ctx, func(ctx context.Context) { f.deliver(ctx, ev, f.handle(ctx, ev)) })
	return nothing(), nil
}

// enteredEvent is im.chat.access_event.bot_p2p_chat_entered_v1.
type enteredEvent struct {
	ChatID     string     `json:"chat_id"`
	OperatorID accountIDs `json:"operator_id"`
}

// entered shows somebody who opens the conversation with the bot what concerns them.
func (f *Feishu) entered(ctx context.Context, h eventHeader, e enteredEvent) (answer, error) {
	if e.OperatorID.OpenID == "" {
		return answer{}, sealed.ErrMalformed
	}
	room := e.ChatID
	if room == "" {
		room = e.OperatorID.OpenID
	}
	ev := bot.Event{Kind: bot.HomeOpened, ID: h.EventID, From: userRef(e.OperatorID.OpenID), Room: roomRef(room), Direct: true, At: h.at()}
	f.inTime(ctx, func(ctx context.Context) { f.deliver(ctx, ev, f.handle(ctx, ev)) })
	return nothing(), nil
}

// SetHome implements bot.Homer. A person's page is a card in the direct conversation: one
// a day, which is brought up to date when it is asked for again.
func (f *Feishu) SetHome(ctx context.Context, u bot.UserRef, c bot.Card) error {
	key := fmt.Sprintf("home:%s:%s", u.ID, f.Now().UTC().Format("2006-01-02"))
	card := renderCard(c)
	for {
		m, repeated, err := f.postOnce(ctx, bot.Target{User: u}, card, key)
		switch {
		case errors.Is(err, bot.ErrBusy):
			// The same event, delivered a second time: it is answered when the page is there.
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return fmt.Errorf("set home: %w", err)
			}
		case err != nil || !repeated:
			return err
		default:
			return f.patch(ctx, m.ID, card)
		}
	}
}

// addedEvent is im.chat.member.bot.added_v1: the bot was added to a group.
type addedEvent struct {
	ChatID string `json:"chat_id"`
}

// added greets a group. In which language its people talk is not known, so in both.
func (f *Feishu) added(ctx context.Context, h eventHeader, e addedEvent) (answer, error) {
	if e.ChatID == "" {
		return answer{}, sealed.ErrMalformed
	}
	hello := slipway.T("Hello! I plan releases, get them approved and see them through. Mention me with help to see how, or with new to begin.",
		"大家好！我可以帮助制定发布计划、发起审批并跟进执行。@我 并输入“帮助”查看用法，或输入“新建”开始。")
	langs := []slipway.Lang{slipway.Chinese, slipway.English}
	if r, err := f.Store.Room(ctx, string(bot.Feishu), e.ChatID); err == nil && r.Locale != "" {
		langs = []slipway.Lang{r.Locale}
	}
	c := bot.Card{Lang: langs[0], Title: "Slipway", Summary: hello.In(langs[0])}
	for _, lang := range langs {
		c.Intro = append(c.Intro, bot.Line{{Text: hello.In(lang)}})
	}
	c.Actions = []bot.Action{{ID: "help", Label: slipway.T("Help", "帮助").In(langs[0])}}
	f.inTime(ctx, func(ctx context.Context) {
		f.deliver(ctx, bot.Event{ID: h.EventID, Room: roomRef(e.ChatID)}, bot.Reply{Message: &c})
	})
	return nothing(), nil
}

// previewBox waits for the card that a link is shown with.
type previewBox struct{ card *bot.Card }

type previewKey struct{}

// preview answers what to show below a link. Feishu asks when the message is shown, for
// every reader, and also while the link is being typed.
func (f *Feishu) preview(ctx context.Context, h eventHeader, p callback.URLPreviewGetRequest) (answer, error) {
	if p.Context == nil || p.Operator == nil {
		return answer{}, sealed.ErrMalformed
	}
	if !f.onPages(p.Context.URL) {
		return nothing(), nil
	}
	room := roomRef(p.Context.OpenChatID)
	ev := bot.Event{
		Kind: bot.LinkShared, ID: h.EventID, From: userRef(p.Operator.OpenID), Room: room, Text: p.Context.URL,
		Msg: bot.MsgRef{Room: room, ID: p.Context.OpenMessageID}, At: h.at(),
	}
	found := make(chan *bot.Card, 1)
	f.inTime(ctx, func(ctx context.Context) {
		box := &previewBox{}
		f.handle(context.WithValue(ctx, previewKey{}, box), ev)
		found <- box.card
	})
	select {
	case c := <-found:
		if c != nil {
			return answer{body: previewOf(*c), answered: func() {}}, nil
		}
	default:
	}
	return nothing(), nil
}

func previewOf(c bot.Card) element {
	title := c.Title
	if c.State != nil {
		title += " · " + c.State.Emoji + " " + c.State.Word
	}
	return element{
		"inline": element{"title": shorten(oneLine(printable(title)), 200)},
		"card":   element{"type": "raw", "data": json.RawMessage(renderCard(c))},
	}
}

// onPages tells whether an address is below that of the console.
func (f *Feishu) onPages(address string) bool {
	u, err := url.Parse(address)
	if err != nil || f.PublicURL == "" {
		return false
	}
	base, err := url.Parse(f.PublicURL)
	if err != nil || u.Scheme != base.Scheme || !strings.EqualFold(u.Host, base.Host) {
		return false
	}
	return strings.HasPrefix(u.Path, strings.TrimRight(base.Path, "/")+"/")
}

// Unfurl implements bot.Unfurler. Feishu takes a link's card only as the answer to its
// question, so this works inside of the handling of bot.LinkShared.
func (f *Feishu) Unfurl(ctx context.Context, _ bot.MsgRef, address string, c bot.Card) error {
	box, ok := ctx.Value(previewKey{}).(*previewBox)
	if !ok {
		return fmt.Errorf("unfurl %s: %w", address, bot.ErrGone)
	}
	box.card = &c
	return nil
}
