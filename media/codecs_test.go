package media

import (
	"errors"
	"image"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"

	"callbox/hal/virtual"
	"callbox/media/codec/picture"
)

// offering is a phone that knows these formats of video only, in this order.
func offering(t *testing.T, e *Engine, formats ...webrtc.RTPCodecCapability) *cuttablePhone {
	t.Helper()
	p := newCuttablePhone(t, e, true)
	tr, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, listening)
	if err != nil {
		t.Fatal(err)
	}
	var list []webrtc.RTPCodecParameters
	for i, f := range formats {
		list = append(list, webrtc.RTPCodecParameters{RTPCodecCapability: f, PayloadType: webrtc.PayloadType(40 + i)})
	}
	if err := tr.SetCodecPreferences(list); err != nil {
		t.Fatal(err)
	}
	return p
}

func h264Of(format string) webrtc.RTPCodecCapability {
	c := h264Codec()
	c.SDPFmtpLine = format
	return c
}

// firstVideo is the codec that a description names first for pictures.
func firstVideo(t *testing.T, description string) string {
	t.Helper()
	_, section, _ := strings.Cut(description, "m=video ")
	line, _, _ := strings.Cut(section, "\r\n")
	words := strings.Fields(line)
	if len(words) < 3 {
		t.Fatalf("no video in %q", description)
	}
	_, rest, _ := strings.Cut(section, "a=rtpmap:"+words[2]+" ")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// TestCodecChoice: H.264 before VP8, unless the configuration or the phone is of
// another mind.
func TestCodecChoice(t *testing.T) {
	missing := knownCodecs()
	missing[0].available = func() error { return errors.New("it is not there") }
	both := []webrtc.RTPCodecCapability{vp8Codec(), h264Codec()}
	for name, tt := range map[string]struct {
		ours  []VideoCodec
		known []*videoCodec
		phone []webrtc.RTPCodecCapability
		want  string
	}{
		"both know both":            {phone: both, want: "H264"},
		"VP8 preferred":             {ours: []VideoCodec{CodecVP8, CodecH264}, phone: both, want: "VP8"},
		"no H.264 wanted":           {ours: []VideoCodec{CodecVP8}, phone: both, want: "VP8"},
		"the phone has VP8 only":    {phone: both[:1], want: "VP8"},
		"the phone has H.264 only":  {phone: both[1:], want: "H264"},
		"the library is missing":    {known: missing, phone: both, want: "VP8"},
		"missing, and nothing else": {ours: []VideoCodec{CodecH264}, known: missing, phone: both, want: "VP8"},
		"H.264 of another profile":  {phone: []webrtc.RTPCodecCapability{h264Of("packetization-mode=1;profile-level-id=640c1f"), vp8Codec()}, want: "VP8"},
		"H.264 without fragments":   {phone: []webrtc.RTPCodecCapability{h264Of("packetization-mode=0;profile-level-id=42e01f"), vp8Codec()}, want: "VP8"},
		"H.264 of another level":    {phone: []webrtc.RTPCodecCapability{vp8Codec(), h264Of("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e034")}, want: "H264"},
		"the right one of three":    {phone: []webrtc.RTPCodecCapability{h264Of("packetization-mode=1;profile-level-id=42001f"), h264Codec(), vp8Codec()}, want: "H264"},
	} {
		t.Run(name, func(t *testing.T) {
			e := testEngine(t, func(o *EngineOptions) {
				o.known = tt.known
				if tt.ours != nil {
					o.VideoCodecs = tt.ours
				}
			})
			if (tt.known != nil) != (e.MissingCodecs() != nil) {
				t.Errorf("MissingCodecs = %v", e.MissingCodecs())
			}
			p := offering(t, e, tt.phone...)
			sent := ""
			var mu sync.Mutex
			p.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
				mu.Lock()
				sent = track.Codec().MimeType + " " + track.Codec().SDPFmtpLine
				mu.Unlock()
			})
			answer := p.answer()
			if got := firstVideo(t, answer); got != tt.want {
				t.Errorf("the answer's first codec is %s, want %s", got, tt.want)
			}
			p.take(answer)
			p.session.Accept(Limit{})
			p.eventually(15*time.Second, "pictures come", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return sent != ""
			})
			if !strings.HasPrefix(sent, "video/"+tt.want) || tt.want == "H264" && !strings.Contains(sent, "packetization-mode=1;profile-level-id=42e0") {
				t.Errorf("pictures are sent as %s, want %s", sent, tt.want)
			}
		})
	}
}

