package media

import (
	"errors"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"callbox/hal/virtual"
	"callbox/media/codec/picture"
	"callbox/media/codec/vpx"
)

// TestVideoDirection: what the device answers to a phone that would send and
// receive video, and what it decodes of a phone that sends, allowed or not.
func TestVideoDirection(t *testing.T) {
	for name, tt := range map[string]struct {
		camera, display bool
		want            string
		decoded         bool
	}{
		"camera and display": {camera: true, display: true, want: "sendrecv", decoded: true},
		"no display":         {camera: true, want: "sendonly"},
		"no camera":          {display: true, want: "recvonly", decoded: true},
		"neither":            {want: "inactive"},
	} {
		t.Run(name, func(t *testing.T) {
			display := virtual.NewDisplay("")
			p := newCuttablePhone(t, testEngine(t, func(o *EngineOptions) {
				o.Display = nil
				if tt.display {
					o.Display = display
				}
				if !tt.camera {
					o.Camera = nil
				}
			}), true)
			key := keyframe(t)
			p.send(vp8Codec(), 33*time.Millisecond, func() []byte { return key })
			answer := p.answer()
			if got := directionIn(t, answer, "video"); got != tt.want {
				t.Errorf("the answer's video is %s, want %s", got, tt.want)
			}
			// A phone that sends whatever the answer says.
			p.take(strings.ReplaceAll(answer, "a="+tt.want, "a=sendrecv"))
			p.session.Accept(Limit{})
			p.eventually(15*time.Second, "the phone sends pictures", func() bool { return p.socket.sent.Load() > 60 })
			if tt.decoded {
				p.eventually(15*time.Second, "pictures are decoded and shown", func() bool {
					return p.session.Stats().VideoFramesDecoded > 20 && display.Frames() > 20
				})
				return
			}
			if s := p.session.Stats(); s.VideoFramesDecoded != 0 || s.VideoReceivedCodec != "" || s.VideoFramesReceived != 0 || display.Frames() != 0 {
				t.Errorf("a device without a display has received %d pictures and decoded %d", s.VideoFramesReceived, s.VideoFramesDecoded)
			}
		})
	}
}

// TestVoiceDecodesNothing: in a voice room there is no video in the answer.
func TestVoiceDecodesNothing(t *testing.T) {
	p := newCuttablePhone(t, testEngine(t, nil), false)
	key := keyframe(t)
	p.send(vp8Codec(), 33*time.Millisecond, func() []byte { return key })
	if got := directionIn(t, p.answer(), "video"); got != "inactive" {
		t.Errorf("the answer's video is %s, want inactive", got)
	}
}

// keyframe is a small picture, encoded.
func keyframe(t *testing.T) []byte {
	t.Helper()
	e, err := vpx.NewEncoder(picture.Params{Width: 320, Height: 180, FrameRate: 30, Bitrate: 300_000})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	m := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	virtual.Stamp(m, time.Second)
	f, err := e.Encode(m, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f.Data
}

// directionIn returns the direction of a section, "none" without it.
func directionIn(t *testing.T, description, kind string) string {
	t.Helper()
	var d sdp.SessionDescription
	if err := d.UnmarshalString(description); err != nil {
		t.Fatal(err)
	}
	found := "none"
	for _, m := range d.MediaDescriptions {
		if m.MediaName.Media == kind {
			found = directionOf(m, d.Attributes).String()
		}
	}
	return found
}

func TestRestrictOffer(t *testing.T) {
	all, none := direction{true, true}, direction{}
	send, receive := direction{send: true}, direction{receive: true}
	ours := func(d direction) map[string]direction { return map[string]direction{"audio": all, "video": d} }
	for name, tt := range map[string]struct {
		session string // attribute of the session
		section string // attributes of the video section
		ours    map[string]direction
		want    string
	}{
		"all, all":                     {section: "a=sendrecv", ours: ours(all), want: "sendrecv"},
		"all, we only send":            {section: "a=sendrecv", ours: ours(send), want: "recvonly"},
		"all, we only receive":         {section: "a=sendrecv", ours: ours(receive), want: "sendonly"},
		"all, we do nothing":           {section: "a=sendrecv", ours: ours(none), want: "inactive"},
		"sends, all":                   {section: "a=sendonly", ours: ours(all), want: "sendonly"},
		"sends, we only send":          {section: "a=sendonly", ours: ours(send), want: "inactive"},
		"sends, we only receive":       {section: "a=sendonly", ours: ours(receive), want: "sendonly"},
		"receives, all":                {section: "a=recvonly", ours: ours(all), want: "recvonly"},
		"receives, we only send":       {section: "a=recvonly", ours: ours(send), want: "recvonly"},
		"receives, we only receive":    {section: "a=recvonly", ours: ours(receive), want: "inactive"},
		"nothing, all":                 {section: "a=inactive", ours: ours(all), want: "inactive"},
		"no word is sendrecv":          {ours: ours(send), want: "recvonly"},
		"the session's word":           {session: "a=sendonly", ours: ours(all), want: "sendonly"},
		"the section's word is nearer": {session: "a=sendonly", section: "a=recvonly", ours: ours(all), want: "recvonly"},
		"a kind that we do not know":   {section: "a=sendrecv", ours: map[string]direction{"audio": all}, want: "inactive"},
		"the first word counts":        {section: "a=recvonly\r\na=sendrecv", ours: ours(all), want: "recvonly"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := []string{"v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", tt.session,
				"m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "a=sendrecv", "a=rtpmap:111 opus/48000/2",
				"m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:1", tt.section, "a=rtpmap:96 VP8/90000",
				"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:2", "a=sctp-port:5000"}
			offer := ""
			for _, line := range lines {
				if line != "" {
					offer += line + "\r\n"
				}
			}
			got, err := restrictOffer(offer, tt.ours, knownCodecs())
			if err != nil {
				t.Fatal(err)
			}
			if d := directionIn(t, got, "video"); d != tt.want {
				t.Errorf("video is %s, want %s", d, tt.want)
			}
			if d := directionIn(t, got, "audio"); d != "sendrecv" {
				t.Errorf("audio is %s: it was not to be touched", d)
			}
			application := got[strings.Index(got, "m=application"):]
			for _, word := range []string{"sendrecv", "sendonly", "recvonly", "inactive"} {
				if strings.Contains(application, word) {
					t.Errorf("the data channel has a direction: %q", application)
				}
			}
			if video := got[strings.Index(got, "m=video"):strings.Index(got, "m=application")]; strings.Count(video, "a=sendrecv")+strings.Count(video, "a=sendonly")+
				strings.Count(video, "a=recvonly")+strings.Count(video, "a=inactive") != 1 || !strings.Contains(video, "a=rtpmap:96 VP8/90000") {
				t.Errorf("the video section is\n%s", video)
			}
		})
	}
	if _, err := restrictOffer("v=0\r\nnonsense", ours(all), nil); !errors.Is(err, ErrBadOffer) {
		t.Errorf("an offer that is none: %v, want %v", err, ErrBadOffer)
	}
}

// TestOfferOfNothing: a phone that offers to receive only is sent to, and what it
// does not offer is not asked of it.
func TestOfferOfNothing(t *testing.T) {
	p := newCuttablePhone(t, testEngine(t, nil), true)
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := p.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	answer := p.answer()
	if got := directionIn(t, answer, "audio") + " " + directionIn(t, answer, "video"); got != "sendonly sendonly" {
		t.Errorf("the answer is %s, want sendonly twice", got)
	}
}
