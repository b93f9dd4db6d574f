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
	WarningTimer   Timer = "warning" // the next warning before the limit
	TickTimer      Timer = "tick"    // each second of the talk
)

// Timers are the numbers of the timers that run; 0: it does not.
type Timers struct {
	Last                                             int // number given
	Ring, Connect, Reconnect, Limit, Warning, Ticker int
}

func (t *Timers) slot(timer Timer) *int {
	switch timer {
	case RingTimer:
		return &t.Ring
	case ConnectTimer:
		return &t.Connect
	case ReconnectTimer:
		return &t.Reconnect
	case LimitTimer:
		return &t.Limit
	case WarningTimer:
		return &t.Warning
	case TickTimer:
		return &t.Ticker
	}
	return new(int)
}

// number is the timer's that runs; 0 when it does not.
func (t Timers) number(timer Timer) int { return *t.slot(timer) }

func (t *Timers) start(timer Timer, after time.Duration) Effect {
	t.Last++
	*t.slot(timer) = t.Last
	return StartTimer{timer, after, t.Last}
}

func (t *Timers) stop(timer Timer) Effect {
	*t.slot(timer) = 0
	return StopTimer{timer}
}

func (t *Timers) stopAll() Effect {
	*t = Timers{Last: t.Last}
	return StopTimers{}
}

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
	// Announce plays the announcement of an automatic answer; Announced follows.
	Announce struct{}
	// StopAnnouncing ends the announcement; an Announced that comes nevertheless
	// changes nothing.
	StopAnnouncing struct{}
	// SendRing rings a phone.
	SendRing struct{ Room Room }
	// Alert publishes that a rung phone is calling its person.
	Alert struct{ Room Room }
	// RingTaken means that the offer which the loop is looking at answers the ring of
	// that room. By is the offer's own room: another one when the phone has called by
	// itself at that moment; the ring is to be taken back then.
	RingTaken struct{ Room, By Room }
	// CancelRing tells a rung phone that it was not, or is not any more, the one.
	CancelRing struct {
		Room  Room
		Cause cause.Cause
	}
	// RingOver says how the ringing of one phone ended that does not get the call.
	RingOver struct {
		Room Room
		End  cause.End
	}
	// Join makes a rung phone the one that the call is with. Everything that
	// follows concerns that phone, until another Join.
	Join struct{ Room Room }
	// OpenMedia makes the media session and the SDP answer; MediaAnswered or
	// MediaFailed follows, with the Leg of the state.
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
	// Tick publishes for how long the talk has gone on.
	Tick struct{}
	// Warn tells people that the limit is near.
	Warn struct{ Left time.Duration }
	// StartTimer asks for TimerFired after a time on the boot clock: counted from
	// now, but for LimitTimer and WarningTimer from the beginning of the talk. A
	// TickTimer fires when the next whole second of the talk is over.
	StartTimer struct {
		Timer Timer
		After time.Duration
		N     int // comes back in TimerFired
	}
	// StopTimer takes StartTimer back.
	StopTimer struct{ Timer Timer }
	// StopTimers takes back all that still run.
	StopTimers struct{}
	// SendNeedRestart asks the phone for an ICE restart.
	SendNeedRestart struct{}
	// Reconnect publishes that media was lost (Back false) or is back.
	Reconnect struct{ Back bool }
	// ShutMedia shuts the gate: no media packet leaves from now on.
	ShutMedia struct{}
	// DropMedia puts the session away while the call goes on with another phone;
	// nothing follows.
	DropMedia struct{}
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
func (Announce) callEffect()        {}
func (StopAnnouncing) callEffect()  {}
func (SendRing) callEffect()        {}
func (Alert) callEffect()           {}
func (RingTaken) callEffect()       {}
func (CancelRing) callEffect()      {}
func (RingOver) callEffect()        {}
func (Join) callEffect()            {}
func (OpenMedia) callEffect()       {}
func (SendRinging) callEffect()     {}
func (SendAccept) callEffect()      {}
func (AcceptMedia) callEffect()     {}
func (SendStart) callEffect()       {}
func (Talk) callEffect()            {}
func (Tick) callEffect()            {}
func (Warn) callEffect()            {}
func (StartTimer) callEffect()      {}
func (StopTimer) callEffect()       {}
func (StopTimers) callEffect()      {}
func (SendNeedRestart) callEffect() {}
func (Reconnect) callEffect()       {}
func (ShutMedia) callEffect()       {}
func (DropMedia) callEffect()       {}
func (SendReject) callEffect()      {}
func (SendBye) callEffect()         {}
func (Finish) callEffect()          {}
func (CloseMedia) callEffect()      {}
func (Refuse) callEffect()          {}
