package scale

import (
	"image"
	"math"
	"testing"
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
	for y := range h / 2 {
		for x := range w / 2 {
			p.Cb[y*p.CStride+x] = byte(255 * 2 * y / h)
			p.Cr[y*p.CStride+x] = byte(255 - 255*2*y/h)
		}
	}
	return p
}

func TestI420(t *testing.T) {
	src := slope(1280, 720)
	for _, factor := range []float64{1, 0.75, 0.5, 0.375, 0.1} {
		w, h := Size(1280, 720, factor)
		dst := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
		if err := I420(dst, src); err != nil {
			t.Fatalf("%g: %v", factor, err)
		}
		want := slope(w, h)
		for name, planes := range map[string][2][]byte{"Y": {dst.Y, want.Y}, "Cb": {dst.Cb, want.Cb}, "Cr": {dst.Cr, want.Cr}} {
			for i := range planes[0] {
				if d := math.Abs(float64(planes[0][i]) - float64(planes[1][i])); d > 6 {
					t.Fatalf("%g: plane %s differs by %g at %d", factor, name, d, i)
				}
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	good := slope(64, 64)
	short := slope(64, 64)
	short.Cr = short.Cr[:10]
	full := image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio444)
	for name, p := range map[string]*image.YCbCr{"odd": slope(63, 64), "short": short, "4:4:4": full, "none": {}} {
		if I420(good, p) == nil || I420(p, good) == nil {
			t.Errorf("%s: it was scaled", name)
		}
	}
}

func TestSize(t *testing.T) {
	for _, tt := range [][4]int{{1280, 720, 960, 540}, {640, 480, 480, 360}, {322, 242, 240, 180}, {16, 16, 16, 16}} {
		if w, h := Size(tt[0], tt[1], 0.75); w != tt[2] || h != tt[3] {
			t.Errorf("%dx%d becomes %dx%d, want %dx%d", tt[0], tt[1], w, h, tt[2], tt[3])
		}
	}
}

func BenchmarkI420(b *testing.B) {
	src := slope(1280, 720)
	dst := image.NewYCbCr(image.Rect(0, 0, 960, 540), image.YCbCrSubsampleRatio420)
	b.ReportAllocs()
	for b.Loop() {
		if err := I420(dst, src); err != nil {
			b.Fatal(err)
		}
	}
}
