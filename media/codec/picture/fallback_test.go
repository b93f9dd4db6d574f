package picture

import (
	"errors"
	"image"
	"sync"
	"testing"
	"time"
)

// fake is an encoder that fails at a picture.
type fake struct {
	name   string
	p      Params
	fails  int // at this picture; 0: never
	mu     sync.Mutex
	n      int
	keys   int
	closed bool
}

var errFake = errors.New("the device is gone")

func (e *fake) Encode(_ *image.YCbCr, captured time.Duration) (Frame, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return Frame{}, ErrClosed
	}
	if e.n++; e.n == e.fails {
		return Frame{}, errFake
	}
	return Frame{Data: []byte{1}, Key: e.n == 1, Captured: captured, Encoder: e.name}, nil
}

func (e *fake) ForceKeyFrame() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	e.keys++
	return nil
}

func (e *fake) SetBitRate(bps int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	e.p.Bitrate = bps
	return nil
}

func (e *fake) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	return nil
}

// pair makes encoders and remembers them.
type pair struct {
	first, second *fake
	failures      []error
}

func (p *pair) open(t *testing.T, fails int) *Fallback {
	t.Helper()
	f, err := NewFallback(Params{Width: 16, Height: 16, FrameRate: 30, Bitrate: 100_000},
		func(a Params) (Encoder, error) {
			p.first = &fake{name: "first", p: a, fails: fails}
			if fails < 0 {
				return nil, errFake
			}
			return p.first, nil
		}, func(a Params) (Encoder, error) {
			p.second = &fake{name: "second", p: a}
			return p.second, nil
		}, func(err error) { p.failures = append(p.failures, err) })
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFallback: the picture at which the first encoder fails is not lost, and the second
// has the bitrate of that time.
func TestFallback(t *testing.T) {
	img := image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio420)
	for name, tt := range map[string]struct {
		fails  int
		failed int
		last   string
	}{
		"never":         {fails: 0, failed: 0, last: "first"},
		"when opened":   {fails: -1, failed: 1, last: "second"},
		"at the first":  {fails: 1, failed: 1, last: "second"},
		"in the middle": {fails: 3, failed: 1, last: "second"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &pair{}
			f := p.open(t, tt.fails)
			if err := f.SetBitRate(70_000); err != nil {
				t.Fatal(err)
			}
			var last Frame
			for n := range 5 {
				var err error
				if last, err = f.Encode(img, time.Duration(n)*time.Second); err != nil || len(last.Data) == 0 || last.Captured != time.Duration(n)*time.Second {
					t.Fatalf("picture %d: %+v, %v", n, last, err)
				}
				if key := n == 0 || n == tt.fails-1; last.Key != key {
					t.Errorf("picture %d: keyframe = %v", n, last.Key)
				}
			}
			if last.Encoder != tt.last || len(p.failures) != tt.failed {
				t.Errorf("encoded by %s after %v; want %s", last.Encoder, p.failures, tt.last)
			}
			if p.second != nil && (!p.first.closed && tt.fails > 0 || p.second.p.Bitrate != 70_000) {
				t.Errorf("the first is closed: %v; the second has %d bit/s, want 70000", p.first.closed, p.second.p.Bitrate)
			}
			if err := f.ForceKeyFrame(); err != nil {
				t.Error(err)
			}
			f.Close()
			f.Close()
			_, err := f.Encode(img, time.Hour)
			for _, err := range []error{err, f.ForceKeyFrame(), f.SetBitRate(50_000)} {
				if !errors.Is(err, ErrClosed) {
					t.Errorf("after Close: %v", err)
				}
			}
		})
	}
}

// TestFallbackBothFail: then the caller gets the error of the second.
func TestFallbackBothFail(t *testing.T) {
	other := errors.New("nothing left")
	second := func(Params) (Encoder, error) { return nil, other }
	if _, err := NewFallback(Params{}, func(Params) (Encoder, error) { return nil, errFake }, second, func(error) {}); !errors.Is(err, other) {
		t.Errorf("NewFallback = %v", err)
	}
	img := image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio420)
	f, err := NewFallback(Params{Width: 16, Height: 16}, func(Params) (Encoder, error) { return &fake{fails: 1}, nil }, second, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Encode(img, 0); !errors.Is(err, other) {
		t.Errorf("Encode = %v", err)
	}
}

// TestFallbackPictureOfAnotherSize is no fault of the encoder.
func TestFallbackPictureOfAnotherSize(t *testing.T) {
	p := &pair{}
	f := p.open(t, 0)
	defer f.Close()
	if _, err := f.Encode(image.NewYCbCr(image.Rect(0, 0, 32, 16), image.YCbCrSubsampleRatio420), 0); err == nil || len(p.failures) != 0 {
		t.Errorf("%v, failures %v", err, p.failures)
	}
}

// TestFallbackRace: requests and the end of the call while the first encoder fails.
func TestFallbackRace(t *testing.T) {
	img := image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio420)
	for range 200 {
		p := &pair{}
		f := p.open(t, 3)
		var wg sync.WaitGroup
		wg.Go(func() {
			for n := 0; ; n++ {
				if _, err := f.Encode(img, time.Duration(n)*time.Second); err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("Encode: %v", err)
					}
					return
				}
				if n == 3 {
					wg.Go(func() { f.Close() })
				}
			}
		})
		wg.Go(func() {
			for f.ForceKeyFrame() == nil && f.SetBitRate(50_000) == nil {
			}
		})
		wg.Wait()
		f.Close()
		if !p.first.closed || p.second != nil && !p.second.closed {
			t.Fatal("an encoder is left open")
		}
	}
}
