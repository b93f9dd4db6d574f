package v4l2

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/jpeg"
)

const (
	// frozenAfter is how long a camera may give no usable picture. The slowest
	// ones take two seconds for the first.
	frozenAfter = 5 * time.Second
	// maxAge bounds how old a picture can be by its own time stamp. Drivers with
	// a broken clock of their own are older or from the future.
	maxAge = time.Second
)

// ErrFrozen means that the camera is there but has given no usable picture for
// five seconds; opening it again often helps.
var ErrFrozen = errors.New("camera gives no pictures")

// stream implements hal.VideoStream.
type stream struct {
	name    string
	clock   clock.Clock
	mode    hal.VideoMode
	layout  layout
	decoder *jpeg.Decoder // nil unless the format is MJPEG
	buffers [][]byte

	closing atomic.Bool
	bad     atomic.Uint64
	late    atomic.Uint64

	mu    sync.Mutex // held by ReadFrame; Close frees under it
	queue queue      // nil after Close
	frame hal.Frame
}

func (s *stream) Mode() hal.VideoMode { return s.mode }

// BadFrames returns how many pictures were skipped.
func (s *stream) BadFrames() uint64 { return s.bad.Load() }

// LateFrames returns how many pictures the reader was too slow for.
func (s *stream) LateFrames() uint64 { return s.late.Load() }

func (s *stream) ReadFrame() (*hal.Frame, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Waiting is measured without suspend: the camera sleeps then, too.
	for frozen := time.Now().Add(frozenAfter); ; {
		if s.closing.Load() || s.queue == nil {
			return nil, io.EOF
		}
		ev, err := s.queue.wait(time.Until(frozen))
		switch {
		case err != nil:
			return nil, s.lost(err)
		case ev == woken:
			return nil, io.EOF
		case ev == timedOut:
			if !s.queue.alive() {
				return nil, s.lost(unix.ENODEV)
			}
			return nil, fmt.Errorf("cannot read from camera %q: %w for %v", s.name, ErrFrozen, frozenAfter)
		}
		b, err := s.queue.dequeue()
		if errors.Is(err, unix.EAGAIN) && ev == ready {
			continue
		}
		if err != nil {
			return nil, s.lost(err)
		}
		// A reader that was late gets the newest picture, not the oldest.
		for {
			newer, err := s.queue.dequeue()
			if err != nil {
				break // none, or an error that the next wait meets again
			}
			s.giveBack(b)
			s.late.Add(1)
			b = newer
		}
		at := s.clock.Now() - age(b.monotonic, monotonic())
		err = s.convert(b)
		s.giveBack(b)
		if err != nil {
			s.bad.Add(1)
			if time.Now().After(frozen) {
				return nil, fmt.Errorf("cannot read from camera %q: %w: %w", s.name, ErrFrozen, err)
			}
			continue
		}
		s.frame.Captured = max(at, s.frame.Captured+1)
		return &s.frame, nil
	}
}

// giveBack hands a buffer to the driver. An error does not spoil the picture
// that was taken out of it: the next wait meets what is wrong.
func (s *stream) giveBack(b filled) {
	_ = s.queue.enqueue(b.index)
}

func (s *stream) convert(b filled) error {
	if b.bad {
		return fmt.Errorf("%w: the driver says so", errBadPicture)
	}
	p := s.buffers[b.index]
	return s.layout.convert(&s.frame.YCbCr, p[:min(max(b.bytes, 0), len(p))], s.decoder)
}

// lost says whether an error means that the camera was unplugged. Real cameras
// give ENODEV, vivid gives EINVAL, others EIO: so look whether it is still there.
func (s *stream) lost(err error) error {
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || !s.queue.alive() {
		return fmt.Errorf("cannot read from camera %q: %w: %w", s.name, hal.ErrGone, err)
	}
	return fmt.Errorf("cannot read from camera %q: %w", s.name, err)
}

// Close wakes ReadFrame, waits for it and frees the camera.
func (s *stream) Close() error {
	if !s.closing.CompareAndSwap(false, true) {
		return nil
	}
	s.queue.wake()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.close()
	s.queue = nil
	s.closeDecoder()
	return nil
}

func (s *stream) closeDecoder() {
	if s.decoder != nil {
		_ = s.decoder.Close() // frees memory, cannot fail
	}
}

// age is how long ago taken was, as far as it can be believed.
func age(taken, now time.Duration) time.Duration {
	if a := now - taken; taken > 0 && a > 0 && a <= maxAge {
		return a
	}
	return 0
}

// monotonic is the clock of V4L2's time stamps.
func monotonic() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
