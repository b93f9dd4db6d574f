package phonepeer

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
)

// lossyNet is the machine's network, whose UDP packets can all be lost on command. It
// notices, too, when media arrives after it was awaited.
type lossyNet struct {
	transport.Net
	lose, await atomic.Bool
	flowing     func()
	media       arrivals
}

func newLossyNet(flowing func()) *lossyNet {
	return &lossyNet{Net: freshNet{&stdnet.Net{}}, flowing: flowing}
}

// freshNet opens nothing by itself and lists the interfaces anew each time: after a
// change of network a restart must not offer addresses that are gone.
type freshNet struct{ *stdnet.Net }

// Interfaces lists the machine's interfaces as they are now.
func (freshNet) Interfaces() ([]*transport.Interface, error) {
	now, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	return now.Interfaces()
}

// ListenUDP opens a socket of an ICE candidate.
func (n *lossyNet) ListenUDP(network string, laddr *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, laddr)
	if err != nil {
		return nil, err
	}
	raw, ok := c.(*net.UDPConn)
	if !ok {
		_ = c.Close()
		return nil, transport.ErrNotSupported
	}
	stampPackets(raw)
	return &lossyConn{UDPConn: raw, net: n}, nil
}

// ListenPacket opens a socket to a TURN server over UDP.
func (n *lossyNet) ListenPacket(network, address string) (net.PacketConn, error) {
	c, err := n.Net.ListenPacket(network, address)
	if err != nil {
		return nil, err
	}
	raw, ok := c.(*net.UDPConn)
	if !ok {
		_ = c.Close()
		return nil, transport.ErrNotSupported
	}
	return &lossyConn{UDPConn: raw, net: n}, nil
}

// lossyConn is a socket of a lossyNet. It overrides what pion reads and writes with.
type lossyConn struct {
	*net.UDPConn
	net *lossyNet
}

// taken reports whether a packet that came at this time counts.
func (c *lossyConn) taken(p []byte, at time.Time) bool {
	if c.net.lose.Load() {
		return false
	}
	if isMedia(p) {
		c.net.media.add(at)
	}
	// RTP and RTCP begin with 128 to 191: RFC 7983, 7.
	if len(p) > 0 && p[0] >= 128 && p[0] <= 191 && c.net.await.CompareAndSwap(true, false) {
		c.net.flowing()
	}
	return true
}

// ReadFrom reads the next packet that is not lost.
func (c *lossyConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(p)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// ReadFromAddrPort is ReadFrom without an allocation for each packet.
func (c *lossyConn) ReadFromAddrPort(p []byte) (int, netip.AddrPort, error) {
	for {
		n, from, at, err := readStamped(c.UDPConn, p)
		if err != nil || c.taken(p[:n], at) {
			return n, from, err
		}
	}
}

// WriteTo sends a packet, or loses it.
func (c *lossyConn) WriteTo(p []byte, to net.Addr) (int, error) {
	if c.net.lose.Load() {
		return len(p), nil
	}
	return c.UDPConn.WriteTo(p, to)
}

// WriteToAddrPort is WriteTo without an allocation for each packet.
func (c *lossyConn) WriteToAddrPort(p []byte, to netip.AddrPort) (int, error) {
	if c.net.lose.Load() {
		return len(p), nil
	}
	return c.WriteToUDPAddrPort(p, to)
}
