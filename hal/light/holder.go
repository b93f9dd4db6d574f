// Package light drives the light that tells people that the camera or the
// microphone is open: an LED of the kernel's LED class, a GPIO line, or a file that
// stands for one in tests.
//
// A Holder counts who needs the light. Every Set is read back; a sense line proves
// more than the driver's own word.
package light

import (
	"errors"
	"fmt"
	"sync"

	"github.com/rs/zerolog"

	"callbox/hal"
)

// ErrClosed is what Acquire returns after Close.
var ErrClosed = errors.New("the light was put away")

// Holder turns the light on for the first who needs it and off after the last.
// All methods may be called at the same time.
type Holder struct {
	light    hal.Light // nil: the device has none
	required bool
	log      zerolog.Logger

	// turn is taken while the light is set, so that all wait for the first. It is a
	// channel and no mutex because that takes long, as bubbles of testing/synctest
	// see it.
	turn chan struct{}

	// Of whoever has the turn:
	uses    int
	on      bool // confirmed
	problem error
	closed  bool
}

// Status is how the light is at the moment.
type Status struct {
	Name     string // none when the device has no light
	Required bool
	On       bool // and confirmed to be so
	Uses     int  // how many need it
	// Problem is what the last change of the light met; nil when it went well.
	Problem error
}

// New takes care of a light, nil for none, and turns it off. With required,
// Acquire refuses when the light is not confirmed to be on; without, it logs that.
func New(l hal.Light, required bool, log zerolog.Logger) *Holder {
	h := &Holder{light: l, required: required, log: log, turn: make(chan struct{}, 1)}
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	_ = h.set(false) // kept in problem, and logged
	return h
}

// Acquire turns the light on, if it is not, and returns when that is confirmed.
// release says that it is not needed any more; it may be called twice.
//
// On an error what the light stands for must not be opened, and there is nothing to
// release. When the light is not required the only error is ErrClosed.
func (h *Holder) Acquire() (release func(), err error) {
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	if h.closed {
		return nil, ErrClosed
	}
	if err := h.set(true); err != nil && h.required {
		if h.uses == 0 && h.light != nil {
			_ = h.light.Set(false) // it may be on, and only not confirmed; err says more
		}
		return nil, fmt.Errorf("cannot open camera or microphone without the light: %w", err)
	}
	h.uses++
	var once sync.Once
	return func() { once.Do(h.release) }, nil
}

func (h *Holder) release() {
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	h.uses--
	if h.uses == 0 && !h.closed {
		_ = h.set(false) // kept in problem, and logged
	}
}

// Close turns the light off, whoever needs it, and lets go of it. It may be called
// twice.
func (h *Holder) Close() error {
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	if h.closed {
		return nil
	}
	err := h.set(false)
	h.closed = true
	if h.light != nil {
		err = errors.Join(err, h.light.Close())
	}
	return err
}

// Status tells how the light is.
func (h *Holder) Status() Status {
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	s := Status{Name: hal.NameNone, Required: h.required, On: h.on, Uses: h.uses, Problem: h.problem}
	if h.light != nil {
		s.Name = h.light.Name()
	}
	return s
}

// set turns the light on or off, keeps the problem, and logs a new one. It is
// called by whoever has the turn.
func (h *Holder) set(on bool) error {
	if h.light == nil {
		if h.required && on {
			return fmt.Errorf("%w: there is none; set hal.light.name", hal.ErrNotFound)
		}
		return nil
	}
	err := h.light.Set(on)
	h.on = on && err == nil
	if err != nil && (h.problem == nil || h.problem.Error() != err.Error()) {
		h.log.Warn().Err(err).Str("light", h.light.Name()).Bool("wanted", on).Msg("light")
	}
	h.problem = err
	return err
}
