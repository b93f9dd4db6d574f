package hal

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Names that every kind of device understands in the configuration, beside the
// stable names that callboxctl status lists.
const (
	NameAuto    = "auto"    // the first real device, else the virtual one
	NameNone    = "none"    // the device has none
	NameVirtual = "virtual" // test pattern, tone, recorder
)

// Options is the hal section of the configuration.
type Options struct {
	Camera CameraOptions `mapstructure:"camera"`
	// MoreCameras are cameras that a call can switch to (callboxctl camera switch); it
	// begins with hal.camera.
	MoreCameras []MoreCameraOptions `mapstructure:"more_cameras"`
	Microphone  MicrophoneOptions   `mapstructure:"microphone"`
	Speaker     SpeakerOptions      `mapstructure:"speaker"`
	Display     DisplayOptions      `mapstructure:"display"`
	Light       LightOptions        `mapstructure:"light"`
	// Buttons are the keys and lines by which a person at the device answers, hangs
	// up or calls.
	Buttons []ButtonOptions `mapstructure:"buttons"`
}

// CameraOptions chooses the camera.
type CameraOptions struct {
	// Name is auto, none, virtual or a stable name. What is not there is taken when it
	// comes; auto is virtual until then.
	Name string `mapstructure:"name"`
	// Label is what people call the camera, for example Door; nothing: its name.
	Label string `mapstructure:"label"`
	// Size is the wanted picture size, for example 1280x720.
	Size Size `mapstructure:"size"`
	// FrameRate is in pictures a second.
	FrameRate float64 `mapstructure:"frame_rate"`
	// Rotate is by how many degrees pictures are turned clockwise: 0, 90, 180 or 270.
	// The size is that of the turned picture.
	Rotate Rotation `mapstructure:"rotate"`
	// Mirror lets left and right change sides, after that.
	Mirror bool `mapstructure:"mirror"`
	// Grain is how many steps of brightness, from 0 to 16, the pixels of the virtual camera
	// change at random, as those of a real one in dim light do: its picture then needs many bits.
	Grain int `mapstructure:"grain"`
}

// MoreCameraOptions chooses a camera beside the first.
type MoreCameraOptions struct {
	// Name is virtual or a stable name.
	Name string `mapstructure:"name"`
	// Label is what people call the camera, for example Yard; nothing: its name.
	Label string `mapstructure:"label"`
	// Size is the wanted picture size; nothing: that of hal.camera.
	Size Size `mapstructure:"size"`
	// FrameRate is in pictures a second; nothing: that of hal.camera.
	FrameRate float64 `mapstructure:"frame_rate"`
	// Rotate is as in hal.camera.
	Rotate Rotation `mapstructure:"rotate"`
	// Mirror is as in hal.camera.
	Mirror bool `mapstructure:"mirror"`
}

// MostGrain is how much brighter or darker grain may make a pixel: so little that nothing
// leaves the range of a byte.
const MostGrain = 16

// Rotation is an angle in degrees, clockwise.
type Rotation int

// The rotations. The zero value turns nothing.
const (
	Rotate90  Rotation = 90
	Rotate180 Rotation = 180
	Rotate270 Rotation = 270
)

// OnSide reports whether width and height change places.
func (r Rotation) OnSide() bool { return r == Rotate90 || r == Rotate270 }

// MarshalText writes the form that UnmarshalText reads.
func (r Rotation) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(r), 10), nil }

// UnmarshalText takes the four angles.
func (r *Rotation) UnmarshalText(p []byte) error {
	switch n, err := strconv.Atoi(string(p)); {
	case err == nil && (n == 0 || n == 90 || n == 180 || n == 270):
		*r = Rotation(n)
		return nil
	}
	return fmt.Errorf("cannot rotate by %q; allowed: 0, 90, 180, 270", p)
}

