package phonepeer

import (
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// phase is how far a call has come.
type phase int

const (
	inviting     phase = iota // the invite is out
	alerting                  // the device calls: this phone rings
	offering                  // the offer is being made or on its way
	ringing                   // a person at the device is being called
	connecting                // accepted
	talking                   // the device has said start
	reconnecting              // media is lost
	leaving                   // this side has ended it and gives the device a moment to say otherwise
	ended
)

// String is for the log.
func (p phase) String() string {
	return [...]string{"inviting", "alerting", "offering", "ringing", "connecting", "talking", "reconnecting", "leaving", "ended"}[p]
}

// state is one call. The zero value is not one: see begin.
type state struct {
	phase    phase
	callee   bool // the device called
	asked    message.Limit
	joined   bool                // the device has challenged: the call exists
	servers  []message.ICEServer // that the device brought last
	earlySDP string              // the answer that came in ringing
	accepted bool
	limit    message.Limit
	started  bool
	startAt  time.Duration
	epoch    uint64 // of the device, as its challenge says
	// generation is that of the newest offer: 0 is the first.
	generation int
	restartAt  time.Duration // of the newest restart
	unanswered bool          // it waits for its answer
	end        cause.End
	byDevice   bool
	talk       time.Duration // set when the call is left or over
}

// timerName names one of a call's timers.
type timerName int

const (
	timerAnswer timerName = iota
	timerRing
	timerConnect
	timerReconnect
	timerRestart
	timerLeave
	timerCount
)

// event is what happens to a call.
//
//sumtype:decl
type event interface{ stepEvent() }

type (
	evChallenge struct {
		epoch       uint64
		servers     []message.ICEServer
		ringTimeout time.Duration // 0: not said
	}
	evPickUp     struct{} // a person takes the device's call
	evDecline    struct{ why cause.Cause }
	evOffer      struct{ sdp string } // ours is made
	evMediaFails struct{}             // ours cannot be made, or the answer not be used
	evRinging    struct {
		sdp     string
		timeout time.Duration
	}
	evAccept struct {
		sdp   string
		limit message.Limit
	}
	evStart       struct{ limit message.Limit }
	evReject      struct{ why cause.Cause }
	evCancel      struct{ why cause.Cause }
	evBye         struct{ end cause.End }
	evNeedRestart struct {
		generation int
		servers    []message.ICEServer // fresh ones; none: those that it has
	}
	evRestarted struct {
		generation int
		sdp        string
	}
	evEpoch      struct{ epoch uint64 } // of the device, as its hello says
	evUnanswered struct{ kind message.Type }
	evLeaveAcked struct{}
	evBreach     struct{} // the device broke the protocol in a verified message
	evLost       struct{}
	evFlowing    struct{}
	evLinkUp     struct{}
	evRestart    struct{} // asked for here
	evHangUp     struct{ origin cause.Origin }
	evUnload     struct{ end cause.End } // the phone is being closed
	evTimer      struct{ name timerName }
)

func (evChallenge) stepEvent()   {}
func (evPickUp) stepEvent()      {}
func (evDecline) stepEvent()     {}
func (evOffer) stepEvent()       {}
func (evMediaFails) stepEvent()  {}
func (evRinging) stepEvent()     {}
func (evAccept) stepEvent()      {}
func (evStart) stepEvent()       {}
func (evReject) stepEvent()      {}
func (evCancel) stepEvent()      {}
func (evBye) stepEvent()         {}
func (evNeedRestart) stepEvent() {}
func (evRestarted) stepEvent()   {}
func (evEpoch) stepEvent()       {}
func (evUnanswered) stepEvent()  {}
func (evLeaveAcked) stepEvent()  {}
func (evBreach) stepEvent()      {}
func (evLost) stepEvent()        {}
func (evFlowing) stepEvent()     {}
func (evLinkUp) stepEvent()      {}
func (evRestart) stepEvent()     {}
func (evHangUp) stepEvent()      {}
func (evUnload) stepEvent()      {}
func (evTimer) stepEvent()       {}

// effect is what is to be done about it.
//
//sumtype:decl
type effect interface{ stepEffect() }

type (
	doInvite    struct{}
	doMakeOffer struct{ servers []message.ICEServer }
	doSendOffer struct{ sdp string }
	doAnswer    struct{ sdp string } // take the device's answer
	doOpenMedia struct{}
	doSilence   struct{} // send no media any more
	doRestart   struct {
		generation int
		servers    []message.ICEServer
	}
	doLeave struct {
		kind message.Type // cancel, reject or bye
		end  cause.End
		once bool // the phone is being closed: nobody waits for the ack
	}
	doTimer struct {
		name timerName
		d    time.Duration
	}
	doClear  struct{ name timerName }
	doJoined struct{}
	doTell   struct{ ev Event }
	doEnd    struct{} // the last of a call: state says why
)

func (doInvite) stepEffect()    {}
func (doMakeOffer) stepEffect() {}
func (doSendOffer) stepEffect() {}
func (doAnswer) stepEffect()    {}
func (doOpenMedia) stepEffect() {}
func (doSilence) stepEffect()   {}
func (doRestart) stepEffect()   {}
func (doLeave) stepEffect()     {}
func (doTimer) stepEffect()     {}
func (doClear) stepEffect()     {}
func (doJoined) stepEffect()    {}
func (doTell) stepEffect()      {}
func (doEnd) stepEffect()       {}
