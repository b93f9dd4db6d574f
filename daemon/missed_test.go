package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/hal"
	"callbox/media"
	"callbox/signaling/cause"
)

// TestNoAnswerInTheDark: whoever answers without the light that is required hears why, and
// the call rings on.
func TestNoAnswerInTheDark(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lamp") // while it is missing, the virtual light cannot be set
	h := newHouse(t, func(cfg *config.Config) {
		cfg.HAL.Light = hal.LightOptions{Name: hal.NameVirtual, Required: true, File: filepath.Join(dir, "light")}
	})
	if err := h.api.Answer(t.Context(), ""); !errors.Is(err, control.ErrNoCall) {
		t.Errorf("without a call: %v", err)
	}
	h.anna.rings()
	h.eventually("it rings", func() bool { return h.status().State == "ringing" })
	var told *control.Error
	if err := h.api.Answer(t.Context(), ""); !errors.Is(err, control.ErrNoDevice) || !errors.As(err, &told) ||
		!strings.Contains(told.Message, "without the privacy light (hal.light.required): ") || !strings.Contains(told.Message, dir) {
		t.Errorf("in the dark: %v", err)
	}
	if got := h.status().State; got != "ringing" {
		t.Errorf("after that it is %s", got)
	}
	findings, err := h.api.Doctor(t.Context())
	if err != nil || !slices.ContainsFunc(findings, func(f control.Finding) bool {
		return f.Name == "light" && f.State == control.StateProblem && strings.HasSuffix(f.Message, "without it no call can be answered (hal.light.required)")
	}) {
		t.Errorf("doctor says %+v, %v", findings, err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := h.api.Answer(t.Context(), ""); err != nil {
		t.Errorf("with the light: %v", err)
	}
}

// TestWhyMediaFailed stands in the event and in the record.
func TestWhyMediaFailed(t *testing.T) {
	dark := fmt.Errorf("cannot start media: %w: no such LED", media.ErrLight)
	for name, tt := range map[string]struct {
		err     error
		message string // part of it
	}{
		"the light":   {dark, "privacy light"},
		"the network": {errors.New("no way"), "never connected"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, nil)
				defer s.end()
				s.manualStart = true
				s.receive(theOffer("r"))
				synctest.Wait()
				if err := s.backend.Answer(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				s.emitter()(media.Failed{Err: tt.err})
				synctest.Wait()
				var data control.EndData
				for _, ev := range s.loop.events.Recent(1000) {
					if ev.Name == control.EventJoinFailListener {
						if err := json.Unmarshal(ev.Data, &data); err != nil {
							t.Fatal(err)
						}
					}
				}
				if data.ErrMsg != tt.err.Error() || !strings.Contains(data.Message, tt.message) {
					t.Errorf("the event says %+v", data)
				}
				if r := s.records[0]; r.Cause != cause.JoinFailed || r.Failure != tt.err.Error() {
					t.Errorf("the record is %+v", r)
				}
			})
		})
	}
}

// TestLostDevicesInTheRecord: each once, and whether it came back.
func TestLostDevicesInTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		for _, ev := range []media.Event{
			media.DeviceGone{Kind: "camera", Name: "usb-Cam", Err: errors.New("pulled out")},
			media.DeviceBack{Kind: "camera", Name: "usb-Cam"},
			media.DeviceGone{Kind: "sound", Name: "none,0"},
			media.DeviceBack{Kind: "display", Name: "HDMI-A-1"}, // of which nothing was told
			media.DeviceGone{Kind: "microphone", Name: "C920,0"},
			media.DeviceGone{Kind: "speaker", Name: "HDMI,3"},
			media.DeviceBack{Kind: "speaker", Name: "HDMI,3"},
			media.DeviceGone{Kind: "camera", Name: "usb-Cam"},
			media.DeviceBack{Kind: "camera", Name: "usb-Cam"},
		} {
			s.emitter()(ev)
		}
		synctest.Wait()
		if err := s.backend.HangUp(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := []store.Lost{{Kind: "camera", Name: "usb-Cam", Error: "pulled out", Back: true}, {Kind: "sound", Name: "none,0"},
			{Kind: "microphone", Name: "C920,0"}, {Kind: "speaker", Name: "HDMI,3", Back: true}}
		if got := s.records[0].Lost; !slices.Equal(got, want) {
			t.Errorf("the record has %+v, want %+v", got, want)
		}
		if got := recordOf(s.records[0]).Lost; len(got) != 4 || got[0] != control.LostDevice(want[0]) {
			t.Errorf("the API tells %+v", got)
		}
	})
}

