// Package roam lets the UDP sockets of a call outlive the address they were bound to.
//
// ICE binds a socket to each address of the device. When that address is taken away, by
// DHCP or because the device is plugged in elsewhere, the socket is of no use, and
// without signaling nobody can tell the phone of another: a phone that came straight to
// the device has no way to it any more. A socket of this package then continues from
// whatever address the system would take, and says the last connectivity check once more
// from there. The phone sees a check with the right
// password from an unknown address: a peer-reflexive candidate (RFC 8445, 7.3.1.3), over
// which the media goes on without a restart.
package roam

import (
	"errors"
	"net"
	"net/netip"
	"syscall"

	"github.com/pion/transport/v5"
)

// Options of a Net. The zero value roams to any address.
type Options struct {
	// Keep says which interfaces may be used, by their names; nil: all.
	Keep func(name string) bool
	// Moved is called when something has come to a socket that has left its address: what
	// was sent before may have been ignored. from is where it was made, to where it is. Who
	// reads calls it: it must not block. nil: nobody.
	Moved func(from, to netip.AddrPort)

	// Gone says that the device has an address no more; nil: the system is asked.
	Gone func(a netip.Addr) bool
}

// Net returns below, whose UDP sockets with an address of their own roam. Those of a
// virtual network, of a link-local address, and those for any address are as they were.
func Net(below transport.Net, o Options) transport.Net {
	if o.Gone == nil {
		o.Gone = gone
	}
	return &roamingNet{Net: below, opts: o}
}

type roamingNet struct {
	transport.Net
	opts Options
}

func (n *roamingNet) ListenUDP(network string, laddr *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, laddr)
	if err != nil {
		return nil, err
	}
	raw, ok := c.(*net.UDPConn)
	if !ok || laddr == nil {
		return c, nil
	}
	at := laddr.AddrPort().Addr().Unmap()
	if !at.IsValid() || at.IsUnspecified() || at.IsMulticast() || at.IsLinkLocalUnicast() {
		return c, nil
	}
	return newConn(n, raw, at), nil
}

// place is where a socket that has lost its address continues; not valid: nowhere yet.
func (n *roamingNet) place(lost netip.Addr) netip.Addr {
	if n.opts.Keep == nil {
		if lost.Is4() {
			return netip.IPv4Unspecified()
		}
		return netip.IPv6Unspecified()
	}
	all, err := n.Interfaces()
	if err != nil {
		return netip.Addr{}
	}
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || !n.opts.Keep(i.Name) {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if at := p.Addr().Unmap(); err == nil && at.Is4() == lost.Is4() && !at.IsLinkLocalUnicast() {
				return at
			}
		}
	}
	return netip.Addr{}
}

// gone asks the system whether an address is none of this device any more.
func gone(a netip.Addr) bool {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.EADDRNOTAVAIL)
}
