package direct

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// reach knows by which names and addresses phones reach the device. Addresses
// come and go with DHCP, so they are looked up again now and then.
type reach struct {
	loop    bool
	listen  netip.Addr // unspecified: all addresses
	own     []string   // names and addresses from Options.Names, canonical
	machine []string   // what the machine calls itself, <sn>.local last
	origins map[origin]bool
	certs   certificates // nil on loopback
	list    func() []netip.Addr
	recheck time.Duration

	mu    sync.Mutex
	port  uint16 // 0 before the listener is bound
	at    time.Time
	addrs []netip.Addr
}

// origin is a web origin (RFC 6454, 4) with its port always given.
type origin struct{ scheme, host, port string }

var hostName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

func newReach(opt Options, sn, host string, m machine, recheck time.Duration) *reach {
	r := &reach{loop: isLoopback(host), list: m.addresses, recheck: recheck, origins: map[origin]bool{}}
	r.listen, _ = netip.ParseAddr(host)
	for _, name := range opt.Names {
		r.own = append(r.own, canonicalHost(name))
	}
	for _, text := range opt.Origins {
		if o, ok := parseOrigin(text); ok {
			r.origins[o] = true
		}
	}
	r.machine = []string{"localhost"}
	if r.loop {
		return r
	}
	// Without a name of its own the machine is still reached by address.
	if name, err := m.hostname(); err == nil {
		name = canonicalHost(name)
		short, _, _ := strings.Cut(name, ".")
		for _, n := range []string{name, short + ".local"} { // avahi announces the second
			if hostName.MatchString(n) && short != "localhost" && !slices.Contains(r.machine, n) {
				r.machine = append(r.machine, n)
			}
		}
	}
	if name := strings.ToLower(sn) + ".local"; hostName.MatchString(name) {
		r.machine = append(slices.DeleteFunc(r.machine, func(n string) bool { return n == name }), name)
	}
	return r
}

// bound tells the address that the listener got.
func (r *reach) bound(at netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.port = at.Port()
	if !r.listen.IsUnspecified() {
		r.listen = at.Addr().Unmap()
	}
}

// isLoopback says whether a listener on host can be reached from this machine
// only; such an origin is secure in browsers without TLS.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// addresses are the device's addresses now: loopback, IPv4, then IPv6.
func (r *reach) addresses() []netip.Addr {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.addrs != nil && time.Since(r.at) < r.recheck {
		return r.addrs
	}
	v4, v6 := netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()
	all := []netip.Addr{v4, v6}
	switch {
	case r.loop:
		if r.listen.IsValid() {
			all = append(all, r.listen.Unmap())
		}
	case r.listen.IsValid() && !r.listen.IsUnspecified():
		all = []netip.Addr{r.listen.Unmap().WithZone("")}
	default:
		var found []netip.Addr
		for _, a := range r.list() {
			a = a.Unmap().WithZone("")
			// A browser cannot name a link-local IPv6 address: it needs a zone.
			if a.IsLoopback() || a.Is6() && (a.IsLinkLocalUnicast() || r.listen.Is4()) {
				continue
			}
			found = append(found, a)
		}
		slices.SortFunc(found, netip.Addr.Compare) // IPv4 first
		all = append(all, slices.Compact(found)...)
	}
	r.addrs, r.at = all, time.Now()
	return all
}

// isHost says whether a Host header names this device. Any port will do: a router
// may forward another.
func (r *reach) isHost(header string) bool {
	host, _, ok := splitHost(header)
	return ok && r.isName(host)
}

func (r *reach) isName(host string) bool {
	if slices.Contains(r.machine, host) || slices.Contains(r.own, host) {
		return true
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return slices.Contains(r.addresses(), addr)
	}
	if maker, ok := r.certs.(*makerCertificate); ok {
		return maker.certificate().Leaf.VerifyHostname(host) == nil
	}
	return false
}

// isOrigin says whether pages of this origin may connect: the device's own page
// under any of its names, the page under the very host that the request names
// (checked before), and the configured origins.
func (r *reach) isOrigin(header, host string) bool {
	o, ok := parseOrigin(header)
	if !ok {
		return false
	}
	if r.origins[o] {
		return true
	}
	if o.scheme != r.scheme() {
		return false
	}
	if name, port, ok := splitHost(host); ok && o.host == name && o.port == orDefault(port, o.scheme) {
		return true
	}
	r.mu.Lock()
	port := r.port
	r.mu.Unlock()
	return o.port == strconv.Itoa(int(port)) && r.isName(o.host)
}

func (r *reach) scheme() string {
	if r.loop {
		return "http"
	}
	return "https"
}

// forPeople are the host:port under which a phone gets here, best first.
func (r *reach) forPeople() []string {
	hosts := slices.Clone(r.own)
	addrs := r.addresses()
	if r.loop {
		host := "localhost"
		if r.listen.IsValid() {
			host = addrs[len(addrs)-1].String()
		}
		hosts = append(hosts, host)
	} else {
		if maker, ok := r.certs.(*makerCertificate); ok {
			for _, name := range maker.certificate().Leaf.DNSNames {
				if name = canonicalHost(name); hostName.MatchString(name) { // no wildcards
					hosts = append(hosts, name)
				}
			}
		}
		for _, a := range addrs {
			if !a.IsLoopback() {
				hosts = append(hosts, a.String())
			}
		}
		if last := r.machine[len(r.machine)-1]; last != "localhost" {
			hosts = append(hosts, last)
		}
	}
	r.mu.Lock()
	port := r.port
	r.mu.Unlock()
	var all []string
	for _, h := range hosts {
		hp := net.JoinHostPort(h, strconv.Itoa(int(port)))
		if strconv.Itoa(int(port)) == orDefault("", r.scheme()) {
			hp = strings.TrimSuffix(hp, ":"+strconv.Itoa(int(port)))
		}
		if !slices.Contains(all, hp) {
			all = append(all, hp)
		}
	}
	return all
}

// splitHost reads a Host header: host in canonical form, port "" if not given.
func splitHost(header string) (host, port string, ok bool) {
	u := url.URL{Host: header}
	host, port = canonicalHost(u.Hostname()), u.Port()
	addr, err := netip.ParseAddr(u.Hostname())
	bracketed := strings.HasPrefix(header, "[")
	if err != nil && (bracketed || !hostName.MatchString(host)) ||
		err == nil && (bracketed != addr.Is6() || addr.Zone() != "") { // browsers know no zones
		return "", "", false
	}
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
			return "", "", false
		}
	}
	return host, port, true
}

// canonicalHost is a name in lower case without the root's dot, an address in its
// shortest form.
func canonicalHost(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String()
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// parseOrigin reads an Origin header: scheme://host or scheme://host:port.
func parseOrigin(text string) (origin, bool) {
	scheme, rest, ok := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return origin{}, false
	}
	host, port, ok := splitHost(rest)
	return origin{scheme, host, orDefault(port, scheme)}, ok
}

func orDefault(port, scheme string) string {
	switch {
	case port != "":
		return port
	case scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// interfaceAddresses lists the addresses of all interfaces. When the kernel does
// not tell them, there are none: the device is then reached by its names.
func interfaceAddresses() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var all []netip.Addr
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, p.Addr())
		}
	}
	return all
}

// thisMachine is the real one.
func thisMachine() machine { return machine{addresses: interfaceAddresses, hostname: os.Hostname} }
