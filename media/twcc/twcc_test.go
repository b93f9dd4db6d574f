package twcc

import (
	"cmp"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/interceptor"
	piontwcc "github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"callbox/hal/clock"
	"callbox/media/rate"
)

// wire is a recorder, and pion's receiver of a phone behind it.
type wire struct {
	*Recorder
	t     *testing.T
	write interceptor.RTPWriter
	phone *piontwcc.Recorder
	lose  func(number uint16) bool
	late  map[uint16]bool // arrives with the next but one
	held  []uint16
	ahead time.Duration // the phone's clock
	got   []rate.Packet
}

func newWire(t *testing.T) *wire {
	t.Helper()
	c := clock.Go()
	w := &wire{t: t, phone: piontwcc.NewRecorder(1), lose: func(uint16) bool { return false }, late: map[uint16]bool{}}
	w.Recorder = New(Options{Clock: c, Feedback: func(_ time.Duration, p []rate.Packet) {
		if !slices.IsSortedFunc(p, func(a, b rate.Packet) int { return cmp.Compare(a.Sent, b.Sent) }) {
			t.Errorf("a report is not in the order of sending: %+v", p)
		}
		w.got = append(w.got, p...)
	}})
	w.write = w.BindLocalStream(&interceptor.StreamInfo{RTPHeaderExtensions: []interceptor.RTPHeaderExtension{{URI: URI, ID: 5}}, SSRC: 2},
		interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) {
			var x rtp.TransportCCExtension
			if err := x.Unmarshal(h.GetExtension(5)); err != nil {
				t.Fatalf("a packet has no number: %v", err)
			}
			n := x.TransportSequence
			if w.late[n] {
				w.held = append(w.held, n)
			} else if !w.lose(n) {
				w.phone.Record(2, n, (c.Now() + w.ahead + 30*time.Millisecond).Microseconds())
			}
			return len(payload), nil
		}))
	return w
}

func (w *wire) send(size int) {
	w.t.Helper()
	if _, err := w.write.Write(&rtp.Header{Version: 2, SSRC: 2}, make([]byte, size), nil); err != nil {
		w.t.Fatal(err)
	}
}

// hear hands the phone's reports to the recorder, as bytes.
func (w *wire) hear() {
	w.t.Helper()
	for _, p := range w.phone.BuildFeedbackPacket() {
		b, err := p.Marshal()
		if err != nil {
			w.t.Fatal(err)
		}
		read := w.BindRTCPReader(interceptor.RTCPReaderFunc(func(into []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
			return copy(into, b), a, nil
		}))
		if n, _, err := read.Read(make([]byte, 1500), nil); n != len(b) || err != nil {
			w.t.Fatalf("the reader got %d of %d bytes: %v", n, len(b), err)
		}
	}
}

func TestArrivals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		for i := range 70_000 { // over the end of the numbers
			w.SetProbe(i % 3)
			w.send(100 + i%50)
			time.Sleep(2 * time.Millisecond)
			if i%50 == 49 {
				w.hear()
			}
		}
		if len(w.got) != 70_000 {
			t.Fatalf("%d of 70000 packets were reported", len(w.got))
		}
		offset := w.got[0].Arrived - w.got[0].Sent
		for i, p := range w.got {
			if p.Lost || p.Size != 12+8+100+i%50 || p.Probe != i%3 || (p.Arrived-p.Sent-offset).Abs() > time.Millisecond {
				t.Fatalf("packet %d: %+v; the first took %v", i, p, offset)
			}
		}
	})
}

// TestClock: the time in a report begins anew every 12 days.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		w.ahead = (1<<24)*64*time.Millisecond - w.opts.Clock.Now() - 5*time.Second
		for range 100 {
			w.send(100)
			time.Sleep(100 * time.Millisecond)
			w.hear()
		}
		if len(w.got) != 100 {
			t.Fatalf("%d of 100 packets were reported", len(w.got))
		}
		offset := w.got[0].Arrived - w.got[0].Sent
		for i, p := range w.got {
			if d := p.Arrived - p.Sent - offset; d.Abs() > time.Millisecond {
				t.Fatalf("packet %d took %v longer than the first", i, d)
			}
		}
	})
}

