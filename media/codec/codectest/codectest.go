// Package codectest is what every video codec must do, and pictures to try it with.
package codectest

import (
	"errors"
	"image"
	"io"
	"sync"
	"testing"
	"time"

	"callbox/media/codec/picture"
)

// Codec is a codec under test.
type Codec struct {
	NewEncoder func(picture.Params) (picture.Encoder, error)
	NewDecoder func() (picture.Decoder, error)
	Builder    func(frameRate float64, bitrate int, keyframeInterval time.Duration) picture.Builder
}

// Test runs all tests.
func (c Codec) Test(t *testing.T) {
	t.Run("EncodeDecode", c.testEncodeDecode)
	t.Run("KeyframeRequests", c.testKeyframeRequests)
	t.Run("Bitrate", c.testBitrate)
	t.Run("Refusals", c.testRefusals)
	t.Run("TimeBackwards", c.testTimeBackwards)
	t.Run("UseAfterClose", c.testUseAfterClose)
	t.Run("DecoderNeedsKeyframe", c.testDecoderNeedsKeyframe)
	t.Run("Stream", c.testStream)
	t.Run("StreamCloseRace", c.testStreamCloseRace)
	t.Run("Allocations", c.testAllocations)
}

func (c Codec) testEncodeDecode(t *testing.T) {
	const w, h = 322, 182 // no multiple of 16
	enc, err := c.NewEncoder(Params(w, h))
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, enc)
	dec, err := c.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, dec)
	for n := range 60 {
		img := Picture(w, h, n)
		captured := time.Hour + time.Duration(n)*FrameTime
		f, err := enc.Encode(img, captured)
		if err != nil {
			t.Fatal(err)
		}
		if f.Key != (n == 0) {
			t.Errorf("picture %d: keyframe = %v", n, f.Key)
		}
		if f.Captured != captured {
			t.Errorf("picture %d was captured at %v, want %v", n, f.Captured, captured)
		}
		got, err := dec.Decode(f.Data)
		if err != nil || got == nil {
			t.Fatalf("picture %d: %v, %v", n, got, err)
		}
		if got.Rect != img.Rect {
			t.Fatalf("decoded %v, want %v", got.Rect, img.Rect)
		}
		if q := PSNR(img, got); q < 28 {
			t.Errorf("picture %d: PSNR %.1f dB, want at least 28", n, q)
		}
	}
}

func (c Codec) testKeyframeRequests(t *testing.T) {
	enc, err := c.NewEncoder(Params(160, 96))
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, enc)
	var keys []int
	for n := range 40 {
		if err := enc.ForceKeyFrame(); err != nil { // a storm: one for each picture
			t.Fatal(err)
		}
		f, err := enc.Encode(Picture(160, 96, n), time.Duration(n)*100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if f.Key {
			keys = append(keys, n)
		}
	}
	for i, k := range keys {
		if k != i*3 {
			t.Fatalf("keyframes at %v, want every third picture (300 ms)", keys)
		}
	}
	if len(keys) != 14 {
		t.Errorf("%d keyframes in 40 pictures, want 14", len(keys))
	}
}

func (c Codec) testBitrate(t *testing.T) {
	const w, h = 640, 360
	p := Params(w, h)
	enc, err := c.NewEncoder(p)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, enc)
	noise := func(img *image.YCbCr, n int) {
		s := uint32(n)*2654435761 + 1
		for i := range img.Y {
			s = s*1664525 + 1013904223
			img.Y[i] = byte(128 + int(s>>28) - 8 + 60*(i/64%2))
		}
	}
	img := Picture(w, h, 0)
	measure := func(from int) float64 {
		bytes := 0
		for n := range 150 {
			noise(img, from+n)
			f, err := enc.Encode(img, time.Duration(from+n)*FrameTime)
			if err != nil {
				t.Fatal(err)
			}
			if n >= 30 {
				bytes += len(f.Data)
			}
		}
		return float64(bytes) * 8 / 4
	}
	for i, want := range []int{600_000, 1_500_000} {
		if err := enc.SetBitRate(want); err != nil {
			t.Fatal(err)
		}
		if got := measure(i * 150); got < 0.75*float64(want) || got > 1.3*float64(want) {
			t.Errorf("%d bit/s wanted, %.0f made", want, got)
		}
	}
}

