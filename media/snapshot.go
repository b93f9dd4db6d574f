package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"callbox/hal"
	"callbox/hal/yuv"
)

// Why there is no picture.
var (
	// ErrNoCamera means that the device has no camera.
	ErrNoCamera = errors.New("the device has no camera")
	// ErrCameraOff means that a person has turned the camera off in the running
	// call; it stays closed.
	ErrCameraOff = errors.New("the camera is turned off in this call")
)

// snapshotQuality is that of the JPEG: good to the eye, a third of the size of 95.
const snapshotQuality = 85

// Snapshot takes a picture of the camera and returns it as a JPEG, with the mode
// in which it was taken. In a call it is the next picture that the call captures;
// else the camera is opened for it, and gets up to 500 ms to find its exposure.
//
// Errors: ErrNoCamera, ErrCameraOff, ErrLight, ErrClosed, the cause of ctx, and
// those of hal.Camera.Open (hal.ErrBusy) and hal.VideoStream.ReadFrame.
func (e *Engine) Snapshot(ctx context.Context) ([]byte, hal.VideoMode, error) {
	p, err := e.picture(ctx)
	if err != nil {
		return nil, hal.VideoMode{}, fmt.Errorf("cannot take a picture: %w", err)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, p.image, &jpeg.Options{Quality: snapshotQuality}); err != nil {
		return nil, hal.VideoMode{}, fmt.Errorf("cannot take a picture: %w", err)
	}
	return out.Bytes(), p.mode, nil
}

// picture takes one from whoever has the camera open.
func (e *Engine) picture(ctx context.Context) (shot, error) {
	if e.opts.Camera == nil {
		return shot{}, fmt.Errorf("%w; set hal.camera.name", ErrNoCamera)
	}
	ctx, end, err := e.begin(ctx)
	if err != nil {
		return shot{}, err
	}
	defer end()
	if e.cameraOff() {
		return shot{}, ErrCameraOff
	}
	next := e.tap.ask()
	defer e.tap.forget(next)
	var p shot
	select {
	case p = <-next:
	case e.camera <- struct{}{}:
		defer e.camera.give()
		if e.cameraOff() { // that is why it was free
			return shot{}, ErrCameraOff
		}
		if p, err = e.shoot(ctx); err != nil {
			return shot{}, err
		}
	case <-ctx.Done():
		return shot{}, context.Cause(ctx)
	}
	if e.cameraOff() { // meanwhile: what it saw is nobody's business any more
		return shot{}, ErrCameraOff
	}
	return p, nil
}

// shoot opens the camera for one picture.
func (e *Engine) shoot(ctx context.Context) (shot, error) {
	if ctx.Err() != nil {
		return shot{}, context.Cause(ctx)
	}
	ctx, release, err := e.light(ctx)
	if err != nil {
		return shot{}, err
	}
	defer release()
	camera := e.shown()
	stream, err := camera.Open(camera.Mode)
	if err != nil {
		return shot{}, err
	}
	defer func() { _ = stream.Close() }() // nothing can be done about a camera that does not stop
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { // wakes ReadFrame
		defer close(closed)
		_ = stream.Close()
	})
	var frame *hal.Frame
	for n, begin := 0, e.opts.Clock.Now(); err == nil; n++ {
		if frame, err = stream.ReadFrame(); n >= settleFrames || e.opts.Clock.Now()-begin >= settleTime {
			break
		}
	}
	if !stop() { // the planes are gone, or will be at any moment
		<-closed
		return shot{}, context.Cause(ctx)
	}
	if err != nil {
		return shot{}, err
	}
	return copyPicture(frame, stream.Mode().FrameRate)
}

// shown is the camera that the running call shows, else the first.
func (e *Engine) shown() Camera {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.sessions {
		if s.video != nil && s.video.camera() > 0 {
			return e.cameras[s.video.camera()]
		}
	}
	return e.cameras[0]
}

// cameraOff reports whether a person has turned the camera off in a call.
func (e *Engine) cameraOff() bool {
	e.mu.Lock()
	sessions := slices.Collect(maps.Keys(e.sessions))
	e.mu.Unlock()
	return slices.ContainsFunc(sessions, (*Session).cameraOff)
}

func (s *Session) cameraOff() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.video != nil && !s.video.on && !s.closed && !s.over.Load()
}

// shot is a picture with memory of its own. Nobody changes it.
type shot struct {
	image *image.YCbCr
	mode  hal.VideoMode
}

// copyPicture brings the samples to BT.601 in the full range, which JPEG has (JFIF 1.02,
// section 7). Error: f is no whole picture.
func copyPicture(f *hal.Frame, rate float64) (shot, error) {
	if err := yuv.Check(&f.YCbCr); err != nil {
		return shot{}, fmt.Errorf("cannot use the camera's picture: %w", err)
	}
	w, h := f.Rect.Dx(), f.Rect.Dy()
	out := image.NewYCbCr(image.Rect(0, 0, w, h), f.SubsampleRatio)
	for y := range h {
		copy(out.Y[y*out.YStride:][:w], f.Y[y*f.YStride:])
	}
	for y := range (h + 1) / 2 {
		copy(out.Cb[y*out.CStride:][:(w+1)/2], f.Cb[y*f.CStride:])
		copy(out.Cr[y*out.CStride:][:(w+1)/2], f.Cr[y*f.CStride:])
	}
	if err := yuv.Recolour(out, f.Colours, hal.Colours{FullRange: true}); err != nil {
		return shot{}, err
	}
	return shot{image: out, mode: hal.VideoMode{Width: w, Height: h, FrameRate: rate}}, nil
}

// tap gives the next picture of a running camera to those who ask for one.
type tap struct {
	asked atomic.Bool // somebody does: a look at it costs nothing
	mu    sync.Mutex
	asks  map[chan shot]struct{}
}

func (t *tap) ask() chan shot {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asks == nil {
		t.asks = map[chan shot]struct{}{}
	}
	c := make(chan shot, 1)
	t.asks[c] = struct{}{}
	t.asked.Store(true)
	return c
}

func (t *tap) forget(c chan shot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.asks, c)
	t.asked.Store(len(t.asks) > 0)
}

// offer is called with each picture while its planes are valid.
func (t *tap) offer(f *hal.Frame, rate float64) {
	if !t.asked.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.asks) == 0 {
		return
	}
	p, err := copyPicture(f, rate)
	if err != nil {
		return // the next one may be whole
	}
	for c := range t.asks {
		c <- p
	}
	clear(t.asks)
	t.asked.Store(false)
}
