package playout

import (
	"slices"
	"time"
)

const (
	// window is how many packets the jitter is measured over: 4 s of 20 ms ones.
	window = 200
	// percentile of the packets that should come in time.
	percentile = 95
	// fallEvery is how many packets make the target fall by one millisecond: a
	// network that was bad a moment ago will be bad again.
	fallEvery = 10
	// starvation is added to the target when the buffer ran dry.
	starvation = 20 * time.Millisecond
)

// jitter measures how unevenly packets come.
type jitter struct {
	any     bool
	last    uint32 // newest RTP time
	base    time.Duration
	elapsed int64 // RTP time since the first packet, in samples, unwrapped
	transit [window]time.Duration
	scratch [window]time.Duration
	n, at   int
	held    time.Duration // target, before its bounds
	falling int
}

// add notes a packet.
func (j *jitter) add(timestamp uint32, arrival time.Duration) {
	if !j.any {
		j.any, j.last, j.base = true, timestamp, arrival
	}
	step := int64(int32(timestamp - j.last))
	j.elapsed += step
	if step > 0 {
		j.last = timestamp
	} else {
		defer func() { j.elapsed -= step }() // an older packet does not move the newest
	}
	j.transit[j.at] = arrival - j.base - time.Duration(j.elapsed)*time.Second/sampleRate
	j.at = (j.at + 1) % window
	j.n = min(j.n+1, window)
	j.follow(j.spread())
}

// spread is the difference between the quickest packet and the 95th percentile.
func (j *jitter) spread() time.Duration {
	s := j.scratch[:j.n]
	copy(s, j.transit[:j.n])
	slices.Sort(s)
	return s[(len(s)-1)*percentile/100] - s[0]
}

// follow moves the target: up at once, down slowly.
func (j *jitter) follow(spread time.Duration) {
	if spread >= j.held {
		j.held, j.falling = spread, 0
		return
	}
	if j.falling++; j.falling >= fallEvery {
		j.falling = 0
		j.held = max(spread, j.held-time.Millisecond)
	}
}

// starved raises the target after the buffer has run dry.
func (j *jitter) starved() { j.held = min(maxDelay, max(j.held, minDelay)+starvation) }

// target is how much sound should wait just after a packet has come: the packet
// itself, one frame because the device pulls when it likes, and the jitter.
func (j *jitter) target() time.Duration {
	return min(maxDelay, j.held+minDelay+frameTime)
}
