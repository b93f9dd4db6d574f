package playout

const (
	binSamples = 5 * perMillisecond // of the histogram
	bins       = 48                 // 240 ms and more in the last
	// share of the packets that shall come in time.
	share = 0.97
	// forget is the weight that a packet loses with each one after it: at 50
	// packets a second the memory is some 5 s.
	forget = 0.996
	// The fastest packet is looked for in two windows that take turns, so that a
	// drift of the clocks is followed: 250 packets are 5 s.
	windowPackets = 250
	// From this share of lost packets on, the delay leaves room for the packet
	// after the lost one, which is 20 ms.
	lossyFrom      = 0.02
	correctionWait = 20 * perMillisecond
)

// jitter learns by how much packets are late against the fastest ones, and says
// how much delay makes nearly all of them come in time. In samples.
type jitter struct {
	set      bool
	base     int64 // arrival - timestamp of the fastest packet of both windows
	window   int64 // of the running window
	packets  int
	old      int64 // of the window before
	hist     [bins]float32
	observed float32
	lossy    float32 // lost packets for each that is heard
	current  int64   // delay that the buffer adds now, as seen at the last packet
}

// arrived notes a packet and returns how much later than the fastest it is. known
// is false for the first.
func (j *jitter) arrived(ts, arrival int64) (late int64, known bool) {
	transit := arrival - ts
	if !j.set {
		j.set, j.base, j.window, j.old, j.packets = true, transit, transit, transit, 1
		return 0, false
	}
	if j.packets++; j.packets > windowPackets {
		j.old, j.window, j.packets = j.window, transit, 1
	}
	j.window = min(j.window, transit)
	j.base = min(j.window, j.old)
	late = transit - j.base
	bin := min(int(late/binSamples), bins-1)
	for i := range j.hist {
		j.hist[i] *= forget
	}
	j.hist[bin] += 1 - forget
	j.observed = j.observed*forget + 1 - forget
	return late, true
}

// wanted is the delay to aim at.
func (j *jitter) wanted() int64 {
	const low, high = int64(MinDelay / 1e6 * perMillisecond), int64(MaxDelay / 1e6 * perMillisecond)
	floor := low
	if j.lossy > lossyFrom {
		// The packet after a lost one holds its correction: wait for it.
		floor += correctionWait
	}
	var sum float32
	for i, h := range j.hist {
		if sum += h; sum >= share*j.observed {
			// The upper edge of the bin, and one pull more: packets are taken out in
			// steps of 10 ms.
			return min(max(int64(i+1)*binSamples+FrameSamples, floor), high)
		}
	}
	return high
}

// lost notes how many packets were missing before one that was heard.
func (j *jitter) lost(n int64) {
	j.lossy *= forget
	j.lossy += (1 - forget) * float32(min(n, 10))
}

// restart begins anew with another stream; how late packets come is kept, because
// the way is the same.
func (j *jitter) restart() { j.set, j.current = false, 0 }
