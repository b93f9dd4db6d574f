package rate

import (
	"slices"
	"time"
)

// through measures what arrives.
type through struct {
	arrivals []arrival // of the last throughWindow, by time of arrival
}

type arrival struct {
	at   time.Duration
	size int
}

// throughWindow holds a dozen of pictures.
const throughWindow = 300 * time.Millisecond

func (t *through) add(p Packet) {
	i := len(t.arrivals)
	for i > 0 && t.arrivals[i-1].at > p.Arrived {
		i--
	}
	t.arrivals = slices.Insert(t.arrivals, i, arrival{p.Arrived, p.Size})
	newest := t.arrivals[len(t.arrivals)-1].at
	old := 0
	for t.arrivals[old].at < newest-throughWindow {
		old++
	}
	t.arrivals = slices.Delete(t.arrivals, 0, old)
}

// rate is 0 until there is enough to tell.
func (t *through) rate() Rate {
	if len(t.arrivals) < 5 {
		return 0
	}
	span := t.arrivals[len(t.arrivals)-1].at - t.arrivals[0].at
	if span < throughWindow/2 {
		return 0
	}
	sum := 0
	for _, a := range t.arrivals[1:] { // the first stands for the beginning
		sum += a.size
	}
	return Rate(float64(sum*8) / span.Seconds())
}

// leastAndMedian sorts v.
func leastAndMedian(v []float64) (least, median float64) {
	slices.Sort(v)
	return v[0], v[len(v)/2]
}
