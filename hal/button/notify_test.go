package button

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal/button/key"
)

// TestNotify: a button that goes and comes is told once each; what else changes, and
// how the buttons were before, is not.
func TestNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeSystem()
		f.plug(kbd, []key.Code{enter}, "kbd")
		long := bell()
		long.Name, long.Hold = "long", time.Second
		b := openBench(t, f, bell(), long)
		defer b.Close()
		var told []string
		b.Notify(func(s Status) { told = append(told, fmt.Sprint(s.Button, " ", s.State, " ", s.Reason != "")) })
		want := func(when string, want ...string) {
			t.Helper()
			time.Sleep(moment)
			synctest.Wait()
			if strings.Join(told, ", ") != strings.Join(want, ", ") {
				t.Errorf("%s: told %q, want %q", when, told, want)
			}
			told = nil
		}
		want("before anything")
		f.plug(kbd+"1", []key.Code{enter}, "another")
		want("a second device")
		f.unplug(kbd)
		want("one is left")
		f.unplug(kbd + "1")
		want("the last one goes", "bell missing true", "long missing true")
		f.plug(kbd, []key.Code{esc}, "kbd")
		want("one without the key")
		f.plug(kbd+"1", []key.Code{enter}, "another")
		want("one comes", "bell found false", "long found false")
	})
}
