package media

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"callbox/hal"
	"callbox/media/codec/h264"
	"callbox/media/codec/openh264"
	"callbox/media/codec/picture"
	"callbox/media/codec/vpx"
	"callbox/media/payload"
)

// videoCodec is one that a call can use, both ways.
type videoCodec struct {
	name         VideoCodec
	capability   webrtc.RTPCodecCapability // what the answer says
	payload, rtx webrtc.PayloadType        // only used if the phone leaves the choice to us
	available    func() error
	builder      func(frameRate float64, bitrate int, keyframeInterval time.Duration) picture.Builder
	decoder      func() (picture.Decoder, error)
	cutter       func() payload.Cutter // into packets
	depacketizer func() rtp.Depacketizer
	// colours reads what the samples from this picture on mean, if it says so; nil: they
	// are hal's zero value (RFC 6386, 9.2).
	colours func(data []byte) (hal.Colours, bool)
}

// h264Format is constrained baseline in fragments (RFC 6184, 8.1). Each side sends what
// the other can take: a level in the stream's own parameter sets fits its size.
const h264Format = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"

func videoFeedback() []webrtc.RTCPFeedback {
	return []webrtc.RTCPFeedback{
		{Type: "ccm", Parameter: "fir"},
		{Type: "nack"},
		{Type: "nack", Parameter: "pli"},
		{Type: webrtc.TypeRTCPFBTransportCC},
	}
}

func vp8Codec() webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: videoClock, RTCPFeedback: videoFeedback()}
}

func h264Codec() webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: videoClock, SDPFmtpLine: h264Format, RTCPFeedback: videoFeedback()}
}

func newH264Decoder() (picture.Decoder, error) { return openh264.NewDecoder() }

// knownCodecs are all that there are.
func knownCodecs() []*videoCodec {
	return []*videoCodec{
		{
			name: CodecH264, capability: h264Codec(), payload: payloadH264, rtx: payloadH264 + 1,
			available: openh264.Available, builder: openh264.H264,
			decoder:      newH264Decoder,
			cutter:       func() payload.Cutter { return payload.H264{} },
			depacketizer: func() rtp.Depacketizer { return h264.Packet{} },
			colours: func(data []byte) (hal.Colours, bool) {
				sps, ok := h264.FindSPS(data)
				return hal.Colours{BT709: sps.BT709, FullRange: sps.FullRange}, ok
			},
		},
		{
			name: CodecVP8, capability: vp8Codec(), payload: payloadVP8, rtx: payloadVP8 + 1,
			available: func() error { return nil }, builder: vpx.VP8,
			decoder:      func() (picture.Decoder, error) { return vpx.NewDecoder() },
			cutter:       func() payload.Cutter { return &payload.VP8{} },
			depacketizer: func() rtp.Depacketizer { return &codecs.VP8Packet{} },
		},
	}
}

// usableCodecs returns those that are wanted and there, in the order of preference.
// Without any of them it is VP8, which needs nothing that a device can lack; missing
// says what is not there.
func usableCodecs(wanted []VideoCodec, known []*videoCodec) (usable []*videoCodec, missing error) {
	var errs []error
	add := func(name VideoCodec) {
		for _, c := range known {
			if c.name != name {
				continue
			}
			if err := c.available(); err != nil {
				errs = append(errs, fmt.Errorf("cannot use %s: %w", name, err))
				return
			}
			usable = append(usable, c)
		}
	}
	for _, name := range wanted {
		add(name)
	}
	if len(usable) == 0 {
		add(CodecVP8)
	}
	return usable, errors.Join(errs...)
}

// matches reports whether a codec of a description is c: of H.264 there are several
// that do not understand each other (RFC 6184, 8.2.2).
func (c *videoCodec) matches(p webrtc.RTPCodecCapability) bool {
	if !strings.EqualFold(p.MimeType, c.capability.MimeType) {
		return false
	}
	return c.name != CodecH264 || usableFormat(p.SDPFmtpLine)
}

// usableFormat reports whether a format of H.264 is constrained baseline in fragments,
// of any level.
func usableFormat(line string) bool {
	mode, profile := "0", "42000a" // when nothing is said
	for parameter := range strings.SplitSeq(line, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		switch strings.ToLower(key) {
		case "packetization-mode":
			mode = value
		case "profile-level-id":
			profile = strings.ToLower(value)
		}
	}
	return mode == "1" && len(profile) == 6 && strings.HasPrefix(profile, "42e0")
}

// preferred returns the first of ours that is among the codecs of a description; nil:
// none.
func preferred(ours []*videoCodec, theirs []webrtc.RTPCodecParameters) *videoCodec {
	for _, c := range ours {
		for _, p := range theirs {
			if c.matches(p.RTPCodecCapability) {
				return c
			}
		}
	}
	return nil
}

// sorted brings the codecs of a description into our order, each followed by its
// retransmissions; what is none of ours is left out.
func sorted(ours []*videoCodec, theirs []webrtc.RTPCodecParameters) []webrtc.RTPCodecParameters {
	var out []webrtc.RTPCodecParameters
	for _, c := range ours {
		for _, p := range theirs {
			if !c.matches(p.RTPCodecCapability) {
				continue
			}
			out = append(out, p)
			for _, r := range theirs {
				if strings.EqualFold(r.MimeType, webrtc.MimeTypeRTX) && r.SDPFmtpLine == fmt.Sprintf("apt=%d", p.PayloadType) {
					out = append(out, r)
				}
			}
		}
	}
	return out
}
