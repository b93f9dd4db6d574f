package call

import "callbox/signaling/cause"

// hungUp ends the call from the device's side. Before it was answered that is
// declining it.
func (s State) hungUp(origin cause.Origin) (State, []Effect) {
	switch s.Phase {
	case Ringing:
		return s.reject(cause.End{Cause: cause.Rejected}, ByDevice)
	case Connecting, Talking, Reconnecting:
		return s.hangUp(cause.End{Cause: cause.Hangup, Origin: origin}, ByDevice)
	case Idle, Ended:
	}
	return s, nil
}

// cancelled ends the call because the caller gave up. A cancel that crossed our
// accept counts as a hang-up.
func (s State) cancelled(c cause.Cause) (State, []Effect) {
	switch s.Phase {
	case Ringing:
		end := cause.End{Cause: cause.Cancelled}
		if c == cause.BadRequest || c == cause.Timeout { // the phone found a breach, or its own timer ran out
			end.Cause = c
		}
		return s.end(end, ByPhone, nil)
	case Connecting, Talking, Reconnecting:
		return s.end(cause.End{Cause: cause.Hangup, Origin: cause.Other}, ByPhone, nil)
	case Idle, Ended:
	}
	return s, nil
}

// bye ends the call because the phone says so; it is never answered by another
// bye. The limit is the device's to declare: a phone that claims it is not
// believed.
func (s State) bye(end cause.End) (State, []Effect) {
	switch s.Phase {
	case Ringing: // only cancel fits here; take it as that
		return s.end(cause.End{Cause: cause.Cancelled}, ByPhone, nil)
	case Connecting, Talking, Reconnecting:
		return s.end(believable(end), ByPhone, nil)
	case Idle, Ended:
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
func (s State) silent() (State, []Effect) {
	switch s.Phase {
	case Ringing:
		return s.reject(cause.End{Cause: cause.Aborted, Detail: cause.Unreachable}, ByDevice)
	case Connecting:
		return s.hangUp(cause.End{Cause: cause.Aborted, Detail: cause.Unreachable}, ByDevice)
	case Idle, Talking, Reconnecting, Ended:
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
		return s.hangUp(cause.End{Cause: c}, ByDevice)
	case Talking, Reconnecting:
		return s.hangUp(cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}, ByDevice)
	case Idle, Ended:
	}
	return s, nil
}

// timerFired ends what the timer limits. Each timer fits one phase, but for the
// limit, which goes on while media is lost.
func (s State) timerFired(t Timer) (State, []Effect) {
	switch {
	case t == RingTimer && s.Phase == Ringing:
		return s.reject(cause.End{Cause: cause.Timeout}, ByDevice)
	case t == ConnectTimer && s.Phase == Connecting:
		return s.hangUp(cause.End{Cause: cause.JoinFailed}, ByDevice)
	case t == ReconnectTimer && s.Phase == Reconnecting:
		return s.hangUp(cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}, ByDevice)
	case t == LimitTimer:
		return s.limitReached()
	}
	return s, nil
}

func (s State) limitReached() (State, []Effect) {
	if s.Rules.Limit.Set && (s.Phase == Talking || s.Phase == Reconnecting) {
		return s.hangUp(cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}, ByDevice)
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

// hangUp ends a call that was answered. A phone that has not been sent its
// accept yet still waits for one: it is told no instead.
func (s State) hangUp(end cause.End, by By) (State, []Effect) {
	if !s.Accepted {
		if end.Cause == cause.Hangup {
			end = cause.End{Cause: cause.Rejected}
		}
		return s.reject(end, by)
	}
	return s.end(end, by, SendBye{End: end})
}

// end is the one way into Ended. Media stops before the phone is told (the rule
// for bye); nil tells it nothing.
func (s State) end(end cause.End, by By, tell Effect) (State, []Effect) {
	var effects []Effect
	switch s.Phase {
	case Ringing:
		effects = append(effects, StopTimer{RingTimer})
	case Connecting:
		effects = append(effects, StopTimer{ConnectTimer})
	case Reconnecting:
		effects = append(effects, StopTimer{ReconnectTimer})
	case Idle, Talking, Ended:
	}
	if s.Rules.Limit.Set && (s.Phase == Talking || s.Phase == Reconnecting) {
		effects = append(effects, StopTimer{LimitTimer})
	}
	if s.Media != MediaNone {
		effects = append(effects, ShutMedia{})
	}
	if tell != nil {
		effects = append(effects, tell)
	}
	effects = append(effects, Finish{End: end, By: by}, CloseMedia{})
	s.Phase, s.End = Ended, end
	return s, effects
}
