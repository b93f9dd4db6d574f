package capture

import (
	"io"
	"testing"
	"time"

	"callbox/hal"
	"callbox/media/codec/codectest"
	"callbox/media/codec/openh264"
	"callbox/media/codec/picture"
	"callbox/media/codec/vpx"
)

// ready is a camera whose pictures lie there, at 30 a second.
type ready struct {
	frame  hal.Frame
	n      int
	closed bool
}

func (c *ready) Mode() hal.VideoMode {
	return hal.VideoMode{Width: c.frame.Rect.Dx(), Height: c.frame.Rect.Dy(), FrameRate: 30}
}

func (c *ready) ReadFrame() (*hal.Frame, error) {
	if c.closed {
		return nil, io.EOF
	}
	c.n++
	c.frame.Captured = time.Duration(c.n) * time.Second / 30
	return &c.frame, nil
}

func (c *ready) Close() error { c.closed = true; return nil }

// encoding is a camera of w x h with an encoder behind it, past its first pictures.
func encoding(tb testing.TB, codec func(float64, int, time.Duration) picture.Builder, w, h int) (read func()) {
	tb.Helper()
	v, err := NewVideo(&ready{frame: hal.Frame{YCbCr: *codectest.Picture(w, h, 0)}}, codec(30, 1_200_000, 0), nil)
	if err != nil {
		tb.Fatal(err)
	}
	enc, err := v.Encoder()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { v.Done(); v.Close(); enc.Close() })
	read = func() {
		if _, _, err := enc.Read(); err != nil {
			tb.Fatal(err)
		}
	}
	for range 10 {
		read()
	}
	return read
}

var videoCodecs = map[string]func(float64, int, time.Duration) picture.Builder{"H.264": openh264.H264, "VP8": vpx.VP8}

// TestAllocations: from the camera to the encoded picture there are none.
func TestAllocations(t *testing.T) {
	for name, codec := range videoCodecs {
		read := encoding(t, codec, 320, 240)
		if n := testing.AllocsPerRun(50, read); n != 0 {
			t.Errorf("%s: a picture allocates %v times", name, n)
		}
	}
}

// BenchmarkEncode720p encodes one picture of a camera an iteration.
func BenchmarkEncode720p(b *testing.B) {
	for name, codec := range videoCodecs {
		b.Run(name, func(b *testing.B) {
			read := encoding(b, codec, 1280, 720)
			b.ReportAllocs()
			for b.Loop() {
				read()
			}
		})
	}
}
