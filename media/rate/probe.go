package rate

import "time"

// Probe is a burst to be sent: what is queued anyway, and padding.
type Probe struct {
	ID    int  // for Packet.Probe; never 0
	Rate  Rate // at which it is to be sent
	Bytes int  // altogether
}

const (
	probeLong    = 20 * time.Millisecond
	probeLeast   = 6 * probePacket // bytes, where they take no longer than
	probeMost    = 100 * time.Millisecond
	probePacket  = 1200
	probeSmall   = 2700 // bytes, in any case: 3 packets of a picture
	probeTimes   = 2    // the target
	probeClear   = 500 * time.Millisecond
	probeAfter   = 700 * time.Millisecond // a cut
	probeSoon    = 500 * time.Millisecond // after a probe that showed more
	probeFirst   = 2 * time.Second        // after one that did not, or a cut; doubled until
	probeSeldom  = 4 * time.Second
	probeWait    = 1500 * time.Millisecond // for what becomes of it
	probeArrives = 0.8                     // of its packets, to count
)

type prober struct {
	id     int
	asked  time.Duration
	open   bool
	probe  Probe
	got    []Packet
	next   time.Duration
	period time.Duration
}

func (p *prober) reset(now time.Duration) { *p = prober{id: p.id, next: now + probeAfter} }

// failed puts the next probe off.
func (p *prober) failed(now time.Duration) {
	p.open = false
	p.period = min(max(2*p.period, probeFirst), probeSeldom)
	p.next = now + p.period
}

// Probe returns a burst to send now, if it is time for one.
func (c *Controller) Probe(now time.Duration) (Probe, bool) {
	p := &c.probes
	if p.open && now-p.asked > probeWait {
		p.failed(now)
	}
	ready := c.heard && c.before == 0 && c.clear && now-c.clearSince >= probeClear && !c.losses.excessive() &&
		(!c.cutBefore || now-c.cutAt >= probeAfter)
	if p.open || !ready || now < p.next || c.target >= c.opts.Ceiling*0.98 {
		return Probe{}, false
	}
	p.id++
	r := min(c.target*probeTimes, c.opts.Ceiling/backoff*1.02)
	p.probe = Probe{ID: p.id, Rate: r, Bytes: int(max(probeSmall, r.bytes(probeLong), min(probeLeast, r.bytes(probeMost))))}
	p.open, p.asked, p.got = true, now, p.got[:0]
	return p.probe, true
}

// result returns at which rate a probe arrived, once it is known.
func (p *prober) result(now time.Duration, packets []Packet) (Rate, bool) {
	if !p.open {
		return 0, false
	}
	for _, k := range packets {
		if k.Probe == p.probe.ID && !k.Lost {
			p.got = append(p.got, k)
		}
	}
	sum := 0
	for _, k := range p.got {
		sum += k.Size
	}
	if len(p.got) < 3 || float64(sum) < probeArrives*float64(p.probe.Bytes) {
		return 0, false
	}
	first, last := p.got[0], p.got[0]
	for _, k := range p.got {
		if k.Arrived < first.Arrived {
			first = k
		}
		if k.Arrived > last.Arrived {
			last = k
		}
	}
	sent := span(p.got, func(k Packet) time.Duration { return k.Sent })
	arrived := span(p.got, func(k Packet) time.Duration { return k.Arrived })
	took := max(sent, arrived, time.Millisecond)
	r := Rate(float64((sum-first.Size)*8) / took.Seconds())
	p.open = false
	if r < p.probe.Rate*0.6 {
		p.failed(now)
	} else {
		p.period, p.next = 0, now+probeSoon
	}
	return r, true
}

func span(packets []Packet, at func(Packet) time.Duration) time.Duration {
	low, high := at(packets[0]), at(packets[0])
	for _, k := range packets {
		low, high = min(low, at(k)), max(high, at(k))
	}
	return high - low
}
