package daemon

import (
	"context"
	"time"

	"callbox/daemon/call"
	"callbox/media/tone"
	"callbox/signaling/cause"
)

// sound is what a person at the device hears of where a call stands.
type sound string

// The sounds. Those that ring go on until something else is to be heard.
const (
	silence   sound = ""
	soundRing sound = "ring"      // a phone calls
	soundBack sound = "ring back" // a phone that the device calls rings
	soundBusy sound = "busy"      // nobody takes the device's call
	soundOver sound = "over"      // the call is over
)

// samples returns what it sounds like, and whether it goes on.
func (s sound) samples() (pcm []int16, again bool) {
	switch s {
	case soundRing:
		return tone.Ring(), true
	case soundBack:
		return tone.RingBack(), true
	case soundBusy:
		return tone.Busy(), false
	case soundOver:
		return tone.End(), false
	case silence:
	}
	return nil, false
}

// toneTimeout bounds a sound that waits for the last call's speaker, or for one
// that hangs.
const toneTimeout = 10 * time.Second

// tones plays one sound at a time, the last that was asked for.
type tones struct {
	now  sound
	last sound // how the last call sounded when it ended
	stop context.CancelFunc
	done chan struct{} // closed when it is silent; nil before the first
}

// hear lets people hear where the call stands.
func (l *loop) hear() {
	want := l.tone()
	if want == l.tones.now {
		return
	}
	l.tones.now = want
	if l.tones.stop != nil {
		l.tones.stop()
		l.tones.stop = nil
	}
	if want == silence {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	before, done := l.tones.done, make(chan struct{})
	l.tones.stop, l.tones.done = stop, done
	l.async(func() {
		defer close(done)
		if before != nil {
			<-before
		}
		if err := l.sounds.Tone(ctx, want); err != nil && ctx.Err() == nil {
			l.log.Debug().Err(err).Str("sound", string(want)).Msg("sound was not heard")
		}
	})
}

// tone is what is to be heard now.
func (l *loop) tone() sound {
	if !l.settings.tones || !l.has.speaker {
		return silence
	}
	switch l.state.Phase {
	case call.Ringing:
		if l.state.Announcing {
			return silence
		}
		return soundRing
	case call.Dialing:
		for _, r := range l.cur.dial.rings {
			if r.reached && r.over == nil {
				return soundBack
			}
		}
	case call.Connecting, call.Talking, call.Reconnecting:
	case call.Ended, call.Idle:
		return l.tones.last
	}
	return silence
}

// lastSound is how the end of the call sounds. Who hangs up at the device before
// anybody has answered need not be told.
func (l *loop) lastSound(e call.Finish) sound {
	switch {
	case l.stopping:
		return silence
	case l.cur.leg.talking:
		return soundOver
	case l.cur.dial == nil || e.By == call.ByDevice && (e.End.Cause == cause.Hangup || e.End.Cause == cause.Cancelled):
		return silence
	}
	switch e.End.Cause {
	case cause.Busy, cause.Rejected, cause.DND, cause.Forbidden:
		return soundBusy
	default:
		return soundOver
	}
}
