package screen

import (
	"fmt"
	"testing"

	"callbox/hal"
)

// BenchmarkPaint is what a picture of 1280x720 costs, with a caption.
func BenchmarkPaint(b *testing.B) {
	for _, size := range [][2]int{{1280, 720}, {1920, 1080}, {800, 480}} {
		for _, by := range []hal.Rotation{0, hal.Rotate90} {
			b.Run(fmt.Sprintf("%dx%d turned by %d", size[0], size[1], by), func(b *testing.B) {
				p := painter(b, Options{Width: size[0], Height: size[1], Rotate: by, Fonts: fonts(b, "")})
				p.Caption("Anna", "4:59")
				target, f := dirty(size[0], size[1], 0), plain(1280, 720, 100, 110, 140)
				if err := p.Paint(target, f); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					p.Caption("Anna", "4:59")
					if err := p.Paint(target, f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestNothingIsAllocated for a picture like the last one.
func TestNothingIsAllocated(t *testing.T) {
	p := painter(t, Options{Width: 320, Height: 240, Rotate: hal.Rotate90, Fonts: fonts(t, "")})
	target, f := dirty(320, 240, 0), plain(640, 360, 100, 110, 140)
	paint := func() {
		p.Caption("Anna", "4:59")
		if err := p.Paint(target, f); err != nil {
			t.Fatal(err)
		}
	}
	paint()
	if n := testing.AllocsPerRun(20, paint); n > 0 {
		t.Errorf("%v allocations for a picture", n)
	}
}
