package roam

import (
	"net"
	"net/netip"
	"time"
)

// WriteToUDPAddrPort writes one packet.
func (c *conn) WriteToUDPAddrPort(p []byte, to netip.AddrPort) (int, error) {
	c.keep(p, to)
	u := c.now.Load()
	n, err := u.WriteToUDPAddrPort(p, to)
	if c.after(u, err) {
		return c.now.Load().WriteToUDPAddrPort(p, to)
	}
	return n, err
}

// ReadFromUDPAddrPort reads one packet.
func (c *conn) ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error) {
	for {
		u := c.now.Load()
		n, from, err := u.ReadFromUDPAddrPort(p)
		if !c.moved(u, err) {
			c.heard(u, err)
			return n, from, err
		}
	}
}

// The rest of transport.UDPConn, for those who know no netip.

func (c *conn) WriteTo(p []byte, to net.Addr) (int, error) {
	if a, ok := to.(*net.UDPAddr); ok {
		return c.WriteToUDP(p, a)
	}
	return c.now.Load().WriteTo(p, to)
}

func (c *conn) WriteToUDP(p []byte, to *net.UDPAddr) (int, error) {
	a := to.AddrPort()
	return c.WriteToUDPAddrPort(p, netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
}

func (c *conn) WriteMsgUDP(p, oob []byte, to *net.UDPAddr) (n, oobn int, err error) {
	u := c.now.Load()
	n, oobn, err = u.WriteMsgUDP(p, oob, to)
	if c.after(u, err) {
		return c.now.Load().WriteMsgUDP(p, oob, to)
	}
	return n, oobn, err
}

func (c *conn) Write(p []byte) (int, error) { return c.now.Load().Write(p) }

func (c *conn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDP(p)
	if from == nil {
		return n, nil, err // no address, and not one that is nil
	}
	return n, from, err
}

func (c *conn) ReadFromUDP(p []byte) (int, *net.UDPAddr, error) {
	n, from, err := c.ReadFromUDPAddrPort(p)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

func (c *conn) ReadMsgUDP(p, oob []byte) (n, oobn, flags int, from *net.UDPAddr, err error) {
	for {
		u := c.now.Load()
		n, oobn, flags, from, err = u.ReadMsgUDP(p, oob)
		if !c.moved(u, err) {
			c.heard(u, err)
			return n, oobn, flags, from, err
		}
	}
}

func (c *conn) Read(p []byte) (int, error) {
	n, _, err := c.ReadFromUDPAddrPort(p)
	return n, err
}

func (c *conn) SetDeadline(t time.Time) error      { return c.now.Load().SetDeadline(t) }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.now.Load().SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.now.Load().SetWriteDeadline(t) }
func (c *conn) SetReadBuffer(bytes int) error      { return c.now.Load().SetReadBuffer(bytes) }
func (c *conn) SetWriteBuffer(bytes int) error     { return c.now.Load().SetWriteBuffer(bytes) }
