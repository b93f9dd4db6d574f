package rate

import (
	"math"
	"time"
)

// Rate is in bit/s, headers of RTP included, those of UDP and IP not.
type Rate float64

// bytes returns how many bytes are sent in d.
func (r Rate) bytes(d time.Duration) float64 { return float64(r) / 8 * d.Seconds() }

// time returns how long n bytes take.
func (r Rate) time(n float64) time.Duration {
	return time.Duration(n * 8 / float64(r) * float64(time.Second))
}

// Options bound a Controller. All are needed.
type Options struct {
	Floor, Start, Ceiling Rate
}

// Packet is what became of a packet that was sent.
type Packet struct {
	Sent    time.Duration // sender's clock
	Arrived time.Duration // receiver's clock: only differences count
	Size    int           // bytes
	Lost    bool          // it had not arrived when the receiver reported
	Probe   int           // number of the probe that it belongs to; 0: none
}

// The constants of the control. Those of time are longer than a feedback's period
// (Chromium: 50 to 250 ms).
const (
	queueHigh   = 40 * time.Millisecond // standing queue at which there is too much
	queueLow    = 20 * time.Millisecond // and under which there may be more
	backoff     = 0.85                  // of what gets through, after too much
	drainWithin = 400 * time.Millisecond
	drainMost   = 0.7
	holdAfter   = 300 * time.Millisecond // no growth after a cut
	growFar     = 1.25                   // a second, where no capacity is known
	growNear    = 1.04                   // a second, near the capacity that was met last
	nearWithin  = 0.15                   // of that capacity
	evidence    = 1.5                    // times what got through is the most to ask for
	silent      = 600 * time.Millisecond // without feedback: the way may be gone
	silentLeast = 6                      // part of the target that is kept: it may be the way back that is
)

// Controller decides the target of one way. The zero value is not usable.
type Controller struct {
	opts   Options
	target Rate

	delay   delays
	through through
	losses  losses
	probes  prober
	bursts  bursts

	capacity   Rate // met at the last overuse; 0: unknown
	cutAt      time.Duration
	cutBefore  bool
	grownAt    time.Duration
	heard      bool
	silentAt   time.Duration
	before     Rate // target before the silence; 0: there was none
	ways       int
	wayAt      time.Duration // what was sent before tells nothing of the loss of this way
	clearSince time.Duration
	clear      bool
}

// New returns a controller at its start.
func New(o Options) *Controller {
	return &Controller{opts: o, target: clamp(o.Start, o.Floor, o.Ceiling)}
}

// Target is what may be sent now, everything together: retransmissions and padding,
// too.
//
// While packets wait it is less than the way can carry, so that the queue is empty
// again within drainWithin or so.
func (c *Controller) Target() Rate {
	queue := c.delay.ahead()
	drain := min(drainMost, queue.Seconds()/drainWithin.Seconds())
	if queue < queueHigh {
		return c.target
	}
	return max(c.opts.Floor, c.target*Rate(1-drain))
}

// Queue is how long packets wait on the way, as far as it is known.
func (c *Controller) Queue() time.Duration { return c.delay.standing() }

// Loss is the part of packets that got lost of late, 0 to 1.
func (c *Controller) Loss() float64 { return c.losses.ratio() }

// Through is what got through of late; 0: not known.
func (c *Controller) Through() Rate { return c.through.rate() }

// SetCeiling changes the most that may be sent, for example to what the encoder can
// use.
func (c *Controller) SetCeiling(r Rate) {
	c.opts.Ceiling = max(r, c.opts.Floor)
	c.target = min(c.target, c.opts.Ceiling)
}

// Ways counts the ways that packets have taken: another one begins with Moved, and after
// a time in which nothing came back.
func (c *Controller) Ways() int { return c.ways }

// Moved says that packets take another way from now on: what was known of the old one
// is forgotten, its rate is tried on.
func (c *Controller) Moved(now time.Duration) {
	c.capacity = 0
	c.silentAt = now
	c.another(now)
}

// another begins another way.
func (c *Controller) another(now time.Duration) {
	c.ways++
	c.wayAt = now
	c.delay, c.losses, c.through = delays{}, losses{}, through{}
	c.cutAt, c.cutBefore = now, true
	c.probes.reset(now)
}

