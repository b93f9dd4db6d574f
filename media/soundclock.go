package media

import (
	"time"

	"callbox/hal"
)

// clockWindow is over how many frames the earliest is looked for: 0.5 s.
const clockWindow = 50

// perMillisecond is how many samples a millisecond has.
const perMillisecond = hal.SampleRate / 1000

// soundClock says which sample of the microphone was in the air when. A device comes
// late for its frames on a busy machine, and with several at once, but never before they
// are whole: the earliest of the last half to whole second tells when the sound began. So
// it follows the device's clock, and sound that was lost.
type soundClock struct {
	samples        int64         // so far
	window, before time.Duration // when sample 0 was in the air, by the earliest frame of two windows
	frames         int           // of window
}

// frame notes that hal.FrameSamples have come, the last of which was in the air at a
// time.
func (c *soundClock) frame(at time.Duration) {
	c.samples += hal.FrameSamples
	begun := at - time.Duration(c.samples)*time.Millisecond/perMillisecond
	switch c.frames {
	case 0:
		c.window, c.before = begun, begun
	case clockWindow:
		c.window, c.before, c.frames = begun, c.window, 0
	}
	c.window = min(c.window, begun)
	c.frames++
}

// position is the sample that is in the air at a time, which may be still to come; false
// before the first.
func (c *soundClock) position(at time.Duration) (sample int64, known bool) {
	begun := min(c.window, c.before)
	return int64((at - begun) * perMillisecond / time.Millisecond), c.samples > 0
}
