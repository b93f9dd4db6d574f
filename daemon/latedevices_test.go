package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/devices"
	"callbox/hal/haltest"
	"callbox/hal/hotplug"
	"callbox/media"
)

// TestWithoutItsDevices: a device whose camera and sound card are not there runs, can be
// called, and says what is missing.
func TestWithoutItsDevices(t *testing.T) {
	h := newHouse(t, func(cfg *config.Config) {
		cfg.HAL.Camera.Name, cfg.HAL.Microphone.Name, cfg.HAL.Speaker.Name = "usb-none", "none,0", "none,0"
	})
	missing := map[string]string{"camera": "usb-none", "microphone": "none,0", "speaker": "none,0"}
	found, err := h.api.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found.Chosen {
		if name, ok := missing[d.Kind]; ok && (d.Name != name || d.Virtual || !strings.Contains(d.Reason, "is not there")) {
			t.Errorf("devices: %+v", d)
		}
	}
	findings, err := h.api.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, f := range findings {
		if name, ok := missing[f.Name]; ok {
			told++
			if f.State != control.StateProblem || !strings.Contains(f.Message, name) || !strings.Contains(f.Remedy, "taken when it comes") {
				t.Errorf("doctor: %+v", f)
			}
		}
	}
	if told != len(missing) {
		t.Errorf("doctor tells of %d devices: %+v", told, findings)
	}
	if got := h.d.madeOf(); !strings.Contains(got, "camera usb-none (missing), microphone none,0 (missing), speaker none,0 (missing)") {
		t.Errorf("systemctl status shows %q", got)
	}
	var refused *control.Error
	if _, err := h.api.Snapshot(t.Context()); !errors.As(err, &refused) || refused.Code != control.ErrNoDevice.Code || refused.Message != `camera "usb-none" is not there` {
		t.Errorf("snapshot: %v", err)
	}
	h.anna.rings()
	h.eventually("it rings", func() bool { return h.status().State == "ringing" })
}

// TestDoctorLooksAnew: what was pulled out or plugged in since the start is told, and
// systemctl status follows.
func TestDoctorLooksAnew(t *testing.T) {
	var found []devices.Found
	list := func() ([]devices.Found, error) { return found, nil }
	set, err := devices.OpenWith(hal.DefaultOptions(), devices.Finders{Cameras: list, Sounds: list, Screens: list}, clock.Go(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{parts: &parts{devices: set, buttons: noButtons{}}}
	cam := devices.Found{Kind: devices.Camera, Name: "usb-Cam"}
	for _, now := range []struct {
		found          []devices.Found
		state, message string
		status         string
	}{
		{nil, control.StateProblem, "a virtual camera stands in: no camera was found", "camera virtual (virtual)"},
		{[]devices.Found{cam}, control.StateOK, "usb-Cam", "camera usb-Cam,"},
		{nil, control.StateProblem, `camera "usb-Cam" is not there`, "camera usb-Cam (missing),"},
	} {
		found = now.found
		if f := b.doctorDevices()[0]; f.Name != "camera" || f.State != now.state || f.Message != now.message {
			t.Errorf("doctor says %+v, want %+v", f, now)
		}
		if got := b.parts.madeOf(); !strings.Contains(got, now.status) {
			t.Errorf("systemctl status says %q, want %q", got, now.status)
		}
	}
}

// TestWatchPlugs looks at the start, and each time that something was plugged.
func TestWatchPlugs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	looks, waits := 0, 0
	watchPlugs(ctx, func(ctx context.Context) bool {
		if waits++; looks != waits {
			t.Errorf("%d looks before wait %d", looks, waits)
		}
		if waits == 3 {
			cancel()
		}
		return ctx.Err() == nil
	}, func() { looks++ })
	if looks != 3 {
		t.Errorf("%d looks", looks)
	}
}

// TestCallsHearOfPlugs: each kind of device that a call tells of is heard of, and none for
// another one.
func TestCallsHearOfPlugs(t *testing.T) {
	for kind, event := range map[string]string{
		"camera":  "ACTION=add\x00SUBSYSTEM=video4linux\x00DEVNAME=video0\x00",
		"sound":   "ACTION=add\x00SUBSYSTEM=sound\x00DEVNAME=snd/controlC0\x00",
		"display": "ACTION=change\x00SUBSYSTEM=drm\x00HOTPLUG=1\x00DEVNAME=dri/card0\x00",
	} {
		synctest.Test(t, func(t *testing.T) {
			told := make(haltest.Uevents, 1)
			p := &parts{hotplug: hotplug.New(told)}
			defer p.hotplug.Close()
			listeners := map[string]media.Listener{}
			for _, k := range []string{"camera", "sound", "display"} {
				listeners[k] = p.listen(k)
				defer listeners[k].Close()
			}
			told <- event
			synctest.Wait()
			for k, l := range listeners {
				begun := time.Now()
				l.Wait(t.Context(), time.Minute)
				if woken := time.Since(begun) < time.Minute; woken != (k == kind) {
					t.Errorf("an event of a %s wakes who waits for a %s: %v", kind, k, woken)
				}
			}
		})
	}
	deaf := (&parts{}).listen("camera") // where netlink is forbidden
	deaf.Wait(t.Context(), time.Millisecond)
	deaf.Close()
}

// TestInfoOfWhatIsMissing: a half that is not there is not told to be on.
func TestInfoOfWhatIsMissing(t *testing.T) {
	for missing, want := range map[devices.Kind]string{
		"":                 `"mic":true,"camera":false,"speaker":true`,
		devices.Microphone: `"mic":false,"camera":false,"speaker":true`,
		devices.Speaker:    `"mic":true,"camera":false,"speaker":false`,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, nil)
			defer s.end()
			s.missing = missing
			time.Sleep(time.Hour) // since the boot
			s.talk()
			s.emitter()(media.DataOpen{})
			if got := s.took(); !strings.Contains(got, want) {
				t.Errorf("without the %q it tells %s, want %s", missing, got, want)
			}
		})
	}
}
