//go:build device

package v4l2

import (
	"errors"
	"os"
	"testing"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/haltest"
)

// TestDevice runs the conformance suite with a real camera: the one that
// CALLBOX_TEST_CAMERA names, else the first.
func TestDevice(t *testing.T) {
	found, err := List()
	if err != nil {
		t.Error(err)
	}
	t.Logf("cameras: %+v", found)
	name := os.Getenv("CALLBOX_TEST_CAMERA")
	if name == "" {
		if len(found) == 0 {
			t.Fatal("there is no camera")
		}
		name = found[0].Name
	}
	clk := clock.Boot()
	c := New(name, clk, zerolog.New(zerolog.NewTestWriter(t)))
	for _, want := range []hal.VideoMode{
		{Width: 640, Height: 480, FrameRate: 15},
		{Width: 320, Height: 180, FrameRate: 30},
		{Width: 1280, Height: 720, FrameRate: 30},
	} {
		haltest.Camera(t, c, clk, want)
	}

	// What the pictures are like: how old, and not all the same.
	s, err := c.Open(hal.VideoMode{Width: 640, Height: 480, FrameRate: 15})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("mode: %+v", s.Mode())
	if _, err := c.Open(hal.VideoMode{Width: 640, Height: 480, FrameRate: 15}); !errors.Is(err, hal.ErrBusy) {
		t.Errorf("a second Open = %v, want %v", err, hal.ErrBusy)
	}
	seen := map[byte]bool{}
	for range 10 {
		f, err := s.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("captured %v ago", clk.Now()-f.Captured)
		for _, v := range f.Y {
			seen[v] = true
		}
	}
	if len(seen) < 10 {
		t.Errorf("the pictures have only %d shades", len(seen))
	}
	s.Close()
}

// TestUnplug waits until somebody unplugs the camera, when CALLBOX_TEST_UNPLUG
// is set by whoever will do that.
func TestUnplug(t *testing.T) {
	name := os.Getenv("CALLBOX_TEST_UNPLUG")
	if name == "" {
		return // nobody will unplug it: nothing to see
	}
	s, err := New(name, clock.Boot(), zerolog.Nop()).Open(hal.VideoMode{Width: 640, Height: 480, FrameRate: 15})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		if _, err := s.ReadFrame(); err != nil {
			t.Log(err)
			if !errors.Is(err, hal.ErrGone) {
				t.Errorf("ReadFrame = %v, want %v", err, hal.ErrGone)
			}
			return
		}
	}
}
