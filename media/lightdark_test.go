package media

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// goDark tells all who have ever acquired the light that it went out, as a light does
// that may call more often than it must.
func (l *fakeLight) goDark() {
	l.mu.Lock()
	dark := l.dark
	l.mu.Unlock()
	for _, tell := range dark {
		tell(errors.New("the lamp is dead"))
	}
}

// TestTheLightGoesOutInATalk: camera and microphone are closed at once, the talk goes
// on, and they come back with the light.
func TestTheLightGoesOutInATalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, true, func(*EngineOptions) {})
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(time.Second)
		l.wantTold(t, "Connected", "Started")
		light.setBroken(true)
		light.goDark()
		synctest.Wait()
		if light.count("close camera") != 1 || light.count("close sound") != 1 {
			t.Errorf("a device is open in the dark: %q", light.lines)
		}
		light.wantOff(t)
		time.Sleep(5 * reopenDevice)
		l.wantTold(t, "Connected", "Started", "gone light")
		if light.count("open camera") != 1 || light.count("open sound") != 1 {
			t.Errorf("a device opened in the dark: %q", light.lines)
		}
		light.setBroken(false)
		time.Sleep(2 * reopenDevice)
		l.wantTold(t, "Connected", "Started", "gone light", "back light")
		if light.count("open camera") != 2 || light.count("open sound") != 2 {
			t.Errorf("the devices are not back: %q", light.lines)
		}
		light.goDark() // for a moment: that is told, too
		l.wantTold(t, "Connected", "Started", "gone light", "back light", "gone light")
		time.Sleep(reopenDevice)
		l.wantTold(t, "Connected", "Started", "gone light", "back light", "gone light", "back light")
		for _, ev := range l.events {
			if gone, ok := ev.(DeviceGone); ok && !errors.Is(gone.Err, ErrLight) {
				t.Errorf("gone by %v", gone.Err)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		light.wantOff(t)
	})
}

// TestTheLightGoesOutWhileItRings: the camera that was prepared is closed, and when
// the light stays dark the call fails as if it had never been on.
func TestTheLightGoesOutWhileItRings(t *testing.T) {
	for name, back := range map[string]bool{"and stays out": false, "and comes back": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, light := lit(t, true, noSound)
				l := newTalk(t, e, true)
				l.Prepare()
				time.Sleep(time.Second)
				light.setBroken(true)
				light.goDark()
				synctest.Wait()
				if light.count("close camera") != 1 {
					t.Errorf("the camera is open in the dark: %q", light.lines)
				}
				light.setBroken(!back)
				time.Sleep(5 * reopenDevice)
				l.Accept(Limit{})
				l.connect()
				if back {
					l.wantTold(t, "Connected", "Started")
				} else {
					l.wantTold(t, "Failed", "Connected")
				}
			})
		})
	}
}

// TestALightThatGoesOutAndIsNotRequired closes nothing.
func TestALightThatGoesOutAndIsNotRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, false, func(*EngineOptions) {})
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(time.Second)
		light.goDark()
		time.Sleep(5 * reopenDevice)
		l.wantTold(t, "Connected", "Started")
		if light.count("close camera")+light.count("close sound") != 0 {
			t.Errorf("a device was closed: %q", light.lines)
		}
	})
}

// TestTheLightGoesOutForOthers: a sound that is played ends, with its reason.
func TestTheLightGoesOutForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, true, noCamera)
		played := make(chan error, 1)
		go func() { played <- e.Play(context.WithoutCancel(t.Context()), make([]int16, 48000*60)) }()
		time.Sleep(time.Second)
		light.goDark()
		if err := <-played; !errors.Is(err, ErrLight) {
			t.Errorf("Play = %v, want %v", err, ErrLight)
		}
		if light.count("close sound") != 1 {
			t.Errorf("the sound device is open in the dark: %q", light.lines)
		}
		light.wantOff(t)
	})
}
