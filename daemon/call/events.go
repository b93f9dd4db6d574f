package call

import "callbox/signaling/cause"

// Event is something that happened.
//
//sumtype:decl
type Event interface{ callEvent() }

// The events. Gen is the generation of the call that the event belongs to.
type (
	// Offered means that a proven contact asks to ring, and policy allows it.
	Offered struct {
		Room  Room
		Rules Rules
	}
	// Answered means that a person on the device took the call.
	Answered struct{ Gen uint64 }
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
		Cause cause.Cause
	}
	// PeerBye means that the phone says the call is over.
	PeerBye struct {
		Gen uint64
		End cause.End
	}
	// PeerSilent means that the phone never acknowledged what it must.
	PeerSilent struct{ Gen uint64 }
	// MediaAnswered means that the SDP answer exists.
	MediaAnswered struct{ Gen uint64 }
	// MediaStarted means that media is accepted and connected: the talk begins.
	MediaStarted struct{ Gen uint64 }
	// MediaLost means that the way to the phone was lost.
	MediaLost struct{ Gen uint64 }
	// MediaBack means that the phone's media flows again.
	MediaBack struct{ Gen uint64 }
	// MediaFailed means that the session cannot go on. Cause is BadRequest when
	// the phone's SDP was at fault, JoinFailed otherwise.
	MediaFailed struct {
		Gen   uint64
		Cause cause.Cause
	}
	// MediaDeadline means that the session's own lock of the limit has closed.
	MediaDeadline struct{ Gen uint64 }
	// TimerFired means that a timer that StartTimer asked for has run out.
	TimerFired struct {
		Gen   uint64
		Timer Timer
	}
	// Revoked means that a phone lost the device's trust.
	Revoked struct{ Phone string }
	// Shutdown means that the daemon is going down.
	Shutdown struct{}
	// Closed means that the media of an ended call has been put away.
	Closed struct{ Gen uint64 }
)

func (Offered) callEvent()       {}
func (Answered) callEvent()      {}
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

// generation returns the call that ev belongs to; ok is false for events that
// belong to no particular call.
func generation(ev Event) (gen uint64, ok bool) {
	switch e := ev.(type) {
	case Answered:
		return e.Gen, true
	case Declined:
		return e.Gen, true
	case LocalHangUp:
		return e.Gen, true
	case PeerCancelled:
		return e.Gen, true
	case PeerBye:
		return e.Gen, true
	case PeerSilent:
		return e.Gen, true
	case MediaAnswered:
		return e.Gen, true
	case MediaStarted:
		return e.Gen, true
	case MediaLost:
		return e.Gen, true
	case MediaBack:
		return e.Gen, true
	case MediaFailed:
		return e.Gen, true
	case MediaDeadline:
		return e.Gen, true
	case TimerFired:
		return e.Gen, true
	case Closed:
		return e.Gen, true
	case Offered, Revoked, Shutdown:
	}
	return 0, false
}
