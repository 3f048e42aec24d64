package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// Config is what the bot needs.
type Config struct {
	Commands  *commands.Commands
	Store     *storage.Store
	Platforms []Platform
	// Mailer sends mails to those who are asked for an approval; nil: there are none.
	Mailer Mailer
	// Rooms are where the card of every plan is shown.
	Rooms []RoomRef
	// Engines are the workflow engines that can be chosen, the usual one first; empty:
	// only "local".
	Engines []string
	// PublicURL is how people reach the plan pages; empty: cards carry no links.
	PublicURL string
	// Pace is the least time between two changes of a message; zero is DefaultPace,
	// less is none. The console has none.
	Pace time.Duration
	Now  func() time.Time
	Rand io.Reader
	Log  *slog.Logger
}

// Bot is the Handler of all platforms. It is safe for concurrent use.
type Bot struct {
	Config
	platforms map[PlatformID]Platform
	lanes     map[PlatformID]*lane
	painting  doors
	answering answering
	troubles  troubles
	strangers strangers
}

// New returns the bot. It refuses rooms of platforms that are not there.
func New(c Config) (*Bot, error) {
	b := &Bot{Config: c, platforms: map[PlatformID]Platform{}, lanes: map[PlatformID]*lane{}}
	for _, p := range c.Platforms {
		b.platforms[p.ID()], b.lanes[p.ID()] = p, newLane()
	}
	b.lanes[byMail] = newLane()
	if b.Pace == 0 {
		b.Pace = DefaultPace
	}
	var problems []error
	for _, r := range c.Rooms {
		if b.platforms[r.Platform] == nil {
			problems = append(problems, fmt.Errorf("room %s: platform %q is not configured", r.ID, r.Platform))
		}
	}
	if len(b.Engines) == 0 {
		b.Engines = []string{"local"}
	}
	if b.Log == nil {
		b.Log = slog.New(slog.DiscardHandler)
	}
	return b, errors.Join(problems...)
}

func (b *Bot) link(p *slipway.Plan) string {
	if b.PublicURL == "" {
		return ""
	}
	return fmt.Sprintf("%s/plans/%s", strings.TrimRight(b.PublicURL, "/"), p.ID)
}

// visit is one event with the person it comes from.
type visit struct {
	ev   Event
	user *slipway.User
	lang slipway.Lang
	zone *time.Location
	// card is the live card that was clicked, outside the console.
	card *storage.CardRef
}

func (v *visit) say(t slipway.Text) string { return t.In(v.lang) }

// visit finds out who an event comes from.
func (b *Bot) visit(ctx context.Context, ev Event) (*visit, error) {
	v := &visit{ev: ev, user: ev.User, lang: slipway.ParseLang(ev.Locale), zone: time.UTC}
	if v.user == nil {
		u, err := b.userOf(ctx, ev.From)
		if err != nil {
			return v, err
		}
		v.user = u
		b.acquaint(ctx, u, ev.Locale, ev.TimeZone)
	}
	if v.user.Locale != "" {
		v.lang = v.user.Locale
	}
	for _, name := range []string{ev.TimeZone, v.user.TimeZone} {
		if zone, err := time.LoadLocation(name); err == nil && name != "" {
			v.zone = zone
			break
		}
	}
	return v, nil
}

// view is how the person alone sees things.
func (b *Bot) view(v *visit) View {
	view := View{Lang: v.lang, Zone: v.zone.String(), Link: b.link, Rules: b.Commands.Rules()}
	if v.user != nil {
		actor := v.user.Actor()
		view.Viewer = &actor
	}
	return view
}

// ask is the visit as a request to the commands; version is what the person saw.
func (v *visit) ask(version int64) commands.Ask {
	return commands.Ask{RequestID: fmt.Sprintf("%s:%s", v.ev.From.Platform, v.ev.ID), User: v.user, Version: version}
}

