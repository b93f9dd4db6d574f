package call

import "callbox/signaling/cause"

// Step returns the next state and the effects to carry out, in order. An event
// that does not fit the state changes nothing, because networks repeat, reorder
// and come late.
func Step(s State, ev Event) (State, []Effect) {
	if !s.fits(ev) {
		return s, nil
	}
	switch e := ev.(type) {
	case Offered:
		return s.offered(e)
	case Dial:
		return s.dial(e)
	case RingReached:
		return s.ringReached(e.Room)
	case RingDeclined:
		by := ByPhone
		if e.Cause == cause.Timeout { // nobody has declined: the time that the device gives is over
			by = ByDevice
		}
		return s.ringLost(e.Room, cause.End{Cause: e.Cause}, by, nil)
	case Answered:
		if s.Phase == Ringing {
			return s.answered()
		}
	case Announced:
		return s.announced(e.Heard)
	case Declined:
		if s.Phase == Ringing {
			return s.reject(cause.End{Cause: cause.Rejected}, ByDevice)
		}
	case LocalHangUp:
		return s.hungUp(e.Origin)
	case PeerCancelled:
		return s.cancelled(e.Room, e.Cause)
	case PeerBye:
		return s.bye(e.Room, e.End)
	case PeerSilent:
		return s.silent(e.Room)
	case MediaAnswered:
		return s.mediaAnswered()
	case MediaStarted:
		return s.mediaStarted()
	case MediaLost:
		return s.mediaLost()
	case MediaBack:
		return s.mediaBack()
	case MediaFailed:
		return s.mediaFailed(e.Cause)
	case MediaDeadline:
		return s.limitReached()
	case TimerFired:
		return s.timerFired(e.Timer)
	case Revoked:
		return s.revoked(e.Phone)
	case Shutdown:
		if s.Phase.Active() {
			return s.breakOff(cause.Shutdown)
		}
	case Closed:
		if s.Phase == Ended {
			return State{Phase: Idle, Generation: s.Generation, Room: s.Room, Leg: s.Leg, End: s.End}, nil
		}
	}
	return s, nil
}

// offered begins a call, answers a ring, or turns the caller away. The room of
// this call or of the last one again is a duplicate: its first copy has been dealt
// with.
func (s State) offered(e Offered) (State, []Effect) {
	switch {
	case s.Generation > 0 && e.Room == s.Room && !(s.Phase == Dialing && e.Ring):
		return s, nil
	case s.Outgoing && (s.Phase == Dialing || s.Phase == Connecting):
		return s.offeredToCaller(e)
	case e.Ring: // of a call that has gone on without that phone
		return s, []Effect{CancelRing{e.Room, cause.AnsweredElsewhere}}
	case s.Phase.Active():
		return s, []Effect{Refuse{Room: e.Room, Cause: cause.Busy}}
	}
	s = State{Phase: Ringing, Generation: s.Generation + 1, Room: e.Room, Rules: e.Rules}
	effects := []Effect{BeginRecord{}, StartTimer{RingTimer, s.Rules.Ring}, Ring{}}
	if s.Rules.Auto {
		s.Announcing = true
		effects = append(effects, Announce{})
	}
	if s.Rules.Preconnect {
		// The answer travels in ringing: that is sent when it exists.
		next, open := s.openMedia()
		return next, append(effects, open...)
	}
	return s, append(effects, SendRinging{})
}

// openMedia asks for a session; it is the only place that does.
func (s State) openMedia() (State, []Effect) {
	s.Media = MediaOpening
	s.Leg++
	return s, []Effect{OpenMedia{}}
}

// announced answers by itself once people near the device could have heard so.
func (s State) announced(heard bool) (State, []Effect) {
	if s.Phase != Ringing || !s.Announcing {
		return s, nil
	}
	s.Announcing = false
	if !heard {
		return s, nil
	}
	return s.answered()
}

// answered leaves Ringing. The phone hears of it with the SDP answer, so accept
// waits for that.
func (s State) answered() (State, []Effect) {
	effects := []Effect{StopTimer{RingTimer}}
	if s.Announcing {
		s.Announcing = false
		effects = append(effects, StopAnnouncing{})
	}
	next, more := s.connect()
	return next, append(effects, more...)
}

// connect begins Connecting with the phone of Room, whose offer is there.
func (s State) connect() (State, []Effect) {
	s.Phase = Connecting
	effects := []Effect{StartTimer{ConnectTimer, s.Rules.Connect}}
	var more []Effect
	switch s.Media {
	case MediaNone:
		s, more = s.openMedia()
	case MediaOpening:
	case MediaReady:
		s, more = s.accept()
	}
	return s, append(effects, more...)
}

func (s State) accept() (State, []Effect) {
	s.Accepted = true
	return s, []Effect{SendAccept{s.Rules.Limit}, AcceptMedia{s.Rules.Limit}}
}

func (s State) mediaAnswered() (State, []Effect) {
	if s.Media != MediaOpening {
		return s, nil
	}
	switch s.Phase {
	case Ringing:
		s.Media = MediaReady
		return s, []Effect{SendRinging{WithSDP: true}}
	case Connecting:
		s.Media = MediaReady
		return s.accept()
	case Idle, Dialing, Talking, Reconnecting, Ended:
	}
	return s, nil
}
