package virtual

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"

	"callbox/hal"
	"callbox/hal/haltest"
)

func TestDisplay(t *testing.T) {
	haltest.Display(t, NewDisplay(""))
	d := NewDisplay(filepath.Join(t.TempDir(), "x.y4m"))
	haltest.Display(t, d)
	if n := d.Frames(); n != 6 {
		t.Errorf("Frames = %d, want 6", n)
	}
}

func TestDisplayRecords(t *testing.T) {
	dir := t.TempDir()
	d := NewDisplay(filepath.Join(dir, "x.y4m"))
	picture := func(w, h int, luma byte) *hal.Frame {
		// With strides of their own, as decoders have them.
		big := image.NewYCbCr(image.Rect(0, 0, w+16, h), image.YCbCrSubsampleRatio420)
		m := *big.SubImage(image.Rect(0, 0, w, h)).(*image.YCbCr)
		for i := range m.Y {
			m.Y[i] = luma
		}
		return &hal.Frame{YCbCr: m}
	}
	show := func(frames ...*hal.Frame) {
		t.Helper()
		s, err := d.Open()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			if err := s.Show(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Show(frames[0]); err == nil {
			t.Error("a closed display shows")
		}
	}
	show(picture(4, 2, 1), picture(4, 2, 2))
	show(picture(4, 2, 3), picture(2, 4, 4)) // the same file first, then a new one
	show(picture(4, 2, 5))
	for name, want := range map[string][]byte{"x.y4m": {1, 2, 3}, "x-1.y4m": {4}, "x-2.y4m": {5}} {
		w, h := 4, 2
		if name == "x-1.y4m" {
			w, h = 2, 4
		}
		b := fmt.Appendf(nil, "YUV4MPEG2 W%d H%d F30:1 Ip A1:1 C420jpeg\n", w, h)
		for _, luma := range want {
			b = append(b, "FRAME\n"...)
			b = append(b, bytes.Repeat([]byte{luma}, 8)...)
			b = append(b, 0, 0, 0, 0) // NewYCbCr leaves the chroma 0
		}
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s = %q, %v; want %q", name, got, err, b)
		}
	}
	s, err := NewDisplay(filepath.Join(dir, "no", "x.y4m")).Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Show(picture(4, 2, 1)); err == nil {
		t.Error("a recording in no folder was taken")
	}
}
