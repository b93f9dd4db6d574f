package rate

import (
	"math"
	"time"
)

// Rung is one step of the ladder: how large pictures are and how many there are.
type Rung struct {
	Scale float64 // of width and height: 1, 0.75, 0.5, 0.375
	Rate  float64 // of the camera's pictures: 1, 2/3, 0.5, 1/3
}

// Ladder chooses the rung for a bitrate: first fewer pictures, then smaller ones, and
// no pictures when not even the last rung fits. It goes down at once when a rung is far
// too high and else after a moment, and up only where there is room, after a longer one.
type Ladder struct {
	rungs []rung
	at    int // of rungs; len(rungs): no pictures
	since time.Duration
	other int // the rung that is wanted since then
	way   int // the last one, as Controller.Ways counts them
}

type rung struct {
	Rung
	least Rate
	back  Rate // from which on it is taken again
}

const (
	// bitsPerPixel is what a picture of the full rate needs to look like one, with VP8
	// and H.264 of real-time speed: under it the encoders overshoot (VP8 of 1280x720 at
	// 30 a second does not go below 600 kbit/s).
	bitsPerPixel = 0.025
	// rateExponent: half the pictures need more than half the bits, because they
	// differ more.
	rateExponent = 0.7
	ladderRoom   = 1.2  // times what the rung above needs
	almost       = 0.98 // of the most, which the rate comes close to
	ladderUp     = 2 * time.Second
	ladderDown   = 500 * time.Millisecond
	ladderFar    = 0.7 // times what the rung needs
	leastPicture = 160 // pixels, the longer side
)

// NewLadder returns a ladder for a camera, on its highest rung. No rung takes less than
// least; most is what there can be at best.
func NewLadder(width, height int, frameRate float64, least, most Rate) *Ladder {
	l := &Ladder{}
	for _, r := range []Rung{{1, 1}, {1, 2. / 3}, {1, 0.5}, {0.75, 0.5}, {0.5, 0.5}, {0.5, 1. / 3}, {0.375, 1. / 3}} {
		if r.Scale < 1 && float64(max(width, height))*r.Scale < leastPicture {
			break
		}
		pixels := float64(width*height) * r.Scale * r.Scale
		needs := Rate(bitsPerPixel * pixels * frameRate * math.Pow(r.Rate, rateExponent))
		needs = max(least, needs)
		l.rungs = append(l.rungs, rung{r, needs, max(needs, min(needs*ladderRoom, most*almost))})
	}
	return l
}

// Choose returns the rung for what may be sent now; false: no pictures. way is
// Controller.Ways: what another way carries is not known, and to climb takes long, so it
// is begun on the highest rung.
func (l *Ladder) Choose(now time.Duration, r Rate, way int) (Rung, bool) {
	if way != l.way {
		l.at, l.other, l.since, l.way = 0, 0, now, way
	}
	want := 0
	for want < len(l.rungs) && r < l.rungs[want].least {
		want++
	}
	switch {
	case want < l.at && r < l.rungs[l.at-1].back:
		want = l.at // not enough room to go up
	case want < l.at:
		want = l.at - 1 // one at a time
	}
	if want != l.other {
		l.other, l.since = want, now
	}
	switch waited := now - l.since; {
	case want > l.at && (waited >= ladderDown || l.at < len(l.rungs) && r < l.rungs[l.at].least*ladderFar):
		l.at, l.since = want, now
	case want < l.at && waited >= ladderUp:
		l.at, l.since = want, now
	}
	if l.at == len(l.rungs) {
		return Rung{}, false
	}
	return l.rungs[l.at].Rung, true
}

// Least is what the lowest rung needs: under it there are no pictures.
func (l *Ladder) Least() Rate { return l.rungs[len(l.rungs)-1].least }
