package gate

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal/clock"
)

// stun returns a STUN message of a type with one attribute.
func stun(typ uint16, attribute uint16, value []byte) []byte {
	p := make([]byte, stunHeader, 64)
	binary.BigEndian.PutUint16(p, typ)
	binary.BigEndian.PutUint32(p[4:], stunCookie)
	p = binary.BigEndian.AppendUint16(p, attribute)
	p = binary.BigEndian.AppendUint16(p, uint16(len(value)))
	p = append(p, value...)
	for len(p)%4 != 0 {
		p = append(p, 0)
	}
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)-stunHeader))
	return p
}

func channelData(payload []byte) []byte {
	p := []byte{0x40, 0x01}
	p = binary.BigEndian.AppendUint16(p, uint16(len(payload)))
	return append(p, payload...)
}

func rtp() []byte  { return append([]byte{0x80, 96}, make([]byte, 20)...) }
func rtcp() []byte { return append([]byte{0x81, 206}, make([]byte, 10)...) }
func dtls() []byte { return append([]byte{23, 0xfe, 0xfd}, make([]byte, 20)...) }

func TestClassify(t *testing.T) {
	binding := stun(0x0001, 0x0006, []byte("a:b"))
	for name, tt := range map[string]struct {
		in   []byte
		want kind
	}{
		"empty":                          {nil, kindControl},
		"RTP":                            {rtp(), kindMedia},
		"RTCP":                           {rtcp(), kindMedia},
		"last byte of the RTP range":     {[]byte{191, 0}, kindMedia},
		"above the RTP range":            {[]byte{192, 0}, kindMedia},
		"between TURN and RTP":           {[]byte{100, 0}, kindMedia},
		"ZRTP":                           {[]byte{17, 0}, kindMedia},
		"STUN binding":                   {binding, kindControl},
		"STUN too short":                 {binding[:8], kindMedia},
		"STUN without cookie":            {append([]byte{0, 1, 0, 0}, make([]byte, 16)...), kindMedia},
		"DTLS handshake":                 {[]byte{22, 0xfe, 0xfd}, kindControl},
		"DTLS alert":                     {[]byte{21, 0xfe, 0xfd}, kindControl},
		"DTLS application data":          {dtls(), kindSealed},
		"ChannelData with RTP":           {channelData(rtp()), kindMedia},
		"ChannelData with RTCP":          {channelData(rtcp()), kindMedia},
		"ChannelData with DTLS":          {channelData(dtls()), kindSealed},
		"ChannelData with STUN":          {channelData(binding), kindControl},
		"ChannelData cut":                {channelData(dtls())[:10], kindMedia},
		"ChannelData padded for TCP":     {append(channelData(binding), 0, 0), kindControl},
		"Send indication with RTP":       {stun(stunSendIndication, attributeData, rtp()), kindMedia},
		"Send indication with STUN":      {stun(stunSendIndication, attributeData, binding), kindControl},
		"Send indication, address only":  {stun(stunSendIndication, 0x0012, make([]byte, 8)), kindControl},
		"Send indication, broken length": {append(stun(stunSendIndication, 0x0012, make([]byte, 8)), 0, 0x13, 0xff, 0xff), kindMedia},
		"relay in relay":                 {channelData(channelData(rtp())), kindMedia},
		"relay in relay in relay":        {channelData(channelData(channelData(binding))), kindMedia},
	} {
		t.Run(name, func(t *testing.T) {
			if got := classify(tt.in); got != tt.want {
				t.Errorf("classify(%x) = %v, want %v", tt.in, got, tt.want)
			}
		})
	}
}

// FuzzClassify: whatever stands before it, RTP is never taken for something else.
func FuzzClassify(f *testing.F) {
	f.Add(rtp())
	f.Add(channelData(rtp()))
	f.Add(stun(stunSendIndication, attributeData, dtls()))
	f.Add([]byte{0, 0x16, 0, 8, 0x21, 0x12, 0xa4, 0x42})
	f.Fuzz(func(t *testing.T, p []byte) {
		k := classify(p)
		if len(p) > 0 && p[0] >= 128 && k != kindMedia {
			t.Fatalf("%x is %v", p, k)
		}
		if len(p) < 0x8000 && classify(channelData(p)) == kindControl && k != kindControl {
			t.Fatalf("%x changes its kind inside of ChannelData", p)
		}
	})
}

func TestOpenAndDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clock.Go()
		g := New(c)
		writes := 0
		send := func() int {
			before := writes
			n, err := g.write(7, func() (int, error) { writes++; return 7, nil })
			if n != 7 || err != nil {
				t.Fatalf("write = %d, %v", n, err)
			}
			return writes - before
		}
		if send() != 0 {
			t.Error("media passed before Open")
		}
		deadline := c.Now() + time.Second
		g.Open(true, deadline)
		g.Open(false, 0) // a deadline never moves
		if send() != 1 {
			t.Error("media did not pass after Open")
		}
		time.Sleep(time.Second - guard - time.Nanosecond)
		if send() != 1 {
			t.Error("media did not pass just before the guard")
		}
		time.Sleep(time.Nanosecond)
		if send() != 0 {
			t.Error("media passed within the guard")
		}
		time.Sleep(time.Hour)
		if send() != 0 {
			t.Error("media passed after the deadline")
		}
		if g.Passed() != 2 || g.Stopped() != 3 {
			t.Errorf("passed %d, stopped %d; want 2 and 3", g.Passed(), g.Stopped())
		}
	})
}

func TestNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(clock.Go())
		g.Open(false, 0)
		time.Sleep(24 * time.Hour)
		passed := false
		g.write(1, func() (int, error) { passed = true; return 1, nil })
		if !passed {
			t.Error("media stopped without a limit")
		}
	})
}

// TestShutWaits: when Shut has returned, no write is under way and none begins.
func TestShutWaits(t *testing.T) {
	g := New(clock.Go())
	g.Open(false, 0)
	var over, late sync.Map
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				g.write(1, func() (int, error) {
					if _, ok := over.Load(0); ok {
						late.Store(i, true)
					}
					return 1, nil
				})
			}
		})
	}
	g.Shut()
	over.Store(0, true)
	g.Shut()
	close(stop)
	wg.Wait()
	late.Range(func(k, _ any) bool { t.Errorf("writer %v wrote after Shut had returned", k); return true })
	g.Open(false, 0)
	g.write(1, func() (int, error) { t.Error("a shut gate was opened again"); return 1, nil })
}

// TestStreamReset: a stream that carried media is reset, also while a writer is
// stuck in it; one that carried none stays.
func TestStreamReset(t *testing.T) {
	g := New(clock.Go())
	g.Open(false, 0)
	a, b := net.Pipe() // a write blocks until it is read
	defer b.Close()
	clean, cleanEnd := net.Pipe()
	defer cleanEnd.Close()
	media, control := g.stream(a), g.stream(clean)
	defer control.Close()

	writing := make(chan error, 1)
	go func() {
		_, err := media.Write(channelData(rtp()))
		writing <- err
	}()
	one := make([]byte, 1) // the writer is in the middle of its write now
	if _, err := io.ReadFull(b, one); err != nil {
		t.Fatal(err)
	}
	g.Shut()
	if err := <-writing; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the stuck write ended with %v, want io.ErrClosedPipe", err)
	}
	go control.Write(stun(0x0001, 0x0006, []byte("a:b")))
	if _, err := io.ReadFull(cleanEnd, one); err != nil {
		t.Errorf("a stream without media was reset: %v", err)
	}
	media.Close()
}
