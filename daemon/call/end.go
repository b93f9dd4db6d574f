package call

import "callbox/signaling/cause"

// hungUp ends the call from the device's side. Before it was answered that is
// declining it, or giving up.
func (s State) hungUp(origin cause.Origin) (State, []Effect) {
	switch s.Phase {
	case Ringing:
		return s.reject(cause.End{Cause: cause.Rejected}, ByDevice)
	case Dialing, Connecting, Talking, Reconnecting:
		return s.hangUp(cause.End{Cause: cause.Hangup, Origin: origin}, ByDevice)
	case Idle, Ended:
	}
	return s, nil
}

// cancelled ends the call because the phone gave up. A cancel that crossed our
// accept counts as a hang-up.
func (s State) cancelled(room Room, c cause.Cause) (State, []Effect) {
	if room != s.Room || s.Phase == Dialing {
		return s.ringLost(room, cause.End{Cause: cause.Rejected}, ByPhone, nil)
	}
	switch s.Phase {
	case Ringing:
		end := cause.End{Cause: cause.Cancelled}
		if c == cause.BadRequest || c == cause.Timeout { // the phone found a breach, or its own timer ran out
			end.Cause = c
		}
		return s.end(end, ByPhone, nil)
	case Connecting:
		if c == cause.JoinFailed || c == cause.BadRequest { // it cannot connect; another phone may
			return s.legFailed(cause.End{Cause: c}, ByPhone, nil)
		}
		return s.end(cause.End{Cause: cause.Hangup, Origin: cause.Other}, ByPhone, nil)
	case Talking, Reconnecting:
		return s.end(cause.End{Cause: cause.Hangup, Origin: cause.Other}, ByPhone, nil)
	case Idle, Dialing, Ended:
	}
	return s, nil
}

// bye ends the call because the phone says so; it is never answered by another
// bye. The limit is the device's to declare: a phone that claims it is not
// believed.
func (s State) bye(room Room, end cause.End) (State, []Effect) {
	if room != s.Room || s.Phase == Dialing {
		return s.ringLost(room, cause.End{Cause: cause.Rejected}, ByPhone, nil)
	}
	switch s.Phase {
	case Ringing: // only cancel fits here; take it as that
		return s.end(cause.End{Cause: cause.Cancelled}, ByPhone, nil)
	case Connecting:
		if end = believable(end); end.Cause != cause.Hangup { // it cannot connect; another phone may
			return s.legFailed(end, ByPhone, nil)
		}
		return s.end(end, ByPhone, nil)
	case Talking, Reconnecting:
		return s.end(believable(end), ByPhone, nil)
	case Idle, Dialing, Ended:
	}
	return s, nil
}

// believable returns what the phone may say about the end of an answered call.
func believable(end cause.End) cause.End {
	switch end.Cause {
	case cause.Hangup:
		origin := end.Origin
		if !origin.Valid() || origin == cause.TimeLimit {
			origin = cause.Other
		}
		return cause.End{Cause: cause.Hangup, Origin: origin}
	case cause.JoinFailed, cause.BadRequest:
		return cause.End{Cause: end.Cause}
	case cause.Aborted:
		detail := end.Detail
		if !detail.Valid() {
			detail = ""
		}
		return cause.End{Cause: cause.Aborted, Detail: detail}
	case cause.Cancelled, cause.AnsweredElsewhere, cause.Rejected, cause.DND, cause.Forbidden,
		cause.Unsupported, cause.NeedNonce, cause.Busy, cause.Timeout:
	}
	return cause.End{Cause: cause.Hangup, Origin: cause.Other}
}

// silent ends a call whose phone vanished before the talk. In a talk signaling
// may be lost: media decides.
func (s State) silent(room Room) (State, []Effect) {
	end := cause.End{Cause: cause.Aborted, Detail: cause.Unreachable}
	if room != s.Room || s.Phase == Dialing {
		return s.ringLost(room, end, ByDevice, CancelRing{room, cause.Aborted})
	}
	switch s.Phase {
	case Ringing:
		return s.reject(end, ByDevice)
	case Connecting:
		return s.legFailed(end, ByDevice, s.tell(end))
	case Idle, Dialing, Talking, Reconnecting, Ended:
	}
	return s, nil
}

