package gate

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/pion/transport/v5"
)

// Net returns below with the gate on every socket that it opens. The sockets
// that it hands out hide the system's socket, so that nobody can write past it.
func (g *Gate) Net(below transport.Net) transport.Net {
	return &gatedNet{Net: below, gate: g}
}

// gatedNet takes everything that opens no socket from the Net below.
type gatedNet struct {
	transport.Net
	gate *Gate
}

func (n *gatedNet) ListenPacket(network, address string) (net.PacketConn, error) {
	c, err := n.Net.ListenPacket(network, address)
	if err != nil {
		return nil, err
	}
	return &packetConn{PacketConn: c, gate: n.gate}, nil
}

func (n *gatedNet) ListenUDP(network string, laddr *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, laddr)
	if err != nil {
		return nil, err
	}
	if laddr != nil && laddr.IP.IsMulticast() {
		// pion asks mDNS questions from here and needs the socket itself to join
		// the group. It sends nothing else on it.
		return c, nil
	}
	return newUDPConn(c, n.gate, false), nil
}

func (n *gatedNet) DialUDP(network string, laddr, raddr *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.DialUDP(network, laddr, raddr)
	if err != nil {
		return nil, err
	}
	return newUDPConn(c, n.gate, true), nil // pion dials for TURN over DTLS only
}

func (n *gatedNet) Dial(network, address string) (net.Conn, error) {
	c, err := n.Net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return n.gate.stream(c), nil
}

func (n *gatedNet) DialTCP(network string, laddr, raddr *net.TCPAddr) (transport.TCPConn, error) {
	c, err := n.Net.DialTCP(network, laddr, raddr)
	if err != nil {
		return nil, err
	}
	return &tcpConn{TCPConn: c, streamConn: n.gate.stream(c)}, nil
}

// ListenTCP is refused: the session offers no TCP candidates.
func (n *gatedNet) ListenTCP(network string, laddr *net.TCPAddr) (transport.TCPListener, error) {
	return nil, fmt.Errorf("cannot listen on %s %v: %w", network, laddr, transport.ErrNotSupported)
}

func (n *gatedNet) CreateDialer(d *net.Dialer) transport.Dialer {
	return gatedDialer{below: n.Net.CreateDialer(d), gate: n.gate}
}

type gatedDialer struct {
	below transport.Dialer
	gate  *Gate
}

func (d gatedDialer) Dial(network, address string) (net.Conn, error) {
	c, err := d.below.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return d.gate.stream(c), nil
}

func (n *gatedNet) CreateListenConfig(c *net.ListenConfig) transport.ListenConfig {
	return gatedListenConfig{below: n.Net.CreateListenConfig(c), gate: n.gate}
}

type gatedListenConfig struct {
	below transport.ListenConfig
	gate  *Gate
}

func (c gatedListenConfig) Listen(_ context.Context, network, address string) (net.Listener, error) {
	return nil, fmt.Errorf("cannot listen on %s %s: %w", network, address, transport.ErrNotSupported)
}

func (c gatedListenConfig) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	p, err := c.below.ListenPacket(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &packetConn{PacketConn: p, gate: c.gate}, nil
}

// packetConn is a datagram socket that speaks to many.
type packetConn struct {
	net.PacketConn
	gate *Gate
}

func (c *packetConn) WriteTo(p []byte, to net.Addr) (int, error) {
	if classify(p) != kindMedia {
		return c.PacketConn.WriteTo(p, to)
	}
	return c.gate.write(len(p), func() (int, error) { return c.PacketConn.WriteTo(p, to) })
}

// udpConn is a UDP socket. On one that is opaque, sealed records hide what is in
// them; on the others they are the call's own DTLS, which carries no media.
type udpConn struct {
	transport.UDPConn
	gate   *Gate
	opaque bool
	raw    addrPortConn // nil over a virtual network
}

// addrPortConn are the calls of a *net.UDPConn that allocate no address.
type addrPortConn interface {
	ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(p []byte, to netip.AddrPort) (int, error)
}

func newUDPConn(c transport.UDPConn, g *Gate, opaque bool) *udpConn {
	raw, _ := c.(addrPortConn)
	return &udpConn{UDPConn: c, gate: g, opaque: opaque, raw: raw}
}

func (c *udpConn) guard(p []byte, w func() (int, error)) (int, error) {
	switch k := classify(p); {
	case k == kindMedia:
		return c.gate.write(len(p), w)
	case k == kindSealed && c.opaque:
		return c.gate.writeOpaque(len(p), w)
	default:
		return w()
	}
}

func (c *udpConn) Write(p []byte) (int, error) {
	return c.guard(p, func() (int, error) { return c.UDPConn.Write(p) })
}

func (c *udpConn) WriteTo(p []byte, to net.Addr) (int, error) {
	return c.guard(p, func() (int, error) { return c.UDPConn.WriteTo(p, to) })
}

func (c *udpConn) WriteToUDP(p []byte, to *net.UDPAddr) (int, error) {
	return c.guard(p, func() (int, error) { return c.UDPConn.WriteToUDP(p, to) })
}

func (c *udpConn) WriteMsgUDP(p, oob []byte, to *net.UDPAddr) (n, oobn int, err error) {
	n, err = c.guard(p, func() (m int, err error) {
		m, oobn, err = c.UDPConn.WriteMsgUDP(p, oob, to)
		return m, err
	})
	return n, oobn, err
}

// ReadFromAddrPort and WriteToAddrPort make pion/ice use the system's calls that
// allocate no address for each packet.
func (c *udpConn) ReadFromAddrPort(p []byte) (int, netip.AddrPort, error) {
	if c.raw != nil {
		return c.raw.ReadFromUDPAddrPort(p)
	}
	n, from, err := c.ReadFromUDP(p)
	if from == nil {
		return n, netip.AddrPort{}, err
	}
	return n, from.AddrPort(), err
}

// WriteToAddrPort writes p through the gate.
func (c *udpConn) WriteToAddrPort(p []byte, to netip.AddrPort) (int, error) {
	if c.raw == nil {
		return c.WriteToUDP(p, net.UDPAddrFromAddrPort(to))
	}
	return c.guard(p, func() (int, error) { return c.raw.WriteToUDPAddrPort(p, to) })
}
