package button

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/button/evdev"
	"callbox/hal/button/key"
)

func bell() hal.ButtonOptions {
	return hal.ButtonOptions{Name: "bell", Key: "KEY_ENTER", Action: hal.ActionToggle}
}

func TestPress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.plug(kbd, []key.Code{enter, esc}, "kbd")
		help := hal.ButtonOptions{Name: "help", Key: "1", Input: "kbd", Action: hal.ActionCall, Call: "Anna"}
		b := openBench(t, f, bell(), help)
		defer b.Close()
		b.wantState("at the start", Found, Found)
		if k := f.keys(t, kbd); !reflect.DeepEqual(k.codes, []key.Code{esc, enter}) || k.grab {
			t.Errorf("opened for %v, grab %v", k.codes, k.grab)
		}

		time.Sleep(time.Hour)
		at := f.clk.Now()
		f.down(t, kbd, enter)
		synctest.Wait()
		if want := []hal.Press{{Button: "bell", Action: hal.ActionToggle, At: at}}; !reflect.DeepEqual(b.presses, want) {
			t.Errorf("presses = %+v, want %+v", b.presses, want)
		}
		b.want("down", "bell ")
		f.down(t, kbd, enter) // a second down without an up
		time.Sleep(time.Minute)
		f.up(t, kbd, enter)
		f.up(t, kbd, enter)
		synctest.Wait()
		b.want("up", "")

		f.down(t, kbd, esc)
		synctest.Wait()
		if p := b.presses[0]; p.Action != hal.ActionCall || p.Call != "Anna" {
			t.Errorf("press = %+v", p)
		}
	})
}

// TestLostEvents: after an overrun of the kernel's queue only the state counts.
func TestLostEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.plug(kbd, []key.Code{enter}, "kbd")
		long := bell()
		long.Name, long.Hold = "long", time.Second
		b := openBench(t, f, bell(), long)
		defer b.Close()
		state := func(down bool) {
			f.keys(t, kbd).events <- []evdev.Event{{Code: enter, Down: down, At: f.clk.Now(), Lost: true}}
			synctest.Wait()
		}
		state(false)
		b.want("still up", "")
		state(true)
		time.Sleep(2 * time.Second)
		b.want("down unseen", "long! ")
		state(true)
		f.up(t, kbd, enter)
		f.down(t, kbd, enter)
		time.Sleep(time.Second / 2)
		state(false)
		time.Sleep(time.Hour)
		b.want("up unseen", "")
		f.down(t, kbd, enter)
		f.up(t, kbd, enter)
		synctest.Wait()
		b.want("short afterwards", "bell ")
	})
}

func TestUnplug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		long := bell()
		long.Hold = time.Second
		b := openBench(t, f, long)
		defer b.Close()
		b.wantState("without it", Missing)
		f.plug(kbd, []key.Code{esc}, "other")
		time.Sleep(moment)
		b.wantState("another device", Missing)
		f.plug("/dev/input/event10", []key.Code{enter}, "kbd")
		time.Sleep(moment)
		b.wantState("plugged in", Found)

		f.down(t, "/dev/input/event10", enter)
		time.Sleep(time.Second / 2)
		f.unplug("/dev/input/event10")
		time.Sleep(time.Hour)
		b.want("unplugged while it is down", "")
		b.wantState("unplugged", Missing)

		f.plug("/dev/input/event4", []key.Code{enter}, "kbd")
		time.Sleep(moment)
		b.wantState("plugged in again", Found)
		f.down(t, "/dev/input/event4", enter)
		time.Sleep(2 * time.Second)
		b.want("pressed again", "bell! ")

		// The old device is noticed as gone only after the new one has its path.
		old := f.keys(t, "/dev/input/event4")
		f.mu.Lock()
		delete(f.open, "/dev/input/event4")
		f.mu.Unlock()
		f.plug("/dev/input/event4", []key.Code{enter}, "kbd")
		time.Sleep(moment)
		old.fail(hal.ErrGone)
		time.Sleep(moment)
		f.down(t, "/dev/input/event4", enter)
		time.Sleep(2 * time.Second)
		b.want("at the same path", "bell! ")
	})
}

func TestNothingIsPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		b := openBench(t, f, bell())
		defer b.Close()
		time.Sleep(24 * time.Hour)
		for range 10 { // one plug makes many events
			f.changed <- struct{}{}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(24 * time.Hour)
		if f.looked() != 2 {
			t.Errorf("looked %d times for devices, want 2", f.looked())
		}
	})
}

func TestNames(t *testing.T) {
	named := bell()
	named.Input = "usb-Bell"
	for name, tt := range map[string]struct {
		plug func(*fakeSystem)
		want State
		text string // in the reason, else the device
	}{
		"by its first name":  {func(f *fakeSystem) { f.plug(kbd, []key.Code{enter}, "usb-Bell", "Bell") }, Found, "usb-Bell"},
		"by another name":    {func(f *fakeSystem) { f.plug(kbd, []key.Code{enter}, "id", "usb-Bell") }, Found, "id"},
		"none has the name":  {func(f *fakeSystem) { f.plug(kbd, []key.Code{enter}, "usb-Bel") }, Missing, `one of: "usb-Bel"`},
		"there is none":      {func(*fakeSystem) {}, Missing, "nor any other"},
		"it has no such key": {func(f *fakeSystem) { f.plug(kbd, []key.Code{esc}, "usb-Bell") }, NoKey, "KEY_ENTER"},
		"one of two": {func(f *fakeSystem) {
			f.plug(kbd, []key.Code{esc}, "usb-Bell")
			f.plug(kbd+"1", []key.Code{enter}, "usb-Bell")
		}, Found, "usb-Bell"},
		"no permission": {func(f *fakeSystem) {
			f.devices[kbd] = evdev.Device{Path: kbd, Names: []string{"usb-Bell"}, Err: denied}
		},
			NoPermission, "permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeSystem()
				tt.plug(f)
				looked, err := look(f, []hal.ButtonOptions{named})
				if err != nil {
					t.Fatal(err)
				}
				b := openBench(t, f, named)
				defer b.Close()
				for how, s := range map[string]Status{"Look": looked[0], "Status": b.Status()[0]} {
					if s.State != tt.want || !strings.Contains(s.Reason+s.Device, tt.text) || s.Button != "bell" || (s.Reason == "") != (s.State == Found) {
						t.Errorf("%s: %+v, want %s and %q", how, s, tt.want, tt.text)
					}
				}
			})
		})
	}
}

func TestPermissionComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.devices[kbd] = evdev.Device{Path: kbd, Names: []string{"kbd"}, Err: denied}
		b := openBench(t, f, bell())
		defer b.Close()
		b.wantState("before udev", NoPermission)
		f.plug(kbd, []key.Code{enter}, "kbd")
		time.Sleep(moment)
		b.wantState("after udev", Found)
	})
}

func TestGrab(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.plug(kbd, []key.Code{enter, esc}, "kbd")
		f.refuse(kbd, hal.ErrBusy)
		grab := bell()
		grab.Grab = true
		other := hal.ButtonOptions{Name: "other", Key: "KEY_ESC", Action: hal.ActionEvent}
		b := openBench(t, f, other, grab)
		defer b.Close()
		b.wantState("another program has it", Busy, Busy)
		f.refuse(kbd, nil)
		time.Sleep(retry + moment)
		b.wantState("the other one let go", Found, Found)
		if k := f.keys(t, kbd); !k.grab || len(k.codes) != 2 {
			t.Errorf("opened for %v, grab %v", k.codes, k.grab)
		}
	})
}

// TestTwoDevices: the same key on two keyboards is one button.
func TestTwoDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.plug(kbd, []key.Code{enter}, "a")
		f.plug(kbd+"1", []key.Code{enter}, "b")
		f.refuse(kbd+"1", errors.New("defect"))
		b := openBench(t, f, bell())
		defer b.Close()
		b.wantState("one is enough", Found)
		f.refuse(kbd+"1", nil)
		f.changed <- struct{}{}
		time.Sleep(moment)
		f.down(t, kbd, enter)
		synctest.Wait()
		f.down(t, kbd+"1", enter)
		synctest.Wait()
		b.want("both at once", "bell ")
		f.up(t, kbd+"1", enter)
		f.up(t, kbd, enter)
		synctest.Wait()
		f.down(t, kbd+"1", enter)
		synctest.Wait()
		b.want("the other one", "bell ")
	})
}

// TestLinkComesLater: udev makes the name by which a second button means the
// device after the first button has opened it.
func TestLinkComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.plug(kbd, []key.Code{enter, esc}, "Bell")
		byLink := hal.ButtonOptions{Name: "help", Key: "KEY_ESC", Input: "usb-Bell", Action: hal.ActionEvent}
		b := openBench(t, f, bell(), byLink)
		defer b.Close()
		b.wantState("no link yet", Found, Missing)
		f.plug(kbd, []key.Code{enter, esc}, "usb-Bell", "Bell")
		time.Sleep(moment)
		b.wantState("with the link", Found, Found)
		f.down(t, kbd, enter)
		f.down(t, kbd, esc)
		synctest.Wait()
		b.want("both keys", "bell help ")
	})
}

func TestReadError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.plug(kbd, []key.Code{enter}, "kbd")
		b := openBench(t, f, bell())
		defer b.Close()
		time.Sleep(moment) // the news of the plug is over
		f.keys(t, kbd).fail(errors.New("defect"))
		time.Sleep(moment)
		b.wantState("a defect", Missing)
		before := f.looked()
		time.Sleep(retry)
		b.wantState("tried again", Found)
		if f.looked() != before+1 {
			t.Errorf("tried %d times in %v, want once", f.looked()-before, retry)
		}
	})
}

func TestWithoutWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.plug(kbd, []key.Code{enter}, "kbd")
		f.watchErr = errors.New("no inotify")
		b := openBench(t, f, bell())
		defer b.Close()
		f.down(t, kbd, enter)
		synctest.Wait()
		b.want("what was there works", "bell ")
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.plug(kbd, []key.Code{enter}, "kbd")
		long := bell()
		long.Hold = time.Second
		b := openBench(t, f, long, hal.ButtonOptions{Name: "line", GPIO: hal.GPIO{Line: "BELL"}})
		f.down(t, kbd, enter)
		f.line(t, "BELL").turn(true)
		synctest.Wait()
		for range 2 {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Hour)
		b.want("after Close", "")
		if len(f.open) != 0 || len(f.lines) != 0 {
			t.Errorf("left open: %v, %v", f.open, f.lines)
		}
	}) // and no goroutine is left
}

func TestOpenNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		b := openBench(t, f)
		defer b.Close()
		if f.looked() != 0 || len(b.Status()) != 0 {
			t.Errorf("without buttons: %d scans, %v", f.looked(), b.Status())
		}
	})
}

func TestUnknownKey(t *testing.T) {
	bad := []hal.ButtonOptions{{Name: "bell", Key: "KEY_ENTR"}}
	if b, err := open(newFakeSystem(), bad, nil, zerolog.Nop(), nil); err == nil || b != nil {
		t.Errorf("Open = %v, %v", b, err)
	}
	if s, err := look(newFakeSystem(), bad); err == nil || s != nil {
		t.Errorf("Look = %v, %v", s, err)
	}
}
