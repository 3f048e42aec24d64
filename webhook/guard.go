package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"
)

// ErrRefusedAddress is returned for an address that must not be called.
var ErrRefusedAddress = errors.New("address may not be called")

// neverDial answers with credentials or settings of the machine to whoever can reach
// it. No permission opens these; the link-local ones are closed anyway.
var neverDial = []netip.Addr{
	netip.MustParseAddr("168.63.129.16"),   // Azure wire server; a public address to every registry
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud metadata, in shared address space
	netip.MustParseAddr("fd00:ec2::254"),   // AWS metadata, in the private range
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud metadata, in the private range
}

// PrivateNetworks returns what the endpoint setting allow_private opens: the private
// ranges, loopback, and the shared address space that clusters use for their own.
func PrivateNetworks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("100.64.0.0/10"),
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"),
		netip.MustParsePrefix("::1/128"),
		netip.MustParsePrefix("fc00::/7"),
	}
}

// Guard decides which addresses may be called: every public one, and besides them
// only networks that were opened by name. Make it with NewGuard.
type Guard struct {
	special *ssrf.Guardian
}

// NewGuard returns a guard that lets through public addresses and the networks
// given. Any port will do. The metadata addresses of the big clouds stay closed even
// inside a network that is given.
func NewGuard(allowed ...netip.Prefix) *Guard {
	var four, six []netip.Prefix
	for _, p := range allowed {
		if p.Addr().Is4() {
			four = append(four, p)
		} else {
			six = append(six, p)
		}
	}
	return &Guard{special: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(four...), ssrf.WithAllowedV6Prefixes(six...))}
}

// Check returns nil or an ErrRefusedAddress that says what would help.
func (g *Guard) Check(ip netip.Addr) error {
	if slices.Contains(neverDial, ip.Unmap().WithZone("")) {
		return fmt.Errorf("%w: %s gives out credentials of the machine", ErrRefusedAddress, ip)
	}
	if g.special.SafeAddr(ip) != nil {
		return fmt.Errorf("%w: %s is not a public address%s", ErrRefusedAddress, ip, remedy(ip))
	}
	return nil
}

// Control is for net.Dialer: it checks the address that is about to be connected to,
// which is the only moment at which it cannot change any more.
func (g *Guard) Control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network %s", ErrRefusedAddress, network)
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s is not an IP address with a port", ErrRefusedAddress, address)
	}
	return g.Check(target.Addr())
}

// CheckURL returns nil or the first thing that is wrong with the URL of an endpoint,
// to be said when it is configured. It looks nothing up: a name is judged by its
// addresses when it is dialled. allowed is what NewGuard takes. The error never
// repeats the URL, which may hold secrets.
func CheckURL(raw string, allowed ...netip.Prefix) error {
	_, err := NewGuard(allowed...).parse(raw)
	return err
}

func (g *Guard) parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The cause is left out: it quotes the URL.
		return nil, errors.New("URL cannot be read; expected something like https://example.com/hooks")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("URL must start with http:// or https://")
	case u.User != nil:
		return nil, errors.New("URL must not hold a user name or password; use an Authorization header")
	case u.Hostname() == "":
		return nil, errors.New("URL must name a host")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return nil, errors.New("port must be a number from 1 to 65535")
		}
	}
	return u, g.checkHost(u.Hostname())
}

// checkHost refuses literal addresses that the guard refuses, and every other
// spelling of an IPv4 address: programs read those differently (0177.0.0.1 is
// 127.0.0.1 to some), so what was checked may not be what is called.
func (g *Guard) checkHost(host string) error {
	name, err := dialledName(host)
	if err != nil {
		return err
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		return g.Check(ip)
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	last := name[strings.LastIndexByte(name, '.')+1:]
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	switch {
	case !plainName(name):
		return errors.New("host is not a valid name")
	case numeric(last):
		return errors.New("host is a number; write an IPv4 address in full as four decimal numbers, such as 192.0.2.10")
	case last == "localhost" && g.Check(loopback) != nil:
		return fmt.Errorf("%w: localhost is this machine itself%s", ErrRefusedAddress, remedy(loopback))
	}
	return nil
}

// dialledName returns what the transport makes of a host: names in other scripts are
// mapped, which also turns full-width digits into plain ones.
func dialledName(host string) (string, error) {
	for _, c := range []byte(host) {
		if c >= 0x80 {
			name, err := idna.Lookup.ToASCII(host)
			if err != nil {
				return "", errors.New("host is not a valid name")
			}
			return name, nil
		}
	}
	return host, nil
}

// plainName admits host names, and the underscore that many inner networks use.
func plainName(host string) bool {
	for _, c := range []byte(host) {
		letter := c >= 'a' && c <= 'z'
		digit := c >= '0' && c <= '9'
		if !letter && !digit && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return host != ""
}

// numeric tells whether the last label of a host makes the whole of it an IPv4
// address in some spelling; no top-level domain is a number.
func numeric(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

// remedy names the setting for the addresses that it opens.
func remedy(ip netip.Addr) string {
	for _, p := range PrivateNetworks() {
		if p.Contains(ip) {
			return " (allow_private: true permits inner addresses)"
		}
	}
	return ""
}
