package media

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// TestStats: what a person who watches the call sees, against a phone that speaks
// and says what it lost.
func TestStats(t *testing.T) {
	voice, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "voice", "phone")
	if err != nil {
		t.Fatal(err)
	}
	l := connectSpeaker(t, testEngine(t, nil), true, voice)
	if s := l.session.Stats(); s.BitrateUp+s.BitrateDown > 0 || s.VideoWidth > 0 || s.LossUp+s.LossDown > 0 {
		t.Errorf("before the start: %+v", s)
	}
	l.session.Accept(Limit{})
	wait[Started](l)
	ended := make(chan struct{})
	defer func() { <-ended }()
	stop := make(chan struct{})
	defer close(stop)
	go func() { // 100 packets a second of 100 bytes of payload; every fifth is lost on the way
		defer close(ended)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		began := time.Now()
		for n := 0; ; {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			for ; n < int(time.Since(began)/(10*time.Millisecond)); n++ { // a ticker leaves out what is late
				if n%5 == 0 {
					continue
				}
				payload := make([]byte, 100)
				payload[0] = 0xf8 // Opus: CELT, 20 ms, mono
				_ = voice.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * 480}, Payload: payload})
			}
		}
	}()
	var s Stats
	// 80 packets of 112 bytes and an extension; a busy machine takes them in bursts.
	l.eventually("a second of figures", func() bool {
		s = l.session.Stats()
		return s.VideoFrameRate >= 18 && s.VideoFrameRate <= 22 && s.BitrateDown > 60_000 && s.BitrateDown < 90_000 && s.BitrateUp > 30_000
	})
	if s.VideoWidth != 320 || s.VideoHeight != 180 {
		t.Errorf("the picture is %dx%d", s.VideoWidth, s.VideoHeight)
	}
	if s.BitrateUp > 3_000_000 {
		t.Errorf("%d bit/s up", s.BitrateUp)
	}
	if math.Abs(s.LossDown-0.2) > 0.06 {
		t.Errorf("%.2f of the phone's sound is lost, want 0.2", s.LossDown)
	}
	report := func(ssrc uint32, fraction uint8) {
		if err := l.phone.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{
			SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: ssrc, FractionLost: fraction}},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	// pion's phone reports, too, that it lost nothing: ours is repeated.
	l.eventually("the loss that the phone reports", func() bool {
		report(l.ssrc.Load(), 64)
		return l.session.Stats().LossUp == 0.25
	})
	l.session.SetCamera(false)
	l.eventually("the camera's figures end", func() bool {
		s := l.session.Stats()
		return s.VideoWidth == 0 && s.VideoHeight == 0 && s.VideoFrameRate == 0
	})
}
