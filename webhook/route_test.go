package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// identity makes a client certificate and its key, in PEM.
func identity(t *testing.T, name string) (cert, key string, parsed *x509.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return block("CERTIFICATE", der), block("EC PRIVATE KEY", secret), parsed
}

// An endpoint that wants to know who calls is shown the certificate that is meant for it,
// and connections are not shared with endpoints that were not shown one.
func TestSendShowsTheClientCertificate(t *testing.T) {
	t.Parallel()
	cert, key, trusted := identity(t, "slipway")
	other, otherKey, _ := identity(t, "somebody else")
	pool := x509.NewCertPool()
	pool.AddCert(trusted)
	var callers []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		callers = append(callers, r.TLS.PeerCertificates[0].DNSNames[0])
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s := newTestSender(t, SenderConfig{RootCAs: roots})
	d := Delivery{ID: "msg_1", URL: server.URL, Body: []byte(`{}`), AllowPrivate: true}
	for range 2 {
		d.ClientCert, d.ClientKey = cert, key
		if a := s.Send(t.Context(), d); a.Outcome != Delivered {
			t.Errorf("with the certificate: %+v", a)
		}
		d.ClientCert, d.ClientKey = "", ""
		if a := s.Send(t.Context(), d); a.Outcome != Retry || a.StatusCode != 0 {
			t.Errorf("without one: %+v", a)
		}
		d.ClientCert, d.ClientKey = other, otherKey
		if a := s.Send(t.Context(), d); a.Outcome != Retry || a.StatusCode != 0 {
			t.Errorf("with another: %+v", a)
		}
	}
	if strings.Join(callers, " ") != "slipway slipway" {
		t.Errorf("called by %v", callers)
	}
	d.ClientCert, d.ClientKey = cert, otherKey
	if a := s.Send(t.Context(), d); a.Outcome != Retry || !strings.Contains(a.Err, "client certificate") || strings.Contains(a.Err, "PRIVATE") {
		t.Errorf("with the key of another: %+v", a)
	}
}

func TestSendCallsOnlyTheNetworksThatAreAllowed(t *testing.T) {
	t.Parallel()
	d := receiver(t, func(http.ResponseWriter, *http.Request) {})
	d.AllowPrivate = false
	s := newTestSender(t, SenderConfig{})
	for network, want := range map[string]Outcome{"127.0.0.0/8": Delivered, "10.0.0.0/8": Retry} {
		d.AllowNetworks = []string{network}
		if a := s.Send(t.Context(), d); a.Outcome != want {
			t.Errorf("%s is allowed: %+v", network, a)
		}
	}
	for _, bad := range []string{"10.0.0.1/8", "10.0.0.0", "inner", ""} {
		if _, err := ParseNetworks([]string{bad}); err == nil {
			t.Errorf("%q is taken for a network", bad)
		}
	}
}

func TestWaysToEndpointsAreFew(t *testing.T) {
	t.Parallel()
	s := newTestSender(t, SenderConfig{})
	for range 3 * maxRoutes {
		if _, err := s.route(Delivery{AllowPrivate: true}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.routes); n != 1 {
		t.Errorf("%d ways for endpoints that need the same", n)
	}
}
