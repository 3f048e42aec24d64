package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slipway/bot/dingtalk"
	"slipway/bot/dingtalk/dingtalktest"
	"slipway/bot/feishu/feishutest"
	"slipway/bot/mail/mailtest"
	"slipway/webhook/jira/jiratest"
)

// TestMain makes the certificate of the tests' mail servers known, as an operator does
// whose server has one that no system knows.
func TestMain(m *testing.M) {
	os.Exit(knowingTheMailServer(m.Run))
}

func knowingTheMailServer(run func() int) int {
	server := httptest.NewTLSServer(nil)
	server.Close()
	dir, err := os.MkdirTemp("", "slipway-tests-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		file := filepath.Join(dir, "certificate.pem")
		err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600)
		if err == nil {
			err = os.Setenv("SSL_CERT_FILE", file)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run()
}

// outsides are what a plan has around it beside engines: where approvals are asked for,
// and where its requirements are. Each has a credential in every field, and is reached
// through a careless server.
type outsides struct {
	mail     *mailtest.Server
	dingtalk *dingtalktest.Server
	jira     *jiratest.Server
	ways     map[string]*careless // by the system's name

	env     map[string]string
	secrets []kept
}

// The people whom the mail server does not let be reached, for good and for now.
const (
	refusedByMail = "erin@example.com"
	delayedByMail = "frank@example.com"
)

const mailUser = "postmaster@example.com"

// newOutsides starts the stand-ins, with the table of the secrets: one more field is one
// more line.
func newOutsides(t *testing.T) *outsides {
	t.Helper()
	o := &outsides{ways: map[string]*careless{}, env: map[string]string{}}
	field := func(variable string, home ...string) string {
		value := credentialOf(strings.ToLower(variable))
		o.keep(variable, value, home...)
		return value
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	o.keep("SLIPWAY_SECRET_KEY", base64.StdEncoding.EncodeToString(key))

	o.jira = jiratest.New(t, jiratest.Payments("slipway@example.com", field("SLIPWAY_JIRA_TOKEN", "sent to Jira")))
	o.env["SLIPWAY_JIRA_USER"] = "slipway@example.com"

	o.dingtalk = dingtalktest.New(dingtalktest.Config{
		AppSecret: field("SLIPWAY_DINGTALK_APP_SECRET", "sent to DingTalk"), CallbackToken: field("SLIPWAY_DINGTALK_CALLBACK_TOKEN"),
	})
	o.keep("SLIPWAY_DINGTALK_CALLBACK_AES_KEY", o.dingtalk.AESKey())
	o.env["SLIPWAY_DINGTALK_APP_KEY"] = o.dingtalk.AppKey()
	for _, who := range []string{"alice", "bob", "carol"} {
		o.dingtalk.AddUser(dingtalktest.User{ID: who, Name: who})
	}
	o.dingtalk.AddDefinition(dingtalktest.Definition{
		Code: "PROC-release", Name: "Release", Components: []dingtalktest.Component{{Kind: "TextareaField", Name: dingtalk.DefaultField, Required: true}},
	})

	password := credentialOf("the-mail-password")
	o.mail = mailtest.New(t, mailtest.Behaviour{
		TLS: true, User: mailUser, Password: password,
		Recipient: func(address string) error {
			if address == refusedByMail {
				return mailtest.Refuse(550, "no such user, says "+mailUser+" with "+password)
			}
			return nil
		},
		Data: func(m mailtest.Mail) error {
			if m.To == delayedByMail {
				return mailtest.Refuse(451, "not now, "+base64.StdEncoding.EncodeToString([]byte("\x00"+mailUser+"\x00"+password)))
			}
			return nil
		},
	})
	o.env["SLIPWAY_SMTP_URL"] = o.mailURL(password)
	o.secrets = append(o.secrets, kept{name: "the password of SLIPWAY_SMTP_URL", value: password})
	return o
}

// keep notes a secret that the configuration has.
func (o *outsides) keep(variable, value string, home ...string) {
	o.env[variable] = value
	o.secrets = append(o.secrets, kept{name: variable, value: value, home: home})
}

func (o *outsides) mailURL(password string) string {
	u := url.URL{Scheme: "smtp", User: url.UserPassword(mailUser, password), Host: o.mail.Addr, RawQuery: "from=slipway@example.com"}
	return u.String()
}

// company starts a Feishu whose every credential is kept, if the outsides are, else any.
func (x *watched) company(t *testing.T) (*feishutest.Server, map[string]string) {
	t.Helper()
	c := feishutest.Config{Mode: feishutest.LongConnection, Scopes: guideScopes()}
	if o := x.outsides; o != nil {
		o.keep("SLIPWAY_FEISHU_APP_SECRET", credentialOf("slipway_feishu_app_secret"), "sent to Feishu")
		o.keep("SLIPWAY_FEISHU_VERIFICATION_TOKEN", credentialOf("slipway_feishu_verification_token"))
		o.keep("SLIPWAY_FEISHU_ENCRYPT_KEY", credentialOf("slipway_feishu_encrypt_key"))
		c.AppSecret, c.VerificationToken, c.EncryptKey = o.env["SLIPWAY_FEISHU_APP_SECRET"], o.env["SLIPWAY_FEISHU_VERIFICATION_TOKEN"], o.env["SLIPWAY_FEISHU_ENCRYPT_KEY"]
	}
	s := feishutest.New(c)
	if _, err := s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	faultless(t, s.Violations)
	base := s.BaseURL()
	if o := x.outsides; o != nil {
		for _, who := range []string{"alice", "bob", "carol"} {
			s.AddUser(feishutest.User{OpenID: "ou_" + who, Name: who, Email: who + "@example.com"})
		}
		o.ways["Feishu"] = newCareless(t, base, "")
		o.ways["Feishu"].code = 99991663 // the token is no good, so that the app's secret is sent again
		base = o.ways["Feishu"].url
	}
	return s, map[string]string{
		"SLIPWAY_FEISHU_APP_ID": s.AppID(), "SLIPWAY_FEISHU_APP_SECRET": s.AppSecret(), "SLIPWAY_FEISHU_MODE": feishutest.LongConnection,
		"SLIPWAY_FEISHU_BASE_URL": x.seenWay(t, "sent to Feishu", base),
	}
}

// connectOutsides puts careless servers, and ways on which everything is seen, before the
// stand-ins, and returns the rest of the configuration.
func (x *watched) connectOutsides(t *testing.T) string {
	t.Helper()
	o := x.outsides
	if o == nil {
		return ""
	}
	if _, err := o.dingtalk.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.dingtalk.Close() })
	faultless(t, o.dingtalk.Violations)
	for name, target := range map[string]string{"DingTalk": o.dingtalk.BaseURL(), "Jira": o.jira.URL} {
		o.ways[name] = newCareless(t, target, "")
		o.env["SLIPWAY_"+strings.ToUpper(name)+map[string]string{"DingTalk": "_BASE_URL", "Jira": "_URL"}[name]] = x.seenWay(t, "sent to "+name, o.ways[name].url)
	}
	for variable, value := range o.env {
		x.env[variable] = value
	}
	return "approvals: {lark: {initiator: ou_alice}, dingtalk: {definition: PROC-release, originator: alice}}\njira: {comment: true}\n"
}

