package config

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"callbox/hal"
	"callbox/hal/button/key"
)

// nameGPIO is the light on a GPIO line.
const nameGPIO = "gpio"

// checkButtons finds buttons that cannot work, and those that are in each other's
// way.
func checkButtons(buttons []hal.ButtonOptions, r report) {
	names := map[string]int{}
	lines := map[string]int{} // by chip and line
	places := map[string]int{}
	for i, b := range buttons {
		at := fmt.Sprintf("hal.buttons[%d]", i)
		first, twice := names[b.Name]
		switch {
		case b.Name == "":
			r(at+".name", "is missing; needs a name for the button, for example bell")
		case utf8.RuneCountInString(b.Name) > 64 || strings.ContainsFunc(b.Name, unprintable):
			r(at+".name", fmt.Sprintf("%q is too long or has control characters; allowed: 1 to 64 characters that can be seen", b.Name))
		case twice:
			r(at+".name", fmt.Sprintf("%q is the name of hal.buttons[%d] already; each button needs its own", b.Name, first))
		default:
			names[b.Name] = i
		}
		checkAction(at, b, r)
		if b.Hold < 0 || b.Hold > 30*time.Second {
			r(at+".hold", fmt.Sprintf("%s is out of range; allowed: 0s (at once) to 30s", b.Hold))
		}
		place := checkPlace(at, b, r)
		if place == "" {
			continue
		}
		if b.GPIO.Set() {
			if first, ok := lines[b.GPIO.String()]; ok && buttons[first].GPIO != b.GPIO {
				r(at+".gpio", fmt.Sprintf("is the line of hal.buttons[%d] with other settings; allowed: the same active_low, bias and debounce", first))
				continue
			}
			lines[b.GPIO.String()] = i
		}
		place += " " + b.Hold.String()
		if first, ok := places[place]; ok {
			r(at, fmt.Sprintf("is pressed together with hal.buttons[%d]; allowed on the same key or line: buttons with different hold", first))
			continue
		}
		places[place] = i
	}
}

func checkAction(at string, b hal.ButtonOptions, r report) {
	switch {
	case b.Action == "":
		r(at+".action", "is missing; allowed: answer, hangup, toggle, call, event")
	case b.Action == hal.ActionCall && b.Call == "":
		r(at+".call", "is missing; the action call needs the name of a contact or a group")
	case b.Action != hal.ActionCall && b.Call != "":
		r(at+".call", fmt.Sprintf("is for the action call only, and the action is %q", b.Action))
	}
}

// checkPlace checks where a button is, and returns that in one form; "" when it is
// wrong.
func checkPlace(at string, b hal.ButtonOptions, r report) string {
	switch {
	case b.Key == "" && !b.GPIO.Set():
		r(at, "is nowhere; needs a key (of an input device) or a gpio line")
		return ""
	case b.Key != "" && b.GPIO.Set():
		r(at+".gpio", "stands beside a key; allowed: one of the two")
		return ""
	case b.GPIO.Set():
		if b.Input != "" {
			r(at+".input", "is for keys only, and this button is a gpio line")
		}
		if b.Grab {
			r(at+".grab", "is for keys only, and this button is a gpio line")
		}
		if !checkLine(at+".gpio", b.GPIO, r) {
			return ""
		}
		if d := b.GPIO.Debounce; d != 0 && (d < time.Millisecond || d > time.Second) {
			r(at+".gpio.debounce", fmt.Sprintf("%s is out of range; allowed: 1ms to 1s", d))
		}
		return b.GPIO.String()
	}
	code, ok := key.Parse(string(b.Key))
	if !ok {
		hint := ""
		near := key.Full(string(b.Key))
		if near == "" {
			near = nearestVariable(string(b.Key), key.Names())
		}
		if near != "" {
			hint = fmt.Sprintf(" (did you mean %s?)", near)
		}
		r(at+".key", fmt.Sprintf("%q is no key%s; allowed: a name from linux/input-event-codes.h such as KEY_ENTER, or a number from 1 to %d", b.Key, hint, key.Max))
		return ""
	}
	input := b.Input
	if input == "" {
		input = hal.NameAuto
	}
	return fmt.Sprintf("%d of %s", code, input)
}

// checkLine checks what names a GPIO line.
func checkLine(at string, g hal.GPIO, r report) bool {
	number := g.Line != "" && strings.Trim(string(g.Line), "0123456789") == ""
	switch {
	case g.Line == "":
		r(at+".line", "is missing; needs the number of a line on its chip, or its name")
		return false
	case number && g.Chip == "":
		r(at+".chip", "is missing; a line by its number needs a chip, for example gpiochip0")
		return false
	}
	return true
}

// checkLight finds a light that cannot work.
func checkLight(l hal.LightOptions, r report) {
	const at = "hal.light."
	switch {
	case l.Name == "":
		r(at+"name", "is empty; allowed: none, virtual, gpio, or the name of an LED below /sys/class/leds")
	case strings.ContainsAny(l.Name, "/\x00") || strings.HasPrefix(l.Name, "."):
		r(at+"name", fmt.Sprintf("%q is no name of an LED; allowed: none, virtual, gpio, or a name below /sys/class/leds", l.Name))
	}
	if l.Name == hal.NameNone && l.Required {
		r(at+"required", "is true without a light, so that no camera or microphone could be opened; set hal.light.name")
	}
	if l.Name == hal.NameNone && l.Sense.Set() {
		r(at+"sense", "is a line for a light, and the name is \"none\"")
	}
	if l.File != "" && l.Name != hal.NameVirtual {
		r(at+"file", fmt.Sprintf("only the virtual light uses a file, and the name is %q; allowed: name virtual, or no file", l.Name))
	}
	switch {
	case l.Name == nameGPIO:
		checkLine(at+nameGPIO, l.GPIO, r)
	case l.GPIO.Set():
		r(at+nameGPIO, fmt.Sprintf("only the light gpio uses a line, and the name is %q; allowed: name gpio, or no line", l.Name))
	}
	if l.GPIO.Bias != "" {
		r(at+"gpio.bias", "is for inputs only, and a light is an output; set sense.bias or leave it out")
	}
	for key, g := range map[string]hal.GPIO{"gpio": l.GPIO, "sense": l.Sense} {
		if g.Debounce != 0 {
			r(at+key+".debounce", "is for buttons only; leave it out")
		}
	}
	if l.Sense.Set() && checkLine(at+"sense", l.Sense, r) && l.Sense.String() == l.GPIO.String() {
		r(at+"sense", "is the line of the light itself, which proves nothing; needs another line")
	}
}
