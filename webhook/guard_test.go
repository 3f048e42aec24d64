package webhook

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"slipway"
)

// specialUse lists addresses that are nobody's public server. The second column
// tells whether allow_private opens them.
var specialUse = []struct {
	addr    string
	private bool
	what    string
}{
	{"0.0.0.0", false, "this network"},
	{"0.1.2.3", false, "this network"},
	{"10.0.0.1", true, "private"},
	{"10.255.255.255", true, "private"},
	{"100.64.0.1", true, "shared address space (CGNAT)"},
	{"100.127.255.254", true, "shared address space (CGNAT)"},
	{"100.100.100.200", false, "Alibaba Cloud metadata"},
	{"127.0.0.1", true, "loopback"},
	{"127.255.255.254", true, "loopback"},
	{"169.254.0.1", false, "link-local"},
	{"169.254.169.254", false, "metadata"},
	{"169.254.170.2", false, "container credentials"},
	{"172.16.0.1", true, "private"},
	{"172.31.255.255", true, "private"},
	{"192.0.0.1", false, "protocol assignments"},
	{"192.0.0.192", false, "Oracle Cloud metadata"},
	{"192.0.2.1", false, "documentation"},
	{"192.31.196.1", false, "AS112"},
	{"192.52.193.1", false, "AMT"},
	{"192.88.99.1", false, "6to4 relay"},
	{"192.168.1.1", true, "private"},
	{"192.175.48.1", false, "AS112"},
	{"198.18.0.1", false, "benchmarking"},
	{"198.19.255.254", false, "benchmarking"},
	{"198.51.100.1", false, "documentation"},
	{"203.0.113.1", false, "documentation"},
	{"224.0.0.1", false, "multicast"},
	{"239.255.255.250", false, "multicast"},
	{"240.0.0.1", false, "reserved"},
	{"255.255.255.255", false, "broadcast"},
	{"168.63.129.16", false, "Azure wire server"},
	{"::", false, "unspecified"},
	{"::1", true, "loopback"},
	{"::127.0.0.1", false, "IPv4-compatible"},
	{"::ffff:127.0.0.1", false, "IPv4-mapped"},
	{"::ffff:10.0.0.1", false, "IPv4-mapped"},
	{"::ffff:169.254.169.254", false, "IPv4-mapped"},
	{"::ffff:168.63.129.16", false, "IPv4-mapped"},
	{"64:ff9b::a9fe:a9fe", false, "NAT64 of metadata"},
	{"64:ff9b:1::7f00:1", false, "local NAT64"},
	{"100::1", false, "discard"},
	{"2001::1", false, "Teredo"},
	{"2001:db8::1", false, "documentation"},
	{"2002:a9fe:a9fe::1", false, "6to4 of metadata"},
	{"2620:4f:8000::1", false, "AS112"},
	{"3fff::1", false, "documentation"},
	{"5f00::1", false, "SRv6"},
	{"fc00::1", true, "unique local"},
	{"fd12:3456:789a::1", true, "unique local"},
	{"fd00:ec2::254", false, "AWS metadata"},
	{"fd20:ce::254", false, "Google Cloud metadata"},
	{"fe80::1", false, "link-local"},
	{"fe80::1%eth0", false, "link-local with a zone"},
	{"fd00:ec2::254%eth0", false, "AWS metadata with a zone"},
	{"fec0::1", false, "site-local"},
	{"ff02::1", false, "multicast"},
}

func TestGuardRefusesSpecialUseAddresses(t *testing.T) {
	t.Parallel()
	public, private := NewGuard(), NewGuard(PrivateNetworks()...)
	for _, c := range specialUse {
		address := net.JoinHostPort(c.addr, "443")
		network := "tcp4"
		if strings.Contains(c.addr, ":") {
			network = "tcp6"
		}
		if err := public.Control(network, address, nil); !errors.Is(err, ErrRefusedAddress) {
			t.Errorf("%s (%s): %v, want refused", c.addr, c.what, err)
		}
		if err := private.Control(network, address, nil); (err == nil) != c.private {
			t.Errorf("%s (%s) with allow_private: %v, want allowed: %t", c.addr, c.what, err, c.private)
		}
		literal := "http://" + net.JoinHostPort(strings.ReplaceAll(c.addr, "%", "%25"), "8080") + "/"
		if err := CheckURL(literal); !errors.Is(err, ErrRefusedAddress) {
			t.Errorf("CheckURL(%s): %v, want refused", literal, err)
		}
		if err := CheckURL(literal, PrivateNetworks()...); (err == nil) != c.private {
			t.Errorf("CheckURL(%s) with allow_private: %v, want allowed: %t", literal, err, c.private)
		}
	}
}

