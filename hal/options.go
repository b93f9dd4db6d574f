package hal

import (
	"fmt"
	"strconv"
	"strings"
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
	Camera     CameraOptions     `mapstructure:"camera"`
	Microphone MicrophoneOptions `mapstructure:"microphone"`
	Speaker    SpeakerOptions    `mapstructure:"speaker"`
	Display    DisplayOptions    `mapstructure:"display"`
}

// CameraOptions chooses the camera.
type CameraOptions struct {
	// Name is auto, none, virtual or a stable name.
	Name string `mapstructure:"name"`
	// Size is the wanted picture size, for example 1280x720.
	Size Size `mapstructure:"size"`
	// FrameRate is in pictures a second.
	FrameRate float64 `mapstructure:"frame_rate"`
}

// MicrophoneOptions chooses the microphone.
type MicrophoneOptions struct {
	// Name is auto, none, virtual or a stable name.
	Name string `mapstructure:"name"`
	// Tone is the frequency of the virtual microphone in Hz.
	Tone float64 `mapstructure:"tone"`
	// File is a WAV file (16 bit PCM) that the virtual microphone plays in a loop
	// instead of the tone.
	File string `mapstructure:"file"`
}

// SpeakerOptions chooses the speaker.
type SpeakerOptions struct {
	// Name is auto, none, virtual or a stable name.
	Name string `mapstructure:"name"`
	// Record is a WAV file that the virtual speaker writes, one call after the
	// other; "" discards the sound.
	Record string `mapstructure:"record"`
}

// DisplayOptions chooses the display.
type DisplayOptions struct {
	// Name is none or virtual.
	Name string `mapstructure:"name"`
	// Record is a Y4M file (I420) that the virtual display writes; "" counts only.
	Record string `mapstructure:"record"`
}

// DefaultOptions is what is used when the configuration says nothing.
func DefaultOptions() Options {
	return Options{
		Camera:     CameraOptions{Name: NameAuto, Size: Size{Width: 1280, Height: 720}, FrameRate: 30},
		Microphone: MicrophoneOptions{Name: NameAuto, Tone: 440},
		Speaker:    SpeakerOptions{Name: NameAuto},
		Display:    DisplayOptions{Name: NameNone},
	}
}

// Size is a picture size in pixels; in YAML "1280x720".
type Size struct{ Width, Height int }

func (s Size) String() string { return fmt.Sprintf("%dx%d", s.Width, s.Height) }

// MarshalText writes the form that UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

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
