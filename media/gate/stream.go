package gate

import (
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/pion/transport/v5"
)

// streamConn is a stream to a relay (TURN over TCP or TLS). pion writes one
// message at a time into it, a TLS layer one record.
//
// A stream cannot be gated packet by packet: what stands in the kernel's queue
// leaves later, and is sent again when it is lost. So a stream that has carried
// media is reset when the gate is shut; a "bye" then goes by signaling.
type streamConn struct {
	net.Conn
	gate    *Gate
	carried atomic.Bool // media, or what could have been media
	once    sync.Once
}

func (g *Gate) stream(c net.Conn) *streamConn {
	s := &streamConn{Conn: c, gate: g}
	g.streamsMu.Lock()
	g.streams[s] = struct{}{}
	g.streamsMu.Unlock()
	return s
}

func (c *streamConn) Write(p []byte) (int, error) {
	write := func() (int, error) { return c.Conn.Write(p) }
	k := classify(p)
	if k == kindControl {
		return write()
	}
	// Before the look at the gate: Shut closes the gate first and looks here
	// afterwards, so one of the two sees the other.
	c.carried.Store(true)
	if k == kindSealed {
		return c.gate.writeOpaque(len(p), write)
	}
	return c.gate.write(len(p), write)
}

func (c *streamConn) Close() error {
	c.gate.streamsMu.Lock()
	delete(c.gate.streams, c)
	c.gate.streamsMu.Unlock()
	return c.Conn.Close()
}

// reset drops what is queued and wakes a writer, if there can be media in it.
func (c *streamConn) reset() {
	if !c.carried.Load() {
		return
	}
	c.once.Do(func() {
		if l, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
			_ = l.SetLinger(0) // a dead socket cannot be made deader
		}
		_ = c.Conn.Close()
	})
}

// tcpConn is a streamConn with the methods of a TCP connection.
type tcpConn struct {
	transport.TCPConn
	*streamConn
}

func (c *tcpConn) Write(p []byte) (int, error) { return c.streamConn.Write(p) }
func (c *tcpConn) Close() error                { return c.streamConn.Close() }

// ReadFrom keeps io.Copy from writing past the gate.
func (c *tcpConn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}
