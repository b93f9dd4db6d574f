package capture

import (
	"fmt"
	"image"
	"io"
	"sync"

	"github.com/pion/mediadevices"
	"github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"callbox/hal"
)

// Video is an open camera with an encoder behind it.
type Video struct {
	reg    *registration
	source *videoSource
	codec  string
	once   sync.Once
}

// NewVideo takes over an open camera and closes it when that fails. The encoder's
// pictures are *hal.Frame. shape is called with each picture by the goroutine that
// reads, and returns the one to be encoded in its place, nil for none; it may use the
// planes until it returns. Without one every picture is encoded as it is.
func NewVideo(stream hal.VideoStream, encoder codec.VideoEncoderBuilder, shape func(*hal.Frame) *hal.Frame) (*Video, error) {
	if shape == nil {
		shape = func(f *hal.Frame) *hal.Frame { return f }
	}
	s := &videoSource{stream: stream, shape: shape}
	reg, err := register(s, driver.Camera, mediadevices.NewCodecSelector(mediadevices.WithVideoEncoders(encoder)))
	if err != nil {
		_ = stream.Close()
		return nil, err
	}
	return &Video{reg: reg, source: s, codec: encoder.RTPCodec().MimeType}, nil
}

// Encoder waits for the first picture and returns the encoder. Its Read gives the
// error of the camera: hal.ErrGone, io.EOF after Close. The goroutine that calls
// Read calls Done when it reads no more.
func (v *Video) Encoder() (mediadevices.EncodedReadCloser, error) {
	r, err := v.reg.track.NewEncodedReader(v.codec)
	if err != nil {
		if cause := v.source.failure(); cause != nil {
			return nil, cause
		}
		return nil, fmt.Errorf("cannot encode the camera's pictures: %w", err)
	}
	return r, nil
}

// Done gives the last picture back to the camera. A Close from another goroutine
// waits for it, because the picture may be the driver's memory.
func (v *Video) Done() { v.source.done() }

// Close stops the camera and waits. It may be called often, from any goroutine
// that does not hold a picture.
func (v *Video) Close() {
	v.once.Do(func() {
		v.source.stop()
		v.reg.close()
	})
}

// videoSource is a camera as a mediadevices driver.
type videoSource struct {
	stream hal.VideoStream
	shape  func(*hal.Frame) *hal.Frame

	// use is held while a picture is used, from ReadFrame to the next one.
	use    sync.Mutex
	inUse  bool // belongs to the reading goroutine
	mu     sync.Mutex
	closed bool
	err    error
}

func (s *videoSource) Open() error  { return nil }
func (s *videoSource) Close() error { return nil }

func (s *videoSource) Properties() []prop.Media {
	m := s.stream.Mode()
	return []prop.Media{{Video: prop.Video{
		Width: m.Width, Height: m.Height, FrameRate: float32(m.FrameRate), FrameFormat: frame.FormatI420,
	}}}
}

func (s *videoSource) VideoRecord(prop.Media) (video.Reader, error) {
	return video.ReaderFunc(s.read), nil
}

func (s *videoSource) read() (image.Image, func(), error) {
	for {
		s.done()
		f, err := s.stream.ReadFrame()
		if err != nil {
			return nil, func() {}, s.fail(err)
		}
		s.use.Lock()
		if s.isClosed() { // while it waited: the planes are gone
			s.use.Unlock()
			return nil, func() {}, s.fail(io.EOF)
		}
		s.inUse = true
		if f = s.shape(f); f != nil {
			return f, func() {}, nil
		}
	}
}

func (s *videoSource) done() {
	if s.inUse {
		s.inUse = false
		s.use.Unlock()
	}
}

func (s *videoSource) stop() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.use.Lock()
	defer s.use.Unlock()
	_ = s.stream.Close() // nothing can be done about a camera that does not stop
}

func (s *videoSource) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *videoSource) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	return err
}

// failure is why reading ended: mediadevices flattens errors to text.
func (s *videoSource) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
