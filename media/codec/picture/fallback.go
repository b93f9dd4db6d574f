package picture

import (
	"errors"
	"image"
	"sync"
	"time"
)

// Fallback is an Encoder of two: when the first fails, also in the middle of a stream, the
// second goes on, with a keyframe. It does not come back to the first.
type Fallback struct {
	second func(Params) (Encoder, error)
	failed func(error)
	p      Params

	mu      sync.Mutex
	enc     Encoder // nil after Close
	bitrate int     // as it was set last, bit/s
	first   bool    // enc is the first
}

// NewFallback opens the first encoder, or the second when that fails. failed is called
// when the first has failed, at most once.
func NewFallback(p Params, first, second func(Params) (Encoder, error), failed func(error)) (*Fallback, error) {
	f := &Fallback{second: second, failed: failed, p: p, bitrate: p.Bitrate, first: true}
	var err error
	if f.enc, err = first(p); err != nil {
		failed(err)
		f.first = false
		if f.enc, err = second(p); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Encode implements Encoder.
func (f *Fallback) Encode(img *image.YCbCr, captured time.Duration) (Frame, error) {
	enc, first := f.now()
	if enc == nil {
		return Frame{}, ErrClosed
	}
	if err := Fits(img, f.p.Width, f.p.Height); err != nil {
		return Frame{}, err
	}
	out, err := enc.Encode(img, captured)
	if err == nil || !first || errors.Is(err, ErrClosed) {
		return out, err
	}
	f.failed(err)
	if enc, err = f.change(enc); err != nil {
		return Frame{}, err
	}
	return enc.Encode(img, captured)
}

// change puts the second encoder in the place of the first.
func (f *Fallback) change(first Encoder) (Encoder, error) {
	_ = first.Close() // never fails; it may wait for a driver, and requests do not wait for that
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.enc == nil {
		return nil, ErrClosed
	}
	p := f.p
	p.Bitrate = f.bitrate
	enc, err := f.second(p)
	if err != nil {
		return nil, err
	}
	f.enc, f.first = enc, false
	return enc, nil
}

func (f *Fallback) now() (enc Encoder, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.enc, f.first
}

// ForceKeyFrame implements Encoder.
func (f *Fallback) ForceKeyFrame() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.enc == nil {
		return ErrClosed
	}
	return f.request(f.enc.ForceKeyFrame())
}

// SetBitRate implements Encoder.
func (f *Fallback) SetBitRate(bps int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.enc == nil {
		return ErrClosed
	}
	err := f.enc.SetBitRate(bps)
	if err == nil || f.first && errors.Is(err, ErrClosed) {
		f.bitrate = bps
	}
	return f.request(err)
}

// request hides that the first encoder is closed already: the second begins with a
// keyframe and with the bitrate that was set last.
func (f *Fallback) request(err error) error {
	if f.first && errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// Close implements Encoder.
func (f *Fallback) Close() error {
	f.mu.Lock()
	enc := f.enc
	f.enc = nil
	f.mu.Unlock()
	if enc == nil {
		return nil
	}
	return enc.Close()
}