// MicrophoneOptions chooses the microphone.
type MicrophoneOptions struct {
	// Name is auto, none, virtual or a stable name. What is not there is taken when it
	// comes; auto is virtual until then.
	Name string `mapstructure:"name"`
	// Tone is the frequency of the virtual microphone in Hz.
	Tone float64 `mapstructure:"tone"`
	// File is a WAV file (16 bit PCM) that the virtual microphone plays in a loop
	// instead of the tone.
	File string `mapstructure:"file"`
}

// SpeakerOptions chooses the speaker.
type SpeakerOptions struct {
	// Name is auto, none, virtual or a stable name. What is not there is taken when it
	// comes; auto is virtual until then.
	Name string `mapstructure:"name"`
	// Record is a WAV file that the virtual speaker writes, one call after the
	// other; "" discards the sound.
	Record string `mapstructure:"record"`
}

// DisplayOptions chooses the display, on which a call shows the phone's pictures.
type DisplayOptions struct {
	// Name is none, auto (the first screen that is connected), virtual, or the name of a
	// connector, such as HDMI-A-1, which callboxctl devices lists.
	Name string `mapstructure:"name"`
	// Rotate is by how many degrees pictures are turned clockwise: 0, 90, 180 or 270, for
	// a screen that hangs on its side.
	Rotate Rotation `mapstructure:"rotate"`
	// Caption writes over the pictures who is seen, and how much time the call has left.
	Caption bool `mapstructure:"caption"`
	// Font is a TrueType or OpenType file for the caption; nothing: a built-in font, and
	// one of Debian's for Chinese names where one is installed.
	Font string `mapstructure:"font"`
	// Record is a Y4M file (I420) that the virtual display writes; "" counts only.
	Record string `mapstructure:"record"`
}

// DefaultOptions is what is used when the configuration says nothing.
func DefaultOptions() Options {
	return Options{
		Camera:     CameraOptions{Name: NameAuto, Size: Size{Width: 1280, Height: 720}, FrameRate: 30},
		Microphone: MicrophoneOptions{Name: NameAuto, Tone: 440},
		Speaker:    SpeakerOptions{Name: NameAuto},
		Display:    DisplayOptions{Name: NameNone, Caption: true},
		Light:      LightOptions{Name: NameNone},
	}
}

// Size is a picture size in pixels; in YAML "1280x720".
type Size struct{ Width, Height int }

func (s Size) String() string { return fmt.Sprintf("%dx%d", s.Width, s.Height) }

// MarshalText writes the form that UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Pattern is the form that UnmarshalText reads, as a regular expression.
func (Size) Pattern() string { return `^[0-9]+x[0-9]+$` }

// UnmarshalText reads "1280x720": even numbers from 64 to 4096.
func (s *Size) UnmarshalText(p []byte) error {
	w, h, ok := strings.Cut(string(p), "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if !ok || errW != nil || errH != nil {
		return fmt.Errorf("cannot use size %q: write it like 1280x720", p)
	}
	for _, n := range []int{width, height} {
		if n < 64 || n > 4096 || n%2 != 0 {
			return fmt.Errorf("cannot use size %q: width and height must be even numbers from 64 to 4096", p)
		}
	}
	*s = Size{Width: width, Height: height}
	return nil
}

// LightOptions chooses the light that is on while the camera or the microphone is
// open.
type LightOptions struct {
	// Name is none, virtual, gpio, or the name of an LED below /sys/class/leds.
	Name string `mapstructure:"name"`
	// Required says that camera and microphone are opened only when the light was
	// confirmed to be on.
	Required bool `mapstructure:"required"`
	// GPIO is the output line of the light gpio.
	GPIO GPIO `mapstructure:"gpio"`
	// File is what the virtual light writes: the word on or off.
	File string `mapstructure:"file"`
	// Sense is an input line that reads active while the light is lit, and only
	// then: the proof beside what the driver of the light says.
	Sense GPIO `mapstructure:"sense"`
}

