package gate

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"

	"callbox/hal/clock"
)

// TestSockets writes media and control by every method of every kind of socket,
// before and after Shut.
func TestSockets(t *testing.T) {
	std, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	to := sink.LocalAddr().(*net.UDPAddr)
	port := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(to.Port))
	any4 := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}

	g := New(clock.Go())
	n := g.Net(std)
	open := func(c transport.UDPConn, err error) transport.UDPConn {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	listened := open(n.ListenUDP("udp4", any4))
	dialled := open(n.DialUDP("udp4", nil, to))
	packet, err := n.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packet.Close()
	conn, err := n.Dial("udp4", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	type addrPortWriter interface {
		WriteToAddrPort([]byte, netip.AddrPort) (int, error)
	}
	ways := map[string]func([]byte) (int, error){
		"WriteTo":         func(p []byte) (int, error) { return listened.WriteTo(p, to) },
		"WriteToUDP":      func(p []byte) (int, error) { return listened.WriteToUDP(p, to) },
		"WriteMsgUDP":     func(p []byte) (int, error) { m, _, err := listened.WriteMsgUDP(p, nil, to); return m, err },
		"WriteToAddrPort": func(p []byte) (int, error) { return listened.(addrPortWriter).WriteToAddrPort(p, port) },
		"dialled Write":   dialled.Write,
		"ListenPacket":    func(p []byte) (int, error) { return packet.WriteTo(p, to) },
		"Dial":            conn.Write,
	}
	arrived := func(p []byte, way func([]byte) (int, error)) bool {
		t.Helper()
		if m, err := way(p); m != len(p) || err != nil {
			t.Fatalf("write = %d, %v", m, err)
		}
		buf := make([]byte, 100)
		// A dropped packet is followed by one that passes, so nobody has to wait.
		mark := stun(0x0001, 0x0006, []byte("mark"))
		if _, err := sink.WriteTo(mark, to); err != nil {
			t.Fatal(err)
		}
		sink.SetReadDeadline(time.Now().Add(5 * time.Second))
		m, _, err := sink.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		if string(buf[:m]) == string(mark) {
			return false
		}
		if m, _, err = sink.ReadFrom(buf); err != nil || string(buf[:m]) != string(mark) {
			t.Fatalf("mark: %x, %v", buf[:m], err)
		}
		return true
	}
	check := func(stage string, p []byte, want bool) {
		t.Helper()
		for name, way := range ways {
			if got := arrived(p, way); got != want {
				t.Errorf("%s, %s: arrived = %v, want %v", stage, name, got, want)
			}
		}
	}
	binding := stun(0x0001, 0x0006, []byte("a:b"))
	check("STUN before the start", binding, true)
	check("RTP before the start", rtp(), false)
	g.Open(false, 0)
	check("RTP in the call", rtp(), true)
	// What could be media behind somebody else's encryption stops with it.
	delete(ways, "Dial") // has carried media: a stream is reset
	g.Shut()
	check("RTP after the end", rtp(), false)
	check("RTCP after the end", rtcp(), false)
	check("RTP in ChannelData after the end", channelData(rtp()), false)
	check("STUN after the end", binding, true)
	if arrived(dtls(), ways["dialled Write"]) {
		t.Error("sealed data left to a relay after the end")
	}
	delete(ways, "dialled Write")
	check("DTLS after the end", dtls(), true)
}

// TestMulticastIsRaw: mDNS needs the system's socket.
func TestMulticastIsRaw(t *testing.T) {
	std, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(clock.Go()).Net(std).ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(224, 0, 0, 0)})
	if err != nil {
		t.Skipf("no multicast here: %v", err)
	}
	defer c.Close()
	if _, ok := c.(*net.UDPConn); !ok {
		t.Errorf("got %T, want *net.UDPConn", c)
	}
}
