package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// strangerError says that an account belongs to nobody, and cannot be given to anybody
// without asking: the platform vouches for no e-mail address, or whoever has the address
// has another account there.
type strangerError struct {
	account storage.Account
	owner   string // who has the address, "" if there is none
	lang    slipway.Lang
}

// Error implements error.
func (e *strangerError) Error() string {
	return fmt.Sprintf("%s account %s belongs to nobody", e.account.Platform, e.account.ID)
}

// userOf finds the user of an account. An account that is new is linked to the user with
// the same e-mail address, or becomes a user of its own. The error is a *strangerError if
// the person has to be asked.
func (b *Bot) userOf(ctx context.Context, ref UserRef) (*slipway.User, error) {
	u, err := b.known(ctx, ref)
	if slipway.CodeOf(err) != slipway.NotFound || ref.Platform == Web || b.platforms[ref.Platform] == nil {
		return u, err
	}
	p, err := b.platforms[ref.Platform].Resolve(ctx, ref)
	if errors.Is(err, ErrGone) {
		return nil, slipway.Refuse(slipway.NotFound, "There is no account %s any more.", "账号 %s 已不存在。", ref.ID).Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("resolve account: %w", err)
	}
	return b.meet(ctx, ref, p)
}

// known finds the user who has an account.
func (b *Bot) known(ctx context.Context, ref UserRef) (*slipway.User, error) {
	switch ref.Platform {
	case Slack:
		return b.Store.UserBySlackID(ctx, ref.ID)
	case Feishu:
		return b.Store.UserByFeishuOpenID(ctx, ref.ID)
	case Web:
	}
	return b.Store.User(ctx, ref.ID)
}

// meet finds or makes the user of an account that is new. Several events of the same
// person may come at once, also from several platforms: whoever is faster makes the user.
func (b *Bot) meet(ctx context.Context, ref UserRef, p Person) (*slipway.User, error) {
	n := newUserOf(ref, p)
	stranger := &strangerError{account: storage.Account{Platform: string(ref.Platform), ID: ref.ID, Name: n.Name}, lang: slipway.ParseLang(p.Locale)}
	if n.Email == "" {
		return nil, stranger
	}
	var err error
	for range 3 {
		var u *slipway.User
		if u, err = b.known(ctx, ref); slipway.CodeOf(err) != slipway.NotFound {
			return u, err
		}
		if u, err = b.Store.UserByEmail(ctx, n.Email); err == nil {
			return b.attach(ctx, u, p, stranger)
		}
		if slipway.CodeOf(err) != slipway.NotFound {
			return nil, fmt.Errorf("find user: %w", err)
		}
		if u, err = b.Commands.PutUser(ctx, n); slipway.CodeOf(err) != slipway.Conflict {
			return u, err
		}
	}
	return nil, err
}

// attach gives an account to the user who has its e-mail address, unless they have another
// one on its platform.
func (b *Bot) attach(ctx context.Context, u *slipway.User, p Person, stranger *strangerError) (*slipway.User, error) {
	err := b.Store.SetAccount(ctx, u.ID, stranger.account)
	if slipway.CodeOf(err) == slipway.Conflict {
		stranger.owner = u.Name
		return nil, stranger
	}
	if err != nil {
		return nil, fmt.Errorf("link account: %w", err)
	}
	b.acquaint(ctx, u, p.Locale, p.TimeZone)
	return b.Store.User(ctx, u.ID)
}

// newUserOf is what a platform knows about an account, without what no user can have.
func newUserOf(ref UserRef, p Person) commands.NewUser {
	name := oneLine(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || slipway.Unprintable(string(r)) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(p.Name, "")))
	email := strings.ToLower(strings.TrimSpace(p.Email))
	local, _, _ := strings.Cut(email, "@")
	n := commands.NewUser{Name: shorten(cmp.Or(name, local, ref.ID), slipway.MaxName), Email: email, TimeZone: p.TimeZone}
	if p.Locale != "" {
		n.Locale = string(slipway.ParseLang(p.Locale))
	}
	if _, err := time.LoadLocation(n.TimeZone); err != nil || n.TimeZone == "Local" {
		n.TimeZone = ""
	}
	if err := n.Check(); err != nil {
		n.Email = "" // not one that mail can be sent to
	}
	setAccount(&n.SlackID, &n.FeishuOpenID, ref)
	return n
}

// acquaint notes the language and the zone that a platform tells, if they are not known
// yet; what people chose themselves stays.
func (b *Bot) acquaint(ctx context.Context, u *slipway.User, locale, zone string) {
	var lang slipway.Lang
	if locale != "" && u.LocaleGuessed {
		lang = slipway.ParseLang(locale)
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" || u.TimeZone != "" {
		zone = ""
	}
	if lang == "" && zone == "" {
		return
	}
	if err := b.Commands.Acquaint(ctx, u.ID, lang, zone); err != nil {
		b.Log.WarnContext(ctx, "note language and time zone", "user", u.ID, "error", err)
		return
	}
	// The one at hand may be shared with whoever gave the event.
	if lang != "" {
		u.Locale, u.LocaleGuessed = lang, false
	}
	u.TimeZone = cmp.Or(zone, u.TimeZone)
}

