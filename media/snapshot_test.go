package media

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal"
	"callbox/hal/virtual"
)

// noted is a device whose camera writes down what happens to it.
func noted(t *testing.T, change func(*EngineOptions, *notedCamera)) (*Engine, *journal) {
	t.Helper()
	j := &journal{}
	return bubbleEngine(t, func(o *EngineOptions) {
		c := &notedCamera{Camera: o.Camera, journal: j}
		o.Camera = c
		if change != nil {
			change(o, c)
		}
	}), j
}

// wantJPEG fails unless p is a JPEG in the mode of the test device, with a picture
// on it.
func wantJPEG(t *testing.T, p []byte, mode hal.VideoMode, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return
	}
	if mode != (hal.VideoMode{Width: 320, Height: 180, FrameRate: 20}) {
		t.Errorf("mode = %+v", mode)
	}
	img, err := jpeg.Decode(bytes.NewReader(p))
	if err != nil {
		t.Error(err)
		return
	}
	if b := img.Bounds(); b.Dx() != 320 || b.Dy() != 180 {
		t.Errorf("a picture of %v", b)
	}
	seen := map[uint32]bool{}
	for y := range 180 {
		for x := range 320 {
			r, g, b, _ := img.At(x, y).RGBA()
			seen[r>>14<<4|g>>14<<2|b>>14] = true
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %d colours in the test picture", len(seen))
	}
}

// TestCopyPicture: black, white and colours of the limited range become those of a JPEG,
// and samples of the full range stay.
func TestCopyPicture(t *testing.T) {
	for _, tt := range []struct {
		full     bool
		in, want color.YCbCr
	}{
		{false, color.YCbCr{Y: 16, Cb: 128, Cr: 128}, color.YCbCr{Y: 0, Cb: 128, Cr: 128}},
		{false, color.YCbCr{Y: 235, Cb: 17, Cr: 240}, color.YCbCr{Y: 255, Cb: 2, Cr: 255}},
		{false, color.YCbCr{Y: 126, Cb: 72, Cr: 184}, color.YCbCr{Y: 128, Cb: 64, Cr: 192}},
		{false, color.YCbCr{Y: 0, Cb: 0, Cr: 255}, color.YCbCr{Y: 0, Cb: 0, Cr: 255}},
		{true, color.YCbCr{Y: 16, Cb: 30, Cr: 240}, color.YCbCr{Y: 16, Cb: 30, Cr: 240}},
	} {
		f := &hal.Frame{YCbCr: *image.NewYCbCr(image.Rect(0, 0, 4, 4), image.YCbCrSubsampleRatio420), Colours: hal.Colours{FullRange: tt.full}}
		for i := range f.Y {
			f.Y[i] = tt.in.Y
		}
		for i := range f.Cb {
			f.Cb[i], f.Cr[i] = tt.in.Cb, tt.in.Cr
		}
		p, err := copyPicture(f, 30)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.image.YCbCrAt(3, 3); got != tt.want {
			t.Errorf("%+v (full range %t) became %+v, want %+v", tt.in, tt.full, got, tt.want)
		}
	}
}

// TestSnapshot opens the camera, gives it time, and closes it.
func TestSnapshot(t *testing.T) {
	for name, tt := range map[string]struct {
		rate     float64
		pictures int
	}{"quick camera": {20, settleFrames + 1}, "slow camera": {5, 4}, "slowest camera": {1, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, j := noted(t, func(o *EngineOptions, _ *notedCamera) { o.CameraMode.FrameRate = tt.rate })
				p, mode, err := e.Snapshot(t.Context())
				if mode.FrameRate == tt.rate {
					mode.FrameRate = 20
				}
				wantJPEG(t, p, mode, err)
				want := append([]string{"open camera"}, slices.Repeat([]string{"picture"}, tt.pictures)...)
				j.wantLines(t, append(want, "close camera")...)
			})
		})
	}
}

