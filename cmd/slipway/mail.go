package main

import (
	"context"
	"time"

	"slipway"
	"slipway/bot/mail"
)

// checkMail judges how mails are sent.
func (c *config) checkMail(note func(key, format string, args ...any)) {
	if c.SMTPURL == "" {
		return
	}
	_, wrong := mail.ParseServer(string(c.SMTPURL))
	for _, w := range wrong {
		note("SLIPWAY_SMTP_URL", "%s", w)
	}
}

// newMail makes what sends mails; nil if that is not configured.
func (c *config) newMail() (*mail.Mail, error) {
	if c.SMTPURL == "" {
		return nil, nil //nolint:nilnil // there are no mails
	}
	server, _ := mail.ParseServer(string(c.SMTPURL)) // checked before
	return mail.New(mail.Config{Server: server, Now: time.Now})
}

// mail looks whether mails would be taken.
func (d *doctor) mail(ctx context.Context) {
	m, err := d.config.newMail()
	switch {
	case err != nil:
		d.note(areaMail, unhealthy, slipway.T("%s", "%s", d.hush(err)), slipway.T("put SLIPWAY_SMTP_URL right", "请修正 SLIPWAY_SMTP_URL"))
		return
	case m == nil:
		d.well(areaMail, "none is sent; approvers are asked in the chats and the console", "未配置邮件，审批人在聊天和控制台中收到通知")
		return
	}
	for _, f := range m.Probe(ctx) {
		v := healthy
		if !f.OK {
			v = unhealthy
		}
		d.note(areaMail, v, f.What, f.Mend)
	}
}
