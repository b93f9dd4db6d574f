package media

import (
	"bytes"
	"image"
	stdjpeg "image/jpeg"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"

	"callbox/hal"
	"callbox/hal/jpeg"
	"callbox/hal/orient"
	"callbox/media/codec/codectest"
	"callbox/media/twcc"
)

// jpegCamera is a camera that gives the same JPEG again and again, one for each time that
// it is told to.
type jpegCamera struct {
	picture []byte
	size    image.Point
	now     func() time.Duration
	next    chan struct{}
}

func newJPEGCamera(t *testing.T, w, h int) *jpegCamera {
	t.Helper()
	var p bytes.Buffer
	if err := stdjpeg.Encode(&p, codectest.Picture(w, h, 0), nil); err != nil {
		t.Fatal(err)
	}
	return &jpegCamera{picture: p.Bytes(), size: image.Pt(w, h), next: make(chan struct{})}
}

func (c *jpegCamera) Name() string { return "jpeg" }

func (c *jpegCamera) Open(hal.VideoMode) (hal.VideoStream, error) {
	d, err := jpeg.NewDecoder()
	if err != nil {
		return nil, err
	}
	s := &jpegStream{jpegCamera: c, decoder: d, closed: make(chan struct{})}
	s.frame.YCbCr = *image.NewYCbCr(image.Rectangle{Max: c.size}, image.YCbCrSubsampleRatio420)
	return s, nil
}

type jpegStream struct {
	*jpegCamera
	decoder *jpeg.Decoder
	frame   hal.Frame
	closed  chan struct{}
	over    atomic.Bool
}

func (s *jpegStream) Mode() hal.VideoMode {
	return hal.VideoMode{Width: s.size.X, Height: s.size.Y, FrameRate: 20}
}

func (s *jpegStream) ReadFrame() (*hal.Frame, error) {
	select {
	case <-s.closed:
		return nil, io.EOF
	case <-s.next:
	}
	if err := s.decoder.Decode(&s.frame.YCbCr, s.picture); err != nil {
		return nil, err
	}
	s.frame.Captured = s.now()
	return &s.frame, nil
}

func (s *jpegStream) Close() error {
	if s.over.CompareAndSwap(false, true) {
		close(s.closed)
	}
	return nil
}

// TestAllocations: in the steady state a picture allocates nothing from the camera to the
// network: JPEG, rotation, mirror, rate ladder, scaling, encoder, packets, pacer, and the
// numbers in the headers. hal/v4l2 has the same test for what is before the JPEG; pion's
// encryption and sockets are behind it.
func TestAllocations(t *testing.T) {
	for name, tt := range map[string]struct {
		codec   VideoCodec
		bitrate Bitrate
		width   int // of what is sent
	}{
		"H.264":          {CodecH264, 600_000, 320},
		"VP8":            {CodecVP8, 600_000, 320},
		"H.264, smaller": {CodecH264, 50_000, 240},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newJPEGCamera(t, 640, 320)
				e := bubbleEngine(t, func(o *EngineOptions) {
					c.now = o.Clock.Now
					o.Camera, o.Sound = orient.Camera(c, hal.Rotate90, true), nil
					o.VideoCodecs, o.VideoBitrate = []VideoCodec{tt.codec}, tt.bitrate
				})
				l := newTalk(t, e, true)
				var packets, pictures atomic.Int64
				out := l.send.recorder.BindLocalStream(
					&interceptor.StreamInfo{RTPHeaderExtensions: []interceptor.RTPHeaderExtension{{URI: twcc.URI, ID: 5}}},
					interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, _ interceptor.Attributes) (int, error) {
						packets.Add(1)
						if h.Marker {
							pictures.Add(1)
						}
						return len(payload), nil
					}))
				l.send.mu.Lock()
				l.send.write = func(p *rtp.Packet) error {
					_, err := out.Write(&p.Header, p.Payload, nil)
					return err
				}
				l.send.mu.Unlock()
				l.Accept(Limit{})
				l.connect()
				read := func() { // two, because the ladder may leave every second one out
					for range 2 {
						c.next <- struct{}{}
						time.Sleep(100 * time.Millisecond)
					}
				}
				for range 20 {
					read()
				}
				before := pictures.Load()
				if n := testing.AllocsPerRun(50, read); n != 0 {
					t.Errorf("two pictures allocate %v times", n)
				}
				if n := pictures.Load() - before; n < 51 || packets.Load() <= pictures.Load() {
					t.Errorf("%d pictures were sent of 102, in all %d in %d packets", n, pictures.Load(), packets.Load())
				}
				if w := int(l.count.sentSize.Load() >> 32); w != tt.width {
					t.Errorf("they are %d pixels wide, want %d", w, tt.width)
				}
			})
		})
	}
}
