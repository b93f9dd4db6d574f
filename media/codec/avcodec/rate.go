package avcodec

import "time"

// rate decides how an encoder is brought to a bitrate. Some take a new one at any time;
// others must be opened anew, which costs a keyframe: for them it waits until that is
// worth it, and lets pictures be left out meanwhile.
type rate struct {
	asked int // bit/s, that the encoder works with
	want  int
	fixed bool // it must be opened anew
	begun bool
	since time.Duration // that it is open
	due   float64       // of the next picture; 1 and it goes out
}

const (
	tellStep   = 0.03 // the change that an encoder is told of
	reopenStep = 0.15 // … that it is opened anew for
	// reopenDown and reopenUp are the least time between two of them. Less is urgent;
	// pictures are left out until then.
	reopenDown = 2 * time.Second
	reopenUp   = 4 * time.Second
)

type step int

const (
	keep step = iota
	tell
	reopen
)

// next says what to do for a picture at a rate; key: it is to be a keyframe anyway.
func (r *rate) next(want int, key bool, now time.Duration) step {
	if !r.begun {
		r.begun, r.since = true, now
	}
	r.want = want
	change := float64(want-r.asked) / float64(r.asked)
	first := now == r.since // it has just been opened
	switch {
	case change > -tellStep && change < tellStep, r.fixed && first && !key:
		return keep
	case !r.fixed:
		return tell
	case key:
		return reopen // it costs no more than the keyframe does
	case change <= -reopenStep && now-r.since >= reopenDown, change >= reopenStep && now-r.since >= reopenUp:
		return reopen
	}
	return keep
}

// told notes that the encoder has taken a rate.
func (r *rate) told(bps int) { r.asked = bps }

// opened notes that it was opened anew.
func (r *rate) opened(bps int, now time.Duration) { r.asked, r.since, r.due = bps, now, 0 }

// leaveOut says whether a picture is left out because the encoder makes them too large.
func (r *rate) leaveOut() bool {
	if float64(r.want) > (1-tellStep)*float64(r.asked) {
		r.due = 0
		return false
	}
	if r.due += float64(r.want) / float64(r.asked); r.due < 0.999 {
		return true
	}
	r.due--
	return false
}
