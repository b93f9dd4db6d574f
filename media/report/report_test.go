package report

import (
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"callbox/hal/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tracks are a sound and a picture track behind a Reporter, and what it reports.
type tracks struct {
	*Reporter
	sound, pictures interceptor.RTPWriter

	mu   sync.Mutex
	told []*rtcp.SenderReport
}

// newTracks: RTP time of the sound began to count 20 ms after the clock, that of the
// pictures 1 s before the numbers end.
func newTracks(t *testing.T) *tracks {
	t.Helper()
	l := &tracks{}
	l.Reporter = New(Options{
		Clock: clock.Go(),
		Sound: func(at time.Duration) (uint32, bool) {
			return uint32((at - 20*time.Millisecond).Milliseconds() * 48), at > 1500*time.Millisecond
		},
		Pictures: func(at time.Duration) (uint32, bool) { return 1<<32 - 90_000 + uint32(at.Milliseconds()*90), true },
	})
	out := interceptor.RTPWriterFunc(func(_ *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) { return len(payload), nil })
	l.sound = l.BindLocalStream(&interceptor.StreamInfo{MimeType: "audio/opus", SSRC: 1, SSRCRetransmission: 7}, out)
	l.pictures = l.BindLocalStream(&interceptor.StreamInfo{MimeType: "video/H264", SSRC: 2, SSRCRetransmission: 8}, out)
	l.BindRTCPWriter(interceptor.RTCPWriterFunc(func(packets []rtcp.Packet, _ interceptor.Attributes) (int, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, p := range packets {
			report, ok := p.(*rtcp.SenderReport)
			if !ok {
				t.Fatalf("a %T was sent", p)
			}
			if _, err := report.Marshal(); err != nil {
				t.Fatal(err)
			}
			l.told = append(l.told, report)
		}
		return 0, nil
	}))
	t.Cleanup(func() {
		for range 2 {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return l
}

func send(t *testing.T, w interceptor.RTPWriter, h *rtp.Header, payload ...byte) {
	t.Helper()
	if _, err := w.Write(h, payload, nil); err != nil {
		t.Fatal(err)
	}
}

// next is what is reported within the next second.
func (l *tracks) next() []*rtcp.SenderReport {
	time.Sleep(Every)
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	told := l.told
	l.told = nil
	return told
}

// TestReports: the time of a report is the wall clock's, and its RTP time that of what is
// captured at that moment, however late packets are sent.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTracks(t) // a bubble begins with the year 2000, whose NTP time is known
		const year2000 = 3_155_673_600 << 32
		time.Sleep(time.Millisecond) // after the ticks
		if got := l.next(); len(got) != 0 {
			t.Fatalf("before something is sent, %v is reported", got)
		}
		time.Sleep(249 * time.Millisecond)
		send(t, l.sound, &rtp.Header{SSRC: 1, Timestamp: 4711}, 1, 2, 3)
		send(t, l.sound, &rtp.Header{SSRC: 1}, 4, 5)
		send(t, l.sound, &rtp.Header{SSRC: 7}, 1, 2, 3) // again
		send(t, l.pictures, &rtp.Header{SSRC: 2, Timestamp: 1}, 1, 2, 3, 4)
		send(t, l.pictures, &rtp.Header{SSRC: 8}, 1, 2, 3, 4)                         // again
		send(t, l.pictures, &rtp.Header{SSRC: 2, Padding: true}, 9, 0, 0, 3)          // one byte is no padding
		send(t, l.pictures, &rtp.Header{SSRC: 2, Padding: true}, 0, 200)              // more than there is
		send(t, l.pictures, &rtp.Header{SSRC: 2, Padding: true, PaddingSize: 9}, 250) // pion adds it
		want := []*rtcp.SenderReport{
			{SSRC: 1, NTPTime: year2000 + 2<<32, RTPTime: 1980 * 48, PacketCount: 2, OctetCount: 5},
			{SSRC: 2, NTPTime: year2000 + 2<<32, RTPTime: 90_000, PacketCount: 4, OctetCount: 6},
		}
		if got := l.next(); !reflect.DeepEqual(got, want) {
			t.Errorf("reported is %v\nwant %v", got, want)
		}
		for i := range want { // nothing is sent, and time goes on
			want[i].NTPTime += 1 << 32
			want[i].RTPTime += []uint32{48_000, 90_000}[i]
		}
		if got := l.next(); !reflect.DeepEqual(got, want) {
			t.Errorf("a second later, reported is %v\nwant %v", got, want)
		}
		l.UnbindLocalStream(&interceptor.StreamInfo{SSRC: 1})
		want[1].NTPTime += 1 << 32
		want[1].RTPTime += 90_000
		if got := l.next(); !reflect.DeepEqual(got, want[1:]) {
			t.Errorf("without the sound, reported is %v\nwant %v", got, want[1:])
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got := l.next(); len(got) != 0 {
			t.Errorf("after the end, %v is reported", got)
		}
	})
}

// TestUnknown: of a track whose time is not known yet nothing is said.
func TestUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTracks(t)
		time.Sleep(time.Millisecond)
		send(t, l.sound, &rtp.Header{SSRC: 1}, 1)
		if got := l.next(); len(got) != 0 {
			t.Errorf("reported is %v", got)
		}
		if got := l.next(); len(got) != 1 {
			t.Errorf("reported is %v, want the sound", got)
		}
	})
}

func TestNTP(t *testing.T) {
	for at, want := range map[time.Time]uint64{
		time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC):             0,
		time.Date(1970, 1, 1, 0, 0, 0, 500_000_000, time.UTC):   epoch<<32 + 1<<31,
		time.Date(2036, 2, 7, 6, 28, 16, 250_000_000, time.UTC): 1 << 30, // the next era
	} {
		if got := ntp(at); got != want {
			t.Errorf("%v is %x, want %x", at, got, want)
		}
	}
}