// repeat has all of them repeat what they are sent; zero ends that.
func (o *outsides) repeat(status int) {
	if o == nil {
		return
	}
	for _, way := range o.ways {
		way.repeat(status, status)
	}
}

// has tells whether a value of the environment is secret.
func (o *outsides) has(value string) bool {
	return o != nil && (slices.ContainsFunc(o.secrets, func(k kept) bool { return k.value == value }) || value == o.env["SLIPWAY_SMTP_URL"])
}

// wrong puts credentials that are not accepted into an environment; they are secrets, too.
func (o *outsides) wrong(env map[string]string) []kept {
	if o == nil {
		return nil
	}
	var all []kept
	for _, k := range o.secrets {
		if len(k.home) > 0 {
			env[k.name] = "wrong+" + k.value
			all = append(all, kept{name: "the wrong " + k.name, value: env[k.name], home: k.home})
		}
	}
	wrong := "wrong+" + credentialOf("the-mail-password")
	env["SLIPWAY_SMTP_URL"] = o.mailURL(wrong)
	return append(all, kept{name: "the wrong password for mail", value: wrong})
}

// opened takes a mail apart, keeps it as evidence, and returns its link's token, which is a
// secret, too.
func (o *outsides) opened(t *testing.T, x *watched, m mailtest.Mail) (token string) {
	t.Helper()
	l := mailtest.Read(t, m)
	x.see("mail", string(m.Raw))
	x.see("mail", fmt.Sprint(l.Header, "\n", l.Subject, "\n", l.Text, "\n", l.HTML))
	token = linkIn(t, l)
	// The page that the link opens has it again, for the button.
	o.secrets = append(o.secrets, kept{name: "the link in a mail to " + m.To, value: token, home: []string{"mail", "answer to GET /signin"}})
	return token
}

// all opens the mails that nobody has read, and returns the secrets of all of it.
func (o *outsides) all(t *testing.T, x *watched) []kept {
	t.Helper()
	for {
		select {
		case m := <-o.mail.Mails():
			o.opened(t, x, m)
		default:
			return o.secrets
		}
	}
}

// linkIn is the token of the link in a mail.
func linkIn(t *testing.T, l mailtest.Letter) string {
	t.Helper()
	_, rest, _ := strings.Cut(l.Text, "token=")
	token := rest[:max(0, strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_", r) }))]
	if len(token) < 20 {
		t.Fatalf("the mail has no link:\n%s", l.Text)
	}
	return token
}

// knock sends a request to Slipway from outside, whose answer is kept.
func (x *watched) knock(t *testing.T, client *http.Client, method, path string, header map[string]string, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, x.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}
