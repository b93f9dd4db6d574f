package haltest

import (
	"image"
	"testing"
	"time"

	"callbox/hal"
)

// Display checks a display that is there and idle.
func Display(t *testing.T, display hal.Display) {
	t.Helper()
	if display.Name() == "" {
		t.Error("the display has no name")
	}
	for range 2 { // it can be opened again
		s, err := display.Open()
		if err != nil {
			t.Fatal(err)
		}
		// The other side changes its picture size in a call, and turns its phone.
		for i, r := range []image.Rectangle{image.Rect(0, 0, 64, 48), image.Rect(0, 0, 48, 64), image.Rect(0, 0, 320, 180)} {
			f := &hal.Frame{YCbCr: *image.NewYCbCr(r, image.YCbCrSubsampleRatio420), Captured: time.Duration(i) * time.Second}
			if err := s.Show(f); err != nil {
				t.Errorf("Show %v: %v", r, err)
			}
			for j := range f.Y { // the picture is the caller's again
				f.Y[j] = 255
			}
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
	}
}
