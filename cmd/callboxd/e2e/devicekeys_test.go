//go:build device

package e2e

import (
	"encoding/json"
	"testing"

	"callbox/daemon/control"
	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// testKeys: a person at the device answers, hangs up and calls with keys of a
// keyboard that the kernel has.
func testKeys(t *testing.T, g *guest) {
	p := startGoPhone(t, g, "Anna")
	c := p.ring(0)
	g.press("KEY_ENTER")
	k := p.started(c)
	g.press("KEY_ESC")
	want := cause.End{Cause: cause.Hangup, Origin: cause.Manual}
	if ended := k.wait(t); ended.End != want || !ended.ByDevice {
		t.Errorf("the phone is told %+v, want %+v of the device", ended, want)
	}
	g.waitState("idle", patience)
	if r := g.record(k.Room); r.Contact != "Anna" || r.Cause != string(want.Cause) || r.Origin != string(want.Origin) {
		t.Errorf("record = %+v, want %+v", r, want)
	}

	g.press("KEY_F1")
	ctx, cancel := inPatience(t)
	defer cancel()
	in, err := p.Incoming(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if in.RoomType != message.Video {
		t.Errorf("incoming = %+v", in)
	}
	in.Answer()
	k = p.started(in.Call)
	p.hangUp(k)
	if r := g.record(k.Room); r.Contact != "Anna" || r.Cause != string(want.Cause) {
		t.Errorf("record = %+v, want %+v", r, want)
	}

	g.press("KEY_ENTER") // nothing rings
	eventually(t, patience, "all presses are told", func() bool { return len(g.buttons()) == 4 })
	for i, want := range []control.ButtonData{
		{Name: "green", Action: "answer", Done: true}, {Name: "red", Action: "hangup", Done: true}, {Name: "bell", Action: "call", Done: true}, {Name: "green", Action: "answer"},
	} {
		got := g.buttons()[i]
		if (got.Reason == "") != want.Done {
			t.Errorf("press %d: the reason is %q", i, got.Reason)
		}
		if got.Reason = ""; got != want {
			t.Errorf("press %d = %+v, want %+v", i, got, want)
		}
	}
}

// buttons are the presses so far.
func (g *guest) buttons() []control.ButtonData {
	g.t.Helper()
	var all []control.ButtonData
	for _, ev := range g.events() {
		if ev.Name != control.EventButton {
			continue
		}
		var b control.ButtonData
		if err := json.Unmarshal(ev.Data, &b); err != nil {
			g.t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}
