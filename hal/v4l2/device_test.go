//go:build device

package v4l2

import (
	"errors"
	"image"
	"os"
	"slices"
	"testing"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/haltest"
)

// named is the camera under test: the one that CALLBOX_TEST_CAMERA names, else the
// first.
func named(t *testing.T) string {
	t.Helper()
	found, err := List()
	if err != nil {
		t.Error(err)
	}
	t.Logf("cameras: %+v", found)
	if name := os.Getenv("CALLBOX_TEST_CAMERA"); name != "" {
		return name
	}
	if len(found) == 0 {
		t.Fatal("there is no camera")
	}
	return found[0].Name
}

// TestDevice runs the conformance suite with a real camera.
func TestDevice(t *testing.T) {
	clk := clock.Boot()
	c := New(named(t), clk)
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
	var seen [256]bool
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
	shades := 0
	for _, ok := range seen {
		if ok {
			shades++
		}
	}
	if shades < 5 { // colour bars have eight
		t.Errorf("the pictures have only %d shades", shades)
	}
	s.Close()
}

// TestDeviceFormats reads a picture in each raw format that the camera has; they
// must look alike.
func TestDeviceFormats(t *testing.T) {
	found, err := List()
	if err != nil || len(found) == 0 {
		t.Fatalf("cameras: %v, %v", found, err)
	}
	mean := map[string][3]int{}
	for _, format := range costs {
		n, err := openNode(found[0].Path)
		if err != nil {
			t.Fatal(err)
		}
		d, err := ask(n)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(d.formats(costs), format) {
			n.close()
			continue
		}
		l, means, err := d.setFormat(mode{format: format, width: 320, height: 180}, costs)
		if err != nil {
			t.Fatal(err)
		}
		q := newKernelQueue(d, found[0].Path)
		s := &stream{reader: reader{clock: clock.Boot(), queue: q}, layout: l, colours: means.meaning()}
		s.frame.YCbCr = *image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
		if s.buffers, err = q.start(); err != nil {
			t.Fatal(err)
		}
		f, err := s.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		average := func(p []byte) (n int) {
			for _, v := range p {
				n += int(v)
			}
			return n / len(p)
		}
		mean[fourCC(format)] = [3]int{average(f.Y), average(f.Cb), average(f.Cr)}
		s.Close()
	}
	t.Logf("mean levels: %v", mean)
	for a, x := range mean {
		for b, y := range mean {
			for i := range x {
				if d := x[i] - y[i]; d < -4 || d > 4 {
					t.Errorf("plane %d: %s has %d, %s has %d", i, a, x[i], b, y[i])
				}
			}
		}
	}
}

// TestUnplug waits until somebody unplugs the camera, when CALLBOX_TEST_UNPLUG
// is set by whoever will do that.
func TestUnplug(t *testing.T) {
	if os.Getenv("CALLBOX_TEST_UNPLUG") == "" {
		return // nobody will unplug it: nothing to see
	}
	s, err := New(named(t), clock.Boot()).Open(hal.VideoMode{Width: 640, Height: 480, FrameRate: 15})
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