// ButtonOptions describes one button: a key of an input device or a GPIO line, and
// what it does.
type ButtonOptions struct {
	// Name is what events and the log call the button. Each has its own.
	Name string `mapstructure:"name"`
	// Key is a key of an input device (evdev): its name, such as KEY_ENTER, or its
	// number, from linux/input-event-codes.h.
	Key Key `mapstructure:"key"`
	// Input is the input device that has the key: its name in /dev/input/by-id or
	// by-path, or the name that it reports. auto, or nothing: every device that has
	// the key.
	Input string `mapstructure:"input"`
	// Grab keeps the whole input device from all other programs.
	Grab bool `mapstructure:"grab"`
	// GPIO is the input line of the button, instead of a key.
	GPIO GPIO `mapstructure:"gpio"`
	// Action is what a press does.
	Action Action `mapstructure:"action"`
	// Call is the contact or the group that the action call calls.
	Call string `mapstructure:"call"`
	// Hold is how long the button must be down to count, at most 30s; 0: at once.
	Hold time.Duration `mapstructure:"hold"`
}

// Action is what a press of a button does.
type Action string

// The actions.
const (
	ActionAnswer Action = "answer" // answer the call that rings
	ActionHangup Action = "hangup" // end the call, or reject the one that rings
	ActionToggle Action = "toggle" // answer when it rings, hang up in a call
	ActionCall   Action = "call"   // call a contact or a group
	ActionEvent  Action = "event"  // nothing but the event
)

// UnmarshalText refuses every other word.
func (a *Action) UnmarshalText(p []byte) error {
	return word(a, p, ActionAnswer, ActionHangup, ActionToggle, ActionCall, ActionEvent)
}

// GPIO is a line of the kernel's GPIO character device.
type GPIO struct {
	// Chip is the name of the chip (gpiochip0) or its label (pinctrl-bcm2711).
	// Nothing: any chip, when line is a name.
	Chip string `mapstructure:"chip"`
	// Line is the number of the line on its chip, or its name.
	Line Line `mapstructure:"line"`
	// ActiveLow says that a low level means on or pressed.
	ActiveLow bool `mapstructure:"active_low"`
	// Bias is for inputs only: pull_up, pull_down, disabled, or nothing: as the
	// board set it.
	Bias Bias `mapstructure:"bias"`
	// Debounce is for buttons only: how long the level must be stable, 1ms to 1s;
	// nothing: 20ms.
	Debounce time.Duration `mapstructure:"debounce"`
}

// Set says whether a line was configured.
func (g GPIO) Set() bool { return g != GPIO{} }

func (g GPIO) String() string {
	if g.Chip == "" {
		return "line " + string(g.Line)
	}
	return g.Chip + " line " + string(g.Line)
}

// Bias is the pull of an input line.
type Bias string

// The biases. The zero value leaves the line as it is.
const (
	BiasPullUp   Bias = "pull_up"
	BiasPullDown Bias = "pull_down"
	BiasDisabled Bias = "disabled"
)

// UnmarshalText refuses every other word.
func (b *Bias) UnmarshalText(p []byte) error {
	return word(b, p, BiasPullUp, BiasPullDown, BiasDisabled)
}

// Key is the name or the number of a key, as it was written.
type Key string

// UnmarshalText takes a number too, which YAML does not count as text.
func (k *Key) UnmarshalText(p []byte) error { *k = Key(p); return nil }

// Line is the name or the number of a GPIO line, as it was written.
type Line string

// UnmarshalText takes a number too, which YAML does not count as text.
func (l *Line) UnmarshalText(p []byte) error { *l = Line(p); return nil }

// word reads one of a few words.
func word[T ~string](to *T, p []byte, allowed ...T) error {
	texts := make([]string, len(allowed))
	for i, a := range allowed {
		if string(a) == string(p) {
			*to = a
			return nil
		}
		texts[i] = string(a)
	}
	return fmt.Errorf("%q is unknown; allowed: %s", p, strings.Join(texts, ", "))
}
