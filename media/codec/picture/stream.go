package picture

import (
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"callbox/hal"
)

// Builder builds the encoders of one codec for mediadevices. The size comes from the
// pictures; FrameRate, Bitrate and KeyframeInterval are those of Params.
type Builder struct {
	Codec            *codec.RTPCodec // what a CodecSelector finds the builder by
	New              func(Params) (Encoder, error)
	FrameRate        float64
	Bitrate          int
	KeyframeInterval time.Duration
}

// RTPCodec returns Codec. The payload type in it is not used: that is the
// negotiation's.
func (b Builder) RTPCodec() *codec.RTPCodec { return b.Codec }

// BuildVideoEncoder makes a Stream that reads *hal.Frame from r. mediadevices
// guesses the frame rate of p from one picture as 0, so it is not looked at.
func (b Builder) BuildVideoEncoder(r video.Reader, p prop.Media) (codec.ReadCloser, error) {
	s := &Stream{src: r, builder: b}
	if err := s.renew(p.Width, p.Height); err != nil {
		return nil, err
	}
	return s, nil
}

// Stream is a source of pictures with an encoder behind it: what a mediadevices
// encoded reader runs on, and its controller. Read is for one goroutine; the
// other methods may be called from any, also after Close.
type Stream struct {
	src     video.Reader
	builder Builder

	mu     sync.Mutex
	enc    Encoder     // replaced when the size changes; nil after Close
	size   image.Point // of its pictures
	closed bool
	paused bool
	last   Frame
}

// Controller returns the stream itself: a codec.KeyFrameController, a
// codec.BitRateController, and the way to Last.
func (s *Stream) Controller() codec.EncoderController { return s }

// Read waits for the next picture and returns it encoded; while the stream is
// paused it throws pictures away. The errors are those of the source, and
// ErrClosed. The data is valid until the next Read.
func (s *Stream) Read() ([]byte, func(), error) {
	for {
		img, _, err := s.src.Read()
		if err != nil {
			return nil, func() {}, err
		}
		f, ok := img.(*hal.Frame)
		if !ok {
			return nil, func() {}, fmt.Errorf("cannot encode a %T: the camera adapter gives *hal.Frame", img)
		}
		enc, size, paused := s.current()
		if enc == nil {
			return nil, func() {}, ErrClosed
		}
		if paused {
			continue
		}
		if b := f.Rect; b.Size() != size {
			if err := s.renew(b.Dx(), b.Dy()); err != nil {
				return nil, func() {}, err
			}
			if enc, _, _ = s.current(); enc == nil {
				return nil, func() {}, ErrClosed
			}
		}
		out, err := enc.Encode(&f.YCbCr, f.Captured)
		if err != nil {
			return nil, func() {}, err
		}
		if len(out.Data) == 0 {
			continue // dropped by the rate control
		}
		s.mu.Lock()
		s.last = out
		s.mu.Unlock()
		return out.Data, func() {}, nil
	}
}

// Last is the picture that Read returned last: mediadevices hands on the bytes
// alone, and counts time with its own clock after the encoder.
func (s *Stream) Last() Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// SetPaused makes Read throw pictures away, or encode again. The first picture
// after a pause may refer to the one before it: the receiver has it.
func (s *Stream) SetPaused(paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = paused
}

// ForceKeyFrame is Encoder.ForceKeyFrame.
func (s *Stream) ForceKeyFrame() error {
	enc, _, _ := s.current()
	if enc == nil {
		return ErrClosed
	}
	return enc.ForceKeyFrame()
}

// SetBitRate is Encoder.SetBitRate. It holds for an encoder of another size, too.
func (s *Stream) SetBitRate(bps int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.enc == nil {
		return ErrClosed
	}
	s.builder.Bitrate = bps // of the next size, whatever this encoder says of it
	return s.enc.SetBitRate(bps)
}

// Close frees the encoder; it does not close the source.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.enc == nil {
		return nil
	}
	err := s.enc.Close()
	s.enc = nil
	return err
}

func (s *Stream) current() (enc Encoder, size image.Point, paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enc, s.size, s.paused
}

var errSize = errors.New("the picture has no size")

// renew puts an encoder for another size in the place of the one before.
func (s *Stream) renew(w, h int) error {
	if w == 0 || h == 0 {
		return fmt.Errorf("cannot build an encoder for %s: %w", s.builder.Codec.MimeType, errSize)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	enc, err := s.builder.New(Params{
		Width: w, Height: h, FrameRate: s.builder.FrameRate, Bitrate: s.builder.Bitrate,
		KeyframeInterval: s.builder.KeyframeInterval,
	})
	if err != nil {
		return err
	}
	if s.enc != nil {
		_ = s.enc.Close() // never fails
	}
	s.enc, s.size = enc, image.Pt(w, h)
	return nil
}

var _ image.Image = (*hal.Frame)(nil) // how pictures travel through mediadevices