// spellings are all the ways in which a URL may name an address.
func spellings(addr string) []string {
	hosts := []string{addr}
	if strings.Contains(addr, ":") {
		hosts[0] = "[" + strings.ReplaceAll(addr, "%", "%25") + "]"
		return hosts
	}
	b := netip.MustParseAddr(addr).As4()
	n := binary.BigEndian.Uint32(b[:])
	return append(hosts,
		fmt.Sprint(n), fmt.Sprintf("0x%08x", n), fmt.Sprintf("0%o", n), // one number
		fmt.Sprintf("0%o.0%o.0%o.0%o", b[0], b[1], b[2], b[3]), fmt.Sprintf("0x%x.%d.%d.%d", b[0], b[1], b[2], b[3]),
		fmt.Sprintf("%d.%d", b[0], n&0xffffff), // fewer parts
		fmt.Sprintf("[::ffff:%s]", addr), fmt.Sprintf("[::ffff:%x:%x]", n>>16, n&0xffff), fmt.Sprintf("[0:0:0:0:0:ffff:%s]", addr),
		fmt.Sprintf("[::%s]", addr),                      // IPv4-compatible
		fmt.Sprintf("[64:ff9b::%x:%x]", n>>16, n&0xffff), // NAT64
		fmt.Sprintf("[2002:%x:%x::1]", n>>16, n&0xffff),  // 6to4
		strings.Map(func(r rune) rune { // full-width digits
			if r >= '0' && r <= '9' {
				return r - '0' + '０'
			}
			return r
		}, addr),
	)
}

// What must not be called is not called by a test of an endpoint either, however its
// address is spelled.
func TestNoPingReachesASpecialUseAddress(t *testing.T) {
	t.Parallel()
	sender := NewSender(SenderConfig{Now: time.Now})
	defer sender.Close()
	outlet := Outlet{Sender: sender, Now: time.Now, Rand: rand.Reader}
	tried := 0
	for _, c := range specialUse {
		for _, host := range spellings(c.addr) {
			tried++
			p := outlet.Ping(t.Context(), &slipway.Endpoint{Name: "risk", URL: "http://" + host + "/"})
			refused := strings.Contains(p.Error, ErrRefusedAddress.Error()) || strings.Contains(p.Error, "host is a number")
			if p.OK || p.StatusCode != 0 || !refused || !strings.Contains(p.Verdict.EN, "was not reached") {
				t.Errorf("%s (%s): %+v", host, c.what, p)
			}
		}
	}
	if tried < 400 {
		t.Errorf("only %d addresses were tried", tried)
	}
}

func TestGuardLetsPublicAddressesThrough(t *testing.T) {
	t.Parallel()
	g := NewGuard()
	for _, addr := range []string{"1.1.1.1", "8.8.8.8", "100.63.255.255", "168.63.129.17", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"} {
		if err := g.Check(netip.MustParseAddr(addr)); err != nil {
			t.Errorf("Check(%s) = %v", addr, err)
		}
	}
	for network, address := range map[string]string{"udp4": "1.1.1.1:80", "unix": "/run/x", "tcp4": "example.com:80"} {
		if err := g.Control(network, address, nil); !errors.Is(err, ErrRefusedAddress) {
			t.Errorf("Control(%s, %s) = %v, want refused", network, address, err)
		}
	}
}

