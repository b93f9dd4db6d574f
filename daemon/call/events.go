package call

import "callbox/signaling/cause"

// Event is something that happened.
//
//sumtype:decl
type Event interface{ callEvent() }

// The events. Gen is the generation of the call that the event belongs to, Leg
// the media session's number in it, Room the phone's room.
type (
	// Offered means that a phone has proved that it is there, and policy allows it:
	// it asks to ring, or it answers the ring of its room.
	Offered struct {
		Room  Room
		Rules Rules
		Ring  bool // it answers a ring
	}
	// Dial means that the device calls phones, one room each: the first that
	// reaches the talk wins. It is for 1 to MaxRings different phones.
	Dial struct {
		Rooms  []Room
		InTurn bool // one after the other, else all at once
		Rules  Rules
	}
	// RingReached means that a rung phone is calling its person.
	RingReached struct {
		Gen  uint64
		Room Room
	}
	// RingDeclined means that a rung phone says no.
	RingDeclined struct {
		Gen   uint64
		Room  Room
		Cause cause.Cause
	}
	// Answered means that a person on the device took the call.
	Answered struct{ Gen uint64 }
	// Announced means that the announcement is over. Heard is false when it could
	// not be played: then only a person answers.
	Announced struct {
		Gen   uint64
		Heard bool
	}
	// Declined means that a person on the device does not want the call.
	Declined struct{ Gen uint64 }
	// LocalHangUp means that the device's side ends the call.
	LocalHangUp struct {
		Gen    uint64
		Origin cause.Origin
	}
	// PeerCancelled means that the phone gave up before it was answered.
	PeerCancelled struct {
		Gen   uint64
		Room  Room
		Cause cause.Cause
	}
	// PeerBye means that the phone says the call is over.
	PeerBye struct {
		Gen  uint64
		Room Room
		End  cause.End
	}
	// PeerSilent means that the phone never acknowledged what it must.
	PeerSilent struct {
		Gen  uint64
		Room Room
	}
	// MediaAnswered means that the SDP answer exists.
	MediaAnswered struct {
		Gen uint64
		Leg int
	}
	// MediaStarted means that media is accepted and connected: the talk begins.
	MediaStarted struct {
		Gen uint64
		Leg int
	}
	// MediaLost means that the way to the phone was lost.
	MediaLost struct {
		Gen uint64
		Leg int
	}
	// MediaBack means that the phone's media flows again.
	MediaBack struct {
		Gen uint64
		Leg int
	}
	// MediaFailed means that the session cannot go on. Cause is BadRequest when
	// the phone's SDP was at fault, JoinFailed otherwise.
	MediaFailed struct {
		Gen   uint64
		Leg   int
		Cause cause.Cause
	}
	// MediaDeadline means that the session's own lock of the limit has closed.
	MediaDeadline struct {
		Gen uint64
		Leg int
	}
	// TimerFired means that a timer that StartTimer asked for has run out.
	// N is the number that StartTimer gave it: one that was stopped at the same
	// moment fits nothing any more.
	TimerFired struct {
		Gen   uint64
		Timer Timer
		N     int
	}
	// Revoked means that a phone lost the device's trust.
	Revoked struct{ Phone string }
	// Shutdown means that the daemon is going down.
	Shutdown struct{}
	// Closed means that the media of an ended call has been put away.
	Closed struct{ Gen uint64 }
)

func (Offered) callEvent()       {}
func (Dial) callEvent()          {}
func (RingReached) callEvent()   {}
func (RingDeclined) callEvent()  {}
func (Answered) callEvent()      {}
func (Announced) callEvent()     {}
func (Declined) callEvent()      {}
func (LocalHangUp) callEvent()   {}
func (PeerCancelled) callEvent() {}
func (PeerBye) callEvent()       {}
func (PeerSilent) callEvent()    {}
func (MediaAnswered) callEvent() {}
func (MediaStarted) callEvent()  {}
func (MediaLost) callEvent()     {}
func (MediaBack) callEvent()     {}
func (MediaFailed) callEvent()   {}
func (MediaDeadline) callEvent() {}
func (TimerFired) callEvent()    {}
func (Revoked) callEvent()       {}
func (Shutdown) callEvent()      {}
func (Closed) callEvent()        {}

// fits reports whether ev belongs to the call of s, to its media session if it is a
// session's, and to a timer that still runs if it is one's. Events that belong to no particular call fit always.
func (s State) fits(ev Event) bool {
	gen, leg := s.Generation, s.Leg
	switch e := ev.(type) {
	case RingReached:
		gen = e.Gen
	case RingDeclined:
		gen = e.Gen
	case Answered:
		gen = e.Gen
	case Announced:
		gen = e.Gen
	case Declined:
		gen = e.Gen
	case LocalHangUp:
		gen = e.Gen
	case PeerCancelled:
		gen = e.Gen
	case PeerBye:
		gen = e.Gen
	case PeerSilent:
		gen = e.Gen
	case MediaAnswered:
		gen, leg = e.Gen, e.Leg
	case MediaStarted:
		gen, leg = e.Gen, e.Leg
	case MediaLost:
		gen, leg = e.Gen, e.Leg
	case MediaBack:
		gen, leg = e.Gen, e.Leg
	case MediaFailed:
		gen, leg = e.Gen, e.Leg
	case MediaDeadline:
		gen, leg = e.Gen, e.Leg
	case TimerFired:
		if n := s.Timers.number(e.Timer); n == 0 || n != e.N {
			return false
		}
		gen = e.Gen
	case Closed:
		gen = e.Gen
	case Offered, Dial, Revoked, Shutdown:
	}
	return gen == s.Generation && leg == s.Leg
}
