package yuv

import (
	"image"
	"testing"
)

// TestFromCameras compares each sample with where it comes from.
func TestFromCameras(t *testing.T) {
	for _, size := range []image.Point{{X: 64, Y: 48}, {X: 66, Y: 50}, {X: 2, Y: 2}, {X: 1280, Y: 2}} {
		w, h := size.X, size.Y
		for _, pad := range []int{0, 1, 16} {
			packed := make([]byte, (2*w+pad)*(h-1)+2*w)
			for i := range packed {
				packed[i] = byte(i*7 + i/251)
			}
			dst := every(w, h)
			if err := FromYUYV(dst, packed, 2*w+pad); err != nil {
				t.Fatal(err)
			}
			checkPadding(t, dst)
			at := func(x, y, part int) byte { return packed[y*(2*w+pad)+4*(x/2)+part] }
			for y := range h {
				for x := range w {
					got, above, below := dst.YCbCrAt(x, y), y&^1, y|1
					cb := (int(at(x, above, 1)) + int(at(x, below, 1)) + 1) / 2
					cr := (int(at(x, above, 3)) + int(at(x, below, 3)) + 1) / 2
					if got.Y != at(x, y, 2*(x%2)) || int(got.Cb) != cb || int(got.Cr) != cr {
						t.Fatalf("YUYV %v, padding %d: %v at %d,%d, want %d,%d,%d", size, pad, got, x, y, at(x, y, 2*(x%2)), cb, cr)
					}
				}
			}
			luma, chroma := packed[:(w+pad)*(h-1)+w], packed[5:][:(w+pad)*(h/2-1)+w]
			if err := FromNV12(dst, luma, w+pad, chroma, w+pad); err != nil {
				t.Fatal(err)
			}
			checkPadding(t, dst)
			for y := range h {
				for x := range w {
					got, c := dst.YCbCrAt(x, y), chroma[y/2*(w+pad)+x&^1:]
					if got.Y != luma[y*(w+pad)+x] || got.Cb != c[0] || got.Cr != c[1] {
						t.Fatalf("NV12 %v, padding %d: %v at %d,%d", size, pad, got, x, y)
					}
				}
			}
			if n := testing.AllocsPerRun(10, func() { _ = FromNV12(dst, luma, w+pad, chroma, w+pad); _ = FromYUYV(dst, packed, 2*w+pad) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
			for name, err := range map[string]error{
				"YUYV":            FromYUYV(dst, packed[1:], 2*w+pad),
				"YUYV, lines":     FromYUYV(dst, packed, 2*w-1),
				"NV12, luma":      FromNV12(dst, luma[1:], w+pad, chroma, w+pad),
				"NV12, lines":     FromNV12(dst, luma, w-1, chroma, w+pad),
				"NV12, chroma":    FromNV12(dst, luma, w+pad, chroma[1:], w+pad),
				"NV12, its lines": FromNV12(dst, luma, w+pad, chroma, w-1),
				"odd":             FromYUYV(every(w+1, h), make([]byte, 4*w*h), 2*w+2),
				"none":            FromNV12(&image.YCbCr{}, luma, w+pad, chroma, w+pad),
			} {
				if err == nil {
					t.Errorf("%s too short for %v: it was done", name, size)
				}
			}
		}
	}
}
