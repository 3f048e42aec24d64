package mail

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"slipway"
	"slipway/bot"
)

// Config is what mails need.
type Config struct {
	Server Server
	Roots  *x509.CertPool // nil: those of the system
	Now    func() time.Time
}

// Mail is a bot.Mailer and a bot.Prober. It is safe for concurrent use.
type Mail struct {
	Config
	pages map[slipway.Lang]*page
}

// sendTime is how long the server may take; it is less than the bot waits.
const sendTime = 7 * time.Second

// New returns a mailer. It connects to nothing yet.
func New(c Config) (*Mail, error) {
	m := &Mail{Config: c, pages: map[slipway.Lang]*page{}}
	for _, lang := range []slipway.Lang{slipway.English, slipway.Chinese} {
		p, err := loadPage(lang)
		if err != nil {
			return nil, err
		}
		m.pages[lang] = p
	}
	_, err := m.client() // it would complain about the settings
	return m, err
}

// Mail implements bot.Mailer.
func (m *Mail) Mail(ctx context.Context, l bot.Letter) error {
	msg, err := m.compose(l)
	if err != nil {
		return err
	}
	c, err := m.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // after the server took the letter, nothing depends on it
	client, err := m.client()
	if err != nil {
		return err
	}
	err = client.SendWithSMTPClient(c, msg)
	if err == nil || msg.IsDelivered() {
		_ = c.Quit()
		return nil
	}
	return m.judge(err)
}

// compose makes the message of a letter.
func (m *Mail) compose(l bot.Letter) (*gomail.Msg, error) {
	p := m.pages[slipway.ParseLang(string(l.Card.Lang))]
	text, html, err := p.render(l)
	if err != nil {
		return nil, err
	}
	encoding := gomail.EncodingQP
	if p.lang == slipway.Chinese {
		encoding = gomail.EncodingB64 // shorter
	}
	msg := gomail.NewMsg(gomail.WithEncoding(encoding), gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(m.Server.From)
	msg.ToMailAddress(&netmail.Address{Name: oneLine(l.To.Name), Address: l.To.Email})
	msg.Subject(subject(l.Card))
	msg.SetDateWithValue(m.Now())
	id := sha256.Sum256([]byte(l.Key))
	msg.SetMessageIDWithValue(hex.EncodeToString(id[:16]) + "@" + m.Server.domain())
	// The letters about a plan belong together.
	msg.SetGenHeader(gomail.HeaderReferences, "<plan-"+l.Card.Plan+"@"+m.Server.domain()+">")
	msg.SetGenHeader("List-Id", "Slipway approvals <approvals."+m.Server.domain()+">")
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	if l.Settings != "" {
		msg.SetListUnsubscribe("<" + l.Settings + ">")
	}
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return msg, nil
}

// subject is the summary without its full stop.
func subject(c bot.Card) string { return strings.TrimRight(oneLine(c.Summary), ".。") }

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return isControl(r) || r == ' ' }), " ")
}

// client returns the library's client; each letter has a connection of its own.
func (m *Mail) client() (*gomail.Client, error) {
	s := m.Server
	options := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(sendTime), gomail.WithTLSPolicy(s.tls),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: m.Roots, MinVersion: tls.VersionTLS12}),
	}
	if s.ssl {
		options = append(options, gomail.WithSSL())
	}
	if s.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
	}
	c, err := gomail.NewClient(s.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("set up mail: %w", err)
	}
	return c, nil
}

// dial connects to the server and signs in.
func (m *Mail) dial(ctx context.Context) (*smtp.Client, error) {
	c, err := m.client()
	if err != nil {
		return nil, err
	}
	client, err := c.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return nil, &unreachable{said: m.hush(err.Error()), err: err}
	}
	return client, nil
}

// unreachable is an error of the way to the server; what it says holds no password.
type unreachable struct {
	said string
	err  error
}

// Error implements error.
func (e *unreachable) Error() string { return "reach the mail server: " + e.said }

// Unwrap returns the cause.
func (e *unreachable) Unwrap() error { return e.err }

// judge says what has become of a letter that the server did not take in full. Its no to
// the reader or to the letter is for good; its no to the sender is for the operator to mend.
func (m *Mail) judge(err error) error {
	sent := (*gomail.SendError)(nil)
	if !errors.As(err, &sent) {
		return fmt.Errorf("send mail: %s", m.hush(err.Error()))
	}
	said := firstCause(m.hush(sent.Error()), sent.Reason)
	switch sent.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		if sent.ErrorCode() >= 500 {
			return &bot.Refused{Why: said}
		}
	case gomail.ErrGetSender, gomail.ErrGetRcpts, gomail.ErrSMTPMailFrom, gomail.ErrSMTPReset, gomail.ErrWriteContent, gomail.ErrConnCheck,
		gomail.ErrNoUnencoded, gomail.ErrAmbiguous:
	}
	if sent.Reason == gomail.ErrSMTPDataClose && sent.ErrorCode() == 0 {
		return fmt.Errorf("%w: %s", bot.ErrUnsure, said)
	}
	return fmt.Errorf("send mail: %s", said)
}

// firstCause is what the server said, of an error of the library, without what that adds.
func firstCause(said string, reason gomail.SendErrReason) string {
	said = strings.TrimPrefix(said, reason.String()+": ")
	said, _, _ = strings.Cut(said, ", affected ")
	return oneLine(strings.ReplaceAll(said, `"`, ""))
}

// hush leaves the password out of what a server repeats, in all forms in which it is sent.
func (m *Mail) hush(said string) string {
	s := m.Server
	if s.Password == "" {
		return said
	}
	return slipway.Hide(said, base64.StdEncoding.EncodeToString([]byte("\x00"+s.User+"\x00"+s.Password)), base64.StdEncoding.EncodeToString([]byte(s.Password)), s.Password)
}
