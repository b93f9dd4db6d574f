// Package haltest checks that a driver keeps the contracts of package hal, as
// testing/slogtest does for handlers. Every driver's tests call it.
package haltest

import (
	"errors"
	"image"
	"io"
	"testing"
	"time"

	"callbox/hal"
	"callbox/hal/clock"
)

// patience is how long a driver may take for what it must do at once. It is only
// spent when a test fails.
const patience = 10 * time.Second

// Camera checks a camera that is there and idle, and whose time is on clk.
func Camera(t *testing.T, camera hal.Camera, clk clock.Clock, want hal.VideoMode) {
	t.Helper()
	if camera.Name() == "" {
		t.Error("the camera has no name")
	}
	t.Run("pictures", func(t *testing.T) { cameraPictures(t, camera, clk, want) })
	t.Run("close", func(t *testing.T) { cameraClose(t, camera, want) })
	t.Run("open again", func(t *testing.T) { cameraPictures(t, camera, clk, want) })
}

func cameraPictures(t *testing.T, camera hal.Camera, clk clock.Clock, want hal.VideoMode) {
	s, err := camera.Open(want)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	m := s.Mode()
	if m.Width <= 0 || m.Height <= 0 || m.Width%2 != 0 || m.Height%2 != 0 || m.FrameRate <= 0 {
		t.Fatalf("mode = %+v; want an even size and a rate", m)
	}
	var first, last time.Duration
	const pictures = 12
	for i := range pictures {
		f, err := s.ReadFrame()
		if err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		checkPicture(t, f, m)
		if f.Captured > clk.Now() {
			t.Errorf("picture %d was captured %v in the future", i, f.Captured-clk.Now())
		}
		if i == 0 {
			first = f.Captured
		} else if f.Captured <= last {
			t.Errorf("picture %d was captured at %v, the one before at %v", i, f.Captured, last)
		}
		last = f.Captured
	}
	// A driver that does not wait for pictures would be a hundred times too fast.
	if d := last - first; d < time.Duration(float64(pictures-1)/m.FrameRate/2*float64(time.Second)) {
		t.Errorf("%d pictures in %v at %v a second", pictures, d, m.FrameRate)
	}
}

func checkPicture(t *testing.T, f *hal.Frame, m hal.VideoMode) {
	t.Helper()
	if f.Rect != image.Rect(0, 0, m.Width, m.Height) || f.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		t.Fatalf("picture of %v, %v; want %dx%d, 4:2:0", f.Rect, f.SubsampleRatio, m.Width, m.Height)
	}
	w, h := m.Width, m.Height
	if f.YStride < w || f.CStride < w/2 || len(f.Y) < f.YStride*(h-1)+w ||
		len(f.Cb) < f.CStride*(h/2-1)+w/2 || len(f.Cr) < f.CStride*(h/2-1)+w/2 {
		t.Fatalf("planes of %d, %d and %d bytes with strides of %d and %d are too small for %dx%d",
			len(f.Y), len(f.Cb), len(f.Cr), f.YStride, f.CStride, w, h)
	}
}

func cameraClose(t *testing.T, camera hal.Camera, want hal.VideoMode) {
	s, err := camera.Open(want)
	if err != nil {
		t.Fatal(err)
	}
	started, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		for {
			if _, err := s.ReadFrame(); err != nil {
				ended <- err
				return
			}
			select {
			case started <- struct{}{}:
			default:
			}
		}
	}()
	select {
	case <-started:
	case <-time.After(patience):
		t.Error("no picture came")
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, io.EOF) {
			t.Errorf("ReadFrame after Close = %v, want %v", err, io.EOF)
		}
	case <-time.After(patience):
		t.Fatal("Close did not wake ReadFrame")
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	if _, err := s.ReadFrame(); !errors.Is(err, io.EOF) {
		t.Errorf("ReadFrame of a closed camera = %v, want %v", err, io.EOF)
	}
}
