package twcc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"callbox/hal/clock"
	"callbox/media/rate"
)

// URI names the header extension.
const URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

// Options are what a Recorder needs.
type Options struct {
	Clock clock.Clock
	// Feedback gets what became of packets, in the order of sending, from the
	// goroutine that read the report; it must return soon.
	Feedback func(now time.Duration, packets []rate.Packet)
	// Again says whether a packet of the stream for retransmissions (RFC 4588), by its RTP
	// time, may be sent now; what may not is left out. nil: it always may.
	Again func(timestamp uint32) bool
}

// Recorder is the interceptor of one session. It has to be the one next to the
// network, so that retransmissions pass it, too: registered first.
type Recorder struct {
	interceptor.NoOp
	opts  Options
	probe atomic.Int64

	mu      sync.Mutex // held while a packet is sent: numbers go out in order
	history history
	sent    time.Duration // when the last one left
	number  [2]byte       // of that packet, as its header carries it
}

// New returns a recorder.
func New(o Options) *Recorder {
	return &Recorder{opts: o}
}

// NewInterceptor returns the recorder itself: a session has one.
func (r *Recorder) NewInterceptor(string) (interceptor.Interceptor, error) { return r, nil }

// SetProbe says that what is sent from now on belongs to a probe; 0: to none.
func (r *Recorder) SetProbe(id int) { r.probe.Store(int64(id)) }

// Sent is when the last packet left that will be reported: sound is none of them with a
// phone that wants reports of pictures only.
func (r *Recorder) Sent() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

var errNoHeader = errors.New("the packet has no header")

// BindLocalStream numbers the packets of a stream whose phone wants it.
func (r *Recorder) BindLocalStream(info *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	var id uint8
	for _, e := range info.RTPHeaderExtensions {
		if e.URI == URI && e.ID > 0 && e.ID < 256 {
			id = uint8(e.ID)
		}
	}
	if id == 0 {
		return next
	}
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		if h == nil {
			return 0, errNoHeader
		}
		again := h.SSRC != info.SSRC
		if again && r.opts.Again != nil && !r.opts.Again(h.Timestamp) {
			return len(payload), nil
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		binary.BigEndian.PutUint16(r.number[:], r.history.next)
		if err := h.SetExtension(id, r.number[:]); err != nil {
			return 0, fmt.Errorf("cannot number a packet: %w", err)
		}
		size := h.MarshalSize() + len(payload) + int(h.PaddingSize)
		r.sent = r.opts.Clock.Now()
		r.history.sent(r.sent, size, int(r.probe.Load()), again)
		return next.Write(h, payload, a)
	})
}

// BindRTCPReader looks for the reports.
func (r *Recorder) BindRTCPReader(next interceptor.RTCPReader) interceptor.RTCPReader {
	return interceptor.RTCPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, a, err := next.Read(b, a)
		if err != nil {
			return n, a, err
		}
		if a == nil {
			a = make(interceptor.Attributes)
		}
		packets, err := a.GetRTCPPackets(b[:n])
		if err != nil {
			return n, a, nil //nolint:nilerr // whoever reads finds out, and it is no end of the stream
		}
		for _, p := range packets {
			if report, ok := p.(*rtcp.TransportLayerCC); ok {
				r.report(report)
			}
		}
		return n, a, nil
	})
}

func (r *Recorder) report(report *rtcp.TransportLayerCC) {
	now := r.opts.Clock.Now()
	r.mu.Lock()
	packets := r.history.report(now, report)
	r.mu.Unlock()
	if len(packets) > 0 {
		r.opts.Feedback(now, packets)
	}
}
