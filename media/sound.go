package media

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"callbox/hal"
	"callbox/media/capture"
	"callbox/media/codec/opus"
	"callbox/media/echo"
	"callbox/media/playout"
)

// soundDevice drives both halves of the device's sound from one place: the hal's
// callback, or a clock of its own while there is no device, so that the phone's
// sound is still decoded and ours still has its times.
type soundDevice struct {
	s      *Session
	device hal.Sound // may be nil
	wanted *wanted
	lost   lostHalves  // of run
	deaf   atomic.Bool // what is used now is used without its microphone

	microphone, speaker atomic.Bool

	ring *capture.Ring // to the encoder

	// mu is held for the length of a callback, some tenths of a millisecond: a
	// packet is decoded in it, an echo taken out. Who else takes it only copies.
	mu      sync.Mutex
	dec     *opus.Decoder
	buf     *playout.Buffer // nil before the first packet, and after the end
	mixer   mixer
	echo    echo.Stats
	clock   soundClock
	pulled  time.Duration   // when the last frame for the speaker was
	delays  soundDelays     // of the open device
	counts  underrunCounter // of the open device; nil when it does not count
	late    uint64          // underruns of those before
	zero    [hal.FrameSamples]int16
	clean   [hal.FrameSamples]int16
	scratch [hal.FrameSamples]int16
}

func newSoundDevice(s *Session) *soundDevice {
	d := &soundDevice{s: s, device: s.engine.opts.Sound, wanted: newWanted(), ring: capture.NewRing()}
	d.mixer.volume = s.engine.Volume
	d.microphone.Store(true)
	d.speaker.Store(true)
	return d
}

func (d *soundDevice) hasMicrophone() bool { return d.device != nil && d.device.Microphone() != "" }
func (d *soundDevice) hasSpeaker() bool    { return d.device != nil && d.device.Speaker() != "" }

// chosenSound is a hal.Sound that is what there is at the moment: without the half that is
// missing, when the other one is not.
type chosenSound interface{ Now() hal.Sound }

// now is the device that is opened: its halves say what the microphone hears.
func (d *soundDevice) now() hal.Sound {
	if c, ok := d.device.(chosenSound); ok {
		return c.Now()
	}
	return d.device
}

// name is for the person who reads the event.
func (d *soundDevice) name() string { return cmp.Or(d.device.Microphone(), d.device.Speaker()) }

// process is the hal.SoundFunc. c may be nil; it gets what is really played, with
// tones and at the volume.
func (d *soundDevice) process(c *echo.Canceller, captured, playback []int16) {
	now := d.s.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.s.running() {
		clear(playback)
		return
	}
	if d.buf != nil {
		d.buf.Pull(playback)
	}
	d.pulled = now
	if d.buf == nil || !d.speaker.Load() {
		clear(playback)
	}
	d.mixer.mix(playback)
	late := time.Duration(0)
	if c != nil { // while the microphone is off, too: it goes on learning
		c.Process(playback, captured, d.clean[:])
		d.echo, captured, late = c.Stats(), d.clean[:], c.Latency()
	}
	if !d.microphone.Load() {
		captured = d.zero[:]
	}
	d.ring.Write(captured)
	d.clock.frame(now - d.delays.capture - late)
}

// canceller makes what cleans the microphone's sound while the device is open: for
// each opening a new one, because the delay may be another. nil: it is sent as it is.
func (d *soundDevice) canceller(device hal.Sound) *echo.Canceller {
	o := d.s.engine.opts.Cleaning
	config := echo.Config{Engine: o.Echo, NoiseSuppression: o.NoiseSuppression, Delay: time.Duration(d.s.engine.echoDelay.Load())}
	if speaker := device.Speaker(); speaker == "" || speaker == hal.NameVirtual {
		config.Engine = EchoOff // nothing is played that could be heard
	}
	if microphone := device.Microphone(); microphone == "" || microphone == hal.NameVirtual || config.Engine == EchoOff && !config.NoiseSuppression {
		return nil
	}
	c, err := echo.New(config)
	if err != nil {
		d.s.log.Error().Err(err).Msg("the microphone's sound is sent as it is")
		return nil
	}
	return c
}

// play queues a tone; false when too many wait.
func (d *soundDevice) play(pcm []int16) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mixer.add(pcm)
}

// push takes a packet of the phone.
func (d *soundDevice) push(p *rtp.Packet, arrival time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dec == nil {
		dec, err := opus.NewDecoder()
		if err != nil {
			d.s.log.Error().Err(err).Msg("sound of the phone")
			return
		}
		d.dec, d.buf = dec, playout.New(dec)
	}
	if d.buf == nil {
		return
	}
	d.buf.Push(p.SequenceNumber, p.Timestamp, p.Payload, arrival)
	if ahead, ok := d.buf.Ahead(p.Timestamp); ok {
		const lookahead = opus.Lookahead * time.Second / opus.SampleRate // of the phone's encoder: libopus, too
		next := max(arrival, d.pulled+hal.FrameLength)                   // when more is taken
		d.s.together.played(p.Timestamp, next+ahead+lookahead+d.delays.playback)
	}
}

func (d *soundDevice) stats() (heard playout.Stats, echo echo.Stats, underruns uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.buf != nil {
		heard = d.buf.Stats()
	}
	underruns = d.late
	if d.counts != nil {
		underruns += d.counts.Underruns()
	}
	return heard, d.echo, underruns
}

// position is the sample of the ring that is in the air at a time; false while nothing
// was captured.
func (d *soundDevice) position(at time.Duration) (sample int64, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clock.position(at)
}

// soundDelays is how late a device gives what is in the air, and how late is heard what
// it is given.
type soundDelays struct{ capture, playback time.Duration }

// delayedStream is a hal.SoundStream that knows its delays.
type delayedStream interface {
	Delays() (capture, playback time.Duration)
}

// underrunCounter is a hal.SoundStream that counts how often it was served too late.
type underrunCounter interface{ Underruns() uint64 }

// setStream notes the open device; nil when it was closed.
func (d *soundDevice) setStream(s hal.SoundStream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counts != nil {
		d.late += d.counts.Underruns()
	}
	d.counts, _ = s.(underrunCounter)
	d.delays = soundDelays{}
	if s, ok := s.(delayedStream); ok {
		d.delays.capture, d.delays.playback = s.Delays()
	}
}

// run has the device open while it is wanted, until the session ends.
func (d *soundDevice) run() {
	ctx := d.s.ctx
	defer d.free()
	if d.device == nil {
		return
	}
	plugs := d.s.engine.listen("sound")
	defer plugs.Close()
	rest := false // of the device is still there
	d.wanted.each(ctx, func(ctx context.Context) {
		rest = false
		if used, err := d.use(ctx); err != nil && !errors.Is(err, ErrLight) {
			rest = d.tellGone(ctx, used, err)
		}
	}, func(ctx context.Context) {
		if !rest {
			d.tickWhile(ctx, func(ctx context.Context) { plugs.Wait(ctx, reopenDevice) })
		}
	})
}

// look is now, while the ticker keeps the time.
func (d *soundDevice) look(ctx context.Context) (device hal.Sound) {
	d.tickWhile(ctx, func(context.Context) { device = d.now() })
	return device
}

// use opens the device of what is there and waits for its end; no error when nobody wants
// it any more, or a better one has come. While it is being opened the ticker keeps the time.
func (d *soundDevice) use(ctx context.Context) (hal.Sound, error) {
	if !d.s.engine.sound.take(ctx) {
		return nil, nil
	}
	defer d.s.engine.sound.give()
	device := d.look(ctx)
	opens := halvesOf(device)
	d.deaf.Store(!opens.microphone)
	if opens.microphone {
		lit, release, err := d.s.light(ctx)
		if err != nil {
			return device, err
		}
		defer release()
		ctx = lit
	} else {
		d.s.startUnlit()
	}
	working := make(chan struct{}, 1)
	type result struct {
		stream hal.SoundStream
		clean  *echo.Canceller
		err    error
	}
	opened := make(chan result, 1)
	go func() {
		clean := d.canceller(device)
		stream, err := device.Open(func(captured, playback []int16) {
			select {
			case working <- struct{}{}:
			default:
			}
			d.process(clean, captured, playback)
		})
		opened <- result{stream, clean, err}
	}()
	var r result
	opening, stop := context.WithCancel(context.WithoutCancel(ctx)) // the device cannot be told to stop opening
	go func() {
		r = <-opened
		stop()
	}()
	d.tick(opening)
	if clean := r.clean; clean != nil {
		defer func() { // the last thing: no callback runs any more
			d.s.engine.echoDelay.Store(int64(clean.Stats().Delay))
			clean.Close()
		}()
	}
	switch {
	case r.err != nil && ctx.Err() != nil:
		return device, nil
	case r.err != nil:
		return device, r.err
	}
	d.s.log.Info().Str("microphone", device.Microphone()).Str("speaker", device.Speaker()).Msg("sound open")
	d.lose(halvesOf(d.device).without(opens), d.device, hal.ErrNotFound)
	d.setStream(r.stream)
	defer d.setStream(nil)
	defer func() { _ = r.stream.Close() }() // a device that does not close is not ours to mend
	for first := working; ; {
		select {
		case <-ctx.Done():
			return device, nil // nobody wants it, or the light went out, which its release tells
		case <-r.stream.Gone():
			if surpassed(r.stream) {
				return device, nil
			}
			return device, hal.ErrGone
		case <-first:
			first = nil
			d.regain(opens)
		}
	}
}

// tick stands in for the device: it calls process each 10 ms, until ctx ends. On a busy
// machine that is less often.
func (d *soundDevice) tick(ctx context.Context) {
	t := time.NewTicker(hal.FrameLength)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if ctx.Err() != nil { // of several that are ready select takes any
				return
			}
			d.process(nil, d.zero[:], d.scratch[:])
		}
	}
}

// tickWhile stands in for the device while wait waits.
func (d *soundDevice) tickWhile(ctx context.Context, wait func(context.Context)) {
	waiting, over := context.WithCancel(ctx)
	var waiter sync.WaitGroup
	waiter.Go(func() {
		defer over()
		wait(waiting)
	})
	d.tick(waiting)
	waiter.Wait()
}

func (d *soundDevice) free() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.buf = nil
	if d.dec != nil {
		_ = d.dec.Close() // never fails
	}
}