// TestSnapshotInACall takes what the call captures.
func TestSnapshotInACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, j := noted(t, nil)
		l := newTalk(t, e, true)
		l.Prepare()
		synctest.Wait()
		p, mode, err := e.Snapshot(t.Context()) // while it rings, with the camera open
		wantJPEG(t, p, mode, err)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(time.Second)
		before := l.Stats().VideoFramesSent
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				begin := time.Now()
				p, mode, err := e.Snapshot(t.Context())
				wantJPEG(t, p, mode, err)
				if d := time.Since(begin); d > 50*time.Millisecond {
					t.Errorf("the next picture came after %v", d)
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Second)
		if n := l.Stats().VideoFramesSent - before; n < 19 {
			t.Errorf("%d pictures sent in the second of the snapshots, want 20", n)
		}
		if n := j.count("open camera"); n != 1 {
			t.Errorf("the camera was opened %d times", n)
		}
	})
}

func TestSnapshotOfACameraThatIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, j := noted(t, nil)
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(time.Second)
		l.SetCamera(false)
		for range 2 { // while it closes, and when it is closed
			if _, _, err := e.Snapshot(t.Context()); !errors.Is(err, ErrCameraOff) {
				t.Errorf("Snapshot = %v, want ErrCameraOff", err)
			}
			time.Sleep(time.Second)
		}
		if n := j.count("open camera"); n != 1 {
			t.Errorf("the camera was opened %d times", n)
		}
		l.SetCamera(true)
		p, mode, err := e.Snapshot(t.Context())
		wantJPEG(t, p, mode, err)
		l.SetCamera(false)
		l.Shut()
		time.Sleep(time.Second)
		p, mode, err = e.Snapshot(t.Context()) // the call is over
		wantJPEG(t, p, mode, err)
	})
}

// TestTheCameraIsTurnedOffBefore: a snapshot that waits for the call's next picture
// does not open the camera that the call gives up.
func TestTheCameraIsTurnedOffBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, j := noted(t, func(_ *EngineOptions, c *notedCamera) { c.Camera = darkCamera{c.Camera} })
		l := newTalk(t, e, true)
		l.Prepare()
		synctest.Wait()
		time.AfterFunc(time.Second, func() { l.SetCamera(false) })
		if _, _, err := e.Snapshot(t.Context()); !errors.Is(err, ErrCameraOff) {
			t.Errorf("Snapshot = %v, want ErrCameraOff", err)
		}
		if n := j.count("open camera"); n != 1 {
			t.Errorf("the camera was opened %d times", n)
		}
	})
}

// TestTheCameraIsTurnedOffMeanwhile: what was seen is thrown away.
func TestTheCameraIsTurnedOffMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, j := noted(t, nil)
		l := newTalk(t, e, true)
		time.AfterFunc(120*time.Millisecond, func() { l.SetCamera(false) })
		if _, _, err := e.Snapshot(t.Context()); !errors.Is(err, ErrCameraOff) {
			t.Errorf("Snapshot = %v, want ErrCameraOff", err)
		}
		if j.count("open camera") != 1 || j.count("close camera") != 1 {
			t.Error("the camera was not open, or is so still")
		}
	})
}

func TestSnapshotInAVoiceCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, j := noted(t, nil)
		l := newTalk(t, e, false)
		l.Accept(Limit{})
		l.connect()
		p, mode, err := e.Snapshot(t.Context())
		wantJPEG(t, p, mode, err)
		if j.count("open camera") != 1 || j.count("close camera") != 1 {
			t.Error("the camera was not opened for it, or is still open")
		}
	})
}

// darkCamera gives no picture until it is closed.
type darkCamera struct{ hal.Camera }

type darkStream struct {
	hal.VideoStream
	closed chan struct{}
	once   sync.Once
}

func (c darkCamera) Open(want hal.VideoMode) (hal.VideoStream, error) {
	s, err := c.Camera.Open(want)
	return &darkStream{VideoStream: s, closed: make(chan struct{})}, err
}

func (s *darkStream) ReadFrame() (*hal.Frame, error) {
	<-s.closed
	return nil, io.EOF
}

func (s *darkStream) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.VideoStream.Close()
}