func TestGuardOpensOnlyTheNetworkGiven(t *testing.T) {
	t.Parallel()
	g := NewGuard(netip.MustParsePrefix("10.7.0.0/16"))
	if err := g.Check(netip.MustParseAddr("10.7.1.2")); err != nil {
		t.Errorf("inside: %v", err)
	}
	if err := g.Check(netip.MustParseAddr("10.8.1.2")); !errors.Is(err, ErrRefusedAddress) {
		t.Errorf("outside: %v, want refused", err)
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"https://change.example.com/hooks?a=b", "http://example.com:8080", "HTTPS://EXAMPLE.com./x",
		"http://my_service.svc:9/", "https://例子.中国/hook", "https://1.1.1.1:8443/", "https://[2606:4700::1111]/", "https://3com.example/",
	} {
		if err := CheckURL(good); err != nil {
			t.Errorf("CheckURL(%q) = %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"":                              "must start with http",
		"example.com/hooks":             "must start with http",
		"ftp://example.com/":            "must start with http",
		"file:///etc/passwd":            "must start with http",
		"javascript:alert(1)":           "must start with http",
		"https://":                      "must name a host",
		"https://:443/":                 "must name a host",
		"https://./":                    "not a valid name",
		"https://user@example.com/":     "user name or password",
		"https://u:hunter22@ex.com/":    "user name or password",
		"https://exa mple.com/":         "cannot be read",
		"https://example.com/\r\nX: y":  "cannot be read",
		"https://example.com/%zz":       "cannot be read",
		"https://exam*ple.com/":         "not a valid name",
		"https://example.com:0/":        "port must be",
		"https://example.com:99999/":    "port must be",
		"http://2130706433/":            "host is a number",
		"http://0x7f000001/":            "host is a number",
		"http://0X7F.1/":                "host is a number",
		"http://127.1/":                 "host is a number",
		"http://0/":                     "host is a number",
		"http://0177.0.0.1/":            "host is a number",
		"http://127.0.0.1./":            "host is a number",
		"http://1.1.1/":                 "host is a number",
		"http://256.256.256.256/":       "host is a number",
		"http://127.0.0.1/":             "allow_private",
		"http://⑩.0.0.1/":               "allow_private",
		"http://localhost:8080/":        "allow_private",
		"http://api.LocalHost./":        "allow_private",
		"http://169.254.169.254/latest": "not a public address",
		"http://168.63.129.16/":         "credentials of the machine",
	} {
		err := CheckURL(bad)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckURL(%q) = %v, want %q", bad, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter22") {
			t.Errorf("CheckURL(%q) repeats the password: %v", bad, err)
		}
	}
	if err := CheckURL("http://localhost:8080/", PrivateNetworks()...); err != nil {
		t.Errorf("localhost with allow_private: %v", err)
	}
}

// The name is public when somebody looks and loopback when we connect. Nothing may
// arrive at the loopback server.
func TestGuardWithstandsRebinding(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	defer server.Close()
	port := server.Listener.Addr().(*net.TCPAddr).Port
	target := "http://rebind.test:" + strconv.Itoa(port) + "/"
	if err := CheckURL(target); err != nil {
		t.Fatalf("the URL itself is fine, got %v", err)
	}

	names := &changingName{answers: []netip.Addr{netip.MustParseAddr("93.184.216.34"), netip.MustParseAddr("127.0.0.1")}}
	resolver := &net.Resolver{PreferGo: true, Dial: names.dial}
	looked, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.test")
	if err != nil || NewGuard().Check(looked[0]) != nil {
		t.Fatalf("first look: %v, %v; want a public address", looked, err)
	}

	sender := NewSender(SenderConfig{Now: time.Now, Resolver: resolver})
	defer sender.Close()
	a := sender.Send(t.Context(), Delivery{ID: "msg_1", URL: target, Body: []byte(`{}`)})
	if a.Outcome != Retry || !strings.Contains(a.Err, "127.0.0.1 is not a public address") {
		t.Errorf("Send = %+v, want the address refused", a)
	}
	if n := arrived.Load(); n != 0 {
		t.Errorf("%d requests arrived at the loopback server", n)
	}
	a = sender.Send(t.Context(), Delivery{ID: "msg_1", URL: target, Body: []byte(`{}`), AllowPrivate: true})
	if a.Outcome != Delivered || arrived.Load() != 1 {
		t.Errorf("Send with AllowPrivate = %+v, %d arrived", a, arrived.Load())
	}
	// The permitted connection is idle now; it must not serve one without permission.
	if a = sender.Send(t.Context(), Delivery{ID: "msg_1", URL: target, Body: []byte(`{}`)}); a.Outcome != Retry || arrived.Load() != 1 {
		t.Errorf("Send after it without AllowPrivate = %+v, %d arrived", a, arrived.Load())
	}
}

// changingName is a name server that gives the answers in turn, then the last one.
type changingName struct {
	answers []netip.Addr
	asked   atomic.Int64
}

func (n *changingName) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go n.serve(there)
	return here, nil
}

// serve speaks DNS as over TCP: each message after its length.
func (n *changingName) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for {
		var length uint16
		if binary.Read(conn, binary.BigEndian, &length) != nil {
			return
		}
		query := make([]byte, length)
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		answer, err := n.answer(query)
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer)&0xffff)), answer...)); err != nil {
			return
		}
	}
}

func (n *changingName) answer(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	m.Response, m.Authoritative, m.RecursionAvailable = true, true, true
	m.Additionals = nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		turn := min(int(n.asked.Add(1))-1, len(n.answers)-1)
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0},
			Body:   &dnsmessage.AResource{A: n.answers[turn].As4()},
		}}
	}
	return m.Pack()
}
