package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"callbox/daemon/control"
	"callbox/hal"
	"callbox/hal/button"
	"callbox/media"
)

// fakeHardware are buttons and a light that tell of themselves.
type fakeHardware struct {
	button func(button.Status)
	light  func(error)
}

type (
	fakeButtons struct{ *fakeHardware }
	fakeLight   struct{ *fakeHardware }
)

func (f fakeButtons) Notify(tell func(button.Status)) { f.button = tell }
func (f fakeLight) Notify(tell func(error))           { f.light = tell }

// TestHardwareThatComesAndGoes is told in a call, under its room, and outside of one;
// the light once, although the media session tells of it as well.
func TestHardwareThatComesAndGoes(t *testing.T) {
	for name, inCall := range map[string]bool{"idle": false, "in a call": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, nil)
				defer s.end()
				f := &fakeHardware{}
				s.loop.watch(fakeButtons{f}, fakeLight{f})
				room := ""
				if inCall {
					s.talk()
					room = "r"
				}
				sub := s.loop.events.Subscribe(control.Position{}, false)
				f.button(button.Status{Button: "bell", State: button.Missing, Reason: "unplugged"})
				f.button(button.Status{Button: "bell", State: button.Found, Device: "kbd"})
				f.light(errors.New("dead"))
				if inCall {
					s.emitter()(media.DeviceGone{Kind: "light", Name: "light", Err: errors.New("dead")})
					s.emitter()(media.DeviceGone{Kind: "camera", Name: "cam"})
					s.emitter()(media.DeviceBack{Kind: "camera", Name: "cam"})
					s.emitter()(media.DeviceBack{Kind: "light", Name: "light"})
				}
				f.light(nil)
				synctest.Wait()
				sub.Close()
				var got []string
				for ev := range sub.C {
					if ev.Name != control.EventDeviceLost && ev.Name != control.EventDeviceBack {
						continue
					}
					got = append(got, ev.Name+" "+string(ev.Data))
					if ev.RoomID != room {
						t.Errorf("%s %s is in room %q, want %q", ev.Name, ev.Data, ev.RoomID, room)
					}
				}
				want := []string{
					`deviceLost {"kind":"button","name":"bell","error":"unplugged"}`, `deviceBack {"kind":"button","name":"bell"}`,
					`deviceLost {"kind":"light","name":"light","error":"dead"}`,
				}
				if inCall {
					want = append(want, `deviceLost {"kind":"camera","name":"cam"}`, `deviceBack {"kind":"camera","name":"cam"}`)
				}
				want = append(want, `deviceBack {"kind":"light","name":"light"}`)
				if strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			})
		})
	}
}

// TestTheNameOnTheDisplay is that of who calls, or of the one of those rung who answers.
func TestTheNameOnTheDisplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.talk()
		if want := theOffer("r").Contact.Name; s.with != want || want == "" {
			t.Errorf("in a call of %s the display is told %q", want, s.with)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		rooms := s.place(control.CallRequest{To: []string{"Anna", "Bert"}, Mode: control.Together})
		s.receive(rungOffer(rooms[1], "bert", "Bert"))
		synctest.Wait()
		if s.with != "Bert" {
			t.Errorf("when Bert answers the display is told %q", s.with)
		}
	})
}

// TestALightOfTheDaemon: a whole daemon tells of its own light, without a call.
func TestALightOfTheDaemon(t *testing.T) {
	// Before the house, so that it is removed after the daemon has ended.
	dir := filepath.Join(t.TempDir(), "lamp") // while it is missing, the virtual light cannot be set
	there := func(is bool) {
		t.Helper()
		var err error
		if is {
			err = os.Mkdir(dir, 0o755)
		} else {
			err = os.RemoveAll(dir)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	there(true)
	h := newHouse(t)
	h.cfg.HAL.Light = hal.LightOptions{Name: hal.NameVirtual, Required: true, File: filepath.Join(dir, "light")}
	h.restart()
	there(false)
	for range 2 {
		if _, err := h.api.Snapshot(t.Context()); err == nil {
			t.Fatal("a picture was taken in the dark")
		}
	}
	h.eventually("the light is told to be gone", func() bool { return h.named(control.EventDeviceLost) == 1 })
	there(true)
	if _, err := h.api.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.eventually("the light is told to be back", func() bool { return h.named(control.EventDeviceBack) == 1 })
	if n := h.named(control.EventDeviceLost); n != 1 {
		t.Errorf("the light was told to be gone %d times", n)
	}
}
