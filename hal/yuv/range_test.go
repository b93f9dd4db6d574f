package yuv

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"testing"

	"callbox/hal"
)

// every is a picture of w x h with chroma of all kinds in all pairs, padding around it
// and a canary in the padding.
func every(w, h int) *image.YCbCr {
	const pad = 3
	p := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	p.YStride, p.CStride = w+pad, (w+1)/2+pad
	p.Y = bytes.Repeat([]byte{canary}, p.YStride*h)
	p.Cb = bytes.Repeat([]byte{canary}, p.CStride*((h+1)/2))
	p.Cr = bytes.Repeat([]byte{canary}, p.CStride*((h+1)/2))
	for y := range h {
		for x := range w {
			p.Y[y*p.YStride+x] = byte(7*x + y)
		}
	}
	for y := range (h + 1) / 2 {
		for x := range (w + 1) / 2 {
			p.Cb[y*p.CStride+x], p.Cr[y*p.CStride+x] = byte(4*x+x/64), byte(4*y+y/64)
		}
	}
	return p
}

const canary = 0xA5

func checkPadding(t *testing.T, p *image.YCbCr) {
	t.Helper()
	for _, plane := range []struct {
		p             []byte
		stride, width int
	}{{p.Y, p.YStride, p.Rect.Dx()}, {p.Cb, p.CStride, (p.Rect.Dx() + 1) / 2}, {p.Cr, p.CStride, (p.Rect.Dx() + 1) / 2}} {
		for i, v := range plane.p {
			if i%plane.stride >= plane.width && v != canary {
				t.Fatalf("%d was written into the padding", v)
			}
		}
	}
}

// rgb is what a pixel looks like, each part from 0 to 1 and beyond, by the formulas of
// BT.601 and BT.709 themselves.
func rgb(y, cb, cr byte, c hal.Colours) [3]float64 {
	luma, u, v := (float64(y)-16)/219, (float64(cb)-128)/224, (float64(cr)-128)/224
	if c.FullRange {
		luma, u, v = float64(y)/255, (float64(cb)-128)/255, (float64(cr)-128)/255
	}
	if c.BT709 {
		return [3]float64{luma + 1.5748*v, luma - 0.1873*u - 0.4681*v, luma + 1.8556*u}
	}
	return [3]float64{luma + 1.402*v, luma - 0.3441*u - 0.7141*v, luma + 1.772*u}
}

// TestRecolour: a pixel looks the same before and after, as near as bytes allow, unless
// there is no value for it.
func TestRecolour(t *testing.T) {
	all := []hal.Colours{{}, {FullRange: true}, {BT709: true}, {BT709: true, FullRange: true}}
	for _, size := range []image.Point{{X: 130, Y: 130}, {X: 129, Y: 129}} {
		for _, from := range all {
			for _, to := range all {
				t.Run(fmt.Sprintf("%v %+v to %+v", size, from, to), func(t *testing.T) {
					src, p := every(size.X, size.Y), every(size.X, size.Y)
					if err := Recolour(p, from, to); err != nil {
						t.Fatal(err)
					}
					checkPadding(t, p)
					seen := 0
					for y := range size.Y {
						for x := range size.X {
							a, b := src.YCbCrAt(x, y), p.YCbCrAt(x, y)
							if end(b.Y) || end(b.Cb) || end(b.Cr) {
								continue // it may have been cut off
							}
							seen++
							want, got := rgb(a.Y, a.Cb, a.Cr, from), rgb(b.Y, b.Cb, b.Cr, to)
							for i := range want {
								if math.Abs(want[i]-got[i]) > 0.011 {
									t.Fatalf("%v became %v: %v, want %v", a, b, got, want)
								}
							}
						}
					}
					if seen < size.X*size.Y/4 {
						t.Errorf("only %d pixels were compared", seen)
					}
				})
			}
		}
	}
}

func end(v byte) bool { return v == 0 || v == 255 }

