package phonepeer

import (
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// begin is a new call and its first effects. A call of the device is rejected when
// the phone is busy.
func begin(callee bool, asked message.Limit, busy bool) (state, []effect) {
	if busy {
		end := cause.End{Cause: cause.Busy}
		return state{callee: callee, asked: asked, phase: leaving, end: end},
			[]effect{doLeave{kind: message.TypeReject, end: end}, doTimer{timerLeave, leaveTime}}
	}
	return state{callee: callee, asked: asked}, []effect{doInvite{}, doTimer{timerAnswer, answerTimeout}}
}

// early reports whether ev comes too early for s and must be kept until s changes.
func early(s state, ev event) bool {
	switch ev.(type) {
	case evStart, evNeedRestart, evRestarted:
		return s.phase < connecting
	case evRinging, evAccept:
		return s.phase < offering
	default:
		return false
	}
}

// step returns the next state and the effects to carry out, in order. An event
// that means nothing in a state changes nothing, because networks repeat and
// reorder.
func step(s state, ev event, now time.Duration) (state, []effect) {
	switch s.phase {
	case ended:
		return s, nil
	case leaving:
		return stepLeaving(s, ev)
	default:
	}
	switch ev := ev.(type) {
	case evChallenge:
		return challenged(s, ev)
	case evPickUp:
		if s.phase != alerting {
			return s, nil
		}
		s.phase = offering
		return s, []effect{doTimer{timerAnswer, answerTimeout + slack}, doMakeOffer{s.servers}}
	case evDecline:
		if !s.callee || s.phase > alerting {
			return s, nil
		}
		return leave(s, cause.End{Cause: ev.why}, now)
	case evOffer:
		if s.phase != offering {
			return s, nil
		}
		effects := []effect{doSendOffer(ev), doClear{timerAnswer}}
		if !s.callee { // a callee's ring timer runs already
			effects = append(effects, doTimer{timerRing, ringTimeout})
		}
		return s, effects
	case evRinging:
		return rings(s, ev)
	case evAccept:
		return accepts(s, ev, now)
	case evStart:
		return starts(s, ev, now)
	case evReject:
		if s.accepted {
			return s, nil
		}
		return finish(s, cause.End{Cause: ev.why}, true, now)
	case evCancel:
		if !s.callee { // a device cancels only calls that it made itself
			return s, nil
		}
		if s.accepted { // it crossed the accept
			return finish(s, cause.End{Cause: cause.Hangup}, true, now)
		}
		return finish(s, cause.End{Cause: ev.why}, true, now)
	case evBye:
		return finish(s, ev.end, true, now)
	case evEpoch:
		if !s.joined || ev.epoch <= s.epoch {
			return s, nil
		}
		return finish(s, aborted(cause.Restarted), true, now)
	case evUnanswered:
		return unanswered(s, ev, now)
	case evMediaFails:
		return leave(s, cause.End{Cause: cause.JoinFailed}, now)
	case evBreach:
		return breach(s, now)
	case evHangUp:
		return leave(s, giveUp(s, ev.origin), now)
	case evUnload:
		return unload(s, ev, now)
	case evTimer:
		return stepTimer(s, ev.name, now)
	case evLost, evFlowing, evLinkUp, evRestart, evNeedRestart, evRestarted:
		return stepMedia(s, ev, now)
	case evLeaveAcked:
	}
	return s, nil
}

// stepMedia follows the way to the device.
func stepMedia(s state, ev event, now time.Duration) (state, []effect) {
	if s.phase != talking && s.phase != reconnecting {
		return s, nil
	}
	switch ev := ev.(type) {
	case evLost:
		if s.phase == reconnecting {
			return restart(s, now)
		}
		s.phase = reconnecting
		s, effects := restart(s, now)
		return s, append([]effect{doTell{Lost{}}, doTimer{timerReconnect, reconnectTime}}, effects...)
	case evFlowing:
		if s.phase != reconnecting {
			return s, nil
		}
		s.phase = talking
		return s, []effect{doClear{timerReconnect}, doClear{timerRestart}, doTell{Back{}}}
	case evLinkUp:
		if s.phase != reconnecting {
			return s, nil
		}
		return restart(s, now)
	case evRestart:
		return restart(s, now)
	case evNeedRestart:
		if ev.generation <= s.generation {
			return s, nil
		}
		if len(ev.servers) > 0 {
			s.servers = ev.servers
		}
		return restart(s, now)
	case evRestarted:
		if ev.generation != s.generation {
			return s, nil
		}
		s.unanswered = false
		return s, []effect{doAnswer{ev.sdp}}
	default:
		return s, nil
	}
}

func challenged(s state, ev evChallenge) (state, []effect) {
	if s.phase != inviting {
		return s, nil
	}
	s.joined, s.epoch, s.servers = true, ev.epoch, ev.servers
	if s.callee {
		s.phase = alerting
		ring := ringTimeout
		if ev.ringTimeout > 0 {
			ring = ev.ringTimeout + slack
		}
		return s, []effect{doClear{timerAnswer}, doTimer{timerRing, ring}, doJoined{}}
	}
	s.phase = offering
	return s, []effect{doJoined{}, doTimer{timerAnswer, answerTimeout + slack}, doMakeOffer{ev.servers}}
}

func rings(s state, ev evRinging) (state, []effect) {
	if s.phase != offering {
		return s, nil
	}
	s.phase, s.earlySDP = ringing, ev.sdp
	effects := []effect{doTimer{timerRing, ev.timeout + slack}, doTell{Ringing{Timeout: ev.timeout, Preconnect: ev.sdp != ""}}}
	if ev.sdp != "" {
		effects = append(effects, doAnswer{ev.sdp})
	}
	return s, effects
}

func accepts(s state, ev evAccept, now time.Duration) (state, []effect) {
	if s.phase != offering && s.phase != ringing {
		return s, nil
	}
	if !limitHolds(s, ev.limit) || s.earlySDP != "" && s.earlySDP != ev.sdp {
		return breach(s, now)
	}
	s.phase, s.accepted, s.limit = connecting, true, ev.limit
	effects := []effect{doClear{timerAnswer}, doClear{timerRing}, doTimer{timerConnect, connectTimeout}, doTell{Accepted{ev.limit}}}
	if s.earlySDP == "" {
		effects = append(effects, doAnswer{ev.sdp})
	}
	return s, append(effects, doOpenMedia{})
}

func starts(s state, ev evStart, now time.Duration) (state, []effect) {
	if s.phase != connecting {
		return s, nil
	}
	limit := ev.limit
	if !limit.Set {
		limit = s.limit
	}
	if !limitHolds(s, limit) {
		return breach(s, now)
	}
	s.phase, s.limit, s.started, s.startAt = talking, limit, true, now
	return s, []effect{doClear{timerConnect}, doTell{Started{limit}}}
}

func unanswered(s state, ev evUnanswered, now time.Duration) (state, []effect) {
	switch {
	case s.phase == inviting && ev.kind == message.TypeInvite:
		return finish(s, aborted(cause.Unreachable), false, now)
	case s.phase == offering && ev.kind == message.TypeOffer:
		return leave(s, aborted(cause.Unreachable), now)
	default:
		return s, nil
	}
}

func stepTimer(s state, name timerName, now time.Duration) (state, []effect) {
	switch {
	case name == timerAnswer && s.phase == inviting:
		return finish(s, aborted(cause.Unreachable), false, now)
	case name == timerAnswer && s.phase == offering:
		return leave(s, cause.End{Cause: cause.JoinFailed}, now)
	case name == timerRing && !s.accepted:
		return leave(s, cause.End{Cause: cause.Timeout}, now)
	case name == timerConnect && s.phase == connecting:
		return leave(s, cause.End{Cause: cause.JoinFailed}, now)
	case name == timerReconnect && s.phase == reconnecting:
		return leave(s, aborted(cause.MediaLost), now)
	case name == timerRestart && (s.phase == talking || s.phase == reconnecting):
		return restart(s, now)
	default:
		return s, nil
	}
}

// stepLeaving is after this side's own end: the device's word, when it comes at
// once, is the one that counts.
func stepLeaving(s state, ev event) (state, []effect) {
	switch ev := ev.(type) {
	case evBye:
		return conclude(s, ev.end, true)
	case evReject:
		return conclude(s, cause.End{Cause: ev.why}, true)
	case evCancel:
		if !s.callee {
			return s, nil
		}
		return conclude(s, cause.End{Cause: ev.why}, true)
	case evAccept: // it crossed our cancel, which now counts as a hang-up
		if s.end.Cause == cause.Cancelled {
			s.end = cause.End{Cause: cause.Hangup, Origin: cause.Manual}
		}
		return s, nil
	case evLeaveAcked, evUnload:
		return conclude(s, s.end, false)
	case evTimer:
		if ev.name == timerLeave {
			return conclude(s, s.end, false)
		}
		return s, nil
	default:
		return s, nil
	}
}

// giveUp is the end that a person's hang-up stands for in s.
func giveUp(s state, origin cause.Origin) cause.End {
	switch {
	case s.accepted:
		return cause.End{Cause: cause.Hangup, Origin: origin}
	case s.callee:
		return cause.End{Cause: cause.Rejected}
	default:
		return cause.End{Cause: cause.Cancelled}
	}
}

// farewell is the type that tells the device of an end of ours. Until its offer a
// caller's room holds nothing at the device, so there is nothing to tell; a device that
// rings is told at any time.
func farewell(s state) (kind message.Type, tell bool) {
	switch {
	case s.accepted:
		return message.TypeBye, true
	case s.callee:
		return message.TypeReject, true
	case s.phase == inviting:
		return "", false
	default:
		return message.TypeCancel, true
	}
}

// leave ends the call from this side: media stops first, then the device is told.
func leave(s state, end cause.End, now time.Duration) (state, []effect) {
	kind, tell := farewell(s)
	if !tell {
		return finish(s, end, false, now)
	}
	s.talk, s.end, s.phase = talked(s, now), end, leaving
	return s, append(clearAll(), doSilence{}, doLeave{kind: kind, end: end}, doTimer{timerLeave, leaveTime})
}

// unload ends it at once: the phone is being closed. An end without a cause is that
// of a phone that says nothing.
func unload(s state, ev evUnload, now time.Duration) (state, []effect) {
	kind, tell := farewell(s)
	quiet := ev.end.Cause == cause.Aborted
	end := ev.end
	if !quiet {
		end = giveUp(s, end.Origin)
	}
	s, effects := finish(s, end, false, now)
	if tell && !quiet {
		effects = append([]effect{doSilence{}, doLeave{kind: kind, end: end, once: true}}, effects...)
	}
	return s, effects
}

func breach(s state, now time.Duration) (state, []effect) {
	return leave(s, cause.End{Cause: cause.BadRequest}, now)
}

func finish(s state, end cause.End, byDevice bool, now time.Duration) (state, []effect) {
	s.talk = talked(s, now)
	s, effects := conclude(s, end, byDevice)
	return s, append(append(clearAll(), doSilence{}), effects...)
}

func conclude(s state, end cause.End, byDevice bool) (state, []effect) {
	s.phase, s.end, s.byDevice = ended, end, byDevice
	return s, []effect{doClear{timerLeave}, doEnd{}}
}

func talked(s state, now time.Duration) time.Duration {
	if !s.started {
		return 0
	}
	return now - s.startAt
}

// restart offers new ICE credentials, at most every restartRest: sooner, it waits. An
// offer that is not answered yet is enough: it goes on being sent, and pion takes no
// second one.
func restart(s state, now time.Duration) (state, []effect) {
	if s.unanswered {
		return s, nil
	}
	if wait := s.restartAt + restartRest - now; s.generation > 0 && wait > 0 {
		return s, []effect{doTimer{timerRestart, wait}}
	}
	s.generation++
	s.restartAt, s.unanswered = now, true
	return s, []effect{doRestart{s.generation, s.servers}}
}

// limitHolds reports whether an effective limit is at most the asked one.
func limitHolds(s state, limit message.Limit) bool {
	return !s.asked.Set || limit.Set && limit.Duration <= s.asked.Duration
}

func aborted(d cause.Detail) cause.End { return cause.End{Cause: cause.Aborted, Detail: d} }

func clearAll() []effect {
	var all []effect
	for name := range timerCount {
		all = append(all, doClear{name})
	}
	return all
}
