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
	reg     *registration
	source  *videoSource
	encoder codec.VideoEncoderBuilder
	once    sync.Once
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
	return &Video{reg: reg, source: s, encoder: encoder}, nil
}

// Encoder waits for the first picture and returns the encoder. Its Read gives the
// error of the camera: hal.ErrGone, io.EOF after Close. The goroutine that calls
// Read calls Done when it reads no more.
func (v *Video) Encoder() (codec.ReadCloser, error) {
	f, err := v.source.next()
	if err != nil {
		return nil, err
	}
	v.source.first = f
	enc, err := v.encoder.BuildVideoEncoder(video.ReaderFunc(v.source.read), prop.Media{Video: v.source.video(f.Rect.Size())})
	if err != nil {
		return nil, fmt.Errorf("cannot encode the camera's pictures: %w", err)
	}
	return enc, nil
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
	inUse  bool       // belongs to the reading goroutine
	first  *hal.Frame // that showed the size, and is to be encoded still; of that goroutine, too
	mu     sync.Mutex
	closed bool
}

func (s *videoSource) Open() error  { return nil }
func (s *videoSource) Close() error { return nil }

func (s *videoSource) Properties() []prop.Media {
	m := s.stream.Mode()
	return []prop.Media{{Video: s.video(image.Pt(m.Width, m.Height))}}
}

// video is what pictures of a size are, in the words of mediadevices.
func (s *videoSource) video(size image.Point) prop.Video {
	return prop.Video{Width: size.X, Height: size.Y, FrameRate: float32(s.stream.Mode().FrameRate), FrameFormat: frame.FormatI420}
}

func (s *videoSource) VideoRecord(prop.Media) (video.Reader, error) {
	return video.ReaderFunc(s.read), nil
}

func (s *videoSource) read() (image.Image, func(), error) {
	if f := s.first; f != nil {
		s.first = nil
		return f, func() {}, nil
	}
	f, err := s.next()
	if err != nil {
		return nil, func() {}, err
	}
	return f, func() {}, nil
}

// next waits for a picture that is to be encoded.
func (s *videoSource) next() (*hal.Frame, error) {
	for {
		s.done()
		f, err := s.stream.ReadFrame()
		if err != nil {
			return nil, err
		}
		s.use.Lock()
		if s.isClosed() { // while it waited: the planes are gone
			s.use.Unlock()
			return nil, io.EOF
		}
		s.inUse = true
		if f = s.shape(f); f != nil {
			return f, nil
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
