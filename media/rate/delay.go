package rate

import (
	"math"
	"slices"
	"time"
)

// delays knows how long the queue on the way stands.
type delays struct {
	recent []delay // of the last window, in the order of sending
	last   []delay // the same, and what came before in the last report
	noise  float64 // seconds: what the median packet is later than the earliest

	floors  [floorSlots]float64 // smallest delay, for each second
	slot    int64               // the second of the newest of floors
	known   bool
	reports int
	queue   float64 // seconds
	jumped  bool    // it grew all through the last report, by far
	newest  float64 // seconds: what it had become then
	rises   int     // reports in a row at which it had grown
	trips   float64 // seconds from sending to the report of it
	risen   float64 // by how much they made it grow
	highFor int     // reports in a row in which it stood, without growing
}

type delay struct{ sent, late float64 } // seconds

func (d delay) arrived() float64 { return d.sent + d.late }

const (
	// The clocks of both ends drift by up to 0.2 ms a second: what is older than this
	// is no measure any more.
	floorSlots = 20
	// The window in which the earliest packet tells of the queue is longer where
	// packets are delayed at random.
	windowLeast = 0.08
	windowMost  = 0.4
	// What was sent in that window may take many times as long to arrive, when the way has
	// become narrow: what came before this many windows tells of the way as it was.
	arrivedWithin = 2
	// The first reports are too few to know that: the window is long for them.
	windowReports = 5
	// A queue that stands this many reports and does not grow although less is sent is
	// no queue: the way has become longer.
	standsFor = 25
	// A queue that grows in reports in a row, by this much together, is one.
	riseReports = 2
	riseLeast   = 0.025
	// A queue that grows all through the last moments by this much need not be waited
	// for.
	jumpLeast = 0.050
	// Nor does one of this much, as the earliest of so many last packets shows it.
	standsLong    = 0.100
	standsLeast   = 0.050
	standsPackets = 5
)

// add takes packets in any order: a late one is reported late.
func (d *delays) add(p Packet) {
	one := delay{p.Sent.Seconds(), p.Arrived.Seconds() - p.Sent.Seconds()}
	i := len(d.recent)
	for i > 0 && d.recent[i-1].sent > one.sent {
		i--
	}
	d.recent = slices.Insert(d.recent, i, one)
}

// close ends a report that came at now.
func (d *delays) close(now time.Duration) {
	if len(d.recent) == 0 {
		return
	}
	newest := d.recent[len(d.recent)-1].sent
	trip := now.Seconds() - newest
	first := !d.known
	if first {
		d.trips = trip
	}
	d.trips += (trip - d.trips) / 8

	window := min(windowMost, windowLeast+4*d.noise)
	if d.reports < windowReports {
		window = windowMost
	}
	d.reports++
	arrived := d.recent[0].arrived()
	for _, p := range d.recent {
		arrived = max(arrived, p.arrived())
	}
	from := 0
	for i, p := range d.recent[:len(d.recent)-1] { // what was sent last stays, late or early
		if p.sent < newest-window || p.arrived() < arrived-arrivedWithin*window {
			from = i + 1
		}
	}
	d.last = append(d.last[:0], d.recent...)
	d.recent = append(d.recent[:0], d.recent[from:]...)
	lates := make([]float64, 0, len(d.recent))
	for _, p := range d.recent {
		lates = append(lates, p.late)
	}
	least, median := leastAndMedian(lates)
	if first {
		d.noise = median - least
	}
	if !d.rising() { // a queue that grows is no noise
		d.noise += (median - least - d.noise) / 8
	}

	d.floor(newest, least)
	queue := least - d.base()
	switch grown := queue - d.queue; {
	case grown > 0.002:
		d.rises++
		d.risen += grown
		d.highFor = 0
	default:
		d.rises, d.risen = 0, 0
		d.highFor++
	}
	if queue < queueLow.Seconds() {
		d.highFor = 0
	}
	d.queue = queue
	d.newest = 0
	d.jumped = d.jump(newest) || d.stands(newest)
	if d.highFor >= standsFor {
		d.restart(newest, least)
	}
}

// floor keeps the smallest delay of each second.
func (d *delays) floor(at, late float64) {
	second := int64(at)
	if !d.known {
		d.known = true
		d.restart(at, late)
		return
	}
	for ; d.slot < second; d.slot++ {
		d.floors[(d.slot+1)%floorSlots] = late
	}
	if i := second % floorSlots; late < d.floors[i] {
		d.floors[i] = late
	}
}

// restart takes this delay for one without a queue.
func (d *delays) restart(at, late float64) {
	for i := range d.floors {
		d.floors[i] = late
	}
	d.slot = int64(at)
	d.queue, d.rises, d.risen, d.highFor = 0, 0, 0, 0
	d.jumped, d.newest = false, 0
}

func (d *delays) base() float64 {
	b := d.floors[0]
	for _, f := range d.floors {
		b = min(b, f)
	}
	return b
}

// standing is the queue at the last report.
func (d *delays) standing() time.Duration { return seconds(d.queue) }

// jump looks whether the queue grows from part to part of the last moments.
func (d *delays) jump(newest float64) bool {
	const parts, long = 4, 0.030
	var least [parts]float64
	var any [parts]bool
	for _, p := range d.last {
		i := parts - 1 - int((newest-p.sent)/long)
		if i < 0 {
			continue
		}
		if !any[i] || p.late < least[i] {
			least[i], any[i] = p.late, true
		}
	}
	for i := range parts {
		if !any[i] || i > 0 && least[i] <= least[i-1] {
			return false
		}
	}
	d.newest = least[parts-1] - d.base()
	return least[parts-1]-least[0] > max(jumpLeast, 3*d.noise)
}

// stands looks whether even the earliest of the last packets is later than chance makes
// it: where there is much noise, the window of the queue reaches back to before it grew.
func (d *delays) stands(newest float64) bool {
	least, n := math.Inf(1), 0
	for _, p := range d.last {
		if p.sent > newest-standsLong {
			least = min(least, p.late)
			n++
		}
	}
	late := least - d.base()
	if n < standsPackets || late < standsLeast+1.5*d.noise {
		return false
	}
	d.newest = max(d.newest, late)
	return true
}

// ahead is the queue as it is expected to stand in the next report.
func (d *delays) ahead() time.Duration {
	if d.jumped {
		return seconds(max(d.queue, d.newest))
	}
	return seconds(d.queue)
}

// rising says that the queue grows, by more than chance.
func (d *delays) rising() bool {
	return d.jumped || d.rises >= riseReports && d.risen > max(riseLeast, 3*d.noise)
}

// trip is how long it takes from sending a packet to hearing of it.
func (d *delays) trip() time.Duration { return seconds(d.trips) }

// loop is how long a change needs to show.
func (d *delays) loop() time.Duration {
	return seconds(d.trips + windowLeast)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