func (s State) mediaFailed(c cause.Cause) (State, []Effect) {
	if c != cause.BadRequest {
		c = cause.JoinFailed
	}
	switch s.Phase {
	case Ringing:
		return s.reject(cause.End{Cause: c}, ByDevice)
	case Connecting:
		return s.legFailed(cause.End{Cause: c}, ByDevice, s.tell(cause.End{Cause: c}))
	case Talking, Reconnecting:
		return s.hangUp(cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}, ByDevice)
	case Idle, Dialing, Ended:
	}
	return s, nil
}

// timerFired does what the timers are for. Each fits one phase, but for those of
// the talk, which go on while media is lost, and the ring timer of phones that
// ring on while another connects.
func (s State) timerFired(t Timer) (State, []Effect) {
	switch t {
	case RingTimer:
		if s.Phase == Ringing {
			return s.reject(cause.End{Cause: cause.Timeout}, ByDevice)
		}
		return s.ringsTimedOut()
	case ConnectTimer:
		if s.Phase == Connecting {
			end := cause.End{Cause: cause.JoinFailed}
			return s.legFailed(end, ByDevice, s.tell(end))
		}
	case ReconnectTimer:
		if s.Phase == Reconnecting {
			return s.hangUp(cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}, ByDevice)
		}
	case LimitTimer:
		return s.limitReached()
	case WarningTimer:
		return s.warn()
	case TickTimer:
		return s.tick()
	}
	return s, nil
}

// revoked ends what a phone has with the device.
func (s State) revoked(phone string) (State, []Effect) {
	end := cause.End{Cause: cause.Aborted, Detail: cause.Revoked}
	if s.Outgoing && (s.Phase == Dialing || s.Phase == Connecting) {
		for i, r := range s.Rings.List {
			if r.Room.Phone != phone {
				continue
			}
			switch r.State {
			case RingWaiting:
				return s.lose(i, end, nil)
			case RingJoined:
				return s.legFailed(end, ByDevice, s.tell(end))
			case RingOut, RingAlerting, RingAnswered:
				return s.ringLost(r.Room, end, ByDevice, CancelRing{r.Room, cause.Aborted})
			case RingNone, RingLost:
			}
		}
		return s, nil
	}
	if s.Phase.Active() && s.Room.Phone == phone {
		return s.breakOff(cause.Revoked)
	}
	return s, nil
}

func (s State) breakOff(detail cause.Detail) (State, []Effect) {
	end := cause.End{Cause: cause.Aborted, Detail: detail}
	if s.Phase == Ringing {
		return s.reject(end, ByDevice)
	}
	return s.hangUp(end, ByDevice)
}

// reject ends a call that was not answered.
func (s State) reject(end cause.End, by By) (State, []Effect) {
	return s.end(end, by, SendReject{Cause: end.Cause})
}

// hangUp ends a call from the device's side. A phone that has not been sent its
// accept still waits: an incoming call is declined, an outgoing one given up.
func (s State) hangUp(end cause.End, by By) (State, []Effect) {
	if !s.Accepted && end.Cause == cause.Hangup {
		end = cause.End{Cause: cause.Rejected}
		if s.Outgoing {
			end = cause.End{Cause: cause.Cancelled}
		}
	}
	return s.end(end, by, s.tell(end))
}

// tell is what the phone of Room is told of an end that it does not know of; nil
// while the call is with nobody yet: those are told by loseOthers.
func (s State) tell(end cause.End) Effect {
	switch {
	case s.Accepted:
		return SendBye{End: end}
	case !s.Outgoing:
		return SendReject{Cause: end.Cause}
	case s.Phase == Connecting:
		return CancelRing{s.Room, end.Cause}
	}
	return nil
}

// end is the one way into Ended. Media stops before the phone is told (the rule
// for bye); nil tells it nothing.
func (s State) end(end cause.End, by By, tell Effect) (State, []Effect) {
	stop := s.Timers.stopAll()
	lost := end
	if end.Cause == cause.Hangup { // somebody had answered
		lost = cause.End{Cause: cause.AnsweredElsewhere}
	}
	s, others := s.loseOthers(lost)
	effects := []Effect{stop}
	if s.Announcing {
		s.Announcing = false
		effects = append(effects, StopAnnouncing{})
	}
	if s.Media != MediaNone {
		effects = append(effects, ShutMedia{})
	}
	if tell != nil {
		effects = append(effects, tell)
	}
	effects = append(effects, others...)
	effects = append(effects, Finish{End: end, By: by}, CloseMedia{})
	s.Phase, s.End = Ended, end
	return s, effects
}