// TestLost: a packet is lost only when no later report has it either.
func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		w.lose = func(n uint16) bool { return n == 7 || n == 8 }
		w.late[5] = true
		for range 20 {
			w.send(100)
			time.Sleep(5 * time.Millisecond)
		}
		w.hear()
		if len(w.got) != 17 || slices.ContainsFunc(w.got, func(p rate.Packet) bool { return p.Lost }) {
			t.Fatalf("%d packets reported at once, want 17 and none lost: %+v", len(w.got), w.got)
		}
		w.phone.Record(2, w.held[0], (w.opts.Clock.Now() + 30*time.Millisecond).Microseconds())
		for range 100 {
			w.send(100)
			time.Sleep(5 * time.Millisecond)
		}
		w.hear()
		w.send(100)
		w.hear()
		lost := 0
		for _, p := range w.got {
			if p.Lost {
				lost++
			}
		}
		if len(w.got) < 120 || lost != 2 {
			t.Errorf("%d packets reported, %d of them lost; want at least 120, and 2", len(w.got), lost)
		}
	})
}

// TestRetransmissions: a phone that says nothing of their stream has not lost them.
func TestRetransmissions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		w.lose = func(n uint16) bool { return n%2 == 1 }
		for i := range 100 {
			if _, err := w.write.Write(&rtp.Header{Version: 2, SSRC: uint32(2 + i%2)}, make([]byte, 100), nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			if i%10 == 9 {
				w.hear()
			}
		}
		for _, p := range w.got {
			if p.Lost {
				t.Fatalf("%+v", p)
			}
		}
		if len(w.got) < 45 {
			t.Errorf("%d packets were reported", len(w.got))
		}
	})
}

// TestNothingAgain: what may not be sent again is not, and takes no number.
func TestNothingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire(t)
		may := false
		w.opts.Again = func(timestamp uint32) bool { return may && timestamp == 7 }
		again := func() {
			if n, err := w.write.Write(&rtp.Header{Version: 2, SSRC: 3, Timestamp: 7}, make([]byte, 100), nil); n != 100 || err != nil {
				t.Fatalf("Write = %d, %v", n, err)
			}
		}
		w.send(100)
		again()
		w.send(100)
		w.hear()
		if len(w.got) != 2 || w.history.next != 2 {
			t.Errorf("%d packets were sent, %d reported; want 2", w.history.next, len(w.got))
		}
		may = true
		again()
		if w.history.next != 3 {
			t.Error("what may be sent again was not")
		}
	})
}

func TestOtherStreams(t *testing.T) {
	r := New(Options{Clock: clock.Go()})
	next := interceptor.RTPWriterFunc(func(h *rtp.Header, _ []byte, _ interceptor.Attributes) (int, error) {
		if h.Extension {
			t.Error("a stream without the extension got one")
		}
		return 0, nil
	})
	w := r.BindLocalStream(&interceptor.StreamInfo{}, next)
	if _, err := w.Write(&rtp.Header{Version: 2}, nil, nil); err != nil {
		t.Error(err)
	}
	w = r.BindLocalStream(&interceptor.StreamInfo{RTPHeaderExtensions: []interceptor.RTPHeaderExtension{{URI: URI, ID: 5}}}, next)
	if _, err := w.Write(nil, nil, nil); !errors.Is(err, errNoHeader) {
		t.Errorf("without a header: %v", err)
	}
}

// FuzzReport: whatever a phone reports nothing is told that was not sent, and nothing
// twice.
func FuzzReport(f *testing.F) {
	good := &rtcp.TransportLayerCC{
		Header:     rtcp.Header{Padding: true, Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 5},
		SenderSSRC: 1, MediaSSRC: 2, PacketStatusCount: 1, ReferenceTime: 1,
		PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 1}},
		RecvDeltas:   []*rtcp.RecvDelta{{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 250}},
	}
	b, err := good.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0x8f, 0xcd, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var told int
		c := clock.Go()
		r := New(Options{Clock: c, Feedback: func(_ time.Duration, p []rate.Packet) { told += len(p) }})
		for range 100 {
			r.history.sent(c.Now(), 100, 0, false)
		}
		read := r.BindRTCPReader(interceptor.RTCPReaderFunc(func(into []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
			return copy(into, b), a, nil
		}))
		for range 3 {
			_, _, _ = read.Read(make([]byte, 1500), nil)
		}
		if told > 100 {
			t.Errorf("told of %d packets of 100", told)
		}
	})
}
