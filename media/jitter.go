package media

import (
	"sync"
	"time"
)

// opusClock is the clock rate of Opus in RTP, Hz (RFC 7587, section 4.1).
const opusClock = 48000

// jitterMeter is the interarrival jitter of one received stream (RFC 3550, section
// 6.4.1 and A.8). Its zero value is ready; no method allocates.
type jitterMeter struct {
	mu        sync.Mutex
	begun     bool
	arrived   time.Duration
	timestamp uint32
	jitter    float64 // seconds
}

// packet notes a packet that came at a time on a clock that only goes forward, with
// its RTP time stamp in ticks of rate Hz.
func (j *jitterMeter) packet(now time.Duration, timestamp uint32, rate float64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.begun {
		sent := float64(int32(timestamp-j.timestamp)) / rate
		d := (now - j.arrived).Seconds() - sent
		// A leap of the stream's clock is no jitter: another source has begun.
		if d > -1 && d < 1 {
			j.jitter += (max(d, -d) - j.jitter) / 16
		}
	}
	j.begun, j.arrived, j.timestamp = true, now, timestamp
}

// milliseconds is the jitter now.
func (j *jitterMeter) milliseconds() float64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.jitter * 1000
}