func TestSnapshotErrors(t *testing.T) {
	dark := func(o *EngineOptions, c *notedCamera) { c.Camera = darkCamera{c.Camera} }
	for name, tt := range map[string]struct {
		change func(*EngineOptions, *notedCamera)
		before func(*Engine, context.CancelFunc)
		want   error
	}{
		"no camera":  {change: func(o *EngineOptions, _ *notedCamera) { o.Camera = nil }, want: ErrNoCamera},
		"busy":       {change: func(_ *EngineOptions, c *notedCamera) { c.err = hal.ErrBusy }, want: hal.ErrBusy},
		"pulled":     {change: func(_ *EngineOptions, c *notedCamera) { c.Camera = pulledCamera{c.Camera} }, want: hal.ErrGone},
		"no light":   {change: func(o *EngineOptions, _ *notedCamera) { o.LightRequired = true }, want: ErrLight},
		"closed":     {before: func(e *Engine, _ context.CancelFunc) { _ = e.Close() }, want: ErrClosed},
		"close":      {change: dark, before: func(e *Engine, _ context.CancelFunc) { time.AfterFunc(time.Second, func() { _ = e.Close() }) }, want: ErrClosed},
		"dark":       {change: dark, before: func(_ *Engine, cancel context.CancelFunc) { time.AfterFunc(time.Second, cancel) }, want: context.Canceled},
		"in advance": {before: func(_ *Engine, cancel context.CancelFunc) { cancel() }, want: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, j := noted(t, tt.change)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.before != nil {
					tt.before(e, cancel)
				}
				if p, _, err := e.Snapshot(ctx); !errors.Is(err, tt.want) || p != nil {
					t.Errorf("Snapshot = %d bytes, %v; want %v", len(p), err, tt.want)
				}
				if j.count("open camera") != j.count("close camera") {
					t.Error("the camera is still open")
				}
			})
		})
	}
}

// TestSnapshotBeforeACall: a call that begins meanwhile waits, and has its camera.
func TestSnapshotBeforeACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, j := noted(t, nil)
		taken := make(chan error)
		go func() {
			_, _, err := e.Snapshot(t.Context())
			taken <- err
		}()
		synctest.Wait() // it has the camera
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		if err := <-taken; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if l.Stats().VideoFramesSent == 0 || j.count("open camera") != 2 {
			t.Errorf("%d pictures sent; the camera was opened %d times", l.Stats().VideoFramesSent, j.count("open camera"))
		}
		l.wantTold(t, "Connected", "Started") // nobody said that the camera was gone
	})
}

// TestTapCopies: the camera's memory is its own again when offer returns.
func TestTapCopies(t *testing.T) {
	s, err := virtual.NewCamera(testEngine(t, nil).opts.Clock).Open(hal.VideoMode{Width: 66, Height: 64, FrameRate: 30})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f, err := s.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	var tp tap
	tp.offer(f, 30) // nobody asks
	a, b := tp.ask(), tp.ask()
	tp.forget(b)
	tp.offer(f, 30)
	p := <-a
	want, err := copyPicture(f, 30)
	if err != nil {
		t.Fatal(err)
	}
	clear(f.Y)
	clear(f.Cb)
	clear(f.Cr)
	if !bytes.Equal(p.image.Y, want.image.Y) || !bytes.Equal(p.image.Cb, want.image.Cb) || !bytes.Equal(p.image.Cr, want.image.Cr) {
		t.Error("the picture changed with the camera's memory")
	}
	broken := *f
	broken.Cr = broken.Cr[:10]
	last := tp.ask()
	tp.offer(&broken, 30)
	if len(last) > 0 {
		t.Error("a picture that is not whole was given")
	}
	tp.forget(last)
	if len(b) > 0 || tp.asked.Load() {
		t.Error("a picture was given to who does not wait any more")
	}
	if n := testing.AllocsPerRun(100, func() { tp.offer(f, 30) }); n != 0 {
		t.Errorf("%.0f allocations a picture that nobody asks for", n)
	}
}
