package echo

import "callbox/hal"

const (
	// What the echo may come earlier or later than the engine expects it before the
	// played sound is delayed anew: each change costs what the filter has learned.
	earlierSamples = hal.SampleRate * 8 / 1000
	laterSamples   = hal.SampleRate * 10 / 1000
	// maxDelay is the longest delay that the finder sees.
	maxDelay = slowTaps * decimation
)

// aligner delays the played sound, so that it comes lead samples before its echo.
type aligner struct {
	lead  int
	shift int // samples
	line  [maxDelay + hal.FrameSamples]int16
	at    int // where the next sample goes
}

// fits says whether an echo that comes lag samples after it was played comes when
// it is expected, or as late as it can be made to come.
func (a *aligner) fits(lag int) bool {
	early := lag - a.shift - a.lead
	return early <= laterSamples && (early >= -earlierSamples || a.shift == 0)
}

// set makes the delay fit, and returns how early the played sound comes then.
func (a *aligner) set(lag int) (early int) {
	a.shift = max(lag-a.lead, 0)
	return lag - a.shift
}

// delay replaces x by what was played some time before.
func (a *aligner) delay(x *frame) {
	from := a.at - a.shift
	if from < 0 {
		from += len(a.line)
	}
	for i, v := range x {
		a.line[a.at] = v
		if a.at++; a.at == len(a.line) {
			a.at = 0
		}
		x[i] = a.line[from]
		if from++; from == len(a.line) {
			from = 0
		}
	}
}
