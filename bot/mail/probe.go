package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"slipway"
	"slipway/bot"
)

// Probe implements bot.Prober: it goes as far as a letter does, short of sending one.
func (m *Mail) Probe(ctx context.Context) []bot.Finding {
	s := m.Server
	c, err := m.dial(ctx)
	if err != nil {
		return []bot.Finding{{What: slipway.T("%[1]s: %[2]s", "%[1]s：%[2]s", s.address(), reason(err)), Mend: mend(err)}}
	}
	defer func() { _ = c.Close() }()
	if err := c.Mail(s.From.Address); err != nil {
		return []bot.Finding{{
			What: slipway.T("%[1]s takes no mail from %[2]s: %[3]s", "%[1]s 不接受来自 %[2]s 的邮件：%[3]s", s.address(), s.From.Address, m.hush(oneLine(err.Error()))),
			Mend: slipway.T("name a sender in from=… that the account may use", "请在 from=… 中填写该账号可以使用的发件地址"),
		}}
	}
	_ = c.Reset()
	_ = c.Quit()
	return []bot.Finding{{OK: true, What: slipway.T("%[1]s takes mail from %[2]s", "%[1]s 接受来自 %[2]s 的邮件", s.address(), s.From.Address)}}
}

func reason(err error) string {
	if e := (*unreachable)(nil); errors.As(err, &e) {
		return oneLine(e.said)
	}
	return err.Error()
}

// mend says how to put the way to the server right.
func mend(err error) slipway.Text {
	network, certificate := (*net.OpError)(nil), (*tls.CertificateVerificationError)(nil)
	switch said := err.Error(); {
	case errors.As(err, &certificate):
		return slipway.T("name the server in SLIPWAY_SMTP_URL as its certificate does; the certificate of an own authority goes into the file that SSL_CERT_FILE names",
			"SLIPWAY_SMTP_URL 中的主机名须与证书一致；自建 CA 的证书请放入 SSL_CERT_FILE 指定的文件")
	case strings.Contains(said, "STARTTLS"):
		return slipway.T("use smtps:// if the server has TLS from the start; if the way there is safe, add &tls=none",
			"如果服务器一开始就使用 TLS，请改用 smtps://；如果网络可信，可以加上 &tls=none")
	case errors.Is(err, gomail.ErrNoSupportedAuthDiscovered), strings.Contains(said, "does not support SMTP AUTH"):
		return slipway.T("the server takes no password here: leave user and password out, or use its port for sending (587 or 465)",
			"服务器在此端口不接受密码：请去掉用户名和密码，或使用其发信端口（587 或 465）")
	case strings.Contains(said, "SMTP AUTH failed"):
		return slipway.T("check user and password in SLIPWAY_SMTP_URL; special characters are written as %40 and the like, and some providers want an app password",
			"请检查 SLIPWAY_SMTP_URL 中的用户名和密码；特殊字符须写成 %40 的形式，部分服务商要求使用授权码")
	case errors.As(err, &network):
		return slipway.T("check host and port in SLIPWAY_SMTP_URL, and whether the server can be reached from here; until then mails wait for up to a day",
			"请检查 SLIPWAY_SMTP_URL 中的主机和端口，以及能否从本机访问；在恢复之前，邮件最多等待一天")
	}
	return slipway.T("is it a mail server, and the right kind? smtps:// is TLS from the start (465), smtp:// is not (587)",
		"请确认这是邮件服务器且方式正确：smtps:// 从一开始使用 TLS（465），smtp:// 则不是（587）")
}
