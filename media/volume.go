package media

import (
	"math"

	"callbox/hal"
)

const (
	// decibelsAPercent makes equal steps of volume sound equal: 25 percent are
	// 10 dB, which is about half as loud to a person.
	decibelsAPercent = 0.4
	// announceVolume is the least at which an announcement is played: -12 dB.
	announceVolume = 70
)

// SetVolume sets how loud the speaker plays, the phone's sound and tones, in this
// session and in all later ones: 100 is as loud as the sound is, each percent less
// 0.4 dB softer, 0 silent. Values outside are taken for the nearest. The change
// takes 10 ms, without a click. An engine begins with 100.
func (e *Engine) SetVolume(percent int) { e.volume.Store(int32(min(max(percent, 0), 100))) }

// Volume is what SetVolume has set, from 0 to 100.
func (e *Engine) Volume() int { return int(e.volume.Load()) }

// gainOf is the factor for a volume in percent.
func gainOf(percent int) float32 {
	if percent <= 0 {
		return 0
	}
	return float32(math.Pow(10, float64(percent-100)*decibelsAPercent/20))
}

// mixer adds tones to what is played and brings the sum to the volume. It neither
// allocates nor waits while it mixes. One goroutine at a time.
type mixer struct {
	volume func() int // percent
	gain   float32    // at the end of the frame before
	used   bool       // there was one
	queue  [][]int16
	queued int // samples
	frame  [hal.FrameSamples]int16
}

// add queues a tone behind those that wait, and keeps it until it was played. It
// returns false when too much waits.
func (m *mixer) add(pcm []int16) bool {
	if len(m.queue) >= maxTones || m.queued+len(pcm) > maxToneSamples {
		return false
	}
	if len(pcm) > 0 {
		m.queue, m.queued = append(m.queue, pcm), m.queued+len(pcm)
	}
	return true
}

func (m *mixer) empty() bool { return len(m.queue) == 0 }

// mix changes one frame of hal.FrameSamples samples. Loud sums are cut off at full
// scale.
func (m *mixer) mix(playback []int16) {
	target := gainOf(m.volume())
	if !m.used {
		m.used, m.gain = true, target
	}
	if m.empty() && m.gain == 1 && target == 1 {
		return
	}
	n := m.take(m.frame[:])
	clear(m.frame[n:])
	gain, step := m.gain, (target-m.gain)/hal.FrameSamples
	for i, v := range playback {
		gain += step
		playback[i] = int16(min(max((float32(v)+float32(m.frame[i]))*gain, math.MinInt16), math.MaxInt16))
	}
	m.gain = target
}

// take fills out with what waits and returns how much that was.
func (m *mixer) take(out []int16) int {
	n := 0
	for n < len(out) && len(m.queue) > 0 {
		k := copy(out[n:], m.queue[0])
		n += k
		if m.queue[0] = m.queue[0][k:]; len(m.queue[0]) == 0 {
			m.queue[0] = nil
			m.queue = m.queue[1:]
		}
	}
	m.queued -= n
	return n
}
