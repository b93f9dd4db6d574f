package control_test

import (
	"testing"
	"time"

	"callbox/daemon/control"
)

// TestRecent: the newest, in order, before and after the oldest had to go.
func TestRecent(t *testing.T) {
	e := control.NewEvents(time.Now)
	for published, want := range map[int][2]uint64{0: {}, 3: {1, 3}, 1000: {501, 1000}, 2500: {2001, 2500}} {
		for e.Seq() < uint64(published) {
			e.Publish(control.EventCalling, "", nil)
		}
		if e.Seq() > uint64(published) { // the order of a map
			e = control.NewEvents(time.Now)
			for range published {
				e.Publish(control.EventCalling, "", nil)
			}
		}
		got := e.Recent(500)
		if len(got) == 0 && want[1] == 0 {
			continue
		}
		if n := len(got); uint64(n) != want[1]-want[0]+1 || got[0].Seq != want[0] || got[n-1].Seq != want[1] {
			t.Errorf("of %d: %d events, %d to %d; want %v", published, n, got[0].Seq, got[n-1].Seq, want)
		}
	}
}

// BenchmarkPublish is one event of a stream that has kept as many as it keeps.
func BenchmarkPublish(b *testing.B) {
	e := control.NewEvents(time.Now)
	for range 1000 {
		e.Publish(control.EventCalling, "", nil)
	}
	b.ReportAllocs()
	for b.Loop() {
		e.Publish(control.EventCalling, "room", control.TalkData{KeepTime: 7})
	}
}