// TestAHalfOfTheSoundIsMissing, and not the other one.
func TestAHalfOfTheSoundIsMissing(t *testing.T) {
	for _, half := range []string{"microphone", "speaker"} {
		t.Run(half, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, nil)
				defer s.end()
				s.talk()
				want := func(missing ...string) {
					t.Helper()
					synctest.Wait()
					s.inLoop(func() {
						if got := s.loop.callStatus().Missing; !slices.Equal(got, missing) {
							t.Errorf("missing are %q, want %q", got, missing)
						}
					})
				}
				s.emitter()(media.DeviceGone{Kind: half, Name: "card,0"})
				want(half)
				s.emitter()(media.DeviceBack{Kind: half, Name: "card,0"})
				want()
			})
		})
	}
}

// TestNothingToTurnOn: what the device does not have cannot be turned on, and what is not
// there now is told.
func TestNothingToTurnOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		if err := s.backend.SetCamera(t.Context(), true); errors.Is(err, control.ErrNoDevice) {
			t.Errorf("a camera that there is: %v", err)
		}
		s.inLoop(func() {
			s.cameraDevice, s.loop.cur.camera = "usb-none", true
			if c := s.loop.callStatus(); !c.Camera || !c.Microphone || c.Missing != nil {
				t.Errorf("with all of it: %+v", c)
			}
		})
		s.emitter()(media.DeviceGone{Kind: "camera", Name: "usb-none"})
		s.emitter()(media.DeviceGone{Kind: "sound", Name: "none,0"})
		s.emitter()(media.DeviceGone{Kind: "light", Name: "light"})
		synctest.Wait()
		s.inLoop(func() {
			if c := s.loop.callStatus(); !slices.Equal(c.Missing, []string{"camera", "microphone", "speaker", "light"}) {
				t.Errorf("missing are %q", c.Missing)
			}
			s.loop.has = hardware{}
			if c := s.loop.callStatus(); c.Camera || c.Microphone || !slices.Equal(c.Missing, []string{"light"}) {
				t.Errorf("of a device that has none: %+v", c)
			}
		})
		for what, err := range map[string]error{
			"camera": s.backend.SetCamera(t.Context(), true), "microphone": s.backend.SetMicrophone(t.Context(), true),
		} {
			if !errors.Is(err, control.ErrNoDevice) || !strings.Contains(err.Error(), "the device has no "+what) {
				t.Errorf("%s on: %v", what, err)
			}
		}
		if err := errors.Join(s.backend.SetCamera(t.Context(), false), s.backend.SetMicrophone(t.Context(), false)); err != nil {
			t.Errorf("off: %v", err)
		}
	})
}

// TestAbsent: of several cameras the one that is asked for counts.
func TestAbsent(t *testing.T) {
	h := newHouse(t, func(cfg *config.Config) {
		cfg.HAL.Camera.Name, cfg.HAL.MoreCameras = hal.NameVirtual, []hal.MoreCameraOptions{{Name: "usb-none"}}
	})
	if got := h.d.absent(hal.NameVirtual); got != "" {
		t.Errorf("the virtual camera: %q", got)
	}
	if got := h.d.absent("usb-none"); !strings.Contains(got, "is not there") {
		t.Errorf("the missing camera: %q", got)
	}
}