// Handle implements Handler.
func (b *Bot) Handle(ctx context.Context, ev Event) Reply {
	if ev.Kind == Chatter && !soundsAgreed(ev.Text) {
		return Reply{}
	}
	v, err := b.visit(ctx, ev)
	if stranger := (*strangerError)(nil); errors.As(err, &stranger) {
		return b.noUser(ctx, v, stranger)
	}
	if err != nil {
		b.log(ctx, v, "find user", err)
		return b.refused(v, err)
	}
	if v.ev.Direct {
		if err := b.knowDirect(ctx, v.ev.Room, v.user); err != nil {
			b.log(ctx, v, "know direct room", err)
		}
	}
	if err := b.place(ctx, v); err != nil {
		b.log(ctx, v, "find card", err)
		return b.refused(v, err)
	}
	if settle := settleOf(b.platforms[ev.From.Platform]); settle > 0 && v.card != nil {
		answered := b.answering.begin(v.ev.Msg)
		defer func() { answered(b.Now().Add(settle)) }()
	}
	return b.leave(ctx, v, b.react(ctx, v))
}

// place finds the card that was clicked, and the plan whose card heads the thread.
func (b *Bot) place(ctx context.Context, v *visit) error {
	m := v.ev.Msg
	clicked := v.ev.Kind == Click || v.ev.Kind == Submission
	find := func(id string) (*storage.CardRef, error) {
		c, err := b.Store.CardAt(ctx, string(m.Room.Platform), m.Room.ID, id)
		if slipway.CodeOf(err) == slipway.NotFound {
			return nil, nil
		}
		return c, err
	}
	var head *storage.CardRef
	var err error
	if clicked && m.ID != "" && v.ev.From.Platform != Web {
		v.card, err = find(m.ID)
		head = v.card
	}
	if err == nil && head == nil && m.Thread != "" && v.ev.Plan == "" {
		head, err = find(m.Thread)
	}
	if head != nil && v.ev.Plan == "" {
		v.ev.Plan = head.PlanID
	}
	return err
}

// react does what an event asks for.
func (b *Bot) react(ctx context.Context, v *visit) Reply {
	switch v.ev.Kind {
	case Command, Mention, Direct, Click, Submission:
		if r, ok := b.repeated(ctx, v); ok {
			return b.homeward(ctx, v, r)
		}
	case Chatter, HomeOpened, LinkShared, Shortcut:
	}
	switch v.ev.Kind {
	case Command, Mention, Direct:
		return b.typed(ctx, v)
	case Chatter:
		return b.overheard(ctx, v)
	case Click:
		return b.homeward(ctx, v, b.clicked(ctx, v))
	case Submission:
		return b.homeward(ctx, v, b.submitted(ctx, v))
	case HomeOpened:
		return b.homeOpened(ctx, v)
	case LinkShared:
		return b.linkShared(ctx, v)
	case Shortcut:
		return b.fromMessage(ctx, v)
	}
	return Reply{}
}

// refused answers, to the person alone, why nothing was done: on a typed text with a
// card that has the ways on, else with a line.
func (b *Bot) refused(v *visit, err error, ways ...Action) Reply {
	switch v.ev.Kind {
	case Command, Mention, Direct, Shortcut:
		c := ErrorCard(err, b.view(v), ways...)
		return Reply{Whisper: &c}
	case Submission:
		return Reply{FieldErrors: fieldErrors(v.ev.Form, err, v.lang)}
	case Click, Chatter, HomeOpened, LinkShared:
	}
	return Reply{Toast: errorToast(err, v.lang)}
}

// log notes the faults that are ours, and at debug level the refusals.
func (b *Bot) log(ctx context.Context, v *visit, what string, err error) {
	level := slog.LevelDebug
	if isInternal(err) {
		level = slog.LevelError
	}
	b.Log.Log(ctx, level, what, "platform", string(v.ev.From.Platform), "event", v.ev.ID, "kind", string(v.ev.Kind), "error", err)
}
