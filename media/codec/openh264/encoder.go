package openh264

// #include "library.h"
import "C"

import (
	"fmt"
	"image"
	"math"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"github.com/pion/mediadevices/pkg/codec"

	"callbox/media/codec/h264"
	"callbox/media/codec/internal/heap"
	"callbox/media/codec/internal/pace"
	"callbox/media/codec/picture"
)

// H264 builds H.264 encoders for mediadevices.
func H264(frameRate float64, bitrate int, keyframeInterval time.Duration) picture.Builder {
	return picture.Builder{
		Codec: codec.NewRTPH264Codec(90000), New: func(p picture.Params) (picture.Encoder, error) { return NewEncoder(p) },
		FrameRate: frameRate, Bitrate: bitrate, KeyframeInterval: keyframeInterval,
	}
}

// Encoder is a picture.Encoder for H.264. Its pictures are Annex B streams; a keyframe
// begins with SPS and PPS.
type Encoder struct {
	mu   sync.Mutex
	c    *C.callbox_openh264_encoder // nil after Close
	p    picture.Params
	buf  []byte
	keys picture.Keys
	pace pace.Pace
	last int64 // ms
}

// maxSide is what the library takes.
const maxSide = 3840

// NewEncoder makes an encoder; its first picture is a keyframe. Errors also wrap
// ErrMissing.
func NewEncoder(p picture.Params) (*Encoder, error) {
	if err := p.Check("H.264", maxSide); err != nil {
		return nil, err
	}
	if err := open(); err != nil {
		return nil, fmt.Errorf("cannot open the H.264 encoder: %w", err)
	}
	heap.MapPictures()
	e := &Encoder{p: p, last: -1, keys: picture.Keys{Interval: p.KeyframeInterval}, pace: pace.New(p.FrameRate)}
	level := h264.Level(p.Width, p.Height, p.FrameRate, p.Bitrate)
	var rc C.int
	heap.Opening(func() {
		rc = C.callbox_openh264_encoder_new(&e.c, C.int(p.Width), C.int(p.Height), C.float(p.FrameRate),
			C.int(p.Bitrate), C.int(level), C.int(threads(p.Width, p.Height)))
	})
	if rc != 0 {
		return nil, fmt.Errorf("cannot open the H.264 encoder: %w", failure(rc))
	}
	return e, nil
}

// threads leaves a core to the rest. Each thread has a slice of its own, which costs
// bits at its edges.
func threads(w, h int) int {
	switch cores := runtime.NumCPU(); {
	case w*h > 1280*960 && cores >= 6:
		return 3
	case w*h > 1280*720 && cores >= 3:
		return 2
	default:
		return 1
	}
}

// Encode implements picture.Encoder.
func (e *Encoder) Encode(img *image.YCbCr, captured time.Duration) (picture.Frame, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		return picture.Frame{}, picture.ErrClosed
	}
	if err := picture.Fits(img, e.p.Width, e.p.Height); err != nil {
		return picture.Frame{}, err
	}
	if rate, changed := e.pace.Next(captured); changed {
		if rc := C.callbox_openh264_rate(e.c, C.float(rate)); rc != 0 {
			return picture.Frame{}, fmt.Errorf("cannot encode %.1f pictures/s: %w", rate, failure(rc))
		}
	}
	key := C.int(0)
	if e.keys.Due(captured) {
		key = 1
	}
	// The times must grow; a driver's clock must not be able to stop the call.
	ms := max(int64(captured/time.Millisecond), e.last+1)
	rc := C.callbox_openh264_encode(e.c,
		(*C.uchar)(unsafe.Pointer(&img.Y[0])), (*C.uchar)(unsafe.Pointer(&img.Cb[0])), (*C.uchar)(unsafe.Pointer(&img.Cr[0])),
		C.int(img.YStride), C.int(img.CStride), C.longlong(ms), key)
	if rc != 0 {
		return picture.Frame{}, fmt.Errorf("cannot encode a picture: %w", failure(rc))
	}
	e.last = ms
	e.buf = e.buf[:0]
	for i := C.int(0); ; i++ {
		p := C.callbox_openh264_layer(e.c, i)
		if p == nil {
			break
		}
		e.buf = append(e.buf, unsafe.Slice((*byte)(p), int(e.c.len))...)
	}
	f := picture.Frame{Data: e.buf, Key: e.c.key != 0 && len(e.buf) > 0, Captured: captured, Encoder: "openh264"}
	if f.Key {
		e.keys.Made(captured)
	}
	return f, nil
}

// ForceKeyFrame implements picture.Encoder.
func (e *Encoder) ForceKeyFrame() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		return picture.ErrClosed
	}
	e.keys.Ask()
	return nil
}

// SetBitRate changes the rate that the encoder aims at, in bit/s.
func (e *Encoder) SetBitRate(bps int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		return picture.ErrClosed
	}
	if bps < 1000 {
		return fmt.Errorf("cannot encode at %d bit/s: at least 1 kbit/s", bps)
	}
	// The level that OpenH264 took for the size has a highest rate (H.264, table A-1), above
	// which it refuses: what comes next below is the most that such pictures can use.
	var rc C.int
	for try := min(bps, math.MaxInt32); try >= min(bps, leastLevelRate); try -= try/4 + 1 {
		if rc = C.callbox_openh264_bitrate(e.c, C.int(try)); rc == 0 {
			return nil
		}
	}
	return fmt.Errorf("cannot change the bitrate to %d bit/s: %w", bps, failure(rc))
}

// leastLevelRate is what the lowest level, 1, may have, in bit/s.
const leastLevelRate = 64_000

// Close frees the encoder; it may be called twice.
func (e *Encoder) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c != nil {
		C.callbox_openh264_encoder_free(e.c)
		heap.Trim()
		e.c = nil
	}
	return nil
}

func failure(rc C.int) error { return fmt.Errorf("OpenH264 says %d", int(rc)) }
