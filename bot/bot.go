package bot

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"strings"
	"sync"
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
	// Rooms are where the card of every plan is shown.
	Rooms []RoomRef
	// Engines are the workflow engines that can be chosen, the usual one first; empty:
	// only "local".
	Engines []string
	// PublicURL is how people reach the plan pages; empty: cards carry no links.
	PublicURL string
	Now       func() time.Time
	Rand      io.Reader
	Log       *slog.Logger
}

// Bot is the Handler of all platforms. It is safe for concurrent use.
type Bot struct {
	Config
	platforms map[PlatformID]Platform
	// painting keeps two goroutines from posting the same plan's card at once. Other
	// processes are kept away by the lease of the card's task.
	painting [64]sync.Mutex
}

// New returns the bot. It refuses rooms of platforms that are not there.
func New(c Config) (*Bot, error) {
	b := &Bot{Config: c, platforms: map[PlatformID]Platform{}}
	for _, p := range c.Platforms {
		b.platforms[p.ID()] = p
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

func (b *Bot) lock(planID string) *sync.Mutex {
	h := fnv.New32a()
	_, _ = io.WriteString(h, planID) // a hash takes everything
	return &b.painting[h.Sum32()%uint32(len(b.painting))]
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
	view := View{Lang: v.lang, Link: b.link, Rules: b.Commands.Rules()}
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
	v, err := b.visit(ctx, ev)
	if err != nil {
		b.log(ctx, v, "find user", err)
		return b.refused(v, err)
	}
	if v.ev.Direct {
		if err := b.knowDirect(ctx, v.ev.Room, v.user); err != nil {
			b.log(ctx, v, "know direct room", err)
		}
	}
	switch ev.Kind {
	case Command, Mention, Direct, Click, Submission:
		if r, ok := b.repeated(ctx, v); ok {
			return r
		}
	case Chatter, HomeOpened, LinkShared:
	}
	switch ev.Kind {
	case Command, Mention, Direct:
		return b.typed(ctx, v)
	case Chatter:
		return b.overheard(ctx, v)
	case Click:
		return b.clicked(ctx, v)
	case Submission:
		return b.submitted(ctx, v)
	case HomeOpened:
		return b.homeOpened(ctx, v)
	case LinkShared:
		return b.linkShared(ctx, v)
	}
	return Reply{}
}

// refused answers, to the person alone, why nothing was done: on a typed text with a
// card that has the ways on, else with a line.
func (b *Bot) refused(v *visit, err error, ways ...Action) Reply {
	switch v.ev.Kind {
	case Command, Mention, Direct:
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
