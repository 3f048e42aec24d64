package webhook

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// route is a guard and the transport that obeys it. Connections are never shared
// between routes: one that was opened with permission, or with a certificate, must not
// serve without.
type route struct {
	guard     *Guard
	transport *http.Transport
}

// routeKey tells routes apart.
type routeKey struct {
	private  bool
	networks string
	identity [sha256.Size]byte // of the client certificate and its key
}

// maxRoutes is more than there are kinds of endpoints; beyond it all begin anew.
const maxRoutes = 1000

// route returns the way to an endpoint: one for all that need the same permissions and
// show the same certificate.
func (s *Sender) route(d Delivery) (route, error) {
	key := routeKey{private: d.AllowPrivate, networks: strings.Join(d.AllowNetworks, " ")}
	if d.ClientCert != "" {
		key.identity = sha256.Sum256([]byte(d.ClientCert + "\x00" + d.ClientKey))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.routes[key]; ok {
		return r, nil
	}
	allowed, err := ParseNetworks(d.AllowNetworks)
	if err != nil {
		return route{}, err
	}
	if d.AllowPrivate {
		allowed = append(allowed, PrivateNetworks()...)
	}
	certs, err := ParseCertificate(d.ClientCert, d.ClientKey)
	if err != nil {
		return route{}, err
	}
	if len(s.routes) >= maxRoutes {
		for _, r := range s.routes {
			r.transport.CloseIdleConnections()
		}
		clear(s.routes)
	}
	r := newRoute(s.config, NewGuard(allowed...), certs)
	s.routes[key] = r
	return r, nil
}

func newRoute(c SenderConfig, g *Guard, certs []tls.Certificate) route {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second, Control: g.Control, Resolver: c.Resolver}
	return route{guard: g, transport: &http.Transport{
		Proxy:                  nil, // a proxy would hide the target from the guard
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: c.RootCAs, Certificates: certs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		DisableCompression:     true, // what is not unpacked cannot explode
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxAnswerHead,
		WriteBufferSize:        16 << 10,
	}}
}

// ParseNetworks reads networks in CIDR notation, such as 10.7.0.0/16.
func ParseNetworks(list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(list))
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil || p != p.Masked() {
			return nil, fmt.Errorf("network %q: something like 10.7.0.0/16 is expected", text)
		}
		out = append(out, p)
	}
	return out, nil
}

// ParseCertificate reads a client certificate and its key from PEM; none of both is no
// certificate. The error never repeats the key.
func ParseCertificate(cert, key string) ([]tls.Certificate, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	c, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return nil, errors.New("client certificate: a certificate and its private key are expected, both in PEM")
	}
	return []tls.Certificate{c}, nil
}
