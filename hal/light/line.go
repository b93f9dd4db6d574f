package light

import (
	"fmt"
	"time"

	"callbox/hal"
	"callbox/hal/gpio"
)

// line is what this package uses of a GPIO line.
type line interface {
	Value() (bool, error)
	Set(active bool) error
	Close() error
}

// held is a line that is taken when it is needed first, and again after an error:
// its chip may have been away.
type held struct {
	take func() (line, error)
	line line // nil while it is not ours
}

// use calls f with the line.
func (h *held) use(f func(line) error) error {
	if h.line == nil {
		l, err := h.take()
		if err != nil {
			return err
		}
		h.line = l
	}
	err := f(h.line)
	if err != nil {
		_ = h.Close() // the error of f says more
	}
	return err
}

// Close lets go of the line.
func (h *held) Close() error {
	if h.line == nil {
		return nil
	}
	l := h.line
	h.line = nil
	return l.Close()
}

func (h *held) value() (active bool, err error) {
	err = h.use(func(l line) error {
		active, err = l.Value()
		return err
	})
	return active && err == nil, err
}

func output(g hal.GPIO) func() (line, error) {
	return func() (line, error) {
		l, err := gpio.Output(g)
		if err != nil {
			return nil, err // not a nil Line in the interface
		}
		return l, nil
	}
}

func input(g hal.GPIO) func() (line, error) {
	return func() (line, error) {
		l, err := gpio.Input(g)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
}

// lineLight is a light on a GPIO line.
type lineLight struct{ held }

func (l *lineLight) Name() string { return nameGPIO }

// Set sets the line and reads it back.
func (l *lineLight) Set(on bool) error {
	err := l.use(func(line line) error { return line.Set(on) })
	if err != nil {
		return err
	}
	active, err := l.value()
	if err == nil && active != on {
		err = fmt.Errorf("the line of the light reads %s after it was set to %s", word(active), word(on))
	}
	return err
}

// Lit reads the line.
func (l *lineLight) Lit() (bool, error) { return l.value() }

const (
	// senseFor is how long a light may take until its sense line agrees: lamps and
	// optical sensors are not instant.
	senseFor   = 200 * time.Millisecond
	senseEvery = 10 * time.Millisecond
)

// sensed is a light with a line that proves it.
type sensed struct {
	hal.Light
	sense held
}

// Set sets the light and waits until the sense line agrees.
func (s *sensed) Set(on bool) error {
	if err := s.Light.Set(on); err != nil {
		return err
	}
	for range senseFor / senseEvery {
		if active, err := s.sense.value(); err != nil || active == on {
			return err
		}
		time.Sleep(senseEvery)
	}
	return fmt.Errorf("the light %s was set to %s, and its sense line still reads %s after %v; is the light broken?",
		s.Name(), word(on), word(!on), senseFor)
}

// Lit asks the light and its sense line.
func (s *sensed) Lit() (bool, error) {
	if lit, err := s.Light.Lit(); err != nil || !lit {
		return false, err
	}
	return s.sense.value()
}

// Close lets go of the light and of its sense line.
func (s *sensed) Close() error {
	err := s.Light.Close()
	if errSense := s.sense.Close(); err == nil {
		err = errSense
	}
	return err
}

func word(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
