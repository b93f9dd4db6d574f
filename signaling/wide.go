package signaling

import (
	"slices"

	"callbox/signaling/key"
)

// Attach says that a transport may reach any address from now on, though it knows
// of nobody: a broker, a maker's own channel. What waits for a phone that spoke last
// over it goes at once, and so does every ring.
func (d *Device) Attach(t Transport) {
	d.mu.Lock()
	defer d.unlock()
	if d.closed || slices.Contains(d.wide, t) {
		return
	}
	d.wide = append(d.wide, t)
	for _, r := range d.rooms {
		d.ringAgain(r)
		if r.peer.Transport == t {
			d.reach(r, r.peer)
		}
	}
}

// Detach says that the transport reaches nobody any more. What waits goes another
// way when there is one, else the time until it is attached again does not count.
func (d *Device) Detach(t Transport) {
	d.mu.Lock()
	defer d.unlock()
	d.wide = slices.DeleteFunc(d.wide, func(o Transport) bool { return o == t })
	for k, r := range d.rooms {
		if r.peer.Transport != t {
			continue
		}
		for _, o := range r.out {
			d.park(r, o)
		}
		if known := d.up[key.PhoneAddress(k.Phone)]; len(known) > 0 {
			d.reach(r, known[len(known)-1])
		}
	}
}

// wideWays adds the transports that may reach anybody to those that reach a phone.
func (d *Device) wideWays(known []Peer) []Peer {
	for _, t := range d.wide {
		if !slices.ContainsFunc(known, func(p Peer) bool { return p.Transport == t }) {
			known = append(known, Peer{Transport: t})
		}
	}
	return known
}