// Feedback takes what one report of the receiver says, in the order of sending.
func (c *Controller) Feedback(now time.Duration, packets []Packet) {
	if len(packets) == 0 {
		return
	}
	if c.before > 0 { // it is back
		c.target = clamp(c.before/2, c.opts.Floor, c.opts.Ceiling)
		c.before, c.grownAt = 0, now
		c.another(now)
	}
	if !c.heard {
		c.grownAt = now
	}
	c.heard, c.silentAt = true, now
	for _, p := range packets {
		if !p.Lost || p.Sent >= c.wayAt {
			c.losses.add(p)
		}
		if !p.Lost {
			c.delay.add(p)
			c.through.add(p)
			c.bursts.add(p)
		}
	}
	c.delay.close(now)
	if r, ok := c.probes.result(now, packets); ok && c.delay.standing() < queueHigh {
		c.probed(now, r)
	}
	c.decide(now)
}

// decide changes the target by what is known.
func (c *Controller) decide(now time.Duration) {
	queue := c.delay.standing()
	switch {
	case queue > queueHigh || c.delay.rising():
		c.clear = false
		c.overused(now, queue)
	case c.losses.excessive():
		c.clear = false
		c.lossy(now)
	case queue < queueLow:
		if !c.clear {
			c.clear, c.clearSince = true, now
		}
		c.grow(now)
	default:
		c.clear = false
		c.grownAt = now
	}
}

// overused cuts to less than what gets through. While packets wait the way is busy,
// so what gets through is what it can carry, whatever was sent.
func (c *Controller) overused(now time.Duration, queue time.Duration) {
	c.grownAt = now
	got := c.through.rate()
	if got == 0 {
		got = c.target
	}
	if queue <= queueHigh && c.cutBefore && now-c.cutAt < c.delay.loop() {
		return // what was cut last has not shown yet
	}
	if c.capacity == 0 || got < c.capacity {
		c.capacity = got
	} else {
		c.capacity += (got - c.capacity) / 4
	}
	if cut := got * backoff; cut < c.target {
		c.set(cut)
		c.probes.failed(now)
	}
	c.cutAt, c.cutBefore = now, true
}

// lossy cuts to what gets through: the rest is thrown away on the way.
func (c *Controller) lossy(now time.Duration) {
	c.grownAt = now
	if c.cutBefore && now-c.cutAt < max(c.delay.loop(), lossWindow) {
		return
	}
	c.losses.cut()
	kept := c.target * Rate(1-min(0.5, c.losses.excess()))
	c.set(kept * backoff)
	c.capacity = kept
	c.cutAt, c.cutBefore = now, true
	c.probes.failed(now)
}

// grow adds what the time since the last growth allows.
func (c *Controller) grow(now time.Duration) {
	dt := min(now-c.grownAt, 200*time.Millisecond)
	c.grownAt = now
	if dt <= 0 || c.cutBefore && now-c.cutAt < holdAfter {
		return
	}
	rate := growFar
	if c.capacity > 0 && math.Abs(float64(c.target/c.capacity)-1) < nearWithin {
		rate = growNear
	} else if c.target > c.capacity {
		c.capacity = 0 // it has become more
	}
	grown := c.target * Rate(math.Pow(rate, dt.Seconds()))
	if got := c.through.rate(); got > 0 {
		grown = min(grown, max(c.target, got*evidence+10_000))
	}
	c.set(grown)
}

// probed takes what a probe has shown.
func (c *Controller) probed(now time.Duration, r Rate) {
	r *= backoff
	if r <= c.target {
		return
	}
	if r > c.capacity {
		c.capacity = 0
	}
	c.set(r)
	c.grownAt = now
}

// Tick must be called every 50 ms or so: feedback that does not come says something,
// too.
func (c *Controller) Tick(now time.Duration) {
	if !c.heard || now-c.silentAt < silent+c.delay.trip() {
		return
	}
	c.silentAt = now
	if c.before == 0 {
		c.before = c.target
	}
	c.clear = false
	c.probes.failed(now)
	c.set(max(c.target/2, c.before/silentLeast))
}

func (c *Controller) set(r Rate) { c.target = clamp(r, c.opts.Floor, c.opts.Ceiling) }

func clamp(r, low, high Rate) Rate { return max(low, min(high, r)) }
