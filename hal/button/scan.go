package button

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"callbox/hal"
	"callbox/hal/button/evdev"
	"callbox/hal/button/key"
)

// stream is an input device that is open, for all sources on it.
type stream struct {
	path    string
	keys    keyStream
	wanted  wanted
	sources []*source
}

// wanted is what the sources want of one device.
type wanted struct {
	codes []key.Code // in order, each once
	grab  bool
}

// scan looks for all devices and lines, opens what is new and publishes how the
// buttons are.
func (b *Buttons) scan() {
	if b.watcher != nil {
		if err := b.watcher.refresh(); err != nil {
			b.log.Warn().Err(err).Msg("some buttons that are plugged in later are not noticed")
		}
	}
	busy := b.scanInputs()
	for _, s := range b.sources {
		if s.isLine() && s.line == nil {
			busy = b.takeLine(s) == Busy || busy
		}
	}
	if busy {
		b.scanIn(retry)
	}
}

// scanInputs reports whether another program holds a device.
func (b *Buttons) scanInputs() (busy bool) {
	devices, errInputs := b.system.inputs()
	states := map[*source]Status{}
	on := map[string][]*source{} // by the path of the device
	for _, s := range b.sources {
		switch {
		case s.isLine():
		case errInputs != nil:
			states[s] = failed(fmt.Errorf("cannot look for input devices: %w", errInputs))
		default:
			var places []evdev.Device
			states[s], places = s.judge(devices)
			for _, d := range places {
				on[d.Path] = append(on[d.Path], s)
			}
		}
	}
	for path, st := range b.streams {
		if w := wantedBy(on[path]); !slices.Equal(w.codes, st.wanted.codes) || w.grab != st.wanted.grab {
			b.drop(st)
		}
	}
	failures := map[*source]error{}
	for path, sources := range on {
		if st := b.streams[path]; st != nil {
			st.sources = sources
			continue
		}
		if err := b.take(path, sources); err != nil {
			busy = busy || errors.Is(err, hal.ErrBusy)
			for _, s := range sources {
				failures[s] = err
			}
		}
	}
	for s, err := range failures {
		if !b.isOpen(s) { // one device of several is enough
			states[s] = failed(err)
		}
	}
	for s, status := range states {
		b.set(s, status)
	}
	return busy
}

func (b *Buttons) isOpen(s *source) bool {
	for _, st := range b.streams {
		if slices.Contains(st.sources, s) {
			return true
		}
	}
	return false
}

func wantedBy(sources []*source) (w wanted) {
	for _, s := range sources {
		w.codes = append(w.codes, s.code)
		w.grab = w.grab || s.grab
	}
	slices.Sort(w.codes)
	w.codes = slices.Compact(w.codes)
	return w
}

// take opens an input device and lets a goroutine read it.
func (b *Buttons) take(path string, sources []*source) error {
	w := wantedBy(sources)
	keys, err := b.system.openInput(path, w.codes, w.grab)
	if err != nil {
		return err
	}
	st := &stream{path: path, keys: keys, wanted: w, sources: sources}
	b.streams[path] = st
	b.running.Go(func() {
		for {
			events, err := keys.Read()
			b.post(func() {
				for _, e := range events {
					b.handle(st, e)
				}
				if err != nil {
					b.lost(st, err)
				}
			})
			if err != nil {
				return
			}
		}
	})
	return nil
}

// handle hands an event to the sources that it means.
func (b *Buttons) handle(st *stream, e evdev.Event) {
	if b.streams[st.path] != st {
		return // what was still on its way when the device was dropped
	}
	for _, s := range st.sources {
		switch {
		case s.code != e.Code:
		case e.Down && s.from == nil:
			s.from = st
			s.presser.press(e.At)
		case !e.Down && s.from == st && e.Lost:
			s.from = nil
			s.presser.abort() // when it came up, nobody knows
		case !e.Down && s.from == st:
			s.from = nil
			s.presser.release(e.At)
		}
	}
}

// lost is called when a device was unplugged, or cannot be read.
func (b *Buttons) lost(st *stream, err error) {
	if b.streams[st.path] != st {
		return
	}
	b.drop(st)
	if errors.Is(err, hal.ErrGone) {
		b.scanIn(settle)
		return
	}
	for _, s := range st.sources {
		if !b.isOpen(s) {
			b.set(s, failed(err))
		}
	}
	b.scanIn(retry)
}

// drop closes a device; what was down on it does not count.
func (b *Buttons) drop(st *stream) {
	delete(b.streams, st.path)
	_ = st.keys.Close() // it was only read
	for _, s := range b.sources {
		if s.from == st {
			s.from = nil
			s.presser.abort()
		}
	}
}

// takeLine takes a GPIO line and lets a goroutine wait for its edges.
func (b *Buttons) takeLine(s *source) State {
	l, err := b.system.openLine(s.gpio)
	if err != nil {
		status := failed(err)
		b.set(s, status)
		return status.State
	}
	s.line = l
	b.set(s, Status{State: Found, Device: l.Name()})
	b.running.Go(func() {
		for {
			err := l.WaitEdge()
			b.post(func() {
				if err == nil {
					b.edge(s)
				} else {
					b.lostLine(s, l, err)
				}
			})
			if err != nil {
				return
			}
		}
	})
	return Found
}

// edge begins or prolongs a burst: the level counts when it was stable for the
// debounce time.
func (b *Buttons) edge(s *source) {
	if s.settling != nil {
		s.settling()
	} else {
		s.changing = b.clock.Now()
		s.presser.doubt()
	}
	s.burst++
	number := s.burst
	s.settling = b.clock.AfterFunc(s.debounce, func() {
		b.post(func() {
			if s.settling != nil && s.burst == number {
				s.settling = nil
				b.level(s)
			}
		})
	})
}

// level reads the line after a burst. An edge that the kernel's queue had no room
// for does no harm.
func (b *Buttons) level(s *source) {
	if s.line == nil {
		return
	}
	active, err := s.line.Value()
	switch {
	case err != nil:
		b.lostLine(s, s.line, err)
	case active:
		s.presser.press(s.changing)
	default:
		s.presser.release(s.changing)
	}
}

func (b *Buttons) lostLine(s *source, l line, err error) {
	if s.line != l || errors.Is(err, io.EOF) {
		return
	}
	s.line = nil
	_ = l.Close() // it was only read
	s.presser.abort()
	if errors.Is(err, hal.ErrGone) {
		b.scanIn(settle)
		return
	}
	b.set(s, failed(err))
	b.scanIn(retry)
}
