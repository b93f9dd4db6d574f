package call

import (
	"time"

	"callbox/signaling/cause"
)

// Timer names one of the timers of a call.
type Timer string

// The timers.
const (
	RingTimer      Timer = "ring"
	ConnectTimer   Timer = "connect"
	ReconnectTimer Timer = "reconnect"
	LimitTimer     Timer = "limit"
)

// By says which side brought the end about.
type By string

// The sides.
const (
	ByDevice By = "device"
	ByPhone  By = "phone"
)

// Effect is something to be done. The loop carries effects out in order; none of
// them blocks, and what one leads to comes back as an event.
//
//sumtype:decl
type Effect interface{ callEffect() }

// The effects. They concern the call of the state that Step returned, but for
// Refuse, which names another one.
type (
	// BeginRecord opens the call's record.
	BeginRecord struct{}
	// Ring calls the person: the event ringing.
	Ring struct{}
	// OpenMedia makes the media session and the SDP answer; MediaAnswered or
	// MediaFailed follows.
	OpenMedia struct{}
	// SendRinging tells the phone that it rings, with the SDP answer if WithSDP.
	SendRinging struct{ WithSDP bool }
	// SendAccept tells the phone that the call was answered, with the SDP answer.
	SendAccept struct{ Limit Limit }
	// AcceptMedia lets media flow as soon as it is connected, and hands the limit
	// to the session's own lock; MediaStarted follows.
	AcceptMedia struct{ Limit Limit }
	// SendStart tells the phone that talk and limit begin.
	SendStart struct{ Limit Limit }
	// Talk publishes that the talk began.
	Talk struct{}
	// StartTimer asks for TimerFired after a time on the boot clock.
	StartTimer struct {
		Timer Timer
		After time.Duration
	}
	// StopTimer takes StartTimer back.
	StopTimer struct{ Timer Timer }
	// SendNeedRestart asks the phone for an ICE restart.
	SendNeedRestart struct{}
	// Reconnect publishes that media was lost (Back false) or is back.
	Reconnect struct{ Back bool }
	// ShutMedia shuts the gate: no media packet leaves from now on.
	ShutMedia struct{}
	// SendReject tells the phone no, before it was accepted.
	SendReject struct{ Cause cause.Cause }
	// SendBye tells the phone that the call is over.
	SendBye struct{ End cause.End }
	// Finish closes the call's record and publishes its end: once per call.
	Finish struct {
		End cause.End
		By  By
	}
	// CloseMedia puts the session away, if there is one; Closed follows.
	CloseMedia struct{}
	// Refuse turns another caller away while the call goes on, and records it.
	Refuse struct {
		Room  Room
		Cause cause.Cause
	}
)

func (BeginRecord) callEffect()     {}
func (Ring) callEffect()            {}
func (OpenMedia) callEffect()       {}
func (SendRinging) callEffect()     {}
func (SendAccept) callEffect()      {}
func (AcceptMedia) callEffect()     {}
func (SendStart) callEffect()       {}
func (Talk) callEffect()            {}
func (StartTimer) callEffect()      {}
func (StopTimer) callEffect()       {}
func (SendNeedRestart) callEffect() {}
func (Reconnect) callEffect()       {}
func (ShutMedia) callEffect()       {}
func (SendReject) callEffect()      {}
func (SendBye) callEffect()         {}
func (Finish) callEffect()          {}
func (CloseMedia) callEffect()      {}
func (Refuse) callEffect()          {}
