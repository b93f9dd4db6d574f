// Package tone makes the sounds that the device itself plays to the person in
// front of it: ringing, ring-back and busy, warnings before the end of a call, its
// end, the announcement of an automatic answer.
//
// A sound is mono signed 16-bit at hal.SampleRate, made in code: sines at -12 dB
// of full scale that come and go within 5 ms, so that nothing clicks. Every call
// returns new samples, which belong to the caller.
package tone

import (
	"math"
	"time"

	"callbox/hal"
)

const (
	// level is the amplitude: -12 dB of full scale, easy to hear over a voice.
	level = 0.25
	// edge is how long a note takes to come and to go.
	edge = 5 * time.Millisecond
)

// The notes in Hz. The warnings lie an easily heard fifth apart; the chime is a
// C major chord, upwards; 425 Hz is the ringing (to the caller) and busy tone of
// ITU-T E.180. Ringing alternates between two notes a third apart.
const (
	hzWarning30 = 880.0
	hzWarning10 = 1320.0
	hzEndFirst  = 660.0
	hzEndSecond = 440.0
	hzBusy      = 425.0
	hzRingBack  = 425.0
	hzRingLow   = 783.99
	hzRingHigh  = 987.77

	hzChime1 = 523.25
	hzChime2 = 659.26
	hzChime3 = 783.99
	hzChime4 = 1046.50
)

// note is a sine, and the silence after it.
type note struct {
	hz      float64
	on, off time.Duration
}

// Warning30 is two soft beeps: the call ends in 30 s.
func Warning30() []int16 {
	n := note{hzWarning30, 150 * time.Millisecond, 120 * time.Millisecond}
	return render(n, n)
}

// Warning10 is three higher beeps: the call ends in 10 s.
func Warning10() []int16 {
	n := note{hzWarning10, 120 * time.Millisecond, 80 * time.Millisecond}
	return render(n, n, n)
}

// End is two falling notes: the call is over.
func End() []int16 {
	return render(
		note{hzEndFirst, 160 * time.Millisecond, 20 * time.Millisecond},
		note{hzEndSecond, 240 * time.Millisecond, 0})
}

// AutoAnswer is a rising chime, twice, of 1.5 s in all: the device answers a call
// by itself, and its microphone opens when the chime is over.
func AutoAnswer() []int16 {
	const on, off = 150 * time.Millisecond, 40 * time.Millisecond
	chime := []note{{hzChime1, on, off}, {hzChime2, on, off}, {hzChime3, on, off}, {hzChime4, on, off}}
	return render(append(chime, chime...)...)
}

// Busy is three times half a second: the other side is in a call.
func Busy() []int16 {
	n := note{hzBusy, 500 * time.Millisecond, 500 * time.Millisecond}
	return render(n, n, n)
}

// Ring is one period of ringing at the device, to be played again and again: three
// times two notes in 1.2 s, and 1.8 s of silence.
func Ring() []int16 {
	low, high := note{hzRingLow, 200 * time.Millisecond, 0}, note{hzRingHigh, 200 * time.Millisecond, 0}
	return period(3*time.Second, low, high, low, high, low, high)
}

// RingBack is one period of what a caller at the device hears while a phone rings,
// to be played again and again: 1 s on, 4 s off.
func RingBack() []int16 { return period(5*time.Second, note{hzRingBack, time.Second, 0}) }

// period plays notes, and silence to a length.
func period(length time.Duration, notes ...note) []int16 {
	out := make([]int16, samples(length))
	copy(out, render(notes...))
	return out
}

// render plays notes one after the other; the silence after the last is left out.
func render(notes ...note) []int16 {
	var out []int16
	for i, n := range notes {
		on := samples(n.on)
		for k := range on {
			out = append(out, int16(math.MaxInt16*level*envelope(k, on)*math.Sin(2*math.Pi*n.hz*float64(k)/hal.SampleRate)))
		}
		if i < len(notes)-1 {
			out = append(out, make([]int16, samples(n.off))...)
		}
	}
	return out
}

// envelope is from 0 to 1 for sample k of n: half a cosine up, and down again.
func envelope(k, n int) float64 {
	x := min(1, float64(k)/float64(samples(edge)), float64(n-1-k)/float64(samples(edge)))
	return 0.5 - 0.5*math.Cos(math.Pi*x)
}

func samples(d time.Duration) int { return int(d * hal.SampleRate / time.Second) }
