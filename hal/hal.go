// Package hal says what the device is made of: cameras, sound, displays, buttons,
// the light and the boot-time clock. Drivers live in the folders below it; media says what flows.
//
// Pictures are I420 (4:2:0, three planes) with the upright picture in the plane;
// sound is mono signed 16-bit at 48 kHz in frames of 10 ms (480 samples). Times
// are on clock.Boot.
package hal

import (
	"errors"
	"image"
	"time"
)

// The sound format that every driver delivers and takes.
const (
	SampleRate   = 48000                 // Hz
	FrameLength  = 10 * time.Millisecond // of one sound frame
	FrameSamples = 480                   // mono samples in one sound frame
)

// Errors that drivers return, wrapped with the device's name.
var (
	// ErrNotFound means that no device has the configured name.
	ErrNotFound = errors.New("no such device")
	// ErrGone means that the device went away while it was open (unplugged).
	ErrGone = errors.New("device is gone")
	// ErrBusy means that another program has the device open.
	ErrBusy = errors.New("device is in use by another program")
)

// VideoMode is what a camera is asked for, or what it gives.
type VideoMode struct {
	Width, Height int     // in pixels, even
	FrameRate     float64 // pictures a second
}

// Frame is one picture. Its planes belong to the driver: they are valid until
// the next ReadFrame or Close of the stream that they came from.
type Frame struct {
	image.YCbCr               // SubsampleRatio is always 4:2:0
	Captured    time.Duration // on clock.Boot, when the picture was taken
	Colours     Colours       // what its samples mean
}

// Colours says which colours the samples of a picture stand for. The zero value is
// BT.601 in the limited range (luma 16 to 235), which cameras give and VP8 has.
type Colours struct {
	BT709     bool // instead of BT.601
	FullRange bool // 0 to 255
}

// Camera gives pictures. One stream may be open at a time.
type Camera interface {
	// Name is stable over reboots and replugs; it is what the configuration says.
	Name() string
	// Open starts the camera in the mode nearest to the wanted one.
	Open(want VideoMode) (VideoStream, error)
}

// VideoStream is an open camera.
type VideoStream interface {
	// Mode is what the driver really gives; it may differ from what was wanted.
	Mode() VideoMode
	// ReadFrame waits for the next picture. Bad pictures are skipped and counted
	// by the driver. It returns io.EOF after Close and ErrGone after an unplug.
	// One goroutine at a time.
	ReadFrame() (*Frame, error)
	// Close stops the camera and wakes ReadFrame. It may be called twice.
	Close() error
}

// PictureCounter is a VideoStream or an EncodedStream that counts what it does not hand
// on. Both may be called from any goroutine, also after Close.
type PictureCounter interface {
	// BadFrames is how many pictures were damaged, or not what the driver promised.
	BadFrames() uint64
	// LateFrames is how many pictures the reader was too slow for.
	LateFrames() uint64
}

// SoundFunc is called for every 10 ms of sound, from one goroutine or thread of
// the driver: captured holds FrameSamples samples from the microphone, and
// playback FrameSamples to be filled for the speaker. It must not block and must
// keep neither.
type SoundFunc func(captured, playback []int16)

// Sound is a full-duplex pair of a microphone and a speaker on one clock.
type Sound interface {
	// Microphone and Speaker name the two halves; "" when there is none.
	Microphone() string
	Speaker() string
	// Open starts both and calls process until the stream is closed.
	Open(process SoundFunc) (SoundStream, error)
}

// SoundStream is an open sound device.
type SoundStream interface {
	// Gone is closed when the device went away; Close must still be called.
	Gone() <-chan struct{}
	// Close stops the device and waits for a running SoundFunc. It may be
	// called twice, not from within the SoundFunc.
	Close() error
}

// Display shows the other side's pictures.
type Display interface {
	Name() string
	// Open makes the display ready for one call.
	Open() (DisplayStream, error)
}

// Caption is what a display writes over the pictures.
type Caption struct {
	Name     string        // who is seen
	Deadline time.Duration // on clock.Boot, when the call ends; 0: it has no limit
}

// Captioned is a DisplayStream that writes over the pictures.
type Captioned interface {
	DisplayStream
	// Caption takes effect with the next Show or Refresh.
	Caption(c Caption)
	// Refresh brings the time that is left up to date while no picture comes. Its errors
	// are those of Show. One goroutine at a time, that of Show.
	Refresh() error
}

// DisplayStream is an open display.
type DisplayStream interface {
	// Show shows f and does not keep it. One goroutine at a time.
	Show(f *Frame) error
	// Close clears the display. It may be called twice.
	Close() error
}

// Press is one press of a button.
type Press struct {
	Button string // its name in the configuration
	Action Action
	Call   string // whom to call, for ActionCall: a contact or a group
	// Held says that the button has a hold time and was down for so long.
	Held bool
	At   time.Duration // on clock.Boot, when it went down
}

// Light shows that the camera or the microphone is open.
type Light interface {
	Name() string
	// Set turns the light on or off. It returns nil only when the light was
	// confirmed to be so, as far as the hardware can tell; it takes at most a
	// second. One goroutine at a time.
	Set(on bool) error
	// Lit reads back whether the light is on, as far as the hardware can tell, and
	// changes nothing. One goroutine at a time, and not beside Set.
	Lit() (bool, error)
	// Close lets go of the light, which is off by then: what becomes of a GPIO line
	// is its hardware's. Set takes the light again. Close may be called twice.
	Close() error
}
