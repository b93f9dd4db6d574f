package drm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/drm/internal/uapi"
	"callbox/hal/screen"
)

const (
	// flipTimeout is how long a flip may take: some refreshes of the slowest screen. A
	// driver that does not tell of it in that time does not tell at all.
	flipTimeout = 500 * time.Millisecond
	// lookInterval is how often the kernel is asked whether the screen is still there.
	lookInterval = time.Second
)

// stream is a screen that shows a call; it implements hal.Captioned.
type stream struct {
	display *Display

	mu      sync.Mutex
	head    *head // nil: it is closed
	saved   uapi.CRTC
	painter *screen.Painter
	buffers [2]buffer
	targets [2]screen.Target
	front   int  // the buffer that is shown, or will be
	flips   bool // the driver can flip
	pending bool // a flip is not done yet
	flip    uapi.PageFlip
	looked  time.Duration
	caption hal.Caption
	left    time.Duration // that the caption tells, whole seconds
	events  [1024]byte
}

// start makes the buffers and shows black.
func (d *Display) start(h *head) (_ *stream, err error) {
	s := &stream{display: d, head: h, flips: true, left: -1, looked: d.opts.Clock.Now()}
	s.painter, err = screen.New(screen.Options{Width: int(h.mode.Width), Height: int(h.mode.Height), Rotate: d.opts.Rotate, Fonts: d.opts.Fonts})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.free()
		}
	}()
	if s.saved, err = h.before(); err != nil {
		return nil, err
	}
	for i := range s.buffers {
		if s.buffers[i], err = h.newBuffer(); err != nil {
			return nil, err
		}
		s.targets[i] = screen.Target{Pix: s.buffers[i].pix, Stride: s.buffers[i].stride}
		clear(s.buffers[i].pix)
	}
	if err := s.set(); err != nil {
		return nil, fmt.Errorf("cannot show anything in mode %dx%d: %w", h.mode.Width, h.mode.Height, meaning(err))
	}
	return s, nil
}

// Caption sets what stands over the pictures.
func (s *stream) Caption(c hal.Caption) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caption, s.left = c, -1
}

// Show shows f. It waits for the picture before to be seen, at most 500 ms. Errors wrap
// hal.ErrGone (the screen is not connected any more) or hal.ErrBusy (another program
// has taken it).
func (s *stream) Show(f *hal.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return err
	}
	back := 1 - s.front
	if err := s.painter.Paint(&s.targets[back], f); err != nil {
		return fmt.Errorf("cannot show a picture on display %q: %w", s.display.Name(), err)
	}
	s.front = back
	return s.present()
}

// Refresh brings the caption up to date while no picture comes. Errors are those of
// Show.
func (s *stream) Refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return err
	}
	if err := s.painter.Write(&s.targets[s.front]); err != nil {
		return fmt.Errorf("cannot show a caption on display %q: %w", s.display.Name(), err)
	}
	return s.present() // again: some screens have a copy of the buffer
}

// ready waits until the buffer behind can be painted, and says what to write there.
func (s *stream) ready() error {
	if s.head == nil {
		return errors.New("cannot show a picture: the display is closed")
	}
	now := s.display.opts.Clock.Now()
	if now-s.looked >= lookInterval {
		s.looked = now
		connected, err := s.head.connected()
		if err == nil && !connected {
			err = unix.ENODEV
		}
		if err != nil {
			return s.lost(err)
		}
	}
	if err := s.wait(); err != nil {
		return s.lost(err)
	}
	left := time.Duration(0)
	if s.caption.Deadline > 0 {
		left = max(s.caption.Deadline-now+time.Second-1, 0).Truncate(time.Second)
	}
	if left == s.left {
		return nil
	}
	s.left = left
	text := ""
	if s.caption.Deadline > 0 {
		text = screen.TimeLeft(left)
	}
	s.painter.Caption(s.caption.Name, text)
	return nil
}

// present lets the screen show the front buffer.
func (s *stream) present() error {
	if s.flips {
		s.flip = uapi.PageFlip{CRTC: s.head.crtc, FB: s.buffers[s.front].fb, Flags: uapi.PageFlipEvent}
		err := call(s.head.node, uapi.Flip, &s.flip)
		switch {
		case err == nil:
			s.pending = true
			return nil
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOTTY):
			s.flips = false // this driver, or this screen, cannot
		case errors.Is(err, unix.EBUSY): // a flip that was not told of
		default:
			return s.lost(err)
		}
	}
	if err := s.set(); err != nil {
		return s.lost(err)
	}
	return nil
}

// set lets the screen show the front buffer without a flip.
func (s *stream) set() error {
	return s.head.set(uapi.CRTC{FB: s.buffers[s.front].fb, ModeValid: 1, Mode: s.head.mode})
}

// wait waits until the flip is done: then the other buffer is free.
func (s *stream) wait() error {
	for until := time.Now().Add(flipTimeout); s.pending; {
		n, err := s.head.read(s.events[:], max(time.Until(until), 0))
		if err != nil {
			return err
		}
		if n == 0 {
			s.flips, s.pending = false, false
			return nil
		}
		for p := s.events[:n]; len(p) >= 8; {
			e := uapi.Event{Type: binary.NativeEndian.Uint32(p), Length: binary.NativeEndian.Uint32(p[4:])}
			if e.Type == uapi.EventFlipComplete {
				s.pending = false
			}
			if e.Length < 8 || int(e.Length) > len(p) {
				break
			}
			p = p[e.Length:]
		}
	}
	return nil
}

func (s *stream) lost(err error) error {
	return fmt.Errorf("display %q: %w", s.display.Name(), meaning(err))
}

// Close shows what was there before.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.head == nil {
		return nil
	}
	_ = s.wait() // else the buffers go while they are shown, which does no harm
	err := s.head.set(s.saved)
	s.free()
	s.head.close()
	s.head = nil
	s.display.closed()
	if err != nil && !errors.Is(meaning(err), hal.ErrGone) && !errors.Is(meaning(err), hal.ErrBusy) {
		return fmt.Errorf("cannot give display %q back as it was: %w", s.display.Name(), err)
	}
	return nil
}

func (s *stream) free() {
	for i := range s.buffers {
		s.head.free(&s.buffers[i])
	}
}
