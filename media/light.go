package media

import (
	"context"
	"errors"
	"fmt"
)

// ErrLight means that the light, which must be on while a camera or microphone is
// open, could not be confirmed to be on.
var ErrLight = errors.New("the privacy light is not confirmed to be on")

// Light is the lamp that says that a camera or a microphone is open. It is on
// while at least one that acquired it has not released it.
type Light interface {
	// Acquire returns when the light is on, or an error when that cannot be
	// confirmed. release is called once, after the device was closed. Both may
	// be called from any goroutine.
	//
	// The light calls dark, at most once, when it is not confirmed to be on any more
	// although it must be: the device is closed then. dark does not block.
	Acquire(dark func(error)) (release func(), err error)
}

// light turns the light on before a camera or microphone is opened. lit is ctx as
// long as the light is on: where it is required and goes out, lit ends by ErrLight,
// and the device must be closed before release is called. A light that fails is an
// error only where it is required.
func (e *Engine) light(ctx context.Context) (lit context.Context, release func(), err error) {
	l, required := e.opts.Light, e.opts.LightRequired
	switch {
	case l == nil && required:
		return nil, nil, fmt.Errorf("%w: the device has none", ErrLight)
	case l == nil:
		return ctx, func() {}, nil
	}
	lit, cancel := context.WithCancelCause(ctx)
	off, err := l.Acquire(func(err error) {
		if required {
			cancel(fmt.Errorf("%w: %w", ErrLight, err))
		}
	})
	switch {
	case err == nil:
		return lit, func() { off(); cancel(nil) }, nil
	case required:
		cancel(nil)
		return nil, nil, fmt.Errorf("%w: %w", ErrLight, err)
	}
	e.opts.Log.Warn().Err(err).Msg("privacy light")
	return lit, func() { cancel(nil) }, nil
}

// wentDark is why lit has ended, when it was the light; else nil.
func wentDark(lit context.Context) error {
	if err := context.Cause(lit); errors.Is(err, ErrLight) {
		return err
	}
	return nil
}

// light is Engine.light for a device of the session, and tells what came of it:
// nothing starts without the light, and a talk goes on without the device.
func (s *Session) light(ctx context.Context) (lit context.Context, release func(), err error) {
	lit, off, err := s.engine.light(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if !s.started {
			s.failLocked(fmt.Errorf("cannot start media: %w", err))
			s.wantDevicesLocked()
		} else {
			s.lightGoneLocked(err)
		}
		return nil, nil, err
	}
	if s.lightTold {
		s.lightTold = false
		s.deviceBack("light", "light")
	}
	s.lights++
	s.startLocked()
	return lit, func() {
		dark := wentDark(lit)
		off()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lights--
		if dark != nil && s.started {
			s.lightGoneLocked(dark)
		}
	}, nil
}

// lightGoneLocked tells, once, that a talk goes on without what needs the light; mu
// is held.
func (s *Session) lightGoneLocked(err error) {
	if !s.lightTold {
		s.lightTold = true
		s.deviceGone("light", "light", err)
	}
}

// litLocked reports whether the light lets media start: it is on, it need not be,
// or there is nothing to light it for; mu is held.
func (s *Session) litLocked() bool {
	return !s.engine.opts.LightRequired || s.lights > 0 ||
		(!s.sound.hasMicrophone() || s.sound.deaf.Load()) && (s.video == nil || !s.video.on)
}

// startUnlit starts what waits for the light of a microphone that is not opened.
func (s *Session) startUnlit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.startLocked()
}
