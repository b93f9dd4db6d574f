// Package report tells the phone what the RTP times of our tracks mean: the sender
// reports of RTCP (RFC 3550, 6.4.1), by which a phone brings sound and pictures
// together. It is an interceptor of pion.
//
// pion has one of its own. It takes the moment at which a packet is sent for the one
// that its RTP time stands for; what encoder, canceller and pacer take would then look
// like a part of the sound or of the picture, and be made up for at the wrong end. Here
// both tracks are measured by one clock, that of the capture.
package report

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"callbox/hal/clock"
)

// Every is how often each track is reported.
const Every = time.Second

// epoch is how many seconds the era of NTP began before that of Unix (RFC 5905, 6).
const epoch = 2_208_988_800

// Time returns the RTP time of what is captured at a moment on the clock, which may be
// the present one although what is captured now has not been sent yet; false while it is
// not known.
type Time func(at time.Duration) (rtp uint32, known bool)

// Options are what a Reporter needs.
type Options struct {
	Clock clock.Clock
	// Sound and Pictures are asked from a goroutine of the Reporter, once packets of such
	// a track were sent.
	Sound, Pictures Time
}

// Reporter is the interceptor of one session. It has to be registered after the one that
// sends again what was lost, so that these packets do not pass it: they are no new ones.
type Reporter struct {
	interceptor.NoOp
	opts Options

	mu      sync.Mutex
	streams []*stream

	once sync.Once
	stop chan struct{}
	done sync.WaitGroup
}

// stream is one of our tracks.
type stream struct {
	ssrc            uint32
	time            Time
	packets, octets atomic.Uint32 // so far; both go over their ends
}

// New returns a reporter.
func New(o Options) *Reporter {
	return &Reporter{opts: o, stop: make(chan struct{})}
}

// NewInterceptor returns the reporter itself: a session has one.
func (r *Reporter) NewInterceptor(string) (interceptor.Interceptor, error) { return r, nil }

// BindLocalStream counts what a track sends.
func (r *Reporter) BindLocalStream(info *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	s := &stream{ssrc: info.SSRC, time: r.opts.Pictures}
	if strings.HasPrefix(strings.ToLower(info.MimeType), "audio/") {
		s.time = r.opts.Sound
	}
	r.mu.Lock()
	r.streams = append(r.streams, s)
	r.mu.Unlock()
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		n, err := next.Write(h, payload, a)
		if err == nil && h != nil && h.SSRC == s.ssrc {
			s.octets.Add(uint32(len(payload) - padding(h, payload)))
			s.packets.Add(1)
		}
		return n, err
	})
}

// padding is how many bytes of a payload say nothing (RFC 3550, 5.1).
func padding(h *rtp.Header, payload []byte) int {
	if !h.Padding || h.PaddingSize > 0 || len(payload) == 0 { // with a size, pion adds it
		return 0
	}
	return min(int(payload[len(payload)-1]), len(payload))
}

// UnbindLocalStream forgets a track.
func (r *Reporter) UnbindLocalStream(info *interceptor.StreamInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, s := range r.streams {
		if s.ssrc == info.SSRC {
			r.streams = append(r.streams[:i], r.streams[i+1:]...)
			return
		}
	}
}

// BindRTCPWriter begins to report.
func (r *Reporter) BindRTCPWriter(w interceptor.RTCPWriter) interceptor.RTCPWriter {
	r.done.Go(func() {
		tick := time.NewTicker(Every)
		defer tick.Stop()
		for {
			select {
			case <-r.stop:
				return
			case <-tick.C:
			}
			for _, p := range r.reports() {
				_, _ = w.Write([]rtcp.Packet{p}, nil) // the next one tells it again
			}
		}
	})
	return w
}

// reports are those of the tracks that have sent something, all of one moment.
func (r *Reporter) reports() (list []rtcp.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// One look at both clocks for all tracks: a wall clock that is set during a call moves
	// them together. It must be that of the system, by which pion takes the round trip from
	// what the phone says of a report.
	wall, now := time.Now(), r.opts.Clock.Now()
	for _, s := range r.streams {
		packets := s.packets.Load()
		if packets == 0 {
			continue
		}
		at, known := s.time(now)
		if !known {
			continue
		}
		list = append(list, &rtcp.SenderReport{
			SSRC: s.ssrc, NTPTime: ntp(wall), RTPTime: at, PacketCount: packets, OctetCount: s.octets.Load(),
		})
	}
	return list
}

// ntp is a time in NTP's format: seconds of its era, and 2^32 parts of one.
func ntp(t time.Time) uint64 {
	return uint64(t.Unix()+epoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// Close ends the reports and waits.
func (r *Reporter) Close() error {
	r.once.Do(func() { close(r.stop) })
	r.done.Wait()
	return nil
}
