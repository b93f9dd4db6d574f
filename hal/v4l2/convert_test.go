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
		{uapi.PixYUYV, 16, 8, 32, 0},
		{uapi.PixYUYV, 16, 8, 64, 0},
		{uapi.PixYUYV, 16, 8, 37, 0}, // an odd stride
		{uapi.PixYUYV, 17, 9, 40, 0}, // an odd size
		{uapi.PixYUYV, 2, 2, 4, 0},
		{uapi.PixNV12, 16, 8, 16, 0},
		{uapi.PixNV12, 18, 6, 32, 0},
		{uapi.PixNV12, 17, 9, 19, 0},
		{uapi.PixYU12, 16, 8, 16, 0},
		{uapi.PixYU12, 18, 6, 32, 0},
		{uapi.PixYU12, 17, 9, 20, 0},
	} {
		w, h := l.width&^1, l.height&^1
		dst := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
		src := raw(l)
		if err := l.convert(dst, [][]byte{src}, nil); err != nil {
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
			if err := l.convert(dst, [][]byte{src[:n]}, nil); err != nil && !errors.Is(err, errBadPicture) {
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
	if err := l.convert(dst, [][]byte{p.Bytes()}, d); err != nil {
		t.Fatal(err)
	}
	if got := dst.YCbCrAt(5, 5); got != (color.YCbCr{Y: 82, Cb: 95, Cr: 156}) { // in the limited range
		t.Errorf("pixel = %v", got)
	}
}

// TestConvertPlanes: the same pictures, each plane in memory of its own.
func TestConvertPlanes(t *testing.T) {
	for _, tt := range []struct {
		l    layout
		like uint32 // the same in one piece
	}{
		{layout{uapi.PixNV12M, 16, 8, 16, 16}, uapi.PixNV12},
		{layout{uapi.PixNV12M, 18, 6, 32, 24}, uapi.PixNV12},
		{layout{uapi.PixYU12M, 16, 8, 16, 8}, uapi.PixYU12},
		{layout{uapi.PixYU12M, 18, 6, 32, 12}, uapi.PixYU12},
	} {
		l := tt.l
		one := raw(layout{tt.like, l.width, l.height, l.stride, 0})
		src := [][]byte{one[:l.height*l.stride]}
		cut := func(from []byte, stride, width int) []byte { // lines of another stride
			var p []byte
			for row := range l.height / 2 {
				line := make([]byte, l.chroma)
				copy(line, from[row*stride:][:width])
				p = append(p, line...)
			}
			return p[:len(p)-l.chroma+width]
		}
		if tt.like == uapi.PixNV12 {
			src = append(src, cut(one[l.height*l.stride:], l.stride, l.width))
		} else {
			cb := one[l.height*l.stride:]
			src = append(src, cut(cb, l.stride/2, l.width/2), cut(cb[l.height/2*(l.stride/2):], l.stride/2, l.width/2))
		}
		dst := image.NewYCbCr(image.Rect(0, 0, l.width, l.height), image.YCbCrSubsampleRatio420)
		if err := l.convert(dst, src, nil); err != nil {
			t.Errorf("%v: %v", l, err)
			continue
		}
		for y := range l.height {
			for x := range l.width {
				at := y/2*dst.CStride + x/2
				if dst.Y[y*dst.YStride+x] != lumaAt(x, y) || dst.Cb[at] != cbAt(x/2, y/2) || dst.Cr[at] != crAt(x/2, y/2) {
					t.Fatalf("%v: wrong at %d,%d", l, x, y)
				}
			}
		}
		if err := l.convert(dst, src[:1], nil); !errors.Is(err, errBadPicture) {
			t.Errorf("%v without its chroma: %v", l, err)
		}
		for i := range src {
			all := src[i]
			for n := range len(all) {
				src[i] = all[:n]
				if err := l.convert(dst, src, nil); err != nil && !errors.Is(err, errBadPicture) {
					t.Fatalf("%v, plane %d cut to %d: %v", l, i, n, err)
				}
			}
			if src[i] = all[:len(all)/2]; l.convert(dst, src, nil) == nil {
				t.Errorf("%v: half of plane %d was taken", l, i)
			}
			src[i] = all
		}
	}
}

func TestNewLayout(t *testing.T) {
	for name, tt := range map[string]struct {
		in             pixels
		stride, chroma int // both 0: refused
	}{
		"as given":               {pixels{uapi.PixYUYV, 64, 48, 1, 256, 0}, 256, 0},
		"none given":             {pixels{uapi.PixYUYV, 64, 48, 1, 0, 0}, 128, 0},
		"none given, NV12":       {pixels{uapi.PixNV12, 64, 48, 1, 0, 0}, 64, 0},
		"two planes":             {pixels{uapi.PixNV12M, 64, 48, 2, 96, 80}, 96, 80},
		"two, none given":        {pixels{uapi.PixNV12M, 65, 48, 2, 0, 0}, 65, 66},
		"three planes":           {pixels{uapi.PixYU12M, 64, 48, 3, 64, 32}, 64, 32},
		"one plane too few":      {pixels{uapi.PixYU12M, 64, 48, 2, 64, 32}, 0, 0},
		"one plane too many":     {pixels{uapi.PixNV12, 64, 48, 2, 64, 64}, 0, 0},
		"chroma lines too short": {pixels{uapi.PixNV12M, 64, 48, 2, 64, 32}, 0, 0},
		"too short":              {pixels{uapi.PixYUYV, 64, 48, 1, 127, 0}, 0, 0},
		"absurd":                 {pixels{uapi.PixYUYV, 64, 48, 1, 1 << 30, 0}, 0, 0},
		"no size":                {pixels{uapi.PixYUYV, 0, 0, 1, 256, 0}, 0, 0},
		"huge":                   {pixels{uapi.PixYU12, 1 << 31, 48, 1, 256, 0}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := newLayout(tt.in)
			if (err != nil) != (tt.stride == 0) || err == nil && (l.stride != tt.stride || l.chroma != tt.chroma) {
				t.Errorf("newLayout = %v, %v; want strides of %d and %d", l, err, tt.stride, tt.chroma)
			}
		})
	}
}
