package media

import (
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	piontwcc "github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"callbox/media/twcc"
)

// slowWay is the way of a talk to its phone: a link with a rate and a queue, and a phone that
// reports what arrives as Chromium does. It takes the place of pion's transport, so that it
// works in the fake time of a bubble.
type slowWay struct {
	*talk
	t     *testing.T
	phone *piontwcc.Recorder

	mu      sync.Mutex
	rate    float64 // bit/s
	queue   float64 // bytes that wait at most
	lose    int     // each so many'th packet; 0: none
	apart   bool    // the phone wants no reports of sound
	busy    time.Time
	packets int
	arrived []arrival
}

// arrival is a packet that has come.
type arrival struct {
	at       time.Time
	late     time.Duration
	size     int
	sound    bool
	fill     bool // padding
	corrects bool // sound with the packet before in it, too
}

const (
	soundSSRC   = 1
	pictureSSRC = 2
	wayDelay    = 10 * time.Millisecond
)

// newSlowWay begins a talk over a link.
func newSlowWay(t *testing.T, e *Engine, rate float64, changes ...func(*slowWay)) *slowWay {
	t.Helper()
	w := &slowWay{talk: newTalk(t, e, true), t: t, phone: piontwcc.NewRecorder(9), rate: rate, queue: 30_000}
	for _, change := range changes {
		change(w)
	}
	w.video.use(e.codecs[0])
	w.bind(w.video.track, e.codecs[0].capability, pictureSSRC)
	w.bind(w.audio.track, opusCodec(), soundSSRC)
	stop, done := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-done })
	go func() {
		defer close(done)
		w.report(stop)
	}()
	w.connect()
	w.Accept(Limit{})
	return w
}

// bind lets a track write into the link, as RTPSender does.
func (w *slowWay) bind(track webrtc.TrackLocal, codec webrtc.RTPCodecCapability, ssrc uint32) {
	w.t.Helper()
	info := &interceptor.StreamInfo{SSRC: ssrc}
	if ssrc != soundSSRC || !w.apart {
		info.RTPHeaderExtensions = []interceptor.RTPHeaderExtension{{URI: twcc.URI, ID: 5}}
	}
	out := w.send.recorder.BindLocalStream(info, interceptor.RTPWriterFunc(w.carry))
	if _, err := track.Bind(&boundTrack{codec: codec, ssrc: ssrc, out: out}); err != nil {
		w.t.Fatal(err)
	}
}

// carry puts one packet on the link.
func (w *slowWay) carry(h *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, size := time.Now(), h.MarshalSize()+len(payload)
	if w.busy.Before(now) {
		w.busy = now
	}
	w.packets++
	if w.lose > 0 && w.packets%w.lose == 0 || w.busy.Sub(now).Seconds()*w.rate/8 > w.queue {
		return size, nil
	}
	w.busy = w.busy.Add(time.Duration(float64(size*8) / w.rate * float64(time.Second)))
	var x rtp.TransportCCExtension
	numbered := h.SSRC != soundSSRC || !w.apart
	if err := x.Unmarshal(h.GetExtension(5)); err != nil && numbered {
		w.t.Errorf("a packet has no number: %v", err)
	}
	a := arrival{
		at: w.busy.Add(wayDelay), late: w.busy.Sub(now) + wayDelay, size: size, sound: h.SSRC == soundSSRC, fill: h.Padding,
		corrects: h.SSRC == soundSSRC && corrects(payload),
	}
	ssrc := h.SSRC
	time.AfterFunc(a.late, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if numbered {
			w.phone.Record(ssrc, x.TransportSequence, a.at.UnixMicro())
		}
		w.arrived = append(w.arrived, a)
	})
	return size, nil
}

// report hands the phone's reports to the device.
func (w *slowWay) report(stop chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		w.mu.Lock()
		reports := w.phone.BuildFeedbackPacket()
		w.mu.Unlock()
		time.Sleep(wayDelay)
		for _, r := range reports {
			b, err := r.Marshal()
			if err != nil {
				w.t.Error(err)
				return
			}
			read := w.send.recorder.BindRTCPReader(interceptor.RTCPReaderFunc(func(into []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
				return copy(into, b), a, nil
			}))
			_, _, _ = read.Read(make([]byte, 1500), nil)
		}
	}
}

// become changes the link, and returns what came in the last part of a time.
func (w *slowWay) become(rate float64, span, last time.Duration) passage {
	w.t.Helper()
	w.mu.Lock()
	w.rate = rate
	w.mu.Unlock()
	return w.pass(span, last)
}

// losing makes each so many'th packet get lost.
func (w *slowWay) losing(each int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = each
}

// pass lets time go by.
func (w *slowWay) pass(span, last time.Duration) passage {
	w.t.Helper()
	time.Sleep(span)
	w.mu.Lock()
	defer w.mu.Unlock()
	p := passage{}
	for _, a := range w.arrived {
		if time.Since(a.at) > last {
			continue
		}
		switch {
		case a.fill:
			p.fill++
		case a.sound:
			p.sound++
			p.late = max(p.late, a.late)
			if a.corrects {
				p.corrects++
			}
		default:
			p.pictures += float64(a.size*8) / last.Seconds()
		}
	}
	return p
}

// passage is what came in a time.
type passage struct {
	pictures float64       // bit/s
	sound    int           // packets
	corrects int           // of them
	fill     int           // packets of padding
	late     time.Duration // the latest sound
}

// corrects says whether a packet of Opus has the one before in it, too: the LBRR flag is the
// second bit of a frame of 20 ms in the modes that can have it (RFC 6716, 3.1 and 4.2.3).
func corrects(payload []byte) bool {
	return len(payload) > 1 && payload[0]>>3 < 16 && payload[0]&3 == 0 && payload[1]>>6&1 == 1
}

// boundTrack is the context of a track whose packets go into a link.
type boundTrack struct {
	webrtc.TrackLocalContext
	codec webrtc.RTPCodecCapability
	ssrc  uint32
	out   interceptor.RTPWriter
}

func (b *boundTrack) CodecParameters() []webrtc.RTPCodecParameters {
	return []webrtc.RTPCodecParameters{{RTPCodecCapability: b.codec, PayloadType: 100}}
}
func (b *boundTrack) SSRC() webrtc.SSRC                       { return webrtc.SSRC(b.ssrc) }
func (b *boundTrack) SSRCRetransmission() webrtc.SSRC         { return 0 }
func (b *boundTrack) SSRCForwardErrorCorrection() webrtc.SSRC { return 0 }
func (b *boundTrack) ID() string                              { return "way" }
func (b *boundTrack) WriteStream() webrtc.TrackLocalWriter    { return b }

func (b *boundTrack) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	own := h.Clone()
	return b.out.Write(&own, payload, nil)
}

func (b *boundTrack) Write([]byte) (int, error) { return 0, nil }
