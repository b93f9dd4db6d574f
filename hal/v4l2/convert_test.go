package v4l2

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"testing"

	"callbox/hal/jpeg"
	"callbox/hal/v4l2/internal/uapi"
)

// The test picture: every sample is known from its place.
func lumaAt(x, y int) byte { return byte(3*x + 7*y) }
func cbAt(x, y int) byte   { return byte(100 + 5*x + 11*y) } // in 4:2:0 samples
func crAt(x, y int) byte   { return byte(200 - 9*x - 2*y) }

// raw lays the test picture out as the driver would, filler in all padding.
func raw(l layout) []byte {
	const filler = 0xEE
	lines := (l.height + 1) / 2
	var b []byte
	put := func(at int, v byte) {
		for len(b) <= at {
			b = append(b, filler)
		}
		b[at] = v
	}
	for y := range l.height {
		for x := range l.width {
			switch l.format {
			case uapi.PixYUYV:
				put(y*l.stride+2*x, lumaAt(x, y))
				// Two lines whose average is the sample: one above, one below.
				d := byte(1 - 2*(y&1))
				put(y*l.stride+4*(x/2)+1, cbAt(x/2, y/2)+d)
				put(y*l.stride+4*(x/2)+3, crAt(x/2, y/2)+d)
			case uapi.PixNV12:
				put(y*l.stride+x, lumaAt(x, y))
				put((l.height+y/2)*l.stride+(x&^1), cbAt(x/2, y/2))
				put((l.height+y/2)*l.stride+(x|1), crAt(x/2, y/2))
			case uapi.PixYU12:
				put(y*l.stride+x, lumaAt(x, y))
				put(l.height*l.stride+y/2*(l.stride/2)+x/2, cbAt(x/2, y/2))
				put(l.height*l.stride+(lines+y/2)*(l.stride/2)+x/2, crAt(x/2, y/2))
			}
		}
	}
	return b
}

func TestConvertRaw(t *testing.T) {
	for _, l := range []layout{
		{uapi.PixYUYV, 16, 8, 32},
		{uapi.PixYUYV, 16, 8, 64},
		{uapi.PixYUYV, 16, 8, 37}, // an odd stride
		{uapi.PixYUYV, 17, 9, 40}, // an odd size
		{uapi.PixYUYV, 2, 2, 4},
		{uapi.PixNV12, 16, 8, 16},
		{uapi.PixNV12, 18, 6, 32},
		{uapi.PixNV12, 17, 9, 19},
		{uapi.PixYU12, 16, 8, 16},
		{uapi.PixYU12, 18, 6, 32},
		{uapi.PixYU12, 17, 9, 20},
	} {
		w, h := l.width&^1, l.height&^1
		dst := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
		src := raw(l)
		if err := l.convert(dst, src, nil); err != nil {
			t.Errorf("%v: %v", l, err)
			continue
		}
		for y := range h {
			for x := range w {
				if got := dst.Y[y*dst.YStride+x]; got != lumaAt(x, y) {
					t.Fatalf("%v: Y at %d,%d = %d, want %d", l, x, y, got, lumaAt(x, y))
				}
				at := y/2*dst.CStride + x/2
				if cb, cr := dst.Cb[at], dst.Cr[at]; cb != cbAt(x/2, y/2) || cr != crAt(x/2, y/2) {
					t.Fatalf("%v: chroma at %d,%d = %d,%d, want %d,%d", l, x, y, cb, cr, cbAt(x/2, y/2), crAt(x/2, y/2))
				}
			}
		}
		// Every shorter buffer is a bad picture, never a panic; a full picture of
		// an even size has nothing to spare but padding.
		for n := range len(src) {
			if err := l.convert(dst, src[:n], nil); err != nil && !errors.Is(err, errBadPicture) {
				t.Fatalf("%v cut to %d bytes: %v", l, n, err)
			} else if err == nil && w == l.width && h == l.height {
				t.Fatalf("%v cut to %d of %d bytes was taken", l, n, len(src))
			}
		}
	}
}

func TestConvertMJPEG(t *testing.T) {
	m := image.NewYCbCr(image.Rect(0, 0, 32, 16), image.YCbCrSubsampleRatio420)
	for i := range m.Y {
		m.Y[i] = 77
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 90, 160
	}
	var p bytes.Buffer
	if err := stdjpeg.Encode(&p, m, &stdjpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	d, err := jpeg.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	dst := image.NewYCbCr(m.Rect, image.YCbCrSubsampleRatio420)
	l := layout{format: uapi.PixMJPEG, width: 32, height: 16}
	if err := l.convert(dst, p.Bytes(), d); err != nil {
		t.Fatal(err)
	}
	if got := dst.YCbCrAt(5, 5); got != (color.YCbCr{Y: 77, Cb: 90, Cr: 160}) {
		t.Errorf("pixel = %v", got)
	}
}

func TestNewLayout(t *testing.T) {
	for name, tt := range map[string]struct {
		in     uapi.PixFormat
		stride int // 0: refused
	}{
		"as given":         {uapi.PixFormat{Width: 64, Height: 48, PixelFormat: uapi.PixYUYV, BytesPerLine: 256}, 256},
		"none given":       {uapi.PixFormat{Width: 64, Height: 48, PixelFormat: uapi.PixYUYV}, 128},
		"none given, NV12": {uapi.PixFormat{Width: 64, Height: 48, PixelFormat: uapi.PixNV12}, 64},
		"too short":        {uapi.PixFormat{Width: 64, Height: 48, PixelFormat: uapi.PixYUYV, BytesPerLine: 127}, 0},
		"absurd":           {uapi.PixFormat{Width: 64, Height: 48, PixelFormat: uapi.PixYUYV, BytesPerLine: 1 << 30}, 0},
		"no size":          {uapi.PixFormat{PixelFormat: uapi.PixYUYV, BytesPerLine: 256}, 0},
		"huge":             {uapi.PixFormat{Width: 1 << 31, Height: 48, PixelFormat: uapi.PixYU12, BytesPerLine: 256}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := newLayout(tt.in)
			if (err != nil) != (tt.stride == 0) || err == nil && l.stride != tt.stride {
				t.Errorf("newLayout = %v, %v; want a stride of %d", l, err, tt.stride)
			}
		})
	}
}

// BenchmarkYUYV unpacks one 1280x720 picture an iteration.
func BenchmarkYUYV(b *testing.B) {
	l := layout{uapi.PixYUYV, 1280, 720, 2560}
	src := make([]byte, l.stride*l.height)
	dst := image.NewYCbCr(image.Rect(0, 0, 1280, 720), image.YCbCrSubsampleRatio420)
	for b.Loop() {
		if err := l.convert(dst, src, nil); err != nil {
			b.Fatal(err)
		}
	}
}
