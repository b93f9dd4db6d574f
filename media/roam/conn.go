package roam

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lookEvery is how often a socket that can send is asked whether its address is still
	// there: over IPv6 packets leave with one that is gone.
	lookEvery = 500 * time.Millisecond
	// failEvery is the same for one that cannot send.
	failEvery = 20 * time.Millisecond
	// sayEvery is how often the check is said from the new address until something comes.
	sayEvery = 100 * time.Millisecond
)

// conn is a UDP socket that is bound anew when its address is gone. Its methods may be
// called from any goroutine.
type conn struct {
	net   *roamingNet
	first net.Addr // what was asked for: ICE knows the socket by it
	now   atomic.Pointer[net.UDPConn]

	began          time.Time
	lookAt, failAt atomic.Int64 // when the next look is due, in ns since began
	unsaid         atomic.Bool  // nothing has come since the move

	mu     sync.Mutex
	at     netip.Addr
	closed bool
	check  []byte // the last connectivity check that was sent, and to whom
	to     netip.AddrPort
	saidAt time.Duration
}

func newConn(n *roamingNet, raw *net.UDPConn, at netip.Addr) *conn {
	c := &conn{net: n, first: raw.LocalAddr(), at: at, began: time.Now()}
	c.now.Store(raw)
	c.lookAt.Store(int64(lookEvery))
	return c
}

// LocalAddr is the address that the socket was made with, wherever it is now.
func (c *conn) LocalAddr() net.Addr { return c.first }

// RemoteAddr is nil: the socket speaks to many.
func (c *conn) RemoteAddr() net.Addr { return nil }

// Close closes the socket.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return c.now.Load().Close()
}

// after looks after the socket when something was written to u. again: it is to be
// written once more, for the socket has moved meanwhile.
func (c *conn) after(u *net.UDPConn, err error) (again bool) {
	if err != nil && c.now.Load() != u {
		return true
	}
	now := time.Since(c.began)
	next, every := &c.lookAt, lookEvery
	if err != nil {
		next, every = &c.failAt, failEvery
	}
	if due := next.Load(); int64(now) >= due && next.CompareAndSwap(due, int64(now+every)) && c.move(u) {
		return err != nil
	}
	if c.unsaid.Load() {
		c.say(now)
	}
	return false
}

// move binds the socket anew if the address of u is gone. True: it is no longer u.
func (c *conn) move(u *net.UDPConn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	if c.now.Load() != u {
		return true
	}
	if c.at.IsUnspecified() || !c.net.opts.Gone(c.at) {
		return false
	}
	at := c.net.place(c.at)
	if !at.IsValid() || at == c.at {
		return false
	}
	network := "udp6"
	if at.Is4() {
		network = "udp4"
	}
	next, err := c.net.Net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0))) // u has its port until it is closed
	if err != nil {
		return false
	}
	raw, ok := next.(*net.UDPConn)
	if !ok {
		_ = next.Close()
		return false
	}
	c.at = at
	c.unsaid.Store(true)
	c.saidAt = -sayEvery
	c.now.Store(raw)
	_ = u.Close() // who reads from it goes on with the next one
	c.sayLocked(time.Since(c.began))
	return true
}

func (c *conn) say(now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sayLocked(now)
}

// sayLocked sends the last check again, as it was: for its receiver it is a
// retransmission (RFC 8489, 6.2.1). mu is held.
func (c *conn) sayLocked(now time.Duration) {
	if c.closed || c.check == nil || now-c.saidAt < sayEvery {
		return
	}
	c.saidAt = now
	_, _ = c.now.Load().WriteToUDPAddrPort(c.check, c.to)
}

// Parts of a STUN message (RFC 8489, 5).
const (
	stunHeader         = 20
	stunCookie         = 0x2112A442
	stunBindingRequest = 0x0001
)

// keep remembers p if it is a connectivity check.
func (c *conn) keep(p []byte, to netip.AddrPort) {
	if len(p) < stunHeader || binary.BigEndian.Uint16(p) != stunBindingRequest || binary.BigEndian.Uint32(p[4:]) != stunCookie {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.check, c.to = append(c.check[:0], p...), to
}

// heard notes that the new address is known on the other side.
func (c *conn) heard(u *net.UDPConn, err error) {
	if err != nil || !c.unsaid.Load() || c.now.Load() != u || !c.unsaid.CompareAndSwap(true, false) || c.net.opts.Moved == nil {
		return
	}
	now, _ := u.LocalAddr().(*net.UDPAddr)
	first, _ := c.first.(*net.UDPAddr)
	c.net.opts.Moved(first.AddrPort(), now.AddrPort())
}

// moved reports whether a read from u that ended with err is to be tried again.
func (c *conn) moved(u *net.UDPConn, err error) bool {
	return err != nil && errors.Is(err, net.ErrClosed) && c.now.Load() != u
}
