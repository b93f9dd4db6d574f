// Package picture is what the video codecs have in common: how an encoder and a
// decoder are used, and the Stream that stands between a camera and an encoder.
//
// Pictures are I420 (4:2:0); times are on clock.Boot.
package picture

import (
	"errors"
	"fmt"
	"image"
	"time"
)

// MaxPixels is the largest picture that a decoder takes: the header of a picture can
// claim sizes for which a codec would take hundreds of MB.
const MaxPixels = 2560 * 1440

var (
	// ErrClosed means that an encoder or decoder was used after its Close.
	ErrClosed = errors.New("codec is closed")
	// ErrNeedKeyframe means that a decoder can show nothing until a keyframe comes.
	ErrNeedKeyframe = errors.New("a keyframe is needed")
)

// Params is what an encoder aims at.
type Params struct {
	Width, Height int     // pixels, even
	FrameRate     float64 // pictures a second, to begin with; then the times count
	Bitrate       int     // bit/s
	// KeyframeInterval is the least time between two keyframes; a request that
	// comes earlier waits for it. It keeps a storm of requests from filling the
	// link with keyframes.
	KeyframeInterval time.Duration
}

// Check refuses what no encoder of the codec can do; most is its largest side.
func (p Params) Check(codec string, most int) error {
	if p.Width < 16 || p.Height < 16 || p.Width > most || p.Height > most || p.Width%2 != 0 || p.Height%2 != 0 {
		return fmt.Errorf("cannot encode %s of %dx%d: width and height must be even numbers from 16 to %d", codec, p.Width, p.Height, most)
	}
	if p.FrameRate <= 0 || p.Bitrate < 1000 {
		return fmt.Errorf("cannot encode %s at %g pictures/s and %d bit/s: both must be positive, the rate at least 1 kbit/s", codec, p.FrameRate, p.Bitrate)
	}
	return nil
}

// Frame is one encoded picture.
type Frame struct {
	Data     []byte        // valid until the next Encode or Close; empty when the encoder dropped it
	Key      bool          // needs no picture before it
	Captured time.Duration // as it was given to Encode with this picture
	Encoder  string        // what made it: openh264, libvpx, h264_vaapi …
}

// Encoder encodes one stream of pictures of one size. Its methods may be called
// from any goroutine, also after Close: they return ErrClosed then.
type Encoder interface {
	// Encode encodes one picture of the encoder's size, taken at captured, which
	// must not go backwards. It does not keep img. An encoder that holds pictures back
	// returns an earlier one.
	Encode(img *image.YCbCr, captured time.Duration) (Frame, error)
	// ForceKeyFrame makes a picture soon a keyframe: the next one, or the first that
	// is KeyframeInterval after the last keyframe.
	ForceKeyFrame() error
	// SetBitRate changes the rate that the encoder aims at, in bit/s.
	SetBitRate(bps int) error
	// Close frees the encoder; it may be called twice.
	Close() error
}

// Decoder decodes one stream of pictures. One goroutine at a time.
type Decoder interface {
	// Decode decodes one picture. The planes of the result are valid until the next
	// Decode or Close; it is nil when the frame is not meant to be shown. Errors:
	// ErrNeedKeyframe also after damage, until a keyframe was decoded; ErrClosed.
	Decode(data []byte) (*image.YCbCr, error)
	// Lost tells the decoder that pictures are missing: it shows nothing more until
	// the next keyframe, because what it would show is damaged.
	Lost()
	// Close frees the decoder; it may be called twice.
	Close() error
}

// Fits keeps C from reading past the planes of img, which must be 4:2:0 of w x h.
func Fits(img *image.YCbCr, w, h int) error {
	b := img.Rect
	if img.SubsampleRatio != image.YCbCrSubsampleRatio420 || b.Dx() != w || b.Dy() != h {
		return fmt.Errorf("cannot encode a picture of %dx%d (%v): the encoder takes %dx%d, 4:2:0", b.Dx(), b.Dy(), img.SubsampleRatio, w, h)
	}
	if img.YStride < w || img.CStride < w/2 ||
		len(img.Y) < img.YStride*(h-1)+w || len(img.Cb) < img.CStride*(h/2-1)+w/2 || len(img.Cr) < img.CStride*(h/2-1)+w/2 {
		return fmt.Errorf("cannot encode a picture of %dx%d: its planes are too short", w, h)
	}
	return nil
}

// Keys decides when a keyframe that was asked for is made. The first picture is one.
type Keys struct {
	Interval time.Duration // the least time between two
	asked    bool
	any      bool // there has been one
	last     time.Duration
}

// Ask notes that one is wanted.
func (k *Keys) Ask() { k.asked = true }

// Due reports whether the picture taken at captured is to be one.
func (k *Keys) Due(captured time.Duration) bool {
	return !k.any || k.asked && captured-k.last >= k.Interval
}

// Made notes that the picture taken at captured is one.
func (k *Keys) Made(captured time.Duration) { k.any, k.asked, k.last = true, false, captured }