// TestNoCodecInCommon: the call goes on with sound.
func TestNoCodecInCommon(t *testing.T) {
	for name, format := range map[string]webrtc.RTPCodecCapability{
		"another H.264": h264Of("packetization-mode=1;profile-level-id=640c1f"),
		"VP9":           {MimeType: webrtc.MimeTypeVP9, ClockRate: 90000, SDPFmtpLine: "profile-id=0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newCuttablePhone(t, testEngine(t, nil), true)
			if _, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio); err != nil {
				t.Fatal(err)
			}
			tr, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, listening)
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.SetCodecPreferences([]webrtc.RTPCodecParameters{{RTPCodecCapability: format, PayloadType: 50}}); err != nil {
				t.Fatal(err)
			}
			p.take(p.answer())
			p.session.Accept(Limit{})
			p.eventually(15*time.Second, "sound comes", func() bool { return p.heard.Load() > 20 })
		})
	}
}

// TestMissingLibraryIsToldOnce, when the engine is made, and not in each call.
func TestMissingLibraryIsToldOnce(t *testing.T) {
	log := &lockedText{}
	known := knownCodecs()
	known[0].available = func() error { return errors.New("it is not there") }
	e := testEngine(t, func(o *EngineOptions) { o.Log, o.known = zerolog.New(log), known })
	if got := e.VideoCodecs(); !slices.Equal(got, []string{"vp8"}) {
		t.Errorf("VideoCodecs = %v", got)
	}
	for range 2 {
		s, err := e.NewSession(SessionConfig{Room: "r", Video: true, Emit: func(Event) {}})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	if n := strings.Count(log.String(), "it is not there"); n != 1 {
		t.Errorf("told %d times: %s", n, log.String())
	}
}

// TestReceivedCodecs: what a phone sends is decoded, also when it changes the codec in
// the middle of the call.
func TestReceivedCodecs(t *testing.T) {
	frames := map[string][]byte{}
	for _, c := range knownCodecs() {
		enc, err := c.builder(30, 300_000, 0).New(picture.Params{Width: 320, Height: 180, FrameRate: 30, Bitrate: 300_000})
		if err != nil {
			t.Fatal(err)
		}
		m := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
		virtual.Stamp(m, time.Second)
		f, err := enc.Encode(m, 0)
		if err != nil {
			t.Fatal(err)
		}
		frames[c.capability.MimeType] = slices.Clone(f.Data)
		enc.Close()
	}
	display := virtual.NewDisplay("")
	p := newCuttablePhone(t, testEngine(t, func(o *EngineOptions) { o.Display = display }), true)
	track := &changingTrack{}
	if _, err := p.pc.AddTransceiverFromTrack(track); err != nil {
		t.Fatal(err)
	}
	p.take(p.answer())
	p.session.Accept(Limit{})
	for _, mime := range []string{webrtc.MimeTypeH264, webrtc.MimeTypeVP8, webrtc.MimeTypeH264} {
		before := display.Frames()
		p.eventually(15*time.Second, mime+" is shown", func() bool {
			track.send(mime, frames[mime])
			return display.Frames() > before+10
		})
	}
}

// changingTrack sends each picture in another codec, if it must.
type changingTrack struct {
	cameraTrack // for what is the same
	codecs      []webrtc.RTPCodecParameters
	sequence    uint16
	time        uint32
}

func (t *changingTrack) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.codecs, t.ssrc, t.out = ctx.CodecParameters(), ctx.SSRC(), ctx.WriteStream()
	return t.codecs[0], nil
}

func (t *changingTrack) send(mime string, picture []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.time += 3000
	for _, c := range knownCodecs() {
		for _, p := range t.codecs {
			if c.capability.MimeType != mime || !c.matches(p.RTPCodecCapability) {
				continue
			}
			payloads := cut(c, 1000, picture)
			for i, payload := range payloads {
				t.sequence++
				_, _ = t.out.WriteRTP(&rtp.Header{
					Version: 2, Marker: i == len(payloads)-1, SequenceNumber: t.sequence, Timestamp: t.time,
					SSRC: uint32(t.ssrc), PayloadType: uint8(p.PayloadType),
				}, payload)
			}
			return
		}
	}
}

// cut returns the payloads of a picture that is the first of its stream.
func cut(c *videoCodec, size int, picture []byte) (payloads [][]byte) {
	c.cutter().Cut(picture, size, func(n int) []byte {
		payloads = append(payloads, make([]byte, n))
		return payloads[len(payloads)-1]
	})
	return payloads
}

// listening: a phone that would send, too, has a track, of pion's choice.
var listening = webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}

// lockedText is a log that several goroutines write.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
