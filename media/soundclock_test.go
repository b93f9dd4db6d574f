package media

import (
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal"
	"callbox/hal/virtual"
)

// TestSoundClock: frames that come late, in bursts, by a clock that is wrong, and after
// sound was lost. What is in the air at a time is known to half a millisecond.
func TestSoundClock(t *testing.T) {
	const (
		ms    = time.Millisecond
		count = 2000 // frames: 20 s
	)
	for name, tt := range map[string]struct {
		clock float64                   // of the device, against ours
		late  func(i int) time.Duration // frame i
		lost  time.Duration             // before frame 1000
		since int                       // from which frame on it is right
	}{
		"even":      {clock: 1},
		"a burst":   {clock: 1, late: func(i int) time.Duration { return time.Duration((i+1)%2) * 10 * ms }, since: 1},
		"late":      {clock: 1, late: func(i int) time.Duration { return time.Duration(i*i*7%50) * ms }},
		"busy":      {clock: 1, late: func(i int) time.Duration { return time.Duration(i/40%2) * 30 * ms }},
		"fast":      {clock: 1.0001},
		"slow":      {clock: 0.9999},
		"lost":      {clock: 1, lost: 70 * ms, since: 1100},
		"and early": {clock: 1, lost: -70 * ms, since: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			var c soundClock
			if _, known := c.position(time.Hour); known {
				t.Error("a position is known before the first frame")
			}
			for i := range count {
				whole := time.Hour + time.Duration(float64((i+1)*int(hal.FrameLength))/tt.clock) // its last sample
				if i >= 1000 {
					whole += tt.lost
				}
				at := whole
				if tt.late != nil {
					at += tt.late(i)
				}
				c.frame(at)
				if i < tt.since || i < 1000 && tt.since >= 1000 {
					continue
				}
				got, known := c.position(whole)
				if off := got - int64(i+1)*hal.FrameSamples; !known || off < -24 || off > 24 {
					t.Fatalf("after frame %d, sample %d is in the air when %d is", i, got, (i+1)*hal.FrameSamples)
				}
			}
		})
	}
}

// delayedSound is a sound device that knows its delays.
type delayedSound struct{ hal.Sound }

type delayedSamples struct{ hal.SoundStream }

func (s delayedSound) Open(process hal.SoundFunc) (hal.SoundStream, error) {
	inner, err := s.Sound.Open(process)
	return delayedSamples{inner}, err
}

func (delayedSamples) Delays() (capture, playback time.Duration) {
	return 30 * time.Millisecond, 60 * time.Millisecond
}

// TestWhatIsInTheAir: both tracks of a talk say of one moment what they capture in it.
func TestWhatIsInTheAir(t *testing.T) {
	for name, tt := range map[string]struct {
		wrap func(hal.Sound) hal.Sound
		late time.Duration
	}{
		"at once": {func(s hal.Sound) hal.Sound { return s }, 0},
		"late":    {func(s hal.Sound) hal.Sound { return delayedSound{s} }, 30 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tone, err := virtual.NewTone(700, true)
				if err != nil {
					t.Fatal(err)
				}
				e := bubbleEngine(t, func(o *EngineOptions) { o.Sound = tt.wrap(virtual.NewSound(tone, virtual.NewSpeaker(""))) })
				l := newTalk(t, e, true)
				l.connect()
				l.Accept(Limit{})
				begun := l.now() // the first frame is whole at once
				time.Sleep(3*time.Second + 5*time.Millisecond)
				synctest.Wait()
				now := l.now()
				rtp, known := l.audio.captured(now)
				want := int64(now-begun+tt.late+hal.FrameLength)*48/int64(time.Millisecond) + 312
				if got := int64(rtp - l.audio.offset); !known || got != want {
					t.Errorf("sample %d is in the air, want %d", got, want)
				}
				rtp, known = l.video.captured(now)
				if got := int64(rtp - l.video.offset); !known || got != int64(now)*90/int64(time.Millisecond) {
					t.Errorf("the picture of now has the time %d, want %d", got, int64(now)*90/int64(time.Millisecond))
				}
			})
		})
	}
}
