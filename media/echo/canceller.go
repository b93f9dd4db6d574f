package echo

import (
	"errors"
	"fmt"
	"math"
	"time"

	"callbox/hal"
	"callbox/media/options"
)

// frame is 10 ms of sound.
type frame = [hal.FrameSamples]int16

const (
	// heardFrom is the mean square of a played frame that can be heard: -56 dBFS.
	heardFrom = 2500
	// lossFrames is over how many frames with sound from the speaker the return
	// loss is averaged: 1 s.
	lossFrames = 100
)

// Config says how a Canceller works.
type Config struct {
	// Engine takes the echo out; with EchoOff only the noise is suppressed.
	Engine options.Echo
	// NoiseSuppression lowers steady noise.
	NoiseSuppression bool
	// Delay is that of an earlier Canceller on the same device, as in its Stats;
	// 0 when there was none. It saves the time to find it.
	Delay time.Duration
}

// Stats are figures of a Canceller.
type Stats struct {
	// Delay is how late the echo is thought to come, 0 to 500 ms; 0 before it is
	// known. It holds the buffers of the sound device too.
	Delay time.Duration
	// Aligned counts how often the delay was found anew.
	Aligned uint64
	// ReturnLoss is by how many dB the microphone's sound is lowered while the
	// speaker plays, over about the last second of that; 0 before it ever played.
	// A person who talks at the same time makes it small.
	ReturnLoss float64
	// Failed counts frames that the engine refused; they went through unchanged.
	Failed uint64
}

// engine takes the echo of x out of d; out may be d.
type engine interface {
	// lead is how many samples before its echo x should come.
	lead() int
	// expect says that x comes so many samples before its echo from now on, which
	// are fewer than lead for a short way. moved means that it was otherwise before.
	expect(early int, moved bool)
	// latency is by how many samples out lags behind d.
	latency() int
	process(x, d, out *frame) error
	close()
}

// Canceller serves one open sound device. It is not safe for use by several
// goroutines. It allocates nothing while it works.
type Canceller struct {
	engine engine
	align  aligner
	find   finder
	echo   bool // something takes the echo out
	known  bool // its delay

	x, d, out frame
	stats     Stats
	in, left  float64 // power of d and of out while something is played
}

// New makes a canceller. It fails when a library refuses to work.
func New(c Config) (*Canceller, error) {
	out := &Canceller{echo: c.Engine != options.EchoOff}
	var err error
	switch c.Engine {
	case options.EchoSpeex:
		out.engine, err = newSpeex(c.NoiseSuppression)
	case options.EchoWebRTC:
		out.engine, err = newWebRTC(c.NoiseSuppression)
	case options.EchoOff:
		if out.engine = (through{}); c.NoiseSuppression {
			out.engine, err = newDenoiser()
		}
	default:
		err = errors.New("no such engine")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start echo canceller %q: %w", c.Engine, err)
	}
	out.align.lead = out.engine.lead()
	if c.Delay > 0 {
		out.expect(min(int(c.Delay*hal.SampleRate/time.Second), maxDelay))
	}
	return out, nil
}

// Process takes a frame that will be played and the one that was heard meanwhile,
// and fills out with what is left of the latter, delayed by up to 20 ms. All three
// are hal.FrameSamples long; out may be captured.
func (c *Canceller) Process(playback, captured, out []int16) {
	copy(c.d[:], captured)
	if !c.echo {
		c.run(out)
		return
	}
	copy(c.x[:], playback)
	lag, worth := c.find.observe(&c.x, &c.d)
	if worth == proven && !c.align.fits(lag) || worth == sure && !c.known {
		c.expect(lag)
		c.stats.Aligned++
	}
	c.align.delay(&c.x)
	c.run(out)
	if power(&c.x) > heardFrom {
		c.in += (power(&c.d) - c.in) / lossFrames
		c.left += (power(&c.out) - c.left) / lossFrames
	}
}

// expect sets the delay of the echo.
func (c *Canceller) expect(lag int) {
	before := c.align.shift
	early := c.align.set(lag)
	c.engine.expect(early, c.align.shift != before)
	c.known, c.stats.Delay = true, time.Duration(lag)*time.Second/hal.SampleRate
}

func (c *Canceller) run(out []int16) {
	if err := c.engine.process(&c.x, &c.d, &c.out); err != nil {
		c.stats.Failed++
		c.out = c.d
	}
	copy(out, c.out[:])
}

// Stats returns the figures.
func (c *Canceller) Stats() Stats {
	s := c.stats
	if c.in > 0 {
		s.ReturnLoss = 10 * math.Log10((c.in+1)/(c.left+1))
	}
	return s
}

// Latency is by how much what Process gives lags behind what it was given.
func (c *Canceller) Latency() time.Duration {
	return time.Duration(c.engine.latency()) * time.Second / hal.SampleRate
}

// Close frees the engine. The Canceller must not be used afterwards; a second
// Close does nothing.
func (c *Canceller) Close() {
	if c.engine != nil {
		c.engine.close()
		c.engine = nil
	}
}

// power is the mean square of a frame.
func power(p *frame) float64 {
	sum := 0.0
	for _, v := range p {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(p))
}

// through is the engine that leaves the sound as it is.
type through struct{}

func (through) process(_, d, out *frame) error { *out = *d; return nil }
func (through) lead() int                      { return 0 }
func (through) expect(int, bool)               {}
func (through) latency() int                   { return 0 }
func (through) close()                         {}
