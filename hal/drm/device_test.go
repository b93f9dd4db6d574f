//go:build device

package drm

import (
	"errors"
	"image"
	"os"
	"testing"
	"time"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/haltest"
	"callbox/hal/screen"
)

// display is the screen under test: the one that CALLBOX_TEST_DISPLAY names, else the
// first that is connected.
func display(t *testing.T) *Display {
	t.Helper()
	found, err := List()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("displays: %+v", found)
	fonts, err := screen.OpenFonts("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fonts.Close() })
	name := hal.NameAuto
	if wanted := os.Getenv("CALLBOX_TEST_DISPLAY"); wanted != "" {
		name = wanted
	}
	return New(Options{Name: name, Fonts: fonts, Clock: clock.Boot()})
}

// TestDevice runs the conformance suite with a real screen, and says how fast it is.
func TestDevice(t *testing.T) {
	d := display(t)
	if err := d.Problem(); err != nil {
		t.Fatal(err)
	}
	haltest.Display(t, d)

	s, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other := New(d.opts)
	if _, err := other.Open(); !errors.Is(err, hal.ErrBusy) {
		t.Errorf("a second Open = %v, want %v", err, hal.ErrBusy)
	}
	if err := other.Problem(); !errors.Is(err, hal.ErrBusy) {
		t.Errorf("Problem = %v, want %v", err, hal.ErrBusy)
	}
	if err := d.Problem(); err != nil {
		t.Errorf("of the open display: Problem = %v", err)
	}
	screen := s.(*stream)
	screen.Caption(hal.Caption{Name: "Anna", Deadline: clock.Boot().Now() + time.Minute})
	f := &hal.Frame{YCbCr: *image.NewYCbCr(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)}
	for i := range f.Y {
		f.Y[i] = 180
	}
	for i := range f.Cb {
		f.Cb[i], f.Cr[i] = 60, 200
	}
	begun := time.Now()
	const pictures = 60
	for range pictures {
		if err := s.Show(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := screen.Refresh(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%dx%d in %q: %.1f pictures a second, flips: %v", screen.head.mode.Width, screen.head.mode.Height, d.Name(), pictures/time.Since(begun).Seconds(), screen.flips)
}
