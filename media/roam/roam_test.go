package roam

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
)

// house is the addresses of a device, as far as a test wants to know.
type house struct {
	transport.Net
	mu      sync.Mutex
	lost    map[netip.Addr]bool
	present []string // of the interface "lo"
}

func newHouse(t *testing.T) *house {
	t.Helper()
	below, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	return &house{Net: below, lost: map[netip.Addr]bool{}}
}

func (h *house) lose(a string, gained ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost[netip.MustParseAddr(a)] = true
	h.present = gained
}

func (h *house) gone(a netip.Addr) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lost[a]
}

func (h *house) Interfaces() ([]*transport.Interface, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := transport.NewInterface(net.Interface{Name: "lo", Flags: net.FlagUp})
	for _, a := range h.present {
		i.AddAddress(&net.IPNet{IP: net.ParseIP(a), Mask: net.CIDRMask(8, 32)})
	}
	return []*transport.Interface{i}, nil
}

func (h *house) listen(t *testing.T, o Options, at string) transport.UDPConn {
	t.Helper()
	o.Gone = h.gone
	c, err := Net(h, o).ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// other is the other end.
type other struct{ *net.UDPConn }

func newOther(t *testing.T) other {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return other{c}
}

func (o other) at() netip.AddrPort {
	a, _ := o.LocalAddr().(*net.UDPAddr)
	return a.AddrPort()
}

// next returns the next packet and where it came from.
func (o other) next(t *testing.T) ([]byte, netip.AddrPort) {
	t.Helper()
	if err := o.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1500)
	n, from, err := o.ReadFromUDPAddrPort(p)
	if err != nil {
		t.Fatal(err)
	}
	return p[:n], from
}

func send(t *testing.T, c transport.UDPConn, p []byte, to netip.AddrPort) {
	t.Helper()
	if _, err := c.WriteToUDP(p, net.UDPAddrFromAddrPort(to)); err != nil {
		t.Fatal(err)
	}
}

// check is a connectivity check, as far as its header goes.
func check() []byte {
	p := binary.BigEndian.AppendUint16(nil, stunBindingRequest)
	p = binary.BigEndian.AppendUint16(p, 0)
	p = binary.BigEndian.AppendUint32(p, stunCookie)
	return append(p, "transaction!"...)
}

// due makes the next look due.
func due(c transport.UDPConn) { lookAt(c, 0) }

// notDue lets the next look wait, however slow the machine is.
func notDue(c transport.UDPConn) { lookAt(c, math.MaxInt64) }

func lookAt(c transport.UDPConn, at int64) {
	if c, ok := c.(*conn); ok {
		c.lookAt.Store(at)
		c.failAt.Store(at)
	}
}

