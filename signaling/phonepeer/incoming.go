package phonepeer

import (
	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// Incoming is a call of the device, from its challenge on: the phone rings. Its Call
// tells when the device gives up.
type Incoming struct {
	*Call
	TimeLimit message.Limit // that the device wishes
	Query     string
}

// Answer takes the call: the offer goes out, and the device accepts it.
func (in *Incoming) Answer() { in.apply(evPickUp{}) }

// Decline rejects the call with that cause; "" is rejected.
func (in *Incoming) Decline(why cause.Cause) {
	if why == "" {
		why = cause.Rejected
	}
	in.apply(evDecline{why})
}

// rung makes the room of a device's ring, on the loop. The invite goes at once and
// silently; the phone rings only when the device has proved by its challenge that
// the ring is not an old one. In a talk the phone is busy.
func (p *Phone) rung(m *message.Message) {
	b, ok := m.Body.(message.Ring)
	if !ok || m.V != message.Version || p.shutting() {
		p.drop("room")
		return
	}
	busy := false
	for _, s := range p.rooms {
		busy = busy || s.state.accepted && s.state.phase < leaving
	}
	p.newSession(m.RoomID, wish{invite: message.Invite{RoomType: b.RoomType, TimeLimit: b.TimeLimit, Query: b.Query}}, m, busy)
}
