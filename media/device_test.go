package media

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal"
)

// TestDevicesGoAndComeBack: one event when a device goes, one when it works again,
// however often it is looked for meanwhile.
func TestDevicesGoAndComeBack(t *testing.T) {
	for name, tt := range map[string]struct{ video bool }{"camera": {true}, "sound": {false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, j := newPlug(), &journal{}
				e := bubbleEngine(t, func(o *EngineOptions) {
					if tt.video {
						o.Camera, o.Sound = &notedCamera{Camera: o.Camera, journal: j, plug: p}, nil
					} else {
						o.Sound = &notedSound{Sound: o.Sound, journal: j, plug: p}
					}
				})
				l := newTalk(t, e, tt.video)
				l.Accept(Limit{})
				l.connect()
				time.Sleep(time.Second)
				l.wantTold(t, "Connected", "Started")
				want := []string{"Connected", "Started"}
				for range 3 {
					p.pull()
					time.Sleep(5 * reopenDevice)
					want = append(want, "gone "+name)
					l.wantTold(t, want...)
					p.push()
					time.Sleep(2 * reopenDevice)
					want = append(want, "back "+name)
					l.wantTold(t, want...)
				}
				l.mu.Lock()
				gone, ok := l.events[2].(DeviceGone)
				back := l.events[3]
				l.mu.Unlock()
				if !ok || !errors.Is(gone.Err, hal.ErrGone) || gone.Name != "virtual" {
					t.Errorf("DeviceGone = %+v", gone)
				}
				if back != (DeviceBack{Kind: name, Name: "virtual"}) {
					t.Errorf("DeviceBack = %+v", back)
				}
			})
		})
	}
}

// TestADeviceThatWasNeverThere is told gone once, and back when it is plugged in.
func TestADeviceThatWasNeverThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug()
		p.pull()
		e := bubbleEngine(t, func(o *EngineOptions) {
			o.Camera, o.Sound = &notedCamera{Camera: o.Camera, journal: &journal{}, plug: p}, nil
		})
		l := newTalk(t, e, true)
		l.Prepare()
		time.Sleep(5 * reopenDevice)
		l.wantTold(t, "gone camera")
		p.push()
		time.Sleep(2 * reopenDevice)
		l.wantTold(t, "gone camera", "back camera") // although nothing is sent yet
	})
}

// renamedCamera has another name once it was plugged in.
type renamedCamera struct {
	hal.Camera
	plug *plug
}

func (c *renamedCamera) Name() string {
	if c.plug.gone() == nil {
		return "the old one"
	}
	return "the new one"
}

// TestAnotherCameraComes in the place of one that is gone: that is back.
func TestAnotherCameraComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug()
		p.pull()
		e := bubbleEngine(t, func(o *EngineOptions) {
			o.Camera, o.Sound = &renamedCamera{&notedCamera{Camera: o.Camera, journal: &journal{}, plug: p}, p}, nil
		})
		l := newTalk(t, e, true)
		l.Prepare()
		time.Sleep(5 * reopenDevice)
		p.push()
		time.Sleep(2 * reopenDevice)
		l.wantTold(t, "gone camera", "back camera")
		l.mu.Lock()
		defer l.mu.Unlock()
		if gone, ok := l.events[0].(DeviceGone); !ok || gone.Name != "the old one" {
			t.Errorf("told %+v", l.events[0])
		}
		if l.events[1] != (DeviceBack{Kind: "camera", Name: "the new one"}) {
			t.Errorf("told %+v", l.events[1])
		}
	})
}

// deadSound opens and never calls back.
type deadSound struct{ hal.Sound }

func (s deadSound) Open(hal.SoundFunc) (hal.SoundStream, error) {
	return s.Sound.Open(func(_, playback []int16) { clear(playback) })
}

// TestASoundDeviceThatOnlyOpensIsNotBack: it must give sound.
func TestASoundDeviceThatOnlyOpensIsNotBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug()
		p.pull()
		e := bubbleEngine(t, func(o *EngineOptions) {
			o.Sound = &notedSound{Sound: deadSound{o.Sound}, journal: &journal{}, plug: p}
		})
		l := newTalk(t, e, false)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(reopenDevice)
		p.push()
		time.Sleep(2 * reopenDevice)
		l.wantTold(t, "Connected", "Started", "gone sound")
	})
}

// TestSoundIsLookedForInTime: on a machine that is too busy for a frame each 10 ms, the
// pause between two looks for a device is no longer for it.
func TestSoundIsLookedForInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const busy = 70 * time.Millisecond
		l := newTalk(t, bubbleEngine(t, func(*EngineOptions) {}), false)
		l.Accept(Limit{})
		l.connect()
		d, n := newSoundDevice(l.Session), 0
		d.mixer.volume = func() int { n++; time.Sleep(busy); return 100 }
		begun := time.Now()
		d.tickWhile(t.Context(), func(ctx context.Context) { pause(ctx, reopenDevice) })
		if took := time.Since(begun); took < reopenDevice || took > reopenDevice+2*busy {
			t.Errorf("a pause of %v took %v", reopenDevice, took)
		}
		if n == 0 {
			t.Error("nothing was done meanwhile")
		}
	})
}
