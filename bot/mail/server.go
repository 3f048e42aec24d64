package mail

import (
	"net"
	netmail "net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// Server says where mails are handed in, and from whom they come.
type Server struct {
	Host           string
	Port           int
	User, Password string // empty: without AUTH
	From           *netmail.Address

	ssl bool // TLS from the first byte
	tls gomail.TLSPolicy
}

// fromExpected says what the sender should be.
const fromExpected = "the sender is expected behind the address: ?from=slipway@example.com"

// ParseServer reads the setting smtp://user:password@host:587?from=slipway@example.com,
// or smtps://. It returns all that is wrong with it, and never repeats what it was
// given: there is a password in it.
//
// Without smtps:// the server has to offer STARTTLS, unless it is on this machine or
// tls=none says otherwise.
func ParseServer(setting string) (Server, []string) {
	var wrong []string
	s := Server{From: &netmail.Address{}}
	u, err := url.Parse(setting)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return s, []string{"smtp://user:password@host:587?from=slipway@example.com is expected, or smtps://; special characters of the user and the password are written as %40 and the like"}
	}
	if u.Path != "" && u.Path != "/" || u.Fragment != "" {
		wrong = append(wrong, "nothing but ?from=… and &tls=… is expected behind the host; a / or # of the password is written as %2F or %23")
	}
	s.Host, s.Port, s.ssl = u.Hostname(), 587, u.Scheme == "smtps"
	if s.ssl {
		s.Port = 465
	}
	if p := u.Port(); p != "" {
		if s.Port, err = strconv.Atoi(p); err != nil || s.Port < 1 || s.Port > 65535 {
			wrong = append(wrong, "a port from 1 to 65535 is expected")
		}
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		wrong = append(wrong, "what stands behind the ? cannot be read")
	}
	for key := range q {
		if !slices.Contains([]string{"from", "tls"}, key) {
			wrong = append(wrong, "only from and tls are expected behind the ?")
		}
	}
	if from, err := netmail.ParseAddress(q.Get("from")); err != nil || strings.ContainsFunc(from.Name, isControl) {
		wrong = append(wrong, fromExpected)
	} else {
		s.From = from
	}
	if s.From.Name == "" {
		s.From.Name = "Slipway"
	}
	return s, append(wrong, s.secure(u.User, q.Get("tls"))...)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// secure decides how the connection is kept from being listened to.
func (s *Server) secure(user *url.Userinfo, word string) []string {
	var wrong []string
	switch {
	case word != "" && word != "none":
		wrong = append(wrong, "tls=none is expected, or nothing, which is TLS")
	case word == "none" && s.ssl:
		wrong = append(wrong, "tls=none goes with smtp:// alone")
	case word == "none":
		s.tls = gomail.NoTLS
	case isLoopback(s.Host):
		s.tls = gomail.TLSOpportunistic
	default:
		s.tls = gomail.TLSMandatory
	}
	if user == nil {
		return wrong
	}
	s.User = user.Username()
	s.Password, _ = user.Password()
	if s.User == "" || s.Password == "" {
		wrong = append(wrong, "a user and a password are expected in front of the host, or neither")
	}
	if word == "none" {
		wrong = append(wrong, "tls=none would send the password unencrypted: leave out one of them")
	}
	return wrong
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// address is how the server is named to people.
func (s *Server) address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// domain is that of the sender.
func (s *Server) domain() string {
	_, domain, _ := strings.Cut(s.From.Address, "@")
	return domain
}
