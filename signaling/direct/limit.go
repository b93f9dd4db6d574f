package direct

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
)

// limitListener caps open connections, in all and per remote address. One over
// the cap is closed as soon as it is accepted.
type limitListener struct {
	net.Listener
	maxAll, maxRemote int

	mu     sync.Mutex
	open   map[*limitConn]struct{}
	remote map[netip.Addr]int
	none   *sync.Cond // open is empty
}

func newLimitListener(l net.Listener, maxAll, maxRemote int) *limitListener {
	ll := &limitListener{Listener: l, maxAll: maxAll, maxRemote: maxRemote,
		open: map[*limitConn]struct{}{}, remote: map[netip.Addr]int{}}
	ll.none = sync.NewCond(&ll.mu)
	return ll
}

// Accept returns the next connection under the caps.
func (l *limitListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.admit(conn); c != nil {
			return c, nil
		}
		conn.Close()
	}
}

func (l *limitListener) admit(conn net.Conn) *limitConn {
	c := &limitConn{Conn: conn, from: remoteAddr(conn), l: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) >= l.maxAll || l.remote[c.from] >= l.maxRemote {
		return nil
	}
	l.open[c] = struct{}{}
	l.remote[c.from]++
	return c
}

// cut closes all connections at once.
func (l *limitListener) cut() {
	if l == nil {
		return
	}
	l.mu.Lock()
	var all []*limitConn
	for c := range l.open {
		all = append(all, c)
	}
	l.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
}

// wait returns when no connection is open.
func (l *limitListener) wait() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.open) > 0 {
		l.none.Wait()
	}
}

// limitConn gives its place back when it is closed.
type limitConn struct {
	net.Conn
	from netip.Addr
	l    *limitListener
	once sync.Once
}

// Close closes the connection.
func (c *limitConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.l.mu.Lock()
		defer c.l.mu.Unlock()
		delete(c.l.open, c)
		if c.l.remote[c.from]--; c.l.remote[c.from] == 0 {
			delete(c.l.remote, c.from)
		}
		if len(c.l.open) == 0 {
			c.l.none.Broadcast()
		}
	})
	return err
}

func remoteAddr(conn net.Conn) netip.Addr {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

type rawKey struct{}

// withRaw keeps the TCP connection at hand: it is what can be cut off at any
// time, under TLS and WebSocket and whatever they wait for.
func withRaw(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, rawKey{}, c)
}
