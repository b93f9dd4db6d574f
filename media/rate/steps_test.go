package rate

import (
	"math"
	"testing"
	"time"
)

// reports hands a controller what a receiver reports each 100 ms.
type reports struct {
	t   *testing.T
	c   *Controller
	now time.Duration
}

const reportEvery = 100 * time.Millisecond

// newReports has a controller of 1 Mbit/s that has heard of a good way for two seconds.
func newReports(t *testing.T) *reports {
	t.Helper()
	r := &reports{t: t, c: New(Options{Floor: 50_000, Start: 1_000_000, Ceiling: 1_000_000})}
	for range 20 {
		r.report(0, 0)
	}
	r.wantTarget(1_000_000)
	return r
}

// report is one of what was sent at the ceiling in the time before, and waited so long;
// of each ten packets some are lost.
func (r *reports) report(queue time.Duration, lost int) {
	const packets = 10
	var list []Packet
	for i := range packets {
		r.now += reportEvery / packets
		list = append(list, Packet{Sent: r.now, Arrived: r.now + trip + queue, Size: 1_000_000 / 8 / 100, Lost: i >= packets-lost})
	}
	r.c.Feedback(r.now+trip, list)
}

// silence lasts until there is another report.
func (r *reports) silence(d time.Duration) {
	for end := r.now + d; r.now < end; r.now += 50 * time.Millisecond {
		r.c.Tick(r.now)
	}
}

func (r *reports) wantTarget(want Rate) {
	r.t.Helper()
	if got := r.c.Target(); math.Abs(float64(got-want)) > 1000 {
		r.t.Fatalf("at %v the target is %.0f bit/s, want %.0f", r.now, got, want)
	}
}

// TestAGrowingQueue is answered before it is long.
func TestAGrowingQueue(t *testing.T) {
	r := newReports(t)
	r.report(14*time.Millisecond, 0)
	r.wantTarget(1_000_000)
	r.report(28*time.Millisecond, 0)
	if q := r.c.Queue(); q >= queueHigh {
		t.Fatalf("the queue is %v: too much in any case", q)
	}
	if got := r.c.Target(); got > 900_000 {
		t.Errorf("the target is %.0f bit/s although the queue grows", got)
	}
	r = newReports(t)
	for range 10 {
		r.report(28*time.Millisecond, 0)
	}
	r.wantTarget(1_000_000) // it stands
}

// TestAfterACut the target stays for a moment, and then grows.
func TestAfterACut(t *testing.T) {
	r := newReports(t)
	r.report(60*time.Millisecond, 0)
	cutAt := r.now
	r.report(0, 0)
	cut := r.c.Target()
	if cut > 900_000 {
		t.Fatalf("the target is %.0f bit/s after a queue of 60 ms", cut)
	}
	for r.now < cutAt+holdAfter-reportEvery {
		r.report(0, 0)
		r.wantTarget(cut)
	}
	for range 4 {
		r.report(0, 0)
	}
	if got := r.c.Target(); got < 1.005*cut {
		t.Errorf("the target is %.0f bit/s %v after a cut to %.0f", got, r.now-cutAt, cut)
	}
}

// TestSilence: without feedback less and less is sent, but not nothing; with the first
// report half of what was sent before, and then more.
func TestSilence(t *testing.T) {
	r := newReports(t)
	r.silence(silent - reportEvery)
	r.wantTarget(1_000_000)
	r.silence(2 * reportEvery)
	r.wantTarget(500_000)
	r.silence(5 * time.Second)
	r.wantTarget(1_000_000. / silentLeast)
	r.report(0, 0)
	r.wantTarget(500_000)
	for range 20 {
		r.report(0, 0)
	}
	if got := r.c.Target(); got < 600_000 {
		t.Errorf("the target is %.0f bit/s two seconds after the silence", got)
	}
}

// TestSilenceBefore the first report says nothing: some phones never report.
func TestSilenceBefore(t *testing.T) {
	r := &reports{t: t, c: New(Options{Floor: 50_000, Start: 1_000_000, Ceiling: 1_000_000})}
	r.silence(10 * time.Second)
	r.wantTarget(1_000_000)
}

// TestMoved: another way may be longer, and its loss is its own; the rate is tried on it.
func TestMoved(t *testing.T) {
	r := newReports(t)
	for range 7 {
		r.report(0, 1)
	}
	if r.c.Loss() < 0.05 {
		t.Fatalf("the loss is %v", r.c.Loss())
	}
	before := r.c.Target()
	r.c.Moved(r.now)
	if r.c.Loss() != 0 || r.c.Through() != 0 || r.c.Queue() != 0 {
		t.Errorf("of the old way is known: a loss of %v, %.0f bit/s, a queue of %v", r.c.Loss(), r.c.Through(), r.c.Queue())
	}
	for range 3 {
		r.report(150*time.Millisecond, 0)
		r.wantTarget(before)
	}
	r = newReports(t)
	r.report(150*time.Millisecond, 0)
	if got := r.c.Target(); got > 700_000 {
		t.Errorf("the target is %.0f bit/s with 150 ms more on the same way", got)
	}
}

// TestPacerLate: what a late timer has missed is sent at once, up to pacerLate of it; idle
// time is not made up for.
func TestPacerLate(t *testing.T) {
	for late, want := range map[time.Duration]int{0: 1, 3 * time.Millisecond: 4, time.Second: 6} {
		var p Pacer[int]
		p.SetRate(1_000_000)
		for i := range 100 {
			p.Push(125, i) // a millisecond each
		}
		if _, _, ok, _ := p.Next(0); !ok {
			t.Fatal("nothing goes")
		}
		if _, _, ok, wait := p.Next(0); ok || wait != time.Millisecond {
			t.Fatalf("the second packet: %v, %v", ok, wait)
		}
		n, now := 0, time.Millisecond+late
		for ; ; n++ {
			if _, _, ok, _ := p.Next(now); !ok {
				break
			}
		}
		if n != want {
			t.Errorf("%v late: %d packets at once, want %d", late, n, want)
		}
	}
}
