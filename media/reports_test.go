package media

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/virtual"
)

// held is for how long the devices of TestReportsOfACall keep what they have captured.
const held = 30 * time.Millisecond

// heldCamera is a camera whose pictures take some time until they are read.
type heldCamera struct{ hal.Camera }

type heldPictures struct{ hal.VideoStream }

func (c heldCamera) Open(want hal.VideoMode) (hal.VideoStream, error) {
	s, err := c.Camera.Open(want)
	return heldPictures{s}, err
}

func (s heldPictures) ReadFrame() (*hal.Frame, error) {
	f, err := s.VideoStream.ReadFrame()
	time.Sleep(held)
	return f, err
}

// heardTrack is what a phone has got of a track.
type heardTrack struct {
	reports []rtcp.SenderReport
	packets []arrivedPacket
}

type arrivedPacket struct {
	rtp uint32
	at  time.Duration // on the device's clock
}

// TestReportsOfACall: by the reports that a phone gets, sound and pictures were captured
// when they were, although both are sent late: the devices hold them, and sound comes in
// chunks of 20 ms and 6.5 ms later out of a decoder.
func TestReportsOfACall(t *testing.T) {
	tone, err := virtual.NewTone(700, false) // a steady one is silence to the encoder
	if err != nil {
		t.Fatal(err)
	}
	e := testEngine(t, func(o *EngineOptions) {
		o.Camera, o.Sound = heldCamera{o.Camera}, delayedSound{virtual.NewSound(tone, virtual.NewSpeaker(""))}
	})
	p := newCuttablePhone(t, e, true)
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := p.pc.AddTransceiverFromKind(kind, listening); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	tracks := map[webrtc.RTPCodecType]*heardTrack{webrtc.RTPCodecTypeAudio: {}, webrtc.RTPCodecTypeVideo: {}}
	p.pc.OnTrack(func(track *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		h := tracks[track.Kind()]
		go func() { // ends with the connection
			for {
				list, _, err := r.ReadRTCP()
				if err != nil {
					return
				}
				mu.Lock()
				for _, packet := range list {
					if report, ok := packet.(*rtcp.SenderReport); ok {
						h.reports = append(h.reports, *report)
					}
				}
				mu.Unlock()
			}
		}()
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			mu.Lock()
			h.packets = append(h.packets, arrivedPacket{packet.Timestamp, e.opts.Clock.Now()})
			mu.Unlock()
		}
	})
	p.take(p.answer())
	p.session.Accept(Limit{})
	for kind, least := range map[webrtc.RTPCodecType]time.Duration{
		webrtc.RTPCodecTypeAudio: held + 26500*time.Microsecond,
		webrtc.RTPCodecTypeVideo: held,
	} {
		// Sound that a busy machine loses is another step of its clock: one second is enough.
		var late time.Duration
		p.eventually(20*time.Second, "by the reports a packet comes so late after it was captured as it does", func() bool {
			mu.Lock()
			defer mu.Unlock()
			var known bool
			late, known = tracks[kind].late(e.opts.Clock, kind)
			return known && late > least-2*time.Millisecond && late < least+20*time.Millisecond
		})
		t.Logf("%v: the soonest packets come after %v", kind, late)
		mu.Lock()
		h := tracks[kind]
		last := h.reports[len(h.reports)-1]
		if n := int(last.PacketCount); n < 20 || n > len(h.packets)+20 || last.OctetCount < last.PacketCount {
			t.Errorf("%v: %d packets and %d octets are reported, %d packets came", kind, n, last.OctetCount, len(h.packets))
		}
		mu.Unlock()
	}
}

// late is how late the packets of the last second came after they were captured, those of
// the soonest tenth, for a busy machine has some wait: by the last report, and on the wall
// clock, which is the one here.
func (h *heardTrack) late(c clock.Clock, kind webrtc.RTPCodecType) (late time.Duration, known bool) {
	if len(h.reports) < 2 {
		return 0, false
	}
	last := h.reports[len(h.reports)-1]
	rate := time.Duration(videoClock)
	if kind == webrtc.RTPCodecTypeAudio {
		rate = hal.SampleRate
	}
	seconds, fraction := int64(last.NTPTime>>32)-2_208_988_800, int64(last.NTPTime&0xffffffff)*int64(time.Second)>>32
	now := c.Now()
	phone := phoneClock{set: true, rate: rate, rtp: last.RTPTime, at: now - time.Since(time.Unix(seconds, fraction))}
	var all []time.Duration
	for _, packet := range h.packets {
		if packet.at > now-time.Second {
			all = append(all, packet.at-phone.time(packet.rtp))
		}
	}
	slices.Sort(all)
	if len(all) < 10 {
		return 0, false
	}
	return all[len(all)/10], true
}
