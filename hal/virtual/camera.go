// Package virtual holds the devices that are not there: a camera with a moving
// test picture, a microphone with a tone or a WAV file, a speaker that records,
// and a display that counts and records. They are real drivers: the tests, the
// demonstration and devices without such hardware use them.
package virtual

import (
	"cmp"
	"fmt"
	"io"
	"sync"
	"time"

	"callbox/hal"
	"callbox/hal/clock"
)

// Name is the name of all virtual devices.
const Name = hal.NameVirtual

// Camera shows a test picture with a moving ball, the time of day, and the time
// of capture in a form that ReadStamp and a browser can read. It implements
// hal.Camera.
type Camera struct {
	clock clock.Clock
	grain int
}

// NewCamera makes a camera whose pictures are stamped by clk.
func NewCamera(clk clock.Clock) *Camera { return &Camera{clock: clk} }

// NewGrainyCamera makes one whose pixels are up to most steps brighter or darker, at
// random, as those of a real camera in dim light; most is from 0 to hal.MostGrain.
func NewGrainyCamera(clk clock.Clock, most int) *Camera { return &Camera{clock: clk, grain: most} }

// Name returns Name.
func (c *Camera) Name() string { return Name }

// Open starts the camera in the very mode that is wanted, made even; sizes from
// 64 to 4096 and rates up to 120. 0 stands for 1280x720 and 30.
func (c *Camera) Open(want hal.VideoMode) (hal.VideoStream, error) {
	m := hal.VideoMode{
		Width: cmp.Or(want.Width, 1280) &^ 1, Height: cmp.Or(want.Height, 720) &^ 1, FrameRate: cmp.Or(want.FrameRate, 30),
	}
	if min(m.Width, m.Height) < 64 || max(m.Width, m.Height) > 4096 || !(m.FrameRate > 0 && m.FrameRate <= 120) {
		return nil, fmt.Errorf("cannot open the virtual camera with %dx%d at %v pictures a second; "+
			"allowed: sizes from 64 to 4096, rates up to 120", m.Width, m.Height, m.FrameRate)
	}
	sc, err := newScene(m.Width, m.Height)
	if err != nil {
		return nil, fmt.Errorf("cannot open the virtual camera: %w", err)
	}
	period := time.Duration(float64(time.Second) / m.FrameRate)
	return &cameraStream{
		clock: c.clock, mode: m, scene: sc, grain: newGrain(sc.picture.Rect, c.grain), period: period,
		timer: time.NewTimer(0), next: time.Now(), done: make(chan struct{}),
	}, nil
}

// cameraStream implements hal.VideoStream.
type cameraStream struct {
	clock  clock.Clock
	mode   hal.VideoMode
	period time.Duration

	closeOnce sync.Once
	done      chan struct{}

	mu    sync.Mutex // held by ReadFrame
	scene *scene
	grain *grain // nil: none
	timer *time.Timer
	next  time.Time // when the next picture is due
	frame hal.Frame
}

func (s *cameraStream) Mode() hal.VideoMode { return s.mode }

func (s *cameraStream) ReadFrame() (*hal.Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Reset(time.Until(s.next))
	select {
	case <-s.done:
		return nil, io.EOF
	default:
	}
	select {
	case <-s.done:
		return nil, io.EOF
	case <-s.timer.C:
	}
	// A reader that is late gets the present picture, as from a real camera, and
	// the ones it missed are lost.
	s.next = s.next.Add(s.period)
	if now := time.Now(); s.next.Before(now) {
		s.next = now
	}
	s.frame.Captured = max(s.clock.Now(), s.frame.Captured+time.Microsecond)
	s.scene.draw(s.frame.Captured, time.Now())
	s.frame.YCbCr = *s.scene.picture
	if s.grain != nil {
		s.frame.YCbCr = *s.grain.over(s.scene.picture)
		Stamp(&s.frame.YCbCr, s.frame.Captured) // without grain
	}
	return &s.frame, nil
}

func (s *cameraStream) Close() error {
	s.closeOnce.Do(func() { close(s.done) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Stop()
	return nil
}
