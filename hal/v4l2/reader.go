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

// reader takes buffers out of a queue, until one of them is good.
type reader struct {
	name    string
	clock   clock.Clock
	buffers [][][]byte // planes of buffers
	planes  [maxPlanes][]byte

	closing atomic.Bool
	bad     atomic.Uint64
	late    atomic.Uint64
	gaps    gaps

	mu    sync.Mutex // held while a picture is read; Close frees under it
	queue queue      // nil after Close
	last  time.Duration
}

// BadFrames returns how many pictures were skipped.
func (r *reader) BadFrames() uint64 { return r.bad.Load() }

// LateFrames returns how many pictures the reader was too slow for, whether it left them
// out or the driver, which had no buffer.
func (r *reader) LateFrames() uint64 { return r.late.Load() }

// read waits for a picture that use takes, and returns when that was captured; mu is
// held. With newest, a reader that was late gets the newest picture, not the oldest.
// The planes are valid in use only.
func (r *reader) read(newest bool, use func(planes [][]byte, b filled) error) (filled, time.Duration, error) {
	// Waiting is measured without suspend: the camera sleeps then, too.
	for frozen := time.Now().Add(frozenAfter); ; {
		if r.closing.Load() || r.queue == nil {
			return filled{}, 0, io.EOF
		}
		b, err := r.next(frozen, newest)
		if err != nil {
			return filled{}, 0, err
		}
		at := r.clock.Now() - age(b.monotonic, monotonic())
		if err = r.hand(b, use); err != nil {
			r.bad.Add(1)
			if time.Now().After(frozen) {
				return filled{}, 0, fmt.Errorf("cannot read from camera %q: %w: %w", r.name, ErrFrozen, err)
			}
			continue
		}
		r.last = max(at, r.last+1)
		return b, r.last, nil
	}
}

// next waits for a filled buffer.
func (r *reader) next(frozen time.Time, newest bool) (filled, error) {
	for {
		ev, err := r.queue.wait(time.Until(frozen))
		switch {
		case err != nil:
			return filled{}, r.lost(err)
		case ev == woken:
			return filled{}, io.EOF
		case ev == timedOut:
			if !r.queue.alive() {
				return filled{}, r.lost(unix.ENODEV)
			}
			return filled{}, fmt.Errorf("cannot read from camera %q: %w for %v", r.name, ErrFrozen, frozenAfter)
		}
		b, err := r.dequeue()
		if errors.Is(err, unix.EAGAIN) && ev == ready {
			continue
		}
		if err != nil {
			return filled{}, r.lost(err)
		}
		for newest {
			newer, err := r.dequeue()
			if err != nil {
				break // none, or an error that the next wait meets again
			}
			r.giveBack(b)
			r.late.Add(1)
			b = newer
		}
		return b, nil
	}
}

// dequeue takes a buffer, and counts the pictures that are missing before it.
func (r *reader) dequeue() (filled, error) {
	b, err := r.queue.dequeue()
	if err == nil {
		r.late.Add(uint64(r.gaps.before(b.sequence)))
	}
	return b, err
}

// hand gives a buffer to use, and back to the driver.
func (r *reader) hand(b filled, use func([][]byte, filled) error) error {
	defer r.giveBack(b)
	if b.bad {
		return fmt.Errorf("%w: the driver says so", errBadPicture)
	}
	planes := r.planes[:0]
	for i, m := range r.buffers[b.index] {
		used := b.bytes[i]
		planes = append(planes, m[used.begin:used.end])
	}
	return use(planes, b)
}

// giveBack hands a buffer to the driver. An error does not spoil the picture
// that was taken out of it: the next wait meets what is wrong.
func (r *reader) giveBack(b filled) {
	_ = r.queue.enqueue(b.index)
}

// lost says whether an error means that the camera was unplugged. Real cameras
// give ENODEV, vivid gives EINVAL, others EIO: so look whether it is still there.
func (r *reader) lost(err error) error {
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) || !r.queue.alive() {
		return fmt.Errorf("cannot read from camera %q: %w: %w", r.name, hal.ErrGone, err)
	}
	return fmt.Errorf("cannot read from camera %q: %w", r.name, err)
}

// end wakes whoever reads, waits for it, frees the camera and calls free; once.
func (r *reader) end(free func()) {
	if !r.closing.CompareAndSwap(false, true) {
		return
	}
	r.queue.wake()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue.close()
	r.queue = nil
	free()
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
