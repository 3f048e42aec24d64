package mail_test

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/bot/mail"
	"slipway/bot/mail/mailtest"
)

func TestWhatTheSettingMayBe(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]struct {
		host string
		port int
		user string
		from string
	}{
		"smtp://mail.example.com?from=slipway@example.com":                        {"mail.example.com", 587, "", `"Slipway" <slipway@example.com>`},
		"smtps://bot:p%40ss%2Fword@mail.example.com?from=slipway@example.com":     {"mail.example.com", 465, "bot", `"Slipway" <slipway@example.com>`},
		"smtp://bot%40example.com:x@mail.example.com:2525/?from=a@example.com":    {"mail.example.com", 2525, "bot@example.com", `"Slipway" <a@example.com>`},
		"smtp://[::1]:25?from=Release+Office+%3Ca@example.com%3E":                 {"::1", 25, "", `"Release Office" <a@example.com>`},
		"smtp://relay.example.com:25?tls=none&from=slipway@example.com":           {"relay.example.com", 25, "", `"Slipway" <slipway@example.com>`},
		"smtp://localhost:1025?from=%E5%8F%91%E5%B8%83+%3Cslipway@example.com%3E": {"localhost", 1025, "", "=?utf-8?q?=E5=8F=91=E5=B8=83?= <slipway@example.com>"},
	} {
		s, wrong := mail.ParseServer(setting)
		if len(wrong) > 0 || s.Host != want.host || s.Port != want.port || s.User != want.user || s.From.String() != want.from {
			t.Errorf("%s: %+v from %s, %q", setting, s, s.From, wrong)
		}
		if want.user == "bot" && s.Password != "p@ss/word" {
			t.Errorf("the password is read as %q", s.Password)
		}
	}
}

// All that is wrong is said at once, and what was given is never repeated.
func TestWhatIsWrongWithTheSetting(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string][]string{
		"mail.example.com":                                   {"smtp://user:password@host:587"},
		"http://mail.example.com?from=a@b":                   {"smtp://user:password@host:587"},
		"smtp://u:hunter2%zz@mail.example.com":               {"smtp://user:password@host:587"},
		"smtp://mail.example.com":                            {"the sender is expected"},
		"smtp://hunter2@mail.example.com?from=a@example.com": {"a user and a password"},
		"smtp://u:hunter2/x@mail.example.com?from=a@b.com":   {"smtp://user:password@host:587"},
		"smtp://u:hunter2@mail.example.com:99999/x?from=hunter2&tls=maybe&cc=x": {
			"nothing but", "a port", "only from and tls", "the sender is expected", "tls=none is expected",
		},
		"smtps://mail.example.com?from=a@example.com&tls=none":          {"goes with smtp:// alone"},
		"smtp://u:hunter2@mail.example.com?from=a@example.com&tls=none": {"unencrypted"},
	} {
		_, wrong := mail.ParseServer(setting)
		if len(wrong) != len(want) {
			t.Errorf("%s: %q", setting, wrong)
			continue
		}
		for i := range want {
			if !strings.Contains(wrong[i], want[i]) || strings.Contains(wrong[i], "hunter2") {
				t.Errorf("%s: %q, want %q", setting, wrong[i], want[i])
			}
		}
	}
}

// What the doctor finds, and how to mend it.
func TestTheProbe(t *testing.T) {
	t.Parallel()
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, c := range map[string]struct {
		behaviour mailtest.Behaviour
		set       func(*mail.Server)
		noRoots   bool
		what      string
		mend      string // "" if all is well
	}{
		"all is well":           {behaviour: mailtest.Behaviour{TLS: true, User: "u", Password: "hunter2"}, what: "takes mail from slipway@example.com"},
		"without encryption":    {set: func(s *mail.Server) { *s = s.DemandTLS() }, what: "STARTTLS", mend: "tls=none"},
		"a strange certificate": {behaviour: mailtest.Behaviour{TLS: true}, noRoots: true, what: "certificate", mend: "SSL_CERT_FILE"},
		"the wrong password":    {behaviour: mailtest.Behaviour{TLS: true, User: "u", Password: "p"}, set: func(s *mail.Server) { s.Password = "hunter2" }, what: "535", mend: "check user and password"},
		"no password wanted":    {set: func(s *mail.Server) { s.User, s.Password = "u", "hunter2" }, what: "AUTH", mend: "leave user and password out"},
		"another sender":        {behaviour: mailtest.Behaviour{Sender: func(string) error { return mailtest.Refuse(553, "not yours") }}, what: "not yours", mend: "from="},
		"nobody there":          {set: func(s *mail.Server) { s.Port = closed.Addr().(*net.TCPAddr).Port }, what: "refused", mend: "host and port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := mailtest.New(t, c.behaviour)
			s := setting(t, server, c.behaviour)
			if c.set != nil {
				c.set(&s)
			}
			config := mail.Config{Server: s, Roots: server.Roots, Now: time.Now}
			if c.noRoots {
				config.Roots = nil
			}
			m, err := mail.New(config)
			if err != nil {
				t.Fatal(err)
			}
			found := m.Probe(t.Context())
			if len(found) != 1 {
				t.Fatalf("%d findings", len(found))
			}
			f := found[0]
			if f.OK != (c.mend == "") || !strings.Contains(f.What.EN, c.what) || !strings.Contains(f.Mend.EN, c.mend) || f.What.ZH == "" {
				t.Errorf("it is found: %+v", f)
			}
			if slices.ContainsFunc([]string{f.What.EN, f.What.ZH, f.Mend.EN}, func(s string) bool { return strings.Contains(s, "hunter2") }) {
				t.Errorf("the password is shown: %+v", f)
			}
		})
	}
}