func TestMove(t *testing.T) {
	media := []byte("\x80media")
	keep := func(name string) bool { return name == "lo" }
	for name, tt := range map[string]struct {
		opts   Options
		gained []string
		want   string // where it sends from then
	}{
		"any address will do":                 {want: "127.0.0.1"},
		"only one of an interface":            {Options{Keep: keep}, []string{"127.0.0.8"}, "127.0.0.8"},
		"no interface has one yet":            {Options{Keep: keep}, nil, "127.0.0.7"},
		"the interface that has one is other": {Options{Keep: func(string) bool { return false }}, []string{"127.0.0.8"}, "127.0.0.7"},
	} {
		t.Run(name, func(t *testing.T) {
			h, peer := newHouse(t), newOther(t)
			var moves atomic.Int32
			tt.opts.Moved = func(from, to netip.AddrPort) {
				moves.Add(1)
				if from.Addr().String() != "127.0.0.7" || from == to {
					t.Errorf("moved from %v to %v", from, to)
				}
			}
			c := h.listen(t, tt.opts, "127.0.0.7:0")
			notDue(c)
			was := c.LocalAddr().String()
			got := make(chan []byte)
			go func() { // reads all the time, as ICE does
				defer close(got)
				p := make([]byte, 100)
				for {
					n, _, err := c.ReadFromUDP(p)
					if err != nil {
						return
					}
					got <- bytes.Clone(p[:n])
				}
			}()
			send(t, c, check(), peer.at())
			_, at := peer.next(t)
			if at.Addr().String() != "127.0.0.7" {
				t.Fatalf("sent from %v", at)
			}
			if _, err := peer.WriteToUDPAddrPort([]byte("before"), at); err != nil {
				t.Fatal(err)
			}
			if p := <-got; string(p) != "before" { // from here on a read is under way
				t.Fatalf("read %q", p)
			}
			h.lose("127.0.0.7", tt.gained...)
			send(t, c, media, peer.at()) // not looked at yet
			peer.next(t)
			due(c)
			send(t, c, media, peer.at())
			p, from := peer.next(t)
			send(t, c, media, peer.at())
			moved := tt.want != "127.0.0.7"
			if moved { // the first went out while it was looked
				p, from = peer.next(t)
				if !bytes.Equal(p, check()) {
					t.Errorf("the first packet from %v is %q, want the check", from, p)
				}
				if p, _ = peer.next(t); !bytes.Equal(p, media) {
					t.Errorf("then %q came, want the media", p)
				}
			} else if !bytes.Equal(p, media) {
				t.Errorf("%q came, want the media", p)
			}
			if from.Addr().String() != tt.want {
				t.Errorf("sent from %v, want %s", from, tt.want)
			}
			if moves.Load() != 0 {
				t.Error("told of the move before anything came to the new address")
			}
			if now := c.LocalAddr().String(); now != was {
				t.Errorf("LocalAddr = %s, want %s as before: ICE knows it by that", now, was)
			}
			if _, err := peer.WriteToUDPAddrPort([]byte("back"), from); err != nil {
				t.Fatal(err)
			}
			select {
			case p := <-got:
				if string(p) != "back" {
					t.Errorf("read %q", p)
				}
			case <-time.After(10 * time.Second):
				t.Error("nothing was read after the move")
			}
			if (moves.Load() == 1) != moved {
				t.Errorf("told of %d moves", moves.Load())
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			for range got { // ends with the socket
				t.Error("something was read after Close")
			}
		})
	}
}

// TestCheckIsRepeated: until something comes from the other side.
func TestCheckIsRepeated(t *testing.T) {
	h, peer := newHouse(t), newOther(t)
	c := h.listen(t, Options{}, "127.0.0.7:0")
	send(t, c, check(), peer.at())
	peer.next(t)
	h.lose("127.0.0.7")
	due(c)
	media := []byte("\x80media")
	checks := 0
	for sent := 0; checks < 3 || sent > 0; {
		if checks < 3 {
			send(t, c, media, peer.at())
			sent++
		}
		if p, _ := peer.next(t); bytes.Equal(p, check()) {
			checks++
		} else {
			sent--
		}
		time.Sleep(time.Millisecond) // there is a pause between two checks, which is part of it
	}
	now, ok := c.(*conn)
	if !ok {
		t.Fatalf("%T", c)
	}
	now.mu.Lock()
	now.saidAt = time.Since(now.began) + time.Hour
	now.mu.Unlock()
	for { // a slow machine may have said one more
		_ = peer.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, _, err := peer.ReadFromUDPAddrPort(make([]byte, 100)); err != nil {
			break
		}
	}
	for range 3 {
		send(t, c, media, peer.at())
		if p, _ := peer.next(t); !bytes.Equal(p, media) {
			t.Errorf("%q came without a pause after the last check", p)
		}
	}
	now.heard(now.now.Load(), nil)
	now.mu.Lock()
	now.saidAt = -time.Hour // it would be due
	now.mu.Unlock()
	for range 5 {
		send(t, c, media, peer.at())
		if p, _ := peer.next(t); !bytes.Equal(p, media) {
			t.Errorf("%q came although the other side has been heard", p)
		}
	}
}

// TestFailedWrite: the packet that fails because the address is gone is sent from the
// next one. In the bubble no time goes by between two writes.
func TestFailedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		c, ok := h.listen(t, Options{}, "127.0.0.7:0").(*conn)
		if !ok {
			t.Fatal("the socket does not roam")
		}
		u := c.now.Load()
		if c.after(u, syscall.ENETUNREACH) || c.now.Load() != u {
			t.Error("it has moved from an address that is there")
		}
		h.lose("127.0.0.7")
		time.Sleep(failEvery - 1)
		if c.after(u, syscall.ENETUNREACH) {
			t.Error("it has looked again at once")
		}
		time.Sleep(time.Nanosecond)
		if !c.after(u, syscall.ENETUNREACH) || c.now.Load() == u {
			t.Error("it stays at an address that is gone")
		}
		if !c.after(u, net.ErrClosed) {
			t.Error("who has written to the old socket does not try the new one")
		}
	})
}

// TestStays: what has no address of its own is not touched.
func TestStays(t *testing.T) {
	h := newHouse(t)
	for _, at := range []string{"0.0.0.0:0", "224.0.0.251:0"} {
		if c, ok := h.listen(t, Options{}, at).(*conn); ok {
			t.Errorf("a socket for %s roams: %v", at, c.at)
		}
	}
	c, err := Net(h, Options{}).ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok := c.(*net.UDPConn); !ok {
		t.Errorf("a socket without an address is a %T", c)
	}
}

// TestGone asks the real system.
func TestGone(t *testing.T) {
	for at, want := range map[string]bool{"127.0.0.1": false, "0.0.0.0": false, "192.0.2.77": true} {
		if got := gone(netip.MustParseAddr(at)); got != want {
			t.Errorf("gone(%s) = %v, want %v", at, got, want)
		}
	}
}

// TestManyWriters: all of them get over the move.
func TestManyWriters(t *testing.T) {
	h, peer := newHouse(t), newOther(t)
	c := h.listen(t, Options{}, "127.0.0.7:0")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 200 {
				if i == 100 {
					h.lose("127.0.0.7")
					due(c)
				}
				if _, err := c.WriteToUDP([]byte("\x80media"), net.UDPAddrFromAddrPort(peer.at())); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.WriteToUDP([]byte("late"), net.UDPAddrFromAddrPort(peer.at())); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed socket writes: %v", err)
	}
}
