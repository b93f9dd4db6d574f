package call

import (
	"time"

	"callbox/signaling/cause"
)

// Phase is where a call stands.
type Phase string

// The phases.
const (
	Idle         Phase = "idle"         // no call
	Ringing      Phase = "ringing"      // a phone calls: a person at the device is being called
	Dialing      Phase = "dialing"      // the device calls: people at phones are being called
	Connecting   Phase = "connecting"   // answered; media is not there yet
	Talking      Phase = "talking"      // media may flow, the limit runs
	Reconnecting Phase = "reconnecting" // media was lost, the limit goes on
	Ended        Phase = "ended"        // over; its media is being put away
)

// Active reports whether there is a call that a second one must not disturb.
func (p Phase) Active() bool {
	switch p {
	case Ringing, Dialing, Connecting, Talking, Reconnecting:
		return true
	case Idle, Ended:
	}
	return false
}

// MediaState is how far the media of the call is.
type MediaState string

// The steps of MediaState.
const (
	MediaNone    MediaState = ""        // no session was asked for
	MediaOpening MediaState = "opening" // a session was asked for; no answer yet
	MediaReady   MediaState = "ready"   // the SDP answer exists
)

// Room names a call: the room's id together with the phone's key.
type Room struct {
	ID    string
	Phone string // jkt
}

// Limit is a time limit. The zero value is none.
type Limit struct {
	Set      bool
	Duration time.Duration // > 0 when Set
}

// Smallest returns the strictest of the limits; none of them set gives none.
func Smallest(limits ...Limit) Limit {
	var least Limit
	for _, l := range limits {
		if l.Set && (!least.Set || l.Duration < least.Duration) {
			least = l
		}
	}
	return least
}

// MaxWarnings is how many warnings before the limit a call may have.
const MaxWarnings = 4

// Rules are the settings that a call keeps from its first moment to its last, so
// that a changed configuration never disturbs it.
type Rules struct {
	Limit      Limit
	Ring       time.Duration // time-out of ringing; of each phone when several are rung in turn
	Connect    time.Duration // time-out of connecting
	Reconnect  time.Duration // how long lost media may stay lost
	Preconnect bool          // the SDP answer is made while it rings
	Auto       bool          // answered without a person, once the announcement was heard
	// Warnings are times before the limit, longest first; 0 ends the list.
	Warnings [MaxWarnings]time.Duration
}

// State is everything that the machine knows. It is a plain value: copies share
// nothing.
type State struct {
	Phase      Phase
	Generation uint64 // of this call or the last one; the first call has 1
	Outgoing   bool   // the device began it
	Room       Room   // of the phone that the call is with; while dialing, of the first
	Rules      Rules
	Leg        int // counts the media sessions of this call; events of an older one change nothing
	Media      MediaState
	Accepted   bool  // accept was sent
	Announcing bool  // the announcement before an automatic answer is being played
	Warned     int   // how many of Rules.Warnings have been given
	Asked      Limit // of an outgoing call, whomever it reaches; Rules.Limit is that and the phone's
	Rings      Rings
	Timers     Timers
	End        cause.End // why, in Ended
}

// New returns the state of a device that has had no call yet.
func New() State { return State{Phase: Idle} }