// PlatformText names a platform for people, within a sentence.
func PlatformText(id PlatformID) slipway.Text {
	switch id {
	case Slack:
		return slipway.T("Slack", " Slack ") // Chinese sets foreign words apart
	case Feishu:
		return slipway.T("Feishu", "飞书")
	case Web:
	}
	return slipway.T("console", "控制台")
}

// noUser answers somebody whose account belongs to nobody: with a way to link it.
func (b *Bot) noUser(ctx context.Context, v *visit, e *strangerError) Reply {
	if v.ev.Locale == "" {
		v.lang = e.lang
	}
	card, err := b.linkCard(ctx, v, e)
	if err != nil {
		b.log(ctx, v, "offer link", err)
		return b.refused(v, err)
	}
	switch v.ev.Kind {
	case Command, Mention, Direct, Click, Shortcut:
		r := Reply{Whisper: &card}
		if _, ok := b.platforms[v.ev.From.Platform].(Whisperer); !ok && v.ev.Kind == Click {
			r.Toast = &Toast{Kind: ToastInfo, Text: card.Summary}
		}
		return r
	case Submission:
		return Reply{FieldErrors: map[string]string{"": v.say(slipway.T(
			"Slipway does not know yet who you are. Write `link` to it, then send this again.", "Slipway 还不知道您是谁。请先向它发送“关联账号”，然后重新提交。"))}}
	case HomeOpened:
		if homer, ok := b.platforms[v.ev.From.Platform].(Homer); ok {
			if err := homer.SetHome(ctx, v.ev.From, card); err != nil {
				b.log(ctx, v, "set home", err)
			}
		}
	case Chatter, LinkShared:
	}
	return Reply{}
}

// linkCard offers to make the account of an event somebody's: by a button to a page where
// they sign in.
func (b *Bot) linkCard(ctx context.Context, v *visit, e *strangerError) (Card, error) {
	if b.PublicURL == "" {
		return Card{}, slipway.Refuse(slipway.Unauthenticated,
			"Slipway does not know you yet, and your account here shows no e-mail address. Ask an admin to add you.",
			"Slipway 还不认识您，且无法获取您账号的邮箱。请联系管理员添加您。")
	}
	token, err := b.Commands.NewAccountLink(ctx, e.account)
	if err != nil {
		return Card{}, err
	}
	platform := PlatformText(v.ev.From.Platform)
	why := slipway.T("%[1]s tells no e-mail address of yours, so Slipway cannot know who you are.", "由于%[1]s没有提供您的邮箱，Slipway 不知道您是谁。", platform)
	switch {
	case v.user != nil:
		why = slipway.T("This %[1]s account belongs to %[2]s now. If you have another Slipway user, the account can become its.",
			"此%[1]s账号目前属于 %[2]s。如果您还有其他 Slipway 用户，可以将此账号改为关联到那里。", platform, v.user.Name)
	case e.owner != "":
		why = slipway.T("%[2]s, who has your e-mail address, has another %[1]s account already.", "您的邮箱属于 %[2]s，但该用户已关联另一个%[1]s账号。", platform, e.owner)
	}
	c := Card{Lang: v.lang, Title: v.say(slipway.T("Link your account", "关联您的账号"))}
	c.Summary = v.say(slipway.T("Link your %s account to Slipway.", "请将您的%s账号关联到 Slipway。", platform))
	c.Intro = []Line{
		{plain(v.say(why))},
		{plain(v.say(slipway.T("Press the button, sign in to Slipway and confirm; then try again here. The link works once, within 15 minutes, and is for you alone.",
			"请点击按钮，登录 Slipway 并确认，然后回到这里重试。链接仅供您本人使用，15 分钟内有效，且只能使用一次。")))},
		{faint(v.say(slipway.T("No Slipway user? Ask an admin to make one and to give you a sign-in link.", "还没有 Slipway 用户？请联系管理员添加，并索取登录链接。")))},
	}
	c.Actions = []Action{{
		ID: verbLink, Label: v.say(slipway.T("Link your account", "关联账号")), Style: Primary,
		URL: strings.TrimRight(b.PublicURL, "/") + "/link?token=" + url.QueryEscape(token),
	}}
	return c, nil
}

// linkAccount answers `link`: it offers to link the account that it was typed from.
func (b *Bot) linkAccount(ctx context.Context, v *visit) (Reply, error) {
	ref := v.ev.From
	if ref.Platform == Web {
		card := WhoamiCard(v.user, b.view(v))
		card.Intro = []Line{{plain(v.say(slipway.T("An account is linked from where it is: write `link` to Slipway in Slack or Feishu.",
			"请在要关联的平台上操作：在 Slack 或飞书中向 Slipway 发送“关联账号”。")))}}
		return Reply{Whisper: &card}, nil
	}
	name := v.user.Name
	if p, err := b.platforms[ref.Platform].Resolve(ctx, ref); err == nil && p.Name != "" {
		name = newUserOf(ref, p).Name
	}
	card, err := b.linkCard(ctx, v, &strangerError{account: storage.Account{Platform: string(ref.Platform), ID: ref.ID, Name: name}})
	if err != nil {
		return Reply{}, err
	}
	return Reply{Whisper: &card}, nil
}
