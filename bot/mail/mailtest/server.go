// Package mailtest has a mail server for tests: a real one, which keeps what it takes and
// fails where a test wants it to.
package mailtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Behaviour is how a server is set up, and where it fails.
type Behaviour struct {
	// TLS has it offer STARTTLS.
	TLS bool
	// User and Password have it demand AUTH.
	User, Password string
	// Sender and Recipient judge an address; nil takes all.
	Sender, Recipient func(address string) error
	// Data judges a mail when all of it has come; nil takes all. With Hang it is kept and
	// the connection is cut instead of an answer.
	Data func(Mail) error
}

// Hang is what Behaviour.Data returns to have the connection cut.
var Hang = errors.New("cut the connection") //nolint:revive,staticcheck // it is no failure

// Refuse makes the answer of a server.
func Refuse(code int, said string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: said}
}

// Mail is what a server has taken.
type Mail struct {
	From, To string
	Raw      []byte
}

// Server is a mail server on this machine.
type Server struct {
	Addr  string         // host:port
	Roots *x509.CertPool // that its certificate is of

	behaviour Behaviour
	smtp      *smtp.Server
	mails     chan Mail

	mu    sync.Mutex
	tries map[string]int // by address
}

// New starts a server, which ends with the test.
func New(t testing.TB, b Behaviour) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	if err != nil {
		t.Fatal(err)
	}
	return Serve(t, l, b)
}

// Serve is New with the address taken already.
func Serve(t testing.TB, l net.Listener, b Behaviour) *Server {
	t.Helper()
	s := &Server{Addr: l.Addr().String(), behaviour: b, mails: make(chan Mail, 100), tries: map[string]int{}}
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
	s.smtp.Domain, s.smtp.ReadTimeout, s.smtp.WriteTimeout = "mail.example.com", 10*time.Second, 10*time.Second
	s.smtp.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(t.Output(), nil), slog.LevelWarn)
	if b.TLS {
		certified := httptest.NewTLSServer(nil)
		certified.Close()
		s.smtp.TLSConfig = &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}
		s.Roots = x509.NewCertPool()
		s.Roots.AddCert(certified.Certificate())
	}
	ended := make(chan error, 1)
	go func() { ended <- s.smtp.Serve(l) }()
	t.Cleanup(func() {
		_ = s.smtp.Close()
		if err := <-ended; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("the mail server ended with: %v", err)
		}
	})
	return s
}

// Mails are what the server has taken, in order.
func (s *Server) Mails() <-chan Mail { return s.mails }

// Tries counts how often somebody tried to send to an address.
func (s *Server) Tries(address string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries[address]
}

// session is a connection.
type session struct {
	server   *Server
	conn     *smtp.Conn
	signedIn bool
	mail     Mail
}

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string {
	if s.server.behaviour.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if b := s.server.behaviour; user != b.User || password != b.Password {
			return Refuse(535, "authentication failed for "+user+" with "+password) // some servers tell all they know
		}
		s.signedIn = true
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.behaviour.User != "" && !s.signedIn {
		return smtp.ErrAuthRequired
	}
	s.mail = Mail{From: from}
	if judge := s.server.behaviour.Sender; judge != nil {
		return judge(from)
	}
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	s.server.tries[to]++
	s.server.mu.Unlock()
	s.mail.To = to
	if judge := s.server.behaviour.Recipient; judge != nil {
		return judge(to)
	}
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Raw = raw
	if judge := s.server.behaviour.Data; judge != nil {
		err = judge(s.mail)
	}
	switch {
	case errors.Is(err, Hang):
		s.server.mails <- s.mail
		return s.conn.Close()
	case err != nil:
		return err
	}
	s.server.mails <- s.mail
	return nil
}

// Reset implements smtp.Session.
func (s *session) Reset() {}

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }
