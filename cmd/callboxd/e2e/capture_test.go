//go:build e2e

package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// wire captures the UDP packets of one network interface, with the kernel's time
// of each, as tcpdump does. It needs CAP_NET_RAW.
type wire struct {
	t       *testing.T
	fd      int
	done    chan struct{}
	mu      sync.Mutex
	packets []captured
}

// captured is one UDP packet that left this machine's sockets.
type captured struct {
	boot       float64 // seconds on the boot clock when it was captured
	sourcePort int
	first      byte // of the payload: tells media from the rest, RFC 7983
}

func capture(t *testing.T, iface string) *wire {
	t.Helper()
	ifi, err := net.InterfaceByName(iface)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(htons(unix.ETH_P_ALL)))
	if err != nil {
		t.Fatalf("cannot capture packets: %v; the test needs root or CAP_NET_RAW", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: ifi.Index}); err != nil {
		t.Fatal(err)
	}
	for _, option := range [][2]int{{unix.SO_TIMESTAMPNS, 1}, {unix.SO_RCVBUF, 8 << 20}} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option[0], option[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}); err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, fd: fd, done: make(chan struct{})}
	stop := make(chan struct{})
	go w.read(stop)
	t.Cleanup(func() { close(stop); <-w.done; unix.Close(fd) })
	return w
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// bootOffset is what must be added to the wall clock to get the boot clock.
func bootOffset() float64 {
	var boot, wall unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) // cannot fail on Linux
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &wall)
	return float64(boot.Nano()-wall.Nano()) / 1e9
}

func (w *wire) read(stop chan struct{}) {
	defer close(w.done)
	offset := bootOffset()
	packet, control := make([]byte, 2048), make([]byte, 128)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, controlN, _, from, err := unix.Recvmsg(w.fd, packet, control, 0)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			w.t.Errorf("cannot capture: %v", err)
			return
		}
		if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
			continue // on loopback each packet is seen twice
		}
		port, payload := udp(packet[:n])
		if len(payload) == 0 {
			continue
		}
		at := kernelTime(control[:controlN])
		w.mu.Lock()
		w.packets = append(w.packets, captured{boot: at + offset, sourcePort: port, first: payload[0]})
		w.mu.Unlock()
	}
}

// kernelTime is when the kernel saw the packet, in seconds since 1970.
func kernelTime(control []byte) float64 {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err == nil {
		for _, m := range messages {
			if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
				return float64(binary.NativeEndian.Uint64(m.Data)) + float64(binary.NativeEndian.Uint64(m.Data[8:]))/1e9
			}
		}
	}
	return float64(time.Now().UnixNano()) / 1e9
}

// udp returns source port and payload of an IPv4 or IPv6 UDP packet.
func udp(p []byte) (port int, payload []byte) {
	switch {
	case len(p) > 28 && p[0]>>4 == 4 && p[9] == unix.IPPROTO_UDP:
		p = p[int(p[0]&15)*4:]
	case len(p) > 48 && p[0]>>4 == 6 && p[6] == unix.IPPROTO_UDP:
		p = p[40:]
	default:
		return 0, nil
	}
	if len(p) < 9 {
		return 0, nil
	}
	return int(binary.BigEndian.Uint16(p)), p[8:]
}

// media returns when the device's last media packet left, in seconds after the
// deadline (so normally below 0), and how many left after it. Media is SRTP and
// SRTCP from a UDP socket of the daemon: 128 to 191 in the first byte (RFC 7983).
func (w *wire) media(d *device, deadline float64) (last float64, after int) {
	w.t.Helper()
	time.Sleep(1500 * time.Millisecond) // what may still leave
	w.mu.Lock()
	defer w.mu.Unlock()
	last = -1e9
	count := 0
	for _, p := range w.packets {
		if p.first < 128 || p.first > 191 || !d.owns(p.sourcePort) {
			continue
		}
		count++
		last = max(last, p.boot-deadline)
		if p.boot > deadline {
			after++
		}
	}
	if count < 20 {
		w.t.Errorf("only %d media packets of the device were captured; %d packets in all", count, len(w.packets))
	}
	return last, after
}

// owns reports whether a UDP port belongs, or has belonged in this call, to the
// daemon.
func (d *device) owns(port int) bool {
	d.ports.mu.Lock()
	defer d.ports.mu.Unlock()
	return d.ports.seen[port]
}

// notePorts remembers the UDP ports that the daemon has open now.
func (d *device) notePorts() {
	d.t.Helper()
	inodes := map[string]bool{}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.pid()))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range entries {
		if link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", d.pid(), e.Name())); err == nil {
			if inode, ok := strings.CutPrefix(link, "socket:["); ok {
				inodes[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	d.ports.mu.Lock()
	defer d.ports.mu.Unlock()
	if d.ports.seen == nil {
		d.ports.seen = map[int]bool{}
	}
	for _, table := range []string{"udp", "udp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", d.pid(), table))
		if err != nil {
			d.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || !inodes[fields[9]] {
				continue
			}
			_, hex, _ := strings.Cut(fields[1], ":")
			if port, err := strconv.ParseInt(hex, 16, 32); err == nil {
				d.ports.seen[int(port)] = true
			}
		}
	}
}
