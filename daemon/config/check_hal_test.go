package config

import (
	"reflect"
	"testing"
	"time"

	"callbox/hal"
)

// TestHALMessages pins what is said about buttons and the light.
func TestHALMessages(t *testing.T) {
	for name, tt := range map[string]struct {
		yaml string
		want string // lines; the file is called f
	}{
		"an unknown key": {
			"hal:\n  buttons:\n    - {name: bell, key: KEY_ENTR, action: answer}\n    - {name: b, key: enter, action: answer}\n    - {name: c, key: 768, action: answer}\n",
			`f:3:25: hal.buttons[0].key: "KEY_ENTR" is no key (did you mean KEY_ENTER?); allowed: a name from linux/input-event-codes.h such as KEY_ENTER, or a number from 1 to 767` + "\n" +
				`f:4:22: hal.buttons[1].key: "enter" is no key (did you mean KEY_ENTER?); allowed: a name from linux/input-event-codes.h such as KEY_ENTER, or a number from 1 to 767` + "\n" +
				`f:5:22: hal.buttons[2].key: "768" is no key; allowed: a name from linux/input-event-codes.h such as KEY_ENTER, or a number from 1 to 767`,
		},
		"a display that cannot be turned": {
			"hal: {display: {name: virtual, rotate: 90, font: /a.ttf}}\n",
			`f:1:40: hal.display.rotate: is for a real screen only, and the name is "virtual"; allowed: name auto or that of a connector, or no rotate` + "\n" +
				`f:1:50: hal.display.font: is for a real screen only, and the name is "virtual"; allowed: name auto or that of a connector, or no font`,
		},
		"a display that is turned a little": {
			"hal: {display: {name: HDMI-A-1, rotate: 45}}\n",
			`f:1:41: hal.display.rotate: cannot rotate by "45"; allowed: 0, 90, 180, 270`,
		},
		"an unknown action": {
			"hal: {buttons: [{name: bell, key: KEY_ENTER, action: open}]}\n",
			`f:1:54: hal.buttons[0].action: "open" is unknown; allowed: answer, hangup, toggle, call, event`,
		},
		"an unknown item": {
			"hal: {buttons: [{name: bell, keys: KEY_ENTER, action: event}]}\n",
			`f:1:17: hal.buttons[0]: is nowhere; needs a key (of an input device) or a gpio line` + "\n" +
				`f:1:30: hal.buttons[0].keys: unknown key "keys" (did you mean "key"?); allowed here: name, key, input, grab, gpio, action, call, hold`,
		},
		"nothing": {
			"hal: {buttons: [{}]}\n",
			`f:1:17: hal.buttons[0].name: is missing; needs a name for the button, for example bell` + "\n" +
				`f:1:17: hal.buttons[0].action: is missing; allowed: answer, hangup, toggle, call, event` + "\n" +
				`f:1:17: hal.buttons[0]: is nowhere; needs a key (of an input device) or a gpio line`,
		},
		"both": {
			"hal: {buttons: [{name: bell, key: KEY_ENTER, gpio: {chip: gpiochip0, line: 1}, action: event}]}\n",
			`f:1:52: hal.buttons[0].gpio: stands beside a key; allowed: one of the two`,
		},
		"whom to call": {
			"hal:\n  buttons:\n    - {name: a, key: KEY_A, action: call}\n    - {name: b, key: KEY_B, action: answer, call: Anna}\n",
			`f:3:7: hal.buttons[0].call: is missing; the action call needs the name of a contact or a group` + "\n" +
				`f:4:51: hal.buttons[1].call: is for the action call only, and the action is "answer"`,
		},
		"cameras": {
			"hal:\n  camera: {name: virtual, rotate: 90}\n  more_cameras:\n    - {name: auto}\n    - {name: virtual}\n    - {name: usb-a, label: Yard, frame_rate: 200}\n    - {name: usb-a, label: Door}\n    - {name: usb-b, label: Yard, rotate: 45}\n",
			`f:4:14: hal.more_cameras[0].name: "auto" is no camera beside the first; allowed: virtual, or a name that callboxctl devices lists` + "\n" +
				`f:5:7: hal.more_cameras[1].label: "virtual" is what hal.camera is called already; each camera needs a label or a name of its own` + "\n" +
				`f:6:46: hal.more_cameras[2].frame_rate: 200 is out of range; allowed: 1 to 120 pictures a second` + "\n" +
				`f:7:14: hal.more_cameras[3].name: "usb-a" is hal.more_cameras[2] already; each camera is there once` + "\n" +
				`f:8:28: hal.more_cameras[4].label: "Yard" is what hal.more_cameras[2] is called already; each camera needs a label or a name of its own` + "\n" +
				`f:8:42: hal.more_cameras[4].rotate: cannot rotate by "45"; allowed: 0, 90, 180, 270`,
		},
		"cameras by the kernel's names": {
			"hal:\n  camera: {name: /dev/video0}\n  more_cameras:\n    - {name: video12}\n    - {name: /dev/v4l/by-id/usb-a}\n    - {name: video-capture}\n",
			`f:2:18: hal.camera.name: "/dev/video0" is the kernel's number, which another camera may have after a reboot; allowed: a name that callboxctl devices lists, such as usb-046d_C920-video-index0` + "\n" +
				`f:4:14: hal.more_cameras[0].name: "video12" is the kernel's number, which another camera may have after a reboot; allowed: a name that callboxctl devices lists, such as usb-046d_C920-video-index0` + "\n" +
				`f:5:14: hal.more_cameras[1].name: "/dev/v4l/by-id/usb-a" is a path; allowed: its last part alone (usb-a), as callboxctl devices lists it`,
		},
		"cameras beside none": {
			"hal: {camera: {name: none}, more_cameras: [{name: virtual}]}\n",
			`f:1:43: hal.more_cameras: are beside no camera: hal.camera.name is none; allowed: a first camera, and more`,
		},
		"the same name": {
			"hal:\n  buttons:\n    - {name: a, key: KEY_A, action: event}\n    - {name: a, key: KEY_B, action: event}\n",
			`f:4:14: hal.buttons[1].name: "a" is the name of hal.buttons[0] already; each button needs its own`,
		},
		"the same key": {
			"hal:\n  buttons:\n    - {name: a, key: KEY_ENTER, action: event}\n    - {name: b, key: 28, input: auto, action: answer}\n    - {name: c, key: 28, action: answer, hold: 2s}\n",
			`f:4:7: hal.buttons[1]: is pressed together with hal.buttons[0]; allowed on the same key or line: buttons with different hold`,
		},
		"the same line": {
			"hal:\n  buttons:\n    - {name: a, gpio: {chip: c, line: 1}, action: event}\n    - {name: b, gpio: {chip: c, line: 1, active_low: true}, action: answer, hold: 1s}\n    - {name: c, gpio: {chip: c, line: 1}, action: answer}\n",
			`f:4:23: hal.buttons[1].gpio: is the line of hal.buttons[0] with other settings; allowed: the same active_low, bias and debounce` + "\n" +
				`f:5:7: hal.buttons[2]: is pressed together with hal.buttons[0]; allowed on the same key or line: buttons with different hold`,
		},
		"times": {
			"hal:\n  buttons:\n    - {name: a, key: KEY_A, action: event, hold: 31s}\n    - {name: b, gpio: {line: BELL, debounce: 2s}, action: event, hold: 3}\n",
			`f:3:50: hal.buttons[0].hold: 31s is out of range; allowed: 0s (at once) to 30s` + "\n" +
				`f:4:46: hal.buttons[1].gpio.debounce: 2s is out of range; allowed: 1ms to 1s` + "\n" +
				`f:4:72: hal.buttons[1].hold: "3" has no unit; write it like 90s, 1m30s, 2h or 90d`,
		},
		"a line": {
			"hal:\n  buttons:\n    - {name: a, gpio: {chip: c}, action: event, input: auto}\n    - {name: b, gpio: {line: 7, bias: up}, action: event, grab: true}\n",
			`f:3:23: hal.buttons[0].gpio.line: is missing; needs the number of a line on its chip, or its name` + "\n" +
				`f:3:56: hal.buttons[0].input: is for keys only, and this button is a gpio line` + "\n" +
				`f:4:23: hal.buttons[1].gpio.chip: is missing; a line by its number needs a chip, for example gpiochip0` + "\n" +
				`f:4:39: hal.buttons[1].gpio.bias: "up" is unknown; allowed: pull_up, pull_down, disabled` + "\n" +
				`f:4:65: hal.buttons[1].grab: is for keys only, and this button is a gpio line`,
		},
		"a light without a light": {
			"hal: {light: {required: true, file: /x, gpio: {line: LAMP, bias: pull_up}, sense: {line: SEEN, debounce: 5ms}}}\n",
			`f:1:25: hal.light.required: is true without a light, so that no camera or microphone could be opened; set hal.light.name` + "\n" +
				`f:1:37: hal.light.file: only the virtual light uses a file, and the name is "none"; allowed: name virtual, or no file` + "\n" +
				`f:1:47: hal.light.gpio: only the light gpio uses a line, and the name is "none"; allowed: name gpio, or no line` + "\n" +
				`f:1:66: hal.light.gpio.bias: is for inputs only, and a light is an output; set sense.bias or leave it out` + "\n" +
				`f:1:83: hal.light.sense: is a line for a light, and the name is "none"` + "\n" +
				`f:1:106: hal.light.sense.debounce: is for buttons only; leave it out`,
		},
		"a light's name": {
			"hal: {light: {name: /sys/class/leds/led0}}\n",
			`f:1:21: hal.light.name: "/sys/class/leds/led0" is no name of an LED; allowed: none, virtual, gpio, or a name below /sys/class/leds`,
		},
		"no name at all": {
			"hal: {light: {name: ''}}\n",
			`f:1:21: hal.light.name: is empty; allowed: none, virtual, gpio, or the name of an LED below /sys/class/leds`,
		},
		"a light's lines": {
			"hal: {light: {name: gpio, sense: {chip: c}}}\n",
			`f:1:14: hal.light.gpio.line: is missing; needs the number of a line on its chip, or its name` + "\n" +
				`f:1:34: hal.light.sense.line: is missing; needs the number of a line on its chip, or its name`,
		},
		"a proof by itself": {
			"hal: {light: {name: gpio, gpio: {line: LAMP}, sense: {line: LAMP}}}\n",
			`f:1:54: hal.light.sense: is the line of the light itself, which proves nothing; needs another line`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load("f", []byte(tt.yaml), nil)
			if err == nil {
				t.Fatal("was taken")
			}
			if got := err.Error(); got != tt.want {
				t.Errorf("messages:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestHALValues(t *testing.T) {
	c, err := load("f", []byte(`
hal:
  light: {name: "green:camera", required: true, sense: {chip: gpiochip0, line: 27, bias: pull_down}}
  buttons:
    - {name: bell, key: KEY_ENTER, action: toggle}
    - {name: help, key: 0x1c, input: usb-Bell-event-kbd, grab: true, action: call, call: Anna, hold: 1500ms}
    - {name: door, gpio: {chip: gpiochip0, line: 17, active_low: true, bias: pull_up, debounce: 5ms}, action: event}
    - {name: door-long, gpio: {chip: gpiochip0, line: 17, active_low: true, bias: pull_up, debounce: 5ms}, action: hangup, hold: 2s}
    - {name: wall, gpio: {line: WALL_BUTTON}, action: answer}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (hal.LightOptions{Name: "green:camera", Required: true, Sense: hal.GPIO{Chip: "gpiochip0", Line: "27", Bias: hal.BiasPullDown}}); c.HAL.Light != want {
		t.Errorf("light = %+v, want %+v", c.HAL.Light, want)
	}
	door := hal.GPIO{Chip: "gpiochip0", Line: "17", ActiveLow: true, Bias: hal.BiasPullUp, Debounce: 5 * time.Millisecond}
	want := []hal.ButtonOptions{
		{Name: "bell", Key: "KEY_ENTER", Action: hal.ActionToggle},
		{Name: "help", Key: "0x1c", Input: "usb-Bell-event-kbd", Grab: true, Action: hal.ActionCall, Call: "Anna", Hold: 1500 * time.Millisecond},
		{Name: "door", GPIO: door, Action: hal.ActionEvent},
		{Name: "door-long", GPIO: door, Action: hal.ActionHangup, Hold: 2 * time.Second},
		{Name: "wall", GPIO: hal.GPIO{Line: "WALL_BUTTON"}, Action: hal.ActionAnswer},
	}
	if !reflect.DeepEqual(c.HAL.Buttons, want) {
		t.Errorf("buttons = %+v, want %+v", c.HAL.Buttons, want)
	}
}
