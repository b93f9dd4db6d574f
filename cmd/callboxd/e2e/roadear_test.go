//go:build e2e && network

package e2e

import (
	"encoding/json"
	"sync"
	"time"

	"callbox/media"
)

// playing is how many packets of the phone's sound a device had played at a time.
type playing struct {
	at      float64 // seconds since 1970
	packets uint64
}

// ear asks a device what it plays.
type ear struct {
	stop  chan struct{}
	done  sync.WaitGroup
	heard []playing
}

// askEvery is how late a packet may be seen to be played; each look costs a process.
const askEvery = 100 * time.Millisecond

// listenIn begins to ask; close must be called.
func listenIn(d *device) *ear {
	e := &ear{stop: make(chan struct{})}
	e.done.Go(func() {
		tick := time.NewTicker(askEvery)
		defer tick.Stop()
		for {
			select {
			case <-e.stop:
				return
			case <-tick.C:
			}
			var stats media.Stats
			if s := d.status(); s.Call != nil && json.Unmarshal(s.Call.Media, &stats) == nil {
				e.heard = append(e.heard, playing{now(), stats.AudioPacketsPlayed})
			}
		}
	})
	return e
}

// close ends the asking, and returns what was heard.
func (e *ear) close() []playing {
	close(e.stop)
	e.done.Wait()
	return e.heard
}

// steadyPackets of 50 a second are sound without a pause, as far as it can be told from the
// looks.
const steadyPackets = 35

// resumes is how many seconds after a time a second begins in which the device plays sound
// without a pause; -1: none.
func resumes(heard []playing, from float64) float64 {
	for i, first := range heard {
		if first.at < from || i+1 == len(heard) || heard[i+1].packets == first.packets {
			continue
		}
		last, longest := first, 0.0
		for _, next := range heard[i+1:] {
			if next.packets > last.packets {
				longest = max(longest, next.at-last.at)
				last = next
			}
			if next.at < first.at+1 {
				continue
			}
			if next.packets-first.packets >= steadyPackets && max(longest, next.at-last.at) < 0.4 {
				return first.at - from
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
