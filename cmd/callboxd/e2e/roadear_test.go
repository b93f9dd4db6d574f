//go:build e2e && network

package e2e

import (
	"time"

	"callbox/media"
)

// listenIn counts the packets of the phone's sound that a device plays.
func listenIn(d *device) *counted {
	d.t.Helper()
	return d.watchCount(func(s media.Stats) uint64 { return s.AudioPacketsPlayed })
}

// steadyPackets of 50 a second are sound without a pause, as far as it can be told from the
// looks.
const steadyPackets = 35

// resumes is how many seconds after a time a second begins in which the device plays sound
// without a pause; -1: none.
func resumes(heard []countedAt, from float64) float64 {
	for i, first := range heard {
		if since1970(first.got) < from || i+1 == len(heard) || heard[i+1].count == first.count {
			continue
		}
		last, longest := first, time.Duration(0)
		for _, next := range heard[i+1:] {
			if next.count > last.count {
				longest = max(longest, next.got.Sub(last.got))
				last = next
			}
			if next.got.Sub(first.got) < time.Second {
				continue
			}
			if next.count-first.count >= steadyPackets && max(longest, next.got.Sub(last.got)) < 400*time.Millisecond {
				return since1970(first.got) - from
			}
			break
		}
	}
	return -1
}

// sounds is how many seconds after a time a second begins in which nearly nothing of the
// sound at the phone is concealed; -1: none.
func (j *journey) sounds(from float64) float64 {
	for _, s := range j.samples {
		if s.At < from {
			continue
		}
		const share = 5 // %
		if f := j.between(s.At, s.At+1+sampleEvery.Seconds()/2); f.seconds > 0.7 && f.concealed < share {
			return s.At - from
		}
	}
	return -1
}
