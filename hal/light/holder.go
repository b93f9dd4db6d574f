// Package light drives the light that tells people that the camera or the
// microphone is open: an LED of the kernel's LED class, a GPIO line, or a file that
// stands for one in tests.
//
// A Holder counts who needs the light. Every Set is read back; a sense line proves
// more than the driver's own word. While somebody needs the light it is looked at
// every second.
package light

import (
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
)

// ErrClosed is what Acquire returns after Close.
var ErrClosed = errors.New("the light was put away")

// Holder turns the light on for the first who needs it and off after the last.
// All methods may be called at the same time.
type Holder struct {
	light    hal.Light // nil: the device has none
	required bool
	clock    clock.Clock
	log      zerolog.Logger

	// turn is taken while the light is set, so that all wait for the first. It is a
	// channel and no mutex because that takes long, as bubbles of testing/synctest
	// see it.
	turn chan struct{}

	// Of whoever has the turn:
	users   map[*user]struct{}
	on      bool // confirmed
	problem error
	gone    gone
	notify  func(problem error)
	checks  checks
	closed  bool
}

// user is somebody who needs the light.
type user struct{ dark func(error) }

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
func New(l hal.Light, required bool, clk clock.Clock, log zerolog.Logger) *Holder {
	h := &Holder{
		light: l, required: required, clock: clk, log: log, turn: make(chan struct{}, 1),
		users: map[*user]struct{}{}, notify: func(error) {},
	}
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	_ = h.set(false) // kept in problem, and logged
	return h
}

// Notify has f called when the light is gone, with what is wrong, and with nil when
// it works again. f must not block and must not call the Holder.
func (h *Holder) Notify(f func(problem error)) {
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	h.notify = f
}

// Acquire turns the light on, if it is not, and returns when that is confirmed.
// release says that it is not needed any more; it may be called twice.
//
// dark is called, at most once and only when the light is required, when the light
// is not confirmed to be on any more: what it stands for must be closed at once, and
// released then. It must not block and must not call the Holder. It may be called
// before Acquire returns, and never after release has.
//
// On an error what the light stands for must not be opened, and there is nothing to
// release. When the light is not required the only error is ErrClosed.
func (h *Holder) Acquire(dark func(error)) (release func(), err error) {
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	if h.closed {
		return nil, ErrClosed
	}
	if err := h.set(true); err != nil && h.required {
		if len(h.users) == 0 && h.light != nil {
			_ = h.light.Set(false) // it may be on, and only not confirmed; err says more
		}
		h.tellDark(err)
		return nil, fmt.Errorf("cannot open camera or microphone without the light: %w", err)
	}
	u := &user{dark}
	h.users[u] = struct{}{}
	if len(h.users) == 1 {
		h.startChecks()
	}
	return func() { h.release(u) }, nil
}

func (h *Holder) release(u *user) {
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	if _, ok := h.users[u]; !ok {
		return
	}
	delete(h.users, u)
	if len(h.users) == 0 && !h.closed {
		h.stopChecks()
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
	h.stopChecks()
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
	s := Status{Name: hal.NameNone, Required: h.required, On: h.on, Uses: len(h.users), Problem: h.problem}
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
	if h.gone.after(on, err) {
		h.notify(err)
	}
	return err
}
