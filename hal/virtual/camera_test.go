package virtual

import (
	"image"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/haltest"
)

func TestCamera(t *testing.T) {
	clk := clock.Boot()
	haltest.Camera(t, NewCamera(clk), clk, hal.VideoMode{Width: 320, Height: 180, FrameRate: 60})
}

func TestCameraKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clk := clock.Go()
		s, err := NewCamera(clk).Open(hal.VideoMode{Width: 64, Height: 64, FrameRate: 30})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		read := func() *hal.Frame {
			f, err := s.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		first := read().Captured
		for range 300 {
			time.Sleep(7 * time.Millisecond) // what the reader does with it
			f := read()
			if at, ok := ReadStamp(&f.YCbCr); !ok || at != f.Captured.Truncate(time.Microsecond) {
				t.Fatalf("stamp = %v, %v; captured at %v", at, ok, f.Captured)
			}
		}
		if d := clk.Now() - first; d < 9999*time.Millisecond || d > 10001*time.Millisecond {
			t.Errorf("300 pictures took %v, want 10 s", d)
		}
		time.Sleep(time.Second) // a reader that hangs misses pictures ...
		late, next := read().Captured, read().Captured
		if d := next - late; d < 0 || d > 34*time.Millisecond {
			t.Errorf("the picture after a hang came after %v", d)
		}
		from := clk.Now()
		for range 30 { // ... and does not get them later
			read()
		}
		if d := clk.Now() - from; d < 950*time.Millisecond {
			t.Errorf("30 pictures after a hang took %v, want 1 s", d)
		}
	})
}

func TestCameraModes(t *testing.T) {
	c := NewCamera(clock.Boot())
	for want, get := range map[hal.VideoMode]hal.VideoMode{
		{}:                                       {Width: 1280, Height: 720, FrameRate: 30},
		{Width: 641, Height: 481, FrameRate: 15}: {Width: 640, Height: 480, FrameRate: 15},
		{Width: 64, Height: 64, FrameRate: 120}:  {Width: 64, Height: 64, FrameRate: 120},
		{Width: 360, Height: 640, FrameRate: 30}: {Width: 360, Height: 640, FrameRate: 30},
	} {
		s, err := c.Open(want)
		if err != nil {
			t.Errorf("%+v: %v", want, err)
			continue
		}
		if s.Mode() != get {
			t.Errorf("mode = %+v, want %+v", s.Mode(), get)
		}
		if _, err := s.ReadFrame(); err != nil {
			t.Error(err)
		}
		s.Close()
	}
	for _, bad := range []hal.VideoMode{
		{Width: 62, Height: 480, FrameRate: 30}, {Width: 640, Height: 5000, FrameRate: 30}, {Width: 640, Height: 480, FrameRate: -1},
	} {
		if s, err := c.Open(bad); err == nil {
			s.Close()
			t.Errorf("%+v was taken", bad)
		}
	}
}

// TestDrawLeavesNoTrace compares a scene that has moved with a fresh one.
func TestDrawLeavesNoTrace(t *testing.T) {
	at, now := 7*time.Second+123*time.Millisecond, time.Unix(1e9, 0)
	moved, fresh := newTestScene(t, 322, 182), newTestScene(t, 322, 182)
	for i := range 200 {
		moved.draw(time.Duration(i)*37*time.Millisecond, now.Add(time.Duration(i)*time.Second))
	}
	moved.draw(at, now)
	fresh.draw(at, now)
	if string(moved.picture.Y) != string(fresh.picture.Y) || string(moved.picture.Cb) != string(fresh.picture.Cb) ||
		string(moved.picture.Cr) != string(fresh.picture.Cr) {
		t.Error("earlier pictures left traces")
	}
}

func newTestScene(t testing.TB, w, h int) *scene {
	t.Helper()
	s, err := newScene(w, h)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStampSurvivesScalingAndNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, from := range []image.Point{{X: 1280, Y: 720}, {X: 640, Y: 360}, {X: 360, Y: 640}, {X: 322, Y: 182}} {
		m := newTestScene(t, from.X, from.Y)
		for _, to := range []image.Point{{X: 960, Y: 540}, {X: 427, Y: 240}, {X: 320, Y: 180}, {X: 213, Y: 120}} {
			for range 2 {
				at := time.Duration(random.Int64N(1<<48)) * time.Microsecond
				m.draw(at, time.Unix(1e9, 0))
				small := worsen(m.picture, to.X, to.Y, random)
				if got, ok := ReadStamp(small); !ok || got != at {
					t.Errorf("%v scaled to %v: %v, %v; want %v", from, to, got, ok, at)
				}
			}
		}
	}
}

