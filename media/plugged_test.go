package media

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4"

	"callbox/hal/haltest"
	"callbox/hal/hotplug"
)

// The kernel's events of what is plugged in.
var pluggedIn = map[string]struct {
	kind  hotplug.Kind
	event []string
}{
	"camera":  {hotplug.Cameras, []string{"ACTION=add", "SUBSYSTEM=video4linux", "DEVNAME=video0"}},
	"sound":   {hotplug.SoundCards, []string{"ACTION=add", "SUBSYSTEM=sound", "DEVNAME=snd/controlC0"}},
	"display": {hotplug.Screens, []string{"ACTION=change", "SUBSYSTEM=drm", "HOTPLUG=1", "DEVNAME=dri/card0"}},
}

// TestPluggedInIsNoticed at once, and not at the next look; and when it cannot be opened
// yet, because udev has not come to it, soon after that.
func TestPluggedInIsNoticed(t *testing.T) {
	const soon = 300 * time.Millisecond
	for name, tt := range map[string]struct {
		usable time.Duration // after the event
		back   bool          // soon after that
	}{
		"at once":               {0, true},
		"not for a moment":      {900 * time.Millisecond, true},
		"not for a long time":   {10*time.Second + reopenDevice/4, false}, // then the next look finds it
		"without being told of": {-1, false},
	} {
		for kind, plugged := range pluggedIn {
			t.Run(kind+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, told := newPlug(), make(haltest.Uevents, 1)
					monitor := hotplug.New(told)
					t.Cleanup(func() { _ = monitor.Close() })
					e := bubbleEngine(t, func(o *EngineOptions) {
						camera, sound := o.Camera, o.Sound
						o.Camera, o.Sound = nil, nil
						switch kind {
						case "camera":
							o.Camera = &notedCamera{Camera: camera, journal: &journal{}, plug: p, silent: true}
						case "sound":
							o.Sound = &notedSound{Sound: sound, journal: &journal{}, plug: p}
						case "display":
							o.Display = notedScreen{&journal{}, p}
						}
						o.Listen = func(kind string) Listener { return monitor.Listen(pluggedIn[kind].kind) }
					})
					l := newTalk(t, e, true)
					l.Accept(Limit{})
					l.connect()
					if kind == "display" {
						v := newVideoReceiver(l.Session, &webrtc.TrackRemote{})
						l.goFunc(v.run)
						time.Sleep(time.Second)
						p.pull()
						v.receive(keyframe(t))
					} else {
						time.Sleep(time.Second)
						p.pull()
					}
					time.Sleep(time.Minute + reopenDevice/2)
					l.wantTold(t, "Connected", "Started", "gone "+kind)
					if tt.usable >= 0 {
						told <- strings.Join(plugged.event, "\x00") + "\x00"
						time.Sleep(tt.usable)
					}
					p.push()
					time.Sleep(soon)
					synctest.Wait()
					if back := len(l.told()) == 4; back != tt.back {
						t.Errorf("%v after it can be opened: %q", soon, l.told())
					}
					time.Sleep(reopenDevice)
					synctest.Wait()
					l.wantTold(t, "Connected", "Started", "gone "+kind, "back "+kind)
				})
			})
		}
	}
}