// TestGrey: black, white and greys come out at the nearest value.
func TestGrey(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to hal.Colours
		want     func(v float64) float64
	}{
		"limit":          {hal.Colours{FullRange: true}, hal.Colours{}, func(v float64) float64 { return 16 + v*219/255 }},
		"limit, BT.709":  {hal.Colours{FullRange: true, BT709: true}, hal.Colours{}, func(v float64) float64 { return 16 + v*219/255 }},
		"widen":          {hal.Colours{}, hal.Colours{FullRange: true}, func(v float64) float64 { return (v - 16) * 255 / 219 }},
		"widen, BT.709":  {hal.Colours{BT709: true}, hal.Colours{FullRange: true}, func(v float64) float64 { return (v - 16) * 255 / 219 }},
		"another matrix": {hal.Colours{BT709: true}, hal.Colours{}, func(v float64) float64 { return v }},
	} {
		for v := range 256 {
			p := image.NewYCbCr(image.Rect(0, 0, 2, 2), image.YCbCrSubsampleRatio420)
			for i := range p.Y {
				p.Y[i] = byte(v)
			}
			p.Cb[0], p.Cr[0] = 128, 128
			if err := Recolour(p, tt.from, tt.to); err != nil {
				t.Fatal(err)
			}
			want := min(max(tt.want(float64(v)), 0), 255)
			if math.Abs(float64(p.Y[3])-want) > 0.65 || p.Cb[0] != 128 || p.Cr[0] != 128 {
				t.Errorf("%s: grey %d became %d,%d,%d, want %.1f,128,128", name, v, p.Y[3], p.Cb[0], p.Cr[0], want)
			}
		}
	}
}

// TestLimitTall: the chroma of 4:2:2 becomes what Limit makes of the means of its lines.
func TestLimitTall(t *testing.T) {
	for _, size := range []image.Point{{X: 512, Y: 510}, {X: 66, Y: 50}, {X: 2, Y: 2}} {
		w, h := size.X, size.Y
		stride := w/2 + 5
		cb, cr := make([]byte, stride*h), make([]byte, stride*h)
		for i := range cb {
			cb[i], cr[i] = byte(31*i), byte(i/stride*9)
		}
		want, got := every(w, h), every(w, h)
		for y := range h / 2 {
			for x := range w / 2 {
				at, above, below := y*want.CStride+x, 2*y*stride+x, (2*y+1)*stride+x
				want.Cb[at] = byte((int(cb[above]) + int(cb[below]) + 1) / 2)
				want.Cr[at] = byte((int(cr[above]) + int(cr[below]) + 1) / 2)
			}
		}
		if err := Limit(want); err != nil {
			t.Fatal(err)
		}
		if err := LimitTall(got, cb[:stride*(h-1)+w/2], cr[:stride*(h-1)+w/2], stride); err != nil {
			t.Fatal(err)
		}
		checkPadding(t, got)
		if !bytes.Equal(got.Y, want.Y) || !bytes.Equal(got.Cb, want.Cb) || !bytes.Equal(got.Cr, want.Cr) {
			t.Errorf("%v: it is another picture", size)
		}
	}
}

// TestRecolourAllocates nothing.
func TestRecolourAllocates(t *testing.T) {
	p := every(64, 64)
	for _, from := range []hal.Colours{{FullRange: true}, {BT709: true}} {
		if n := testing.AllocsPerRun(20, func() { _ = Recolour(p, from, hal.Colours{}) }); n != 0 {
			t.Errorf("from %+v: %v allocations", from, n)
		}
	}
}

// BenchmarkRecolour brings a picture of 1280x720 to other colours.
func BenchmarkRecolour(b *testing.B) {
	for name, c := range map[string][2]hal.Colours{
		"limit": {{FullRange: true}, {}}, "widen": {{}, {FullRange: true}}, "BT.709": {{BT709: true}, {}},
	} {
		b.Run(name, func(b *testing.B) {
			p := every(1280, 720)
			for b.Loop() {
				if err := Recolour(p, c[0], c[1]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
