//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"
)

// How late the end at the limit may be: at the device, and at the phone, to which
// it travels and whose page has it in turn.
const (
	lateDevice = 50 * time.Millisecond
	latePhone  = 300 * time.Millisecond
)

// TestTimeLimit: the limit of the invite or of the device, whichever is smaller,
// ends the call within 50 ms, and the phone says why.
func TestTimeLimit(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, call: "  max_duration: 4s"})
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	p.watchToasts()
	watch := d.watch()
	for name, tt := range map[string]struct {
		wish string // JavaScript
		want time.Duration
	}{
		"of the phone":  {"2.5", 2500 * time.Millisecond},
		"of the device": {"60", 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			wire := capture(t, "lo")
			p.home()
			room := eval[string](p, fmt.Sprintf(`window.callbox.callDevice({ roomType: "video", timeLimit: %s }).then((r) => r.roomId)`, tt.wish))
			d.waitState("ringing", 10*time.Second)
			ctl[any](d, "answer")
			d.waitState("talking", 10*time.Second)
			deadline := d.status().Call.Deadline
			d.notePorts()
			if deadline == 0 {
				t.Fatal("the talk has no deadline")
			}
			e := p.waitEventOf("hangUpVoip", room, tt.want+5*time.Second)
			if e.Data["origin"] != "timeLimit" {
				t.Errorf("hangUpVoip = %v", e.Data)
			}
			p.wantToast(t, "timeUp", e)
			p.screenshot("limit " + name)
			d.waitState("idle", 5*time.Second)
			r := d.lastCall()
			if r.Cause != "hangup" || r.Origin != "timeLimit" {
				t.Errorf("record = %+v", r)
			}
			// The record's talk ends with the deadline by definition: it tells which
			// limit held. When the call ended is what the clocks say.
			if off := r.TalkSeconds - tt.want.Seconds(); off < -0.05 || off > 0.05 {
				t.Errorf("the talk lasted %.3f s, the limit is %v", r.TalkSeconds, tt.want)
			}
			end := watch.find("hangUpVoip", room, 5*time.Second).Time
			wantAt(t, "the device publishes hangUpVoip", end, deadline, lateDevice)
			wantAt(t, "the record says the call ended", r.Ended, deadline, lateDevice)
			wantAt(t, "the SDK emits hangUpVoip", e.At, deadline, latePhone)
			last, after := wire.media(d, deadline)
			if after > 0 {
				t.Errorf("%d media packets left after the deadline", after)
			}
			if last < -0.5 { // a busy machine may have no time for media just then
				t.Errorf("the last media packet left %.3f s before the deadline: was there a call?", -last)
			}
			t.Logf("last media packet %.1f ms before the deadline; end %.1f ms after it on the device, %.1f ms on the phone",
				-1e3*last, 1e3*(bootTime(end)-deadline), 1e3*(bootTime(e.At)-deadline))
		})
	}
	t.Run("nonsense is refused before anything is sent", func(t *testing.T) {
		before := d.status().refusals()
		for _, wish := range []string{"0", "-1", `"60"`, "NaN", "Infinity", "2 ** 31 + 1"} {
			said := eval[string](p, fmt.Sprintf(`(async () => { try { await window.callbox.callDevice({ roomType: "voice", timeLimit: %s }); return "called"; } catch (e) { return e.name + " " + e.code; } })()`, wish))
			if said == "called" {
				t.Errorf("timeLimit %s was accepted", wish)
			}
		}
		if s := d.status(); s.State != "idle" || s.refusals() != before {
			t.Errorf("something was sent: the device is %s with %v", s.State, s.Refused)
		}
	})
}

// wantAt wants something to have happened at a deadline, in seconds on the boot
// clock: not more than 50 ms before it (the page's clock is one of milliseconds,
// and the two clocks were not read in one moment), and at most late after it.
func wantAt(t *testing.T, what string, at time.Time, deadline float64, late time.Duration) {
	t.Helper()
	if off := bootTime(at) - deadline; off < -0.05 || off > late.Seconds() {
		t.Errorf("%s %+.3f s after the deadline, want at most %v", what, off, late)
	}
}

// bootTime is a time of the wall clock in seconds on the boot clock.
func bootTime(at time.Time) float64 { return float64(at.UnixNano())/1e9 + bootOffset() }
