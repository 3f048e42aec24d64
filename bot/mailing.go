package bot

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// Mailer sends mails.
type Mailer interface {
	// Mail sends a letter. It fails with *Refused if there is no use in trying again, and
	// with ErrUnsure if the letter may have arrived. It may be sent again under its key:
	// the reader's program then takes both for one.
	Mail(ctx context.Context, l Letter) error
}

// Letter is a card by mail.
type Letter struct {
	Key string // the same only for the same letter
	To  *slipway.User
	// Card says with its Summary why the letter comes; it is also the subject. Its Link is
	// the one with which the reader signs in, once and until a time.
	Card  Card
	Until int64 // Unix seconds
	// Settings is where the reader can switch such letters off.
	Settings string
}

// Refused says that a mail server will never take a letter.
type Refused struct{ Why string }

// Error implements error.
func (e *Refused) Error() string { return "the mail server refuses the letter: " + e.Why }

// ErrUnsure says that a letter may have been sent: the connection was lost before the
// server said so.
var ErrUnsure = errors.New("the mail may have been sent")

// byMail stands for mail beside the platforms, though it is none: it has a lane and a
// ledger of its own.
const byMail = "mail"

// mail sends somebody who is asked for an approval the plan by mail, once for each round,
// content and occasion. Who is not asked any more needs no mail.
func (b *Bot) mail(ctx context.Context, u *slipway.User, planID string, n slipway.Notice) error {
	p, err := b.Store.Plan(ctx, planID)
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	if u.Email == "" || u.NoMail || !isAsked(p, u, b.Commands.Rules()) {
		return nil
	}
	post, state, err := b.Store.BeginPost(ctx, byMail, mailKey(p, u, n.Asks), b.Now())
	if err != nil {
		return err
	}
	switch state {
	case storage.PostSent:
		return b.tellRefused(ctx, p, u, post)
	case storage.PostBusy:
		return &RateLimited{After: comeBack}
	case storage.PostNew, storage.PostDoubtful: // nobody can look into the reader's mailbox
	}
	err = b.send(ctx, p, u, n, post.Key)
	refused := (*Refused)(nil)
	switch {
	case errors.As(err, &refused):
		b.Log.WarnContext(ctx, "mail refused", "user", u.ID, "plan", p.ID, "error", err)
		post.Thread = refused.Why
	case errors.Is(err, ErrUnsure): // the claim stays, and is in doubt soon
		return b.outcome(ctx, mailbox(u), err)
	case err != nil:
		return errors.Join(b.outcome(ctx, mailbox(u), err), b.Store.ForgetPost(context.WithoutCancel(ctx), post.Platform, post.Key))
	default:
		err = b.outcome(ctx, mailbox(u), nil)
	}
	post.RoomID, post.MessageID = u.ID, post.Key
	if err := b.Store.SettlePost(context.WithoutCancel(ctx), post); err != nil {
		return err
	}
	if refused != nil {
		return b.tellRefused(ctx, p, u, post)
	}
	return err
}

func isAsked(p *slipway.Plan, u *slipway.User, rules *slipway.Rules) bool {
	return p.Status() == slipway.WaitForApproval &&
		slices.ContainsFunc(p.Asked(rules), func(x slipway.PersonRef) bool { return x.ID == u.ID })
}

// mailKey is the same for what is asked only once. It does not depend on the task that
// asks: a mail that could not be sent in time goes out once, however often it was wanted.
func mailKey(p *slipway.Plan, u *slipway.User, asks slipway.Asking) string {
	key := fmt.Sprintf("%s:%d:%d:%s:%s:%s", p.ID, p.Round, p.Version, p.Approval.Content, u.ID, asks)
	if asks != slipway.AskedFirst {
		at := p.Approval.RemindedAt
		if w := p.Approval.Waiting; w != nil {
			at = max(at, w.Told[u.ID])
		}
		key += fmt.Sprintf(":%d", at)
	}
	return key
}

func mailbox(u *slipway.User) RoomRef { return RoomRef{Platform: byMail, ID: u.Email} }

// send makes the letter with a fresh link and sends it. The link of a letter that was
// surely not sent is withdrawn.
func (b *Bot) send(ctx context.Context, p *slipway.Plan, u *slipway.User, n slipway.Notice, key string) error {
	view := b.viewOf(u)
	view.Page = true // there is room for all that has to be known
	card, err := b.planCard(ctx, p, view)
	if err != nil {
		return err
	}
	secret, err := b.Commands.NewMailLink(ctx, u.ID)
	if err != nil {
		return err
	}
	base := strings.TrimRight(b.PublicURL, "/")
	card.Summary = n.Text.In(u.Locale)
	card.Link = base + "/signin?" + url.Values{"token": {secret}, "next": {"/plans/" + p.ID}}.Encode()
	err = b.Mailer.Mail(ctx, Letter{
		Key: key, To: u, Card: card, Until: b.Now().Add(commands.MailLinkLife).Unix(), Settings: base + "/",
	})
	if err != nil && !errors.Is(err, ErrUnsure) {
		return errors.Join(err, b.Store.DropCredential(context.WithoutCancel(ctx), commands.HashToken(secret)))
	}
	return err
}

// tellRefused tells the plan's manager that an approver cannot be reached by mail, so
// that nobody waits for an answer to a mail that never came.
func (b *Bot) tellRefused(ctx context.Context, p *slipway.Plan, u *slipway.User, post storage.Post) error {
	if post.Thread == "" || p.Manager.ID == "" {
		return nil
	}
	return b.Tell(ctx, p.ID, slipway.Notice{To: []string{p.Manager.ID}, Text: slipway.T(
		"The mail that asks %[1]s for the approval of plan #%[2]d %[3]s was refused: “%[4]s”. Tell them another way, or have an admin put the address %[5]s right.",
		"请 %[1]s 审批发布计划 #%[2]d %[3]s 的邮件被邮件服务器拒收：“%[4]s”。请用其他方式通知对方，或请管理员更正邮箱 %[5]s。",
		u.Name, p.Index, p.Name, post.Thread, u.Email)}, post.Key+":refused")
}
