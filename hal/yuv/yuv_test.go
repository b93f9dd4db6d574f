package yuv

import (
	"image"
	"math"
	"testing"

	"callbox/hal"
)

// slope is a picture whose brightness grows from left to right, colour from top to
// bottom.
func slope(w, h int) *image.YCbCr {
	p := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for y := range h {
		for x := range w {
			p.Y[y*p.YStride+x] = byte(255 * x / w)
		}
	}
	for y := range (h + 1) / 2 {
		for x := range (w + 1) / 2 {
			p.Cb[y*p.CStride+x] = byte(255 * 2 * y / h)
			p.Cr[y*p.CStride+x] = byte(255 - 255*2*y/h)
		}
	}
	return p
}

func TestScale(t *testing.T) {
	src := slope(1280, 720)
	for _, size := range []image.Point{{X: 1280, Y: 720}, {X: 960, Y: 540}, {X: 641, Y: 359}, {X: 480, Y: 270}, {X: 128, Y: 72}} {
		dst := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		if err := Scale(dst, src); err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		want := slope(size.X, size.Y)
		for name, planes := range map[string][2][]byte{"Y": {dst.Y, want.Y}, "Cb": {dst.Cb, want.Cb}, "Cr": {dst.Cr, want.Cr}} {
			for i := range planes[0] {
				if d := math.Abs(float64(planes[0][i]) - float64(planes[1][i])); d > 6 {
					t.Fatalf("%v: plane %s differs by %g at %d", size, name, d, i)
				}
			}
		}
	}
}

// TestTurns compares each pixel with where it belongs, also of odd sizes and with padding.
func TestTurns(t *testing.T) {
	for _, size := range []image.Point{{X: 32, Y: 18}, {X: 33, Y: 17}, {X: 1, Y: 5}} {
		w, h := size.X, size.Y
		src := slope(w+7, h+3).SubImage(image.Rect(0, 0, w, h)).(*image.YCbCr)
		for name, tt := range map[string]struct {
			do   func(dst *image.YCbCr) error
			from func(x, y int) (int, int) // of the source, for a pixel of the result
			size image.Point
		}{
			"90":     {func(dst *image.YCbCr) error { return Rotate(dst, src, hal.Rotate90) }, func(x, y int) (int, int) { return y, h - 1 - x }, image.Pt(h, w)},
			"180":    {func(dst *image.YCbCr) error { return Rotate(dst, src, hal.Rotate180) }, func(x, y int) (int, int) { return w - 1 - x, h - 1 - y }, size},
			"270":    {func(dst *image.YCbCr) error { return Rotate(dst, src, hal.Rotate270) }, func(x, y int) (int, int) { return w - 1 - y, x }, image.Pt(h, w)},
			"mirror": {func(dst *image.YCbCr) error { return Mirror(dst, src) }, func(x, y int) (int, int) { return w - 1 - x, y }, size},
		} {
			var dst image.YCbCr
			if err := tt.do(&dst); err != nil || dst.Rect.Size() != tt.size {
				t.Fatalf("%s of %v: %v, %v", name, size, dst.Rect, err)
			}
			for y := range tt.size.Y {
				for x := range tt.size.X {
					sx, sy := tt.from(x, y)
					if got, want := dst.Y[dst.YOffset(x, y)], src.Y[src.YOffset(sx, sy)]; got != want {
						t.Fatalf("%s of %v: luma at %d,%d is %d, want %d", name, size, x, y, got, want)
					}
				}
			}
			memory := &dst.Y[0]
			if n := testing.AllocsPerRun(10, func() { _ = tt.do(&dst) }); n != 0 || memory != &dst.Y[0] {
				t.Errorf("%s: a picture of the same size allocates %v times", name, n)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	good := slope(64, 64)
	short := slope(64, 64)
	short.Cr = short.Cr[:10]
	line := slope(64, 64)
	line.YStride = 63
	other := image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio444)
	wide := image.NewYCbCr(image.Rect(0, 0, MaxSide+1, 1), image.YCbCrSubsampleRatio420)
	for name, p := range map[string]*image.YCbCr{"short": short, "narrow lines": line, "4:4:4": other, "none": {}, "wide": wide} {
		var made image.YCbCr
		for what, err := range map[string]error{
			"scale": Scale(good, p), "scale into": Scale(p, good), "turn": Rotate(&made, p, hal.Rotate90), "mirror": Mirror(&made, p),
			"limit": Limit(p), "limit, 4:2:2": LimitTall(p, good.Y, good.Y, 64),
			"recolour": Recolour(p, hal.Colours{BT709: true}, hal.Colours{}), "convert": XRGB(make([]byte, 4*64*64), 4*64, p, hal.Colours{}),
		} {
			if err == nil {
				t.Errorf("%s: %s was done", name, what)
			}
		}
	}
	for name, err := range map[string]error{
		"memory":      XRGB(make([]byte, 4*64*64-1), 4*64, good, hal.Colours{}),
		"lines":       XRGB(make([]byte, 4*64*64), 4*64-1, good, hal.Colours{}),
		"chroma":      LimitTall(good, make([]byte, 32*64-1), make([]byte, 32*64), 32),
		"chroma line": LimitTall(good, make([]byte, 32*64), make([]byte, 32*64), 31),
		"odd height":  LimitTall(slope(64, 63), make([]byte, 32*64), make([]byte, 32*64), 32),
	} {
		if err == nil {
			t.Errorf("%s too short: it was done", name)
		}
	}
}

func BenchmarkScale(b *testing.B) {
	src, dst := slope(1280, 720), slope(960, 540)
	b.ReportAllocs()
	for b.Loop() {
		if err := Scale(dst, src); err != nil {
			b.Fatal(err)
		}
	}
}
