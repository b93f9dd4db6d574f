package call

import "callbox/signaling/cause"

// Step returns the next state and the effects to carry out, in order. An event
// that does not fit the state changes nothing, because networks repeat, reorder
// and come late.
func Step(s State, ev Event) (State, []Effect) {
	if gen, ok := generation(ev); ok && gen != s.Generation {
		return s, nil
	}
	switch e := ev.(type) {
	case Offered:
		return s.offered(e)
	case Answered:
		if s.Phase == Ringing {
			return s.answered()
		}
	case Declined:
		if s.Phase == Ringing {
			return s.reject(cause.End{Cause: cause.Rejected}, ByDevice)
		}
	case LocalHangUp:
		return s.hungUp(e.Origin)
	case PeerCancelled:
		return s.cancelled(e.Cause)
	case PeerBye:
		return s.bye(e.End)
	case PeerSilent:
		return s.silent()
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
		if s.Phase.Active() && s.Room.Phone == e.Phone {
			return s.breakOff(cause.Revoked)
		}
	case Shutdown:
		if s.Phase.Active() {
			return s.breakOff(cause.Shutdown)
		}
	case Closed:
		if s.Phase == Ended {
			return State{Phase: Idle, Generation: s.Generation, Room: s.Room, End: s.End}, nil
		}
	}
	return s, nil
}

// offered begins a call, or turns the caller away. The room of this call or of
// the last one again is a duplicate: its first copy has been dealt with.
func (s State) offered(e Offered) (State, []Effect) {
	switch {
	case s.Generation > 0 && e.Room == s.Room:
		return s, nil
	case s.Phase.Active():
		return s, []Effect{Refuse{Room: e.Room, Cause: cause.Busy}}
	}
	s = State{Phase: Ringing, Generation: s.Generation + 1, Room: e.Room, Rules: e.Rules}
	effects := []Effect{BeginRecord{}}
	if e.Rules.Auto {
		next, more := s.answered()
		return next, append(effects, more...)
	}
	effects = append(effects, StartTimer{RingTimer, s.Rules.Ring}, Ring{})
	if s.Rules.Preconnect {
		s.Media = MediaOpening
		// The answer travels in ringing: that is sent when it exists.
		return s, append(effects, OpenMedia{})
	}
	return s, append(effects, SendRinging{})
}

// answered leaves Ringing. The phone hears of it with the SDP answer, so accept
// waits for that.
func (s State) answered() (State, []Effect) {
	var effects []Effect
	if !s.Rules.Auto {
		effects = append(effects, StopTimer{RingTimer})
	}
	s.Phase = Connecting
	effects = append(effects, StartTimer{ConnectTimer, s.Rules.Connect})
	switch s.Media {
	case MediaNone:
		s.Media = MediaOpening
		return s, append(effects, OpenMedia{})
	case MediaOpening:
		return s, effects
	case MediaReady:
	}
	next, more := s.accept()
	return next, append(effects, more...)
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
	case Idle, Talking, Reconnecting, Ended:
	}
	return s, nil
}

func (s State) mediaStarted() (State, []Effect) {
	if s.Phase != Connecting || !s.Accepted {
		return s, nil
	}
	s.Phase = Talking
	effects := []Effect{StopTimer{ConnectTimer}}
	if s.Rules.Limit.Set {
		effects = append(effects, StartTimer{LimitTimer, s.Rules.Limit.Duration})
	}
	return s, append(effects, SendStart{s.Rules.Limit}, Talk{})
}

func (s State) mediaLost() (State, []Effect) {
	if s.Phase != Talking {
		return s, nil
	}
	s.Phase = Reconnecting
	return s, []Effect{
		StartTimer{ReconnectTimer, s.Rules.Reconnect},
		SendNeedRestart{},
		Reconnect{Back: false},
	}
}

func (s State) mediaBack() (State, []Effect) {
	if s.Phase != Reconnecting {
		return s, nil
	}
	s.Phase = Talking
	return s, []Effect{StopTimer{ReconnectTimer}, Reconnect{Back: true}}
}