// worsen scales by averaging three by three points, halves the contrast, and
// adds noise: worse than a low-rate encoder does.
func worsen(m *image.YCbCr, w, h int, random *rand.Rand) *image.YCbCr {
	out := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for y := range h {
		for x := range w {
			sum := 0
			for i := range 9 {
				sx := (6*x + 2*(i%3) + 1) * m.Rect.Dx() / (6 * w)
				sy := (6*y + 2*(i/3) + 1) * m.Rect.Dy() / (6 * h)
				sum += int(m.Y[m.YOffset(sx, sy)])
			}
			out.Y[out.YOffset(x, y)] = byte(sum/18 + 40 + random.IntN(41) - 20)
		}
	}
	return out
}

func TestReadStampRefuses(t *testing.T) {
	s := newTestScene(t, 640, 360)
	if at, ok := ReadStamp(s.picture); ok {
		t.Errorf("a picture that was not drawn yet reads %v", at)
	}
	if at, ok := ReadStamp(image.NewYCbCr(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)); ok {
		t.Errorf("a black picture reads %v", at)
	}
	if at, ok := ReadStamp(image.NewYCbCr(image.Rect(0, 0, 20, 20), image.YCbCrSubsampleRatio420)); ok {
		t.Errorf("a tiny picture reads %v", at)
	}
	for bit := range 64 { // every single wrong cell is noticed
		Stamp(s.picture, 12345678*time.Microsecond)
		cell := stampCell(s.picture.Rect, bit/stampColumns, bit%stampColumns)
		for y := cell.Min.Y; y < cell.Max.Y; y++ {
			for x := cell.Min.X; x < cell.Max.X; x++ {
				i := s.picture.YOffset(x, y)
				s.picture.Y[i] = black + white - s.picture.Y[i]
			}
		}
		if at, ok := ReadStamp(s.picture); ok {
			t.Errorf("with bit %d wrong it reads %v", bit, at)
		}
	}
}

// TestStampFormat pins the format, which JavaScript reads too.
func TestStampFormat(t *testing.T) {
	// The CRC is what Python's binascii.crc_hqx(bytes, 0xFFFF) returns.
	if got, want := stampBits(1234567890*time.Microsecond), uint64(0x0000499602D2_D43F); got != want {
		t.Errorf("bits = %#x, want %#x", got, want)
	}
}

// BenchmarkDraw draws one 1280x720 picture an iteration.
func BenchmarkDraw(b *testing.B) {
	s := newTestScene(b, 1280, 720)
	b.ReportAllocs()
	now := time.Now()
	for i := 0; b.Loop(); i++ {
		at := time.Duration(i) * time.Second / 30
		s.draw(at, now.Add(at))
	}
}

// TestGrain: pixels move by as many steps as are asked for and no more, differently in each
// picture, and the stamp stays as it is.
func TestGrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = hal.MostGrain
		s, err := NewGrainyCamera(clock.Go(), most).Open(hal.VideoMode{Width: 320, Height: 180, FrameRate: 30})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		plain := newTestScene(t, 320, 180)
		var before []byte
		for range 10 {
			f, err := s.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if at, ok := ReadStamp(&f.YCbCr); !ok || at != f.Captured.Truncate(time.Microsecond) {
				t.Fatalf("stamp = %v, %v; captured at %v", at, ok, f.Captured)
			}
			plain.draw(f.Captured, time.Now())
			low, high, same := 0, 0, 0
			for i, y := range f.Y {
				d := int(y) - int(plain.picture.Y[i])
				low, high = min(low, d), max(high, d)
				if before != nil && before[i] == y {
					same++
				}
			}
			if low != -most || high != most {
				t.Fatalf("pixels move by %d to %d, want %d", low, high, most)
			}
			if same > len(f.Y)/5 { // the stamp is a tenth of it
				t.Fatalf("%d of %d pixels are as in the picture before", same, len(f.Y))
			}
			before = append(before[:0], f.Y...)
		}
	})
}
