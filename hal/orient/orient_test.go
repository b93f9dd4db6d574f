package orient

import (
	"image"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/haltest"
	"callbox/hal/virtual"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// still is a camera of one picture.
type still struct{ m *image.YCbCr }

func (s still) Name() string                                { return "still" }
func (s still) Open(hal.VideoMode) (hal.VideoStream, error) { return stillStream(s), nil }

type stillStream struct{ m *image.YCbCr }

func (s stillStream) Mode() hal.VideoMode {
	return hal.VideoMode{Width: s.m.Rect.Dx(), Height: s.m.Rect.Dy(), FrameRate: 10}
}
func (s stillStream) ReadFrame() (*hal.Frame, error) {
	return &hal.Frame{YCbCr: *s.m, Captured: time.Hour}, nil
}
func (s stillStream) Close() error { return nil }

func (s stillStream) BadFrames() uint64  { return 2 }
func (s stillStream) LateFrames() uint64 { return 3 }

// corner is a dark picture of w x h, with padding, and one bright corner.
func corner(w, h int, right, below bool) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, w+16, h+2), image.YCbCrSubsampleRatio420).SubImage(image.Rect(0, 0, w, h)).(*image.YCbCr)
	x, y := 0, 0
	if right {
		x = w - 2
	}
	if below {
		y = h - 2
	}
	for dy := range 2 {
		for dx := range 2 {
			m.Y[m.YOffset(x+dx, y+dy)] = 200
		}
	}
	m.Cb[m.COffset(x, y)], m.Cr[m.COffset(x, y)] = 90, 60
	return m
}

func TestOrientation(t *testing.T) {
	for name, tt := range map[string]struct {
		rotate       hal.Rotation
		mirror       bool
		right, below bool // where the corner above left goes
		onSide       bool
	}{
		"90":               {rotate: hal.Rotate90, right: true, onSide: true},
		"180":              {rotate: hal.Rotate180, right: true, below: true},
		"270":              {rotate: hal.Rotate270, below: true, onSide: true},
		"mirror":           {mirror: true, right: true},
		"90 and mirrored":  {rotate: hal.Rotate90, mirror: true, onSide: true},
		"180 and mirrored": {rotate: hal.Rotate180, mirror: true, below: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Camera(still{corner(32, 18, false, false)}, tt.rotate, tt.mirror).Open(hal.VideoMode{})
			if err != nil {
				t.Fatal(err)
			}
			w, h := 32, 18
			if tt.onSide {
				w, h = h, w
			}
			f, err := s.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if m := s.Mode(); m.Width != w || m.Height != h || f.Rect.Dx() != w || f.Rect.Dy() != h || f.Captured != time.Hour {
				t.Fatalf("mode %+v, picture %v of %v; want %dx%d", m, f.Rect, f.Captured, w, h)
			}
			want := corner(w, h, tt.right, tt.below)
			for y := range h {
				for x := range w {
					if f.YCbCrAt(x, y) != want.YCbCrAt(x, y) {
						t.Fatalf("at %d,%d: %v, want %v", x, y, f.YCbCrAt(x, y), want.YCbCrAt(x, y))
					}
				}
			}
			if n := testing.AllocsPerRun(20, func() { _, _ = s.ReadFrame() }); n > 1 { // the one of stillStream
				t.Errorf("a picture allocates %v times", n)
			}
		})
	}
}

// wanting notes the mode that is asked for.
type wanting struct {
	still
	want hal.VideoMode
}

func (w *wanting) Open(m hal.VideoMode) (hal.VideoStream, error) {
	w.want = m
	return w.still.Open(m)
}

func TestAskedForOnItsSide(t *testing.T) {
	w := &wanting{still: still{corner(32, 18, false, false)}}
	if _, err := Camera(w, hal.Rotate90, false).Open(hal.VideoMode{Width: 720, Height: 1280, FrameRate: 30}); err != nil {
		t.Fatal(err)
	}
	if w.want.Width != 1280 || w.want.Height != 720 {
		t.Errorf("asked for %+v", w.want)
	}
}

// TestNothingToDo: the camera stays what it is, one that encodes among others.
func TestNothingToDo(t *testing.T) {
	c := still{}
	if Camera(c, 0, false) != hal.Camera(c) {
		t.Error("a camera that is right is wrapped")
	}
	if _, ok := Camera(encoding{}, hal.Rotate180, false).(hal.EncodedSource); ok {
		t.Error("pictures that are encoded cannot be turned")
	}
}

// TestCounts: what the camera counts is not lost behind the turning.
func TestCounts(t *testing.T) {
	s, err := Camera(still{corner(32, 18, false, false)}, hal.Rotate90, false).Open(hal.VideoMode{})
	if err != nil {
		t.Fatal(err)
	}
	if c := s.(hal.PictureCounter); c.BadFrames() != 2 || c.LateFrames() != 3 {
		t.Errorf("%d bad pictures and %d late, want 2 and 3", c.BadFrames(), c.LateFrames())
	}
}

type encoding struct{ still }

func (encoding) OpenEncoded(hal.VideoMode, int) (hal.EncodedStream, error) {
	return nil, hal.ErrNotEncoded
}

// TestBadPictures must not be read past their planes.
func TestBadPictures(t *testing.T) {
	short := corner(32, 18, false, false)
	short.Cr = short.Cr[:20]
	for name, m := range map[string]*image.YCbCr{
		"short": short,
		"4:4:4": image.NewYCbCr(image.Rect(0, 0, 32, 18), image.YCbCrSubsampleRatio444),
	} {
		for _, mirror := range []bool{false, true} {
			rotate := hal.Rotate90
			if mirror {
				rotate = 0
			}
			s, _ := Camera(still{m}, rotate, mirror).Open(hal.VideoMode{})
			if _, err := s.ReadFrame(); err == nil {
				t.Errorf("%s: turned all the same", name)
			}
		}
	}
}

// TestConformance: it is still a camera.
func TestConformance(t *testing.T) {
	clk := clock.Boot()
	haltest.Camera(t, Camera(virtual.NewCamera(clk), hal.Rotate270, true), clk, hal.VideoMode{Width: 180, Height: 320, FrameRate: 30})
}

func BenchmarkRotate720p(b *testing.B) {
	s, _ := Camera(still{corner(1280, 720, false, false)}, hal.Rotate90, true).Open(hal.VideoMode{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.ReadFrame(); err != nil {
			b.Fatal(err)
		}
	}
}
