package phonepeer

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// keptArrivals is of how many packets the arrival is remembered: several seconds of a
// call.
const keptArrivals = 4096

// arrivals remembers when the newest packets of media reached this machine. The kernel
// says when: a busy program reads them later. On one machine that is when they were
// sent.
type arrivals struct {
	mu   sync.Mutex
	list []time.Time // a ring, once it is full
	next int
}

func (a *arrivals) add(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.list) < keptArrivals {
		a.list = append(a.list, at)
		return
	}
	a.list[a.next] = at
	a.next = (a.next + 1) % keptArrivals
}

// since counts those at t or later.
func (a *arrivals) since(t time.Time) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, at := range a.list {
		if !at.Before(t) {
			n++
		}
	}
	return n
}

// stampPackets lets the kernel note when packets come. One that cannot leaves it to the
// reader.
func stampPackets(c *net.UDPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) // see above
	})
}

// isMedia reports whether a packet is RTP: RFC 7983, 7 and RFC 5761, 4.
func isMedia(p []byte) bool {
	return len(p) > 1 && p[0] >= 128 && p[0] <= 191 && (p[1]&0x7f < 64 || p[1]&0x7f > 95)
}

// oobSize holds the one control message that is asked for.
const oobSize = 128

var oobPool = sync.Pool{New: func() any { return new([oobSize]byte) }}

// readStamped reads a packet and says when it came.
func readStamped(c *net.UDPConn, p []byte) (n int, from netip.AddrPort, at time.Time, err error) {
	oob := oobPool.Get().(*[oobSize]byte)
	defer oobPool.Put(oob)
	n, noob, _, from, err := c.ReadMsgUDPAddrPort(p, oob[:])
	return n, from, stampOf(oob[:noob]), err
}

// stampOf reads the kernel's stamp; without one it is now.
func stampOf(oob []byte) time.Time {
	for len(oob) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS {
			switch len(data) {
			case 16:
				return time.Unix(int64(binary.NativeEndian.Uint64(data)), int64(binary.NativeEndian.Uint64(data[8:])))
			case 8:
				return time.Unix(int64(binary.NativeEndian.Uint32(data)), int64(binary.NativeEndian.Uint32(data[4:])))
			}
		}
		oob = rest
	}
	return time.Now()
}