func (c Codec) testRefusals(t *testing.T) {
	for name, p := range map[string]picture.Params{
		"odd width":  {Width: 321, Height: 240, FrameRate: 30, Bitrate: 1e6},
		"no rate":    {Width: 320, Height: 240, Bitrate: 1e6},
		"no bitrate": {Width: 320, Height: 240, FrameRate: 30},
		"too large":  {Width: 20000, Height: 240, FrameRate: 30, Bitrate: 1e6},
	} {
		if e, err := c.NewEncoder(p); err == nil {
			closeAll(t, e)
			t.Errorf("%s: accepted", name)
		}
	}
	enc, err := c.NewEncoder(Params(64, 64))
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, enc)
	short := Picture(64, 64, 0)
	short.Cr = short.Cr[:10]
	for name, img := range map[string]*image.YCbCr{
		"other size":  Picture(64, 32, 0),
		"short plane": short,
		"4:4:4":       image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio444),
	} {
		if _, err := enc.Encode(img, 0); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

// testTimeBackwards: a clock that jumps back must not stop the stream.
func (c Codec) testTimeBackwards(t *testing.T) {
	enc, err := c.NewEncoder(Params(64, 64))
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, enc)
	for n, at := range []time.Duration{time.Second, time.Second, 0, 2 * time.Second} {
		if _, err := enc.Encode(Picture(64, 64, n), at); err != nil {
			t.Errorf("picture %d at %v: %v", n, at, err)
		}
	}
}

// testUseAfterClose: a request that races with the end of the call.
func (c Codec) testUseAfterClose(t *testing.T) {
	for range 20 {
		enc, err := c.NewEncoder(Params(64, 64))
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for {
					if errors.Is(enc.ForceKeyFrame(), picture.ErrClosed) && errors.Is(enc.SetBitRate(500_000), picture.ErrClosed) {
						return
					}
				}
			})
		}
		img := Picture(64, 64, 0)
		if _, err := enc.Encode(img, 0); err != nil {
			t.Fatal(err)
		}
		closeAll(t, enc, enc)
		wg.Wait()
		if _, err := enc.Encode(img, 0); !errors.Is(err, picture.ErrClosed) {
			t.Fatalf("Encode after Close: %v, want picture.ErrClosed", err)
		}
	}
	dec, err := c.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	closeAll(t, dec, dec)
	if _, err := dec.Decode([]byte{1, 2, 3}); !errors.Is(err, picture.ErrClosed) {
		t.Errorf("Decode after Close: %v, want picture.ErrClosed", err)
	}
}

func (c Codec) testDecoderNeedsKeyframe(t *testing.T) {
	enc, err := c.NewEncoder(Params(64, 64))
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, enc)
	var frames [][]byte
	for n := range 3 {
		f, err := enc.Encode(Picture(64, 64, n), time.Duration(n)*FrameTime)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, append([]byte(nil), f.Data...))
	}
	dec, err := c.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, dec)
	want := func(p []byte, target error) {
		t.Helper()
		if _, err := dec.Decode(p); !errors.Is(err, target) {
			t.Errorf("Decode: %v, want %v", err, target)
		}
	}
	want(frames[1], picture.ErrNeedKeyframe)
	want(frames[0], nil)
	want(frames[1], nil)
	dec.Lost()
	want(frames[2], picture.ErrNeedKeyframe)
	want(frames[0], nil)
	want(nil, picture.ErrNeedKeyframe)
}

// closeAll closes codecs, which never fails.
func closeAll(tb testing.TB, codecs ...io.Closer) {
	tb.Helper()
	for _, c := range codecs {
		if err := c.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	}
}
