package echo

const (
	// playedFrames is for how long sound that was played is still expected: 300 ms.
	playedFrames = 30
	// untaughtGain is what passes while something is played and the filter has
	// learned nothing yet: -15 dB. Without it the phone's first words would come
	// back to it.
	untaughtGain = 0.18
	// untaughtFrames is how long that lasts at most, of the frames in which
	// something is played: 3 s. With a headset there is no echo to learn.
	untaughtFrames = 300
	// taughtFrom is the part of the heard power that is left when the filter has
	// learned enough: -5 dB.
	taughtFrom = 0.3
)

// untaught bounds the gain until the filter has learned the way of the echo.
type untaught struct {
	frames      int // until it gives up; 0: taught
	heard, left float64
}

func newUntaught() untaught { return untaught{frames: untaughtFrames} }

// observe takes the powers of what was heard, and left by the filter, while
// something is played, and returns the highest gain that is allowed.
func (u *untaught) observe(heard, left float64) float32 {
	if u.frames == 0 {
		return 1
	}
	u.frames--
	const rate = 0.1
	u.heard += rate * (heard - u.heard)
	u.left += rate * (left - u.left)
	if u.heard > heardFrom && u.left < taughtFrom*u.heard {
		u.frames = 0
	}
	return untaughtGain
}
