package sound

import (
	"time"

	"callbox/hal"
)

// pulseWay is what a sound server's way takes, out or in.
const pulseWay = 20 * time.Millisecond

// delays is how much later than it was in the air a sample comes to the hal.SoundFunc,
// beside the frame that it is in, and how much later a sample is heard than the SoundFunc
// gave it: what miniaudio and the sound server keep, as they were asked to. The card's
// own converters, and what a wireless one adds, nobody tells.
func delays(microphone, speaker *Device) (capture, playback time.Duration) {
	switch {
	case speaker == nil:
		return 0, 0 // a period comes when it is whole
	case speaker.Backend == Pulse && microphone == nil:
		return 0, bufferLength
	case speaker.Backend == Pulse:
		// miniaudio keeps periods between the two streams of a server, which come when they
		// like, and the server some of its own: 25 ms there and back on a machine with nothing
		// to do, 60 on a busy one. The middle of both, for each way.
		return pulseWay, pulseWay
	case microphone == nil:
		return 0, bufferLength - hal.FrameLength // as full as it can be, less what comes
	default:
		// Both run in step: a period is written for each that was read. Playing began with
		// the second one, so one is left when the next comes.
		return 0, hal.FrameLength
	}
}
