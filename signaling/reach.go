package signaling

import (
	"slices"

	"callbox/signaling/key"
)

// Up says that a transport has reached an address: what waits for it goes at
// once, this way, and so does a ring.
func (d *Device) Up(p Peer) {
	d.mu.Lock()
	defer d.unlock()
	if d.closed {
		return
	}
	d.up[p.Address] = append(others(d.up[p.Address], p), p)
	for k, r := range d.rooms {
		if key.PhoneAddress(k.Phone) == p.Address {
			d.ringAgain(r)
			d.reach(r, p)
		}
	}
}

// Gone says that a transport has lost an address: what waits goes another way
// when there is one, else the time until it is reached again does not count.
func (d *Device) Gone(p Peer) {
	d.mu.Lock()
	defer d.unlock()
	left := others(d.up[p.Address], p)
	if d.up[p.Address] = left; len(left) == 0 {
		delete(d.up, p.Address)
	}
	for k, r := range d.rooms {
		if key.PhoneAddress(k.Phone) != p.Address || r.peer.Transport != p.Transport {
			continue
		}
		for _, o := range r.out {
			d.park(r, o)
		}
		if len(left) > 0 {
			d.reach(r, left[len(left)-1])
		}
	}
}

// others are the peers on other transports than that of p.
func others(peers []Peer, p Peer) []Peer {
	return slices.DeleteFunc(slices.Clone(peers), func(o Peer) bool { return o.Transport == p.Transport })
}

// Reachable reports whether a transport reaches the phone with this key now, or may:
// one that reaches anybody knows of nobody.
func (d *Device) Reachable(jkt string) bool {
	d.mu.Lock()
	defer d.unlock()
	return len(d.wide) > 0 || len(d.up[key.PhoneAddress(jkt)]) > 0
}

// Connected reports whether a transport that knows who is there has the phone with
// this key.
func (d *Device) Connected(jkt string) bool {
	d.mu.Lock()
	defer d.unlock()
	return len(d.up[key.PhoneAddress(jkt)]) > 0
}

// ways are the peers that a message of the room goes to: where the phone spoke
// last, but in a room that it has not answered all that reach it.
func (d *Device) ways(r *room) []Peer {
	if r.ring == nil || r.offer != nil {
		return []Peer{r.peer}
	}
	ways := d.wideWays(slices.Clone(d.up[key.PhoneAddress(r.key.Phone)]))
	if r.peer.Transport != nil && len(others(ways, r.peer)) == len(ways) {
		ways = append(ways, r.peer)
	}
	return ways
}

// reaches reports whether a peer's transport is connected to it, as far as anybody knows.
func (d *Device) reaches(p Peer) bool {
	return slices.Contains(d.wide, p.Transport) || len(others(d.up[p.Address], p)) < len(d.up[p.Address])
}

// reach makes p the way to the room's phone.
func (d *Device) reach(r *room, p Peer) {
	r.peer, r.peer.room = p, r.key.ID
	for _, o := range r.out {
		if o.parked {
			d.attempt(r, o)
		}
	}
}
