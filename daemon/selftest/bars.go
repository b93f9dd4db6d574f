package selftest

import (
	"fmt"
	"strconv"
	"strings"
)

// Bar is what a figure is held against: beyond Warn it is a warning, beyond Fail it has
// failed. Less is better, but where More says that it is worse.
type Bar struct {
	Name string // of the row, and on the command line
	Warn float64
	Fail float64
	More bool // a figure below is beyond
	Unit string
	Says string // what is measured
}

// Bars are those of all rows that have one.
type Bars []Bar

// DefaultBars are those of a device that works: docs/selftest.md has the reasons.
func DefaultBars() Bars {
	return Bars{
		{"ring", 300, 1000, false, "ms", "from the invite to the ringing"},
		{"connect", 1000, 3000, false, "ms", "from the invite or, without preconnect, the answer to ICE and DTLS"},
		{"first_sound", 500, 1500, false, "ms", "from the answer to the device's first sound"},
		{"first_picture", 700, 2000, false, "ms", "from the answer to the device's first whole picture"},
		{"round_trip", 20, 100, false, "ms", "of a connectivity check"},
		{"latency", 100, 250, false, "ms", "of 95 in 100 pictures, from the camera to the phone's network"},
		{"loss_down", 0.1, 1, false, "%", "of the device's packets"},
		{"loss_up", 0.1, 1, false, "%", "of the phone's packets"},
		{"jitter", 10, 30, false, "ms", "of the device's sound"},
		{"gap", 300, 1000, false, "ms", "without a picture"},
		{"rate", 15, 10, true, "pictures/s", "of the device"},
		{"sound_gap", 200, 1000, false, "ms", "without sound, but for silence that is not sent"},
		{"sound", -60, -80, true, "dB", "the loudest of the device's sound, of full scale"},
		{"echo", 30, 15, true, "dB", "return loss of the phone's own sound"},
		{"limit", 20, 50, false, "ms", "that the device ends behind the deadline; never before it"},
		{"limit_phone", 150, 500, false, "ms", "that the phone's call ends behind the deadline; never before it"},
	}
}

// Set reads NAME=NUMBER for the bar beyond which a figure has failed; a warning beyond it
// goes with it. Error: what of it cannot be used.
func (b Bars) Set(text string) error {
	name, number, ok := strings.Cut(text, "=")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || v != v {
		return fmt.Errorf("cannot use the bar %q: write it like %s=%v", text, b[0].Name, b[0].Fail)
	}
	for i := range b {
		bar := &b[i]
		if bar.Name != name {
			continue
		}
		bar.Fail = v
		if bar.beyond(bar.Warn, v) {
			bar.Warn = v
		}
		return nil
	}
	var names []string
	for _, bar := range b {
		names = append(names, bar.Name)
	}
	return fmt.Errorf("there is no bar %q; there are %s", name, strings.Join(names, ", "))
}

// beyond reports whether v is worse than the bar.
func (b Bar) beyond(v, bar float64) bool {
	if b.More {
		return v < bar
	}
	return v > bar
}

func (b Bars) of(name string) Bar {
	for _, bar := range b {
		if bar.Name == name {
			return bar
		}
	}
	return Bar{}
}

// judge holds v against a bar.
func (b Bar) judge(v float64) State {
	switch {
	case b.beyond(v, b.Fail):
		return Failed
	case b.beyond(v, b.Warn):
		return Warning
	}
	return OK
}

// text is the bar for people.
func (b Bar) text() string {
	sign := "≤"
	if b.More {
		sign = "≥"
	}
	return sign + " " + number(b.Fail, b.Unit)
}

// number is a figure with its unit.
func number(v float64, unit string) string {
	text := strconv.FormatFloat(v, 'f', 1, 64)
	if text = strings.TrimSuffix(text, ".0"); text == "-0" {
		text = "0"
	}
	if unit == "%" {
		return text + unit
	}
	return text + " " + unit
}
