package button

import (
	"cmp"
	"fmt"
	"time"

	"callbox/hal"
	"callbox/hal/button/key"
)

// source is one key or line, and the buttons on it. The loop owns it.
type source struct {
	indexes []int // of its buttons, in the options
	buttons []hal.ButtonOptions
	presser *presser

	// Of a key:
	input string // never empty
	code  key.Code
	grab  bool
	from  *stream // on which it is down

	// Of a line:
	gpio     hal.GPIO
	line     line // nil while it is not ours
	debounce time.Duration
	changing time.Duration // when the first of a burst of edges came
	settling func() bool   // stops the timer of the burst; nil without one
	burst    int           // number of the timer, so that an old one does nothing
}

// isLine tells the two kinds apart.
func (s *source) isLine() bool { return s.gpio.Set() }

// sources puts the buttons on the same key or line together.
func sources(options []hal.ButtonOptions) ([]*source, error) {
	type place struct {
		input string
		code  key.Code
		gpio  hal.GPIO
	}
	var all []*source
	byPlace := map[place]*source{}
	for i, o := range options {
		at := place{gpio: o.GPIO}
		if !o.GPIO.Set() {
			code, ok := key.Parse(string(o.Key))
			if !ok {
				return nil, fmt.Errorf("cannot use button %q: unknown key %q", o.Name, o.Key)
			}
			at.input, at.code = cmp.Or(o.Input, hal.NameAuto), code
		}
		s := byPlace[at]
		if s == nil {
			s = &source{input: at.input, code: at.code, gpio: at.gpio, debounce: cmp.Or(at.gpio.Debounce, defaultDebounce)}
			byPlace[at] = s
			all = append(all, s)
		}
		s.indexes = append(s.indexes, i)
		s.buttons = append(s.buttons, o)
		s.grab = s.grab || o.Grab
	}
	return all, nil
}
