package rate

import "time"

// bursts measures how fast the way takes what is sent at once: one picture's packets.
// Pacing at less would only make pictures late.
type bursts struct {
	known Rate // 0: not measured
	train []Packet
}

const (
	burstStart = 20_000_000 // bit/s, until the first measurement
	burstGap   = 3 * time.Millisecond
	burstLeast = 3 // packets of a train
	burstUse   = 0.8
	burstTimes = 2.5 // the target, at least
)

// Burst is the rate at which the packets of one picture should be sent.
func (c *Controller) Burst() Rate {
	b := c.bursts.known
	if b == 0 {
		b = burstStart
	}
	return max(b, c.target*burstTimes)
}

func (b *bursts) add(p Packet) {
	if n := len(b.train); n > 0 && (p.Sent-b.train[n-1].Sent > burstGap || p.Sent < b.train[n-1].Sent) {
		b.measure()
		b.train = b.train[:0]
	}
	if len(b.train) < 64 {
		b.train = append(b.train, p)
	}
}

// measure takes a train: one that came as fast as it was sent says only that more may
// be possible.
func (b *bursts) measure() {
	if len(b.train) < burstLeast {
		return
	}
	sum := 0
	for _, p := range b.train[1:] {
		sum += p.Size
	}
	sent := span(b.train, func(p Packet) time.Duration { return p.Sent })
	arrived := span(b.train, func(p Packet) time.Duration { return p.Arrived })
	if b.known == 0 {
		b.known = burstStart
	}
	if arrived <= sent+sent/10+250*time.Microsecond {
		b.known = min(b.known*1.25, 5*burstStart)
		return
	}
	seen := Rate(float64(sum*8)/arrived.Seconds()) * burstUse
	b.known += (seen - b.known) / 4
}
