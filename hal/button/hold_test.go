package button

import (
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal"
	"callbox/hal/button/evdev"
	"callbox/hal/button/key"
)

func TestHold(t *testing.T) {
	hold := func(name string, d time.Duration) hal.ButtonOptions {
		return hal.ButtonOptions{Name: name, Key: "KEY_ENTER", Action: hal.ActionEvent, Hold: d}
	}
	for name, tt := range map[string]struct {
		buttons []hal.ButtonOptions
		down    time.Duration
		before  string // when it is about to come up
		after   string
	}{
		"a press without hold":      {[]hal.ButtonOptions{hold("a", 0)}, time.Second, "a ", ""},
		"too short":                 {[]hal.ButtonOptions{hold("a", time.Second)}, time.Second - 1, "", ""},
		"long enough":               {[]hal.ButtonOptions{hold("a", time.Second)}, time.Second + 1, "a! ", ""},
		"much longer":               {[]hal.ButtonOptions{hold("a", time.Second)}, time.Hour, "a! ", ""},
		"short of two":              {[]hal.ButtonOptions{hold("a", 0), hold("b", 2*time.Second)}, time.Second, "", "a "},
		"long of two":               {[]hal.ButtonOptions{hold("a", 0), hold("b", 2*time.Second)}, 3 * time.Second, "b! ", ""},
		"middle of three":           {[]hal.ButtonOptions{hold("c", 9*time.Second), hold("a", 0), hold("b", 2*time.Second)}, 5 * time.Second, "", "b! "},
		"two with hold, none is it": {[]hal.ButtonOptions{hold("a", time.Second), hold("b", 2*time.Second)}, time.Second / 2, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeSystem()
				f.plug(kbd, []key.Code{enter}, "kbd")
				b := openBench(t, f, tt.buttons...)
				defer b.Close()
				for range 2 {
					f.down(t, kbd, enter)
					time.Sleep(tt.down)
					synctest.Wait()
					b.want("before it comes up", tt.before)
					f.up(t, kbd, enter)
					time.Sleep(time.Hour)
					b.want("after", tt.after)
				}
			})
		})
	}
}

// TestLateNews: the daemon was stopped while a key was pressed; the kernel's times
// tell how long it was.
func TestLateNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.plug(kbd, []key.Code{enter}, "kbd")
		long := bell()
		long.Hold = 2 * time.Second
		b := openBench(t, f, long)
		defer b.Close()
		time.Sleep(time.Minute)
		now := f.clk.Now()
		f.keys(t, kbd).events <- []evdev.Event{{Code: enter, Down: true, At: now - 9*time.Second}, {Code: enter, At: now - 6*time.Second}}
		synctest.Wait()
		b.want("held for 3 s", "bell! ")
		f.keys(t, kbd).events <- []evdev.Event{{Code: enter, Down: true, At: now - 3*time.Second}, {Code: enter, At: now - 2*time.Second}}
		synctest.Wait()
		b.want("held for 1 s", "")
		f.keys(t, kbd).events <- []evdev.Event{{Code: enter, Down: true, At: now - 3*time.Second}}
		synctest.Wait()
		b.want("down for 3 s", "bell! ")
	})
}
