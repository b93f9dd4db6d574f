package media

import (
	"errors"
	"fmt"
)

// ErrLight means that the light, which must be on before a camera or microphone
// opens, could not be confirmed to be on.
var ErrLight = errors.New("the privacy light is not confirmed to be on")

// Light is the lamp that says that a camera or a microphone is open. It is on
// while at least one that acquired it has not released it.
type Light interface {
	// Acquire returns when the light is on, or an error when that cannot be
	// confirmed. release is called once, after the device was closed. Both may
	// be called from any goroutine.
	Acquire() (release func(), err error)
}

// light turns the light on before a camera or microphone is opened. A light that
// fails is an error only where it is required.
func (e *Engine) light() (release func(), err error) {
	l, required := e.opts.Light, e.opts.LightRequired
	switch {
	case l == nil && required:
		return nil, fmt.Errorf("%w: the device has none", ErrLight)
	case l == nil:
		return func() {}, nil
	}
	release, err = l.Acquire()
	switch {
	case err == nil:
		return release, nil
	case required:
		return nil, fmt.Errorf("%w: %w", ErrLight, err)
	}
	e.opts.Log.Warn().Err(err).Msg("privacy light")
	return func() {}, nil
}

// light is Engine.light for a device of the session, and tells what came of it:
// nothing starts without the light, and a talk goes on without the device.
func (s *Session) light() (release func(), err error) {
	off, err := s.engine.light()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if !s.started {
			s.failLocked(fmt.Errorf("cannot start media: %w", err))
			s.wantDevicesLocked()
		} else if !s.lightTold {
			s.lightTold = true
			s.deviceGone("light", "light", err)
		}
		return nil, err
	}
	if s.lightTold {
		s.lightTold = false
		s.deviceBack("light", "light")
	}
	s.lights++
	s.startLocked()
	return func() {
		off()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lights--
	}, nil
}

// litLocked reports whether the light lets media start: it is on, it need not be,
// or there is nothing to light it for; mu is held.
func (s *Session) litLocked() bool {
	return !s.engine.opts.LightRequired || s.lights > 0 ||
		!s.sound.hasMicrophone() && (s.video == nil || !s.video.on)
}
