package media

import (
	"context"
	"image"
	"io"
	"sync"
	"time"

	"callbox/hal"
)

// slate is what the phone sees while the camera is gone: a picture that says so, at a
// few pictures a second. It belongs to the goroutine of videoSender.show.
type slate struct {
	v      *videoSender
	cancel context.CancelFunc // nil while it is not shown
	done   chan struct{}
}

// slateRate is how many a second: a keyframe that is asked for comes within a fifth.
const slateRate = 5

// start shows the slate until stop, when it is not shown already.
func (l *slate) start(ctx context.Context) {
	if l.cancel != nil {
		return
	}
	ctx, l.cancel = context.WithCancel(ctx)
	l.done = make(chan struct{})
	go func() {
		defer close(l.done)
		for ctx.Err() == nil {
			what, ctx, done := l.v.chosen(ctx)
			mode := l.v.s.engine.cameras[what.camera].Mode
			mode.FrameRate = slateRate
			err := l.v.encode(ctx, what.codec, newSlateStream(mode, l.v.s.now), mode, func(*hal.Frame) {})
			changed := ctx.Err() != nil
			done()
			if !changed {
				l.v.s.log.Error().Err(err).Msg("slate")
				return
			}
		}
	}()
}

// stop ends it and waits.
func (l *slate) stop() {
	if l.cancel != nil {
		l.cancel()
		<-l.done
		l.cancel = nil
	}
}

// slateStream is a hal.VideoStream of one picture.
type slateStream struct {
	mode  hal.VideoMode
	now   func() time.Duration
	frame hal.Frame
	once  sync.Once
	ended chan struct{}
}

func newSlateStream(mode hal.VideoMode, now func() time.Duration) *slateStream {
	s := &slateStream{mode: mode, now: now, ended: make(chan struct{})}
	s.frame.YCbCr = *slatePicture(mode.Width, mode.Height)
	return s
}

func (s *slateStream) Mode() hal.VideoMode { return s.mode }

func (s *slateStream) ReadFrame() (*hal.Frame, error) {
	t := time.NewTimer(time.Second / slateRate)
	defer t.Stop()
	select {
	case <-s.ended:
		return nil, io.EOF
	case <-t.C:
	}
	s.frame.Captured = s.now()
	return &s.frame, nil
}

func (s *slateStream) Close() error {
	s.once.Do(func() { close(s.ended) })
	return nil
}

// Shades of the slate.
const (
	slateGround = 48
	slateSign   = 150
)

// slatePicture is a camera that is crossed out, on dark ground.
func slatePicture(w, h int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	unit := max(min(w, h)/16, 1)
	left, top := w/2-3*unit, h/2-2*unit
	for y := range h {
		row := img.Y[y*img.YStride:][:w]
		for x := range row {
			row[x] = slateShade(x-left, y-top, unit)
		}
	}
	return img
}

// slateShade is that of a point, from the corner of the camera's body of 4 by 4 units;
// its lens looks to the right.
func slateShade(x, y, unit int) byte {
	slash := x - y - unit // a stroke from above left to below right
	switch inside := y > -unit && y < 5*unit && x > -unit && x < 7*unit; {
	case inside && slash >= -unit/4 && slash <= unit/4:
		return slateSign
	case inside && slash >= -unit && slash <= unit:
		return slateGround
	case x >= 0 && x < 4*unit && y >= 0 && y < 4*unit:
		return slateSign
	case x >= 4*unit && x < 6*unit && y >= 2*unit-(x-3*unit)/2 && y < 2*unit+(x-3*unit)/2:
		return slateSign
	}
	return slateGround
}
