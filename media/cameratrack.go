package media

import (
	"sync"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// cameraTrack is the track of the camera's pictures. pion's own tracks have one codec
// from the beginning; the codec of this one is chosen when the phone's offer is known,
// and bound once the connection stands. Its ids are the same in each description.
type cameraTrack struct {
	mu      sync.RWMutex
	codec   *videoCodec // nil: nothing is sent
	ssrc    webrtc.SSRC
	payload webrtc.PayloadType
	out     webrtc.TrackLocalWriter // nil while it is not bound
}

// choose says which codec the packets are of.
func (t *cameraTrack) choose(c *videoCodec) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.codec = c
}

// Bind implements webrtc.TrackLocal.
func (t *cameraTrack) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range ctx.CodecParameters() {
		if t.codec != nil && t.codec.matches(p.RTPCodecCapability) {
			t.ssrc, t.payload, t.out = ctx.SSRC(), p.PayloadType, ctx.WriteStream()
			return p, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind implements webrtc.TrackLocal.
func (t *cameraTrack) Unbind(webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.out = nil
	return nil
}

// WriteRTP sends a packet, whose SSRC and payload type it sets; nothing happens while
// the track is not bound.
func (t *cameraTrack) WriteRTP(p *rtp.Packet) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.out == nil {
		return nil
	}
	p.SSRC, p.PayloadType = uint32(t.ssrc), uint8(t.payload)
	_, err := t.out.WriteRTP(&p.Header, p.Payload)
	return err
}

// ID implements webrtc.TrackLocal.
func (t *cameraTrack) ID() string { return "camera" }

// StreamID implements webrtc.TrackLocal.
func (t *cameraTrack) StreamID() string { return "callbox" }

// RID implements webrtc.TrackLocal.
func (t *cameraTrack) RID() string { return "" }

// Kind implements webrtc.TrackLocal.
func (t *cameraTrack) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeVideo }
