package media

import (
	"context"
	"errors"
	"fmt"

	"callbox/hal"
)

// ErrNoSpeaker means that the device has no speaker.
var ErrNoSpeaker = errors.New("the device has no speaker")

// Play plays a tone to the person at the device, over the phone's sound and
// behind the tones that play already: mono samples at hal.SampleRate, which the
// session keeps until they were played. The volume applies, SetSpeaker does not.
//
// It does not wait. Nothing is played before Started, after Shut, on a device
// without a speaker, or when 16 tones or 60 s of sound wait already.
func (s *Session) Play(pcm []int16) {
	if !s.sound.hasSpeaker() || !s.running() || !s.sound.play(pcm) {
		s.log.Debug().Int("samples", len(pcm)).Msg("tone is not played")
	}
}

// Play plays a sound to its end while no session uses the sound device; it waits
// for one that does. pcm is mono at hal.SampleRate. The microphone, where the
// driver opens it with the speaker, lights the light, and what it hears is thrown
// away.
//
// It ends early with the cause of ctx. Other errors: ErrNoSpeaker, ErrClosed,
// ErrLight, those of hal.Sound.Open, hal.ErrGone after an unplug.
func (e *Engine) Play(ctx context.Context, pcm []int16) error { return e.play(ctx, pcm, e.Volume) }

// Announce is Play for what a person must hear whatever the volume is, such as
// that a microphone opens: it plays at a volume of at least 70.
func (e *Engine) Announce(ctx context.Context, pcm []int16) error {
	return e.play(ctx, pcm, func() int { return max(e.Volume(), announceVolume) })
}

// Tone is Play for sounds around a call, such as ringing: without the microphone
// where the driver can do that, so that the light stays off. With again it plays
// until ctx ends, one time after the other, and begins anew when a speaker comes that was
// missing or has gone.
func (e *Engine) Tone(ctx context.Context, pcm []int16, again bool) error {
	if !again || len(pcm) == 0 {
		return e.tone(ctx, pcm, nil)
	}
	plugs := e.listen("sound")
	defer plugs.Close()
	for warned := false; ; {
		err := e.tone(ctx, pcm, pcm)
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrNoSpeaker) || errors.Is(err, ErrClosed) {
			return err
		}
		if !warned && !errors.Is(err, errSurpassed) {
			warned = true
			e.opts.Log.Warn().Err(err).Msg("a sound of a call is not heard until a speaker comes; see callboxctl doctor")
		}
		plugs.Wait(ctx, reopenDevice)
		if ctx.Err() != nil {
			return fmt.Errorf("cannot play a sound: %w", context.Cause(ctx))
		}
	}
}

// tone plays a sound once, and then again without end, if that is not nil.
func (e *Engine) tone(ctx context.Context, pcm, again []int16) error {
	p := &player{pcm: pcm, again: again, mixer: mixer{volume: e.Volume}, played: make(chan struct{})}
	open, microphone := e.opts.open, true
	if s, ok := e.opts.Sound.(speakerAlone); ok {
		open, microphone = s.OpenSpeaker, false
	}
	return e.playWith(ctx, p, open, microphone)
}

// errSurpassed ends what is played when a better device has come.
var errSurpassed = fmt.Errorf("%w: a better one has come", hal.ErrGone)

// speakerAlone is a hal.Sound that can play while its microphone stays closed.
type speakerAlone interface {
	// OpenSpeaker is Open, where captured is silence.
	OpenSpeaker(process hal.SoundFunc) (hal.SoundStream, error)
}

func (o *EngineOptions) open(process hal.SoundFunc) (hal.SoundStream, error) {
	return o.Sound.Open(process)
}

func (e *Engine) play(ctx context.Context, pcm []int16, volume func() int) error {
	p := &player{pcm: pcm, mixer: mixer{volume: volume}, played: make(chan struct{})}
	return e.playWith(ctx, p, e.opts.open, true)
}

// opener opens a sound device.
type opener func(hal.SoundFunc) (hal.SoundStream, error)

// playWith plays with a device that is opened by open, with its microphone or
// without.
func (e *Engine) playWith(ctx context.Context, p *player, open opener, microphone bool) error {
	if d := e.opts.Sound; d == nil || d.Speaker() == "" {
		return fmt.Errorf("cannot play a sound: %w; set hal.speaker.name", ErrNoSpeaker)
	}
	ctx, end, err := e.begin(ctx)
	if err == nil {
		defer end()
		err = e.playOn(ctx, p, open, microphone && e.opts.Sound.Microphone() != "")
	}
	if err != nil {
		return fmt.Errorf("cannot play a sound: %w", err)
	}
	return nil
}

// playOn opens the sound device for a player and waits for its end.
func (e *Engine) playOn(ctx context.Context, p *player, open opener, microphone bool) error {
	if !e.sound.take(ctx) {
		return context.Cause(ctx)
	}
	defer e.sound.give()
	if microphone {
		lit, release, err := e.light(ctx)
		if err != nil {
			return err
		}
		defer release()
		ctx = lit
	}
	stream, err := open(p.process)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }() // a device that does not close is not ours to mend
	select {
	case <-p.played:
		return nil
	case <-stream.Gone():
		if surpassed(stream) {
			return errSurpassed
		}
		return hal.ErrGone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// player plays one sound, and the silence that pushes it out of the device.
type player struct {
	pcm    []int16 // not yet played
	again  []int16 // to be played after it, without end; nil: nothing
	mixer  mixer
	silent int // frames
	played chan struct{}
}

// process is the hal.SoundFunc; it does not look at what is captured.
func (p *player) process(_, playback []int16) {
	rest := playback
	for len(rest) > 0 {
		n := copy(rest, p.pcm)
		rest, p.pcm = rest[n:], p.pcm[n:]
		if len(p.pcm) > 0 || p.again == nil {
			break
		}
		p.pcm = p.again
	}
	clear(rest)
	if len(p.pcm) == 0 {
		if p.silent++; p.silent == playTail {
			close(p.played)
		}
	}
	p.mixer.mix(playback)
}
