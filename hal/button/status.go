package button

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"callbox/hal"
	"callbox/hal/button/evdev"
)

// State says whether a button can be pressed.
type State string

// The states, from the best to the worst.
const (
	Found        State = "found"
	Busy         State = "busy"          // another program has the line, or grabbed the device
	NoPermission State = "no permission" // the reason says what to do
	NoKey        State = "no such key"   // the device is there, its key is not
	Missing      State = "missing"       // not plugged in, or no driver
)

// Status is how one button is at the moment.
type Status struct {
	Button string // its name in the configuration
	State  State
	Device string // the devices or the line that it was found on, for people
	Reason string // why it is not found and what to do; "" when it is
}

// judge finds the devices on which an evdev source is, and says how it is.
func (s *source) judge(devices []evdev.Device) (status Status, on []evdev.Device) {
	var names, others []string // of those that have the key, and of all
	var keyless, refused error // what to say when none has it
	for _, d := range devices {
		others = append(others, fmt.Sprintf("%q", d.Name()))
		if !s.means(d) {
			continue
		}
		switch {
		case d.Err != nil:
			refused = fmt.Errorf("cannot use the input device %q: %w", d.Name(), d.Err)
		case !d.Keys.Has(s.code):
			keyless = fmt.Errorf("the input device %q has no %v", d.Name(), s.code)
		default:
			on = append(on, d)
			names = append(names, d.Name())
		}
	}
	switch {
	case len(on) > 0:
		return Status{State: Found, Device: strings.Join(names, ", ")}, on
	case refused != nil:
		return failed(refused), nil
	case s.input == hal.NameAuto:
		return Status{State: Missing, Reason: fmt.Sprintf("no input device has %v", s.code)}, nil
	case keyless != nil:
		return Status{State: NoKey, Reason: keyless.Error()}, nil
	case len(others) == 0:
		return Status{State: Missing, Reason: fmt.Sprintf("there is no input device %q, nor any other", s.input)}, nil
	}
	return Status{State: Missing, Reason: fmt.Sprintf("there is no input device %q; set input to auto or to one of: %s", s.input, strings.Join(others, ", "))}, nil
}

// means says whether the configuration means this device.
func (s *source) means(d evdev.Device) bool {
	if s.input == hal.NameAuto {
		return true
	}
	for _, name := range d.Names {
		if name == s.input {
			return true
		}
	}
	return false
}

// failed makes a status of an error.
func failed(err error) Status {
	s := Status{State: Missing, Reason: err.Error()}
	switch {
	case errors.Is(err, hal.ErrBusy):
		s.State = Busy
	case errors.Is(err, fs.ErrPermission):
		s.State = NoPermission
	}
	return s
}
