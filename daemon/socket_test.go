package daemon

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// stampedSocket is a UDP socket on loopback that notes when the kernel got each
// packet.
type stampedSocket struct {
	*net.UDPConn
	offset time.Duration // from the wall clock to the boot clock

	mu      sync.Mutex
	arrived []arrived
}

// arrived is one media packet.
type arrived struct {
	at   time.Duration // on the boot clock
	ssrc uint32        // of RTP; 0: RTCP
}

func listenStamped(t *testing.T) *stampedSocket {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetReadBuffer(8 << 20); err != nil { // nothing that comes may be lost here
		t.Fatal(err)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			t.Errorf("cannot have packets time-stamped: %v", err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	var wall unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &wall) // cannot fail on Linux
	return &stampedSocket{UDPConn: c, offset: bootNow() - time.Duration(wall.Nano())}
}

func bootNow() time.Duration {
	var boot unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) // cannot fail on Linux
	return time.Duration(boot.Nano())
}

// ReadFrom notes media packets: SRTP and SRTCP begin with 128 to 191 (RFC 7983).
func (s *stampedSocket) ReadFrom(p []byte) (int, net.Addr, error) {
	oob := make([]byte, 64)
	n, oobn, _, from, err := s.ReadMsgUDP(p, oob)
	if err != nil {
		return n, from, err
	}
	if n > 0 && p[0] >= 128 && p[0] <= 191 {
		if messages, err := syscall.ParseSocketControlMessage(oob[:oobn]); err == nil {
			for _, m := range messages {
				if m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
					wall := time.Duration(binary.NativeEndian.Uint64(m.Data))*time.Second + time.Duration(binary.NativeEndian.Uint64(m.Data[8:]))
					s.mu.Lock()
					s.arrived = append(s.arrived, arrived{at: wall + s.offset, ssrc: rtpSSRC(p[:n])})
					s.mu.Unlock()
				}
			}
		}
	}
	return n, from, nil
}

// media counts the media packets of the last 500 ms before the deadline and after
// it, and tells when the last one before it came.
func (s *stampedSocket) media(deadline time.Duration) (before, after int, last time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.arrived {
		switch at := a.at; {
		case at > deadline:
			after++
		case at > deadline-500*time.Millisecond:
			before++
			last = max(last, at)
		}
	}
	return before, after, last
}

// streams counts the packets of some streams that came up to the deadline.
func (s *stampedSocket) streams(deadline time.Duration, ssrcs map[uint32]bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.arrived {
		if a.at <= deadline && ssrcs[a.ssrc] {
			n++
		}
	}
	return n
}

// rtpSSRC is the source of an RTP packet, whose header SRTP leaves open; 0 for RTCP,
// whose packet types 192 to 223 stand where RTP has its payload type (RFC 5761, 4).
func rtpSSRC(p []byte) uint32 {
	if len(p) < 12 || (p[1] >= 192 && p[1] <= 223) {
		return 0
	}
	return binary.BigEndian.Uint32(p[8:])
}
