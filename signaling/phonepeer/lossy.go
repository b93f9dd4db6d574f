package phonepeer

import (
	"net"
	"net/netip"
	"sync"
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
	linger      time.Duration   // for which a closed socket still counts what comes
	running     *sync.WaitGroup // of what counts it
}

func newLossyNet(o legOptions) *lossyNet {
	return &lossyNet{
		Net: freshNet{&stdnet.Net{}}, flowing: func() { o.emit(legFlowing{}) }, linger: o.linger, running: o.running,
	}
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
	net    *lossyNet
	closed atomic.Bool // for pion
}

// Close ends reading and writing; what still comes in lossyNet.linger is counted.
func (c *lossyConn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	if c.net.linger <= 0 {
		return c.UDPConn.Close()
	}
	// pion's reader wakes at a deadline that is over and finds the socket closed.
	if err := c.SetReadDeadline(time.Now()); err != nil {
		return c.UDPConn.Close()
	}
	c.net.running.Go(func() {
		defer func() { _ = c.UDPConn.Close() }() // nothing was written
		var p [1500]byte
		_ = c.SetReadDeadline(time.Now().Add(c.net.linger)) // it has taken one before
		for {
			n, _, at, err := readStamped(c.UDPConn, p[:])
			if err != nil {
				return
			}
			if isMedia(p[:n]) {
				c.net.media.add(at)
			}
		}
	})
	return nil
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
		if c.closed.Load() {
			return 0, netip.AddrPort{}, net.ErrClosed
		}
		n, from, at, err := readStamped(c.UDPConn, p)
		switch {
		case c.closed.Load():
			return 0, netip.AddrPort{}, net.ErrClosed
		case err != nil || c.taken(p[:n], at):
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
