package phonepeer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

// Codecs of pictures, by the names of the device's configuration.
const (
	CodecH264 = "h264"
	CodecVP8  = "vp8"
)

// The codecs that a phone offers have the payload types and formats that Chromium gives
// them. Of H.264 it offers several that do not understand each other (RFC 6184, 8.2.2); a
// device takes constrained baseline in fragments, payloadH264.
const (
	payloadVP8       = 96
	payloadVP8RTX    = 97
	payloadBase      = 103 // baseline
	payloadBaseRTX   = 104
	payloadH264      = 109
	payloadH264RTX   = 114
	payloadOneNAL    = 115 // constrained baseline, a NAL unit in each packet
	payloadOneNALRTX = 116
	payloadOpus      = 111

	videoClock = 90000
	soundClock = 48000

	h264Format       = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	h264BaseFormat   = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"
	h264OneNALFormat = "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"
)

// Of the packets of H.264: types of NAL units (ITU-T H.264, table 7-1; RFC 6184, table 1),
// and the bit of a first fragment.
const (
	h264TypeIDR       = 5
	h264TypeSTAPA     = 24
	h264TypeFUA       = 28
	h264FragmentStart = 0x80
)

func videoCodec(mime, format string) webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{MimeType: mime, ClockRate: videoClock, SDPFmtpLine: format, RTCPFeedback: []webrtc.RTCPFeedback{
		{Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: webrtc.TypeRTCPFBTransportCC},
	}}
}

func vp8Codec() webrtc.RTPCodecCapability { return videoCodec(webrtc.MimeTypeVP8, "") }

func h264Codec() webrtc.RTPCodecCapability { return videoCodec(webrtc.MimeTypeH264, h264Format) }

func opusCodec() webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: soundClock, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"}
}

// checkCodecs refuses what is no codec. Errors: ErrArgument.
func checkCodecs(list []string) error {
	for _, name := range list {
		if name != CodecH264 && name != CodecVP8 {
			return badArgument("VideoCodecs", fmt.Sprintf("%q is neither %s nor %s", name, CodecH264, CodecVP8))
		}
	}
	return nil
}

// register tells pion what is offered: of pictures those in list, all when it is empty.
func register(m *webrtc.MediaEngine, list []string) error {
	add := func(c webrtc.RTPCodecCapability, payload webrtc.PayloadType, kind webrtc.RTPCodecType) error {
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: c, PayloadType: payload}, kind); err != nil {
			return fmt.Errorf("cannot register %s: %w", c.MimeType, err)
		}
		return nil
	}
	errs := []error{add(opusCodec(), payloadOpus, webrtc.RTPCodecTypeAudio)}
	for _, v := range []struct {
		name         string
		codec        webrtc.RTPCodecCapability
		payload, rtx webrtc.PayloadType
	}{
		{CodecVP8, vp8Codec(), payloadVP8, payloadVP8RTX},
		{CodecH264, videoCodec(webrtc.MimeTypeH264, h264BaseFormat), payloadBase, payloadBaseRTX},
		{CodecH264, h264Codec(), payloadH264, payloadH264RTX},
		{CodecH264, videoCodec(webrtc.MimeTypeH264, h264OneNALFormat), payloadOneNAL, payloadOneNALRTX},
	} {
		if len(list) > 0 && !slices.Contains(list, v.name) {
			continue
		}
		rtx := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: videoClock, SDPFmtpLine: fmt.Sprintf("apt=%d", v.payload)}
		errs = append(errs, add(v.codec, v.payload, webrtc.RTPCodecTypeVideo), add(rtx, v.rtx, webrtc.RTPCodecTypeVideo))
	}
	return errors.Join(errs...)
}

// pictureTrack sends prepared pictures in the codec that the device has chosen.
type pictureTrack struct {
	*webrtc.TrackLocalStaticSample // of VP8: who it is, whatever it sends
	h264                           *webrtc.TrackLocalStaticSample

	mu   sync.Mutex
	send *webrtc.TrackLocalStaticSample // the one that is bound; nil: none
	n    int
}

func newPictureTrack() (*pictureTrack, error) {
	const id, stream = "video", "phone"
	vp8, err := webrtc.NewTrackLocalStaticSample(vp8Codec(), id, stream)
	if err != nil {
		return nil, err
	}
	h264, err := webrtc.NewTrackLocalStaticSample(h264Codec(), id, stream)
	if err != nil {
		return nil, err
	}
	return &pictureTrack{TrackLocalStaticSample: vp8, h264: h264}, nil
}

// Bind implements webrtc.TrackLocal: the first codec of the answer that there are pictures
// in is sent.
func (t *pictureTrack) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range ctx.CodecParameters() {
		switch {
		case strings.EqualFold(c.MimeType, webrtc.MimeTypeVP8):
			t.send = t.TrackLocalStaticSample
		case strings.EqualFold(c.MimeType, webrtc.MimeTypeH264):
			t.send = t.h264
		default:
			continue
		}
		return t.send.Bind(ctx)
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind implements webrtc.TrackLocal.
func (t *pictureTrack) Unbind(ctx webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.send == nil {
		return nil
	}
	return t.send.Unbind(ctx)
}

// picture sends the next one; false when nobody takes it.
func (t *pictureTrack) picture() bool {
	t.mu.Lock()
	send := t.send
	t.n++
	data := pictureFile
	if send == t.h264 {
		data = greyPictures()[t.n%len(greyPictures())]
	}
	t.mu.Unlock()
	// It fails only when the connection is closed meanwhile.
	return send != nil && send.WriteSample(media.Sample{Data: data, Duration: picturePause}) == nil
}

// keyOfVP8 reports whether a payload begins a picture, and whether that is a keyframe
// (RFC 7741, 4; RFC 6386, 9.1).
func keyOfVP8(payload []byte) (begins, key bool) {
	var p codecs.VP8Packet
	frame, err := p.Unmarshal(payload)
	if err != nil || len(frame) == 0 || p.S != 1 || p.PID != 0 {
		return false, false
	}
	return true, frame[0]&1 == 0
}

// keyOfH264 reports whether a payload has the beginning of a keyframe's slice, in whatever
// of RFC 6184's packets (5.4): a NAL unit, several, or the first fragment of one.
func keyOfH264(p []byte) bool {
	if len(p) < 2 {
		return false
	}
	switch p[0] & 0x1f {
	case h264TypeIDR:
		return true
	case h264TypeFUA:
		return p[1]&h264FragmentStart != 0 && p[1]&0x1f == h264TypeIDR
	case h264TypeSTAPA:
		for p = p[1:]; len(p) > 2; {
			n := int(binary.BigEndian.Uint16(p))
			if p[2]&0x1f == h264TypeIDR {
				return true
			}
			p = p[min(len(p), 2+n):]
		}
	}
	return false
}
