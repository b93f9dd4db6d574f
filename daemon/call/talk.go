package call

import (
	"time"

	"callbox/signaling/cause"
)

// mediaStarted begins the talk. Phones that are still being rung have lost.
func (s State) mediaStarted() (State, []Effect) {
	if s.Phase != Connecting || !s.Accepted {
		return s, nil
	}
	s, effects := s.loseOthers(cause.End{Cause: cause.AnsweredElsewhere})
	s.Phase = Talking
	effects = append([]Effect{s.Timers.stop(ConnectTimer)}, effects...)
	if s.Rules.Limit.Set {
		effects = append(effects, s.Timers.start(LimitTimer, s.Rules.Limit.Duration))
	}
	effects = append(effects, SendStart{s.Rules.Limit}, Talk{}, s.Timers.start(TickTimer, time.Second))
	s, more := s.nextWarning()
	return s, append(effects, more...)
}

// nextWarning starts the timer of the next warning that the limit leaves room for.
func (s State) nextWarning() (State, []Effect) {
	limit := s.Rules.Limit
	for limit.Set && s.Warned < MaxWarnings && s.Rules.Warnings[s.Warned] > 0 {
		if before := s.Rules.Warnings[s.Warned]; before < limit.Duration {
			return s, []Effect{s.Timers.start(WarningTimer, limit.Duration-before)}
		}
		s.Warned++ // the whole talk is shorter than that
	}
	return s, nil
}

func (s State) warn() (State, []Effect) {
	if !s.inTalk() || !s.Rules.Limit.Set || s.Warned >= MaxWarnings || s.Rules.Warnings[s.Warned] == 0 {
		return s, nil
	}
	left := s.Rules.Warnings[s.Warned]
	s.Warned++
	s.Timers.Warning = 0
	s, more := s.nextWarning()
	return s, append([]Effect{Warn{left}}, more...)
}

func (s State) tick() (State, []Effect) {
	if !s.inTalk() {
		return s, nil
	}
	return s, []Effect{Tick{}, s.Timers.start(TickTimer, time.Second)}
}

// inTalk reports whether the talk has begun and is not over: the limit runs.
func (s State) inTalk() bool { return s.Phase == Talking || s.Phase == Reconnecting }

func (s State) mediaLost() (State, []Effect) {
	if s.Phase != Talking {
		return s, nil
	}
	s.Phase = Reconnecting
	return s, []Effect{
		s.Timers.start(ReconnectTimer, s.Rules.Reconnect),
		SendNeedRestart{},
		Reconnect{Back: false},
	}
}

func (s State) mediaBack() (State, []Effect) {
	if s.Phase != Reconnecting {
		return s, nil
	}
	s.Phase = Talking
	return s, []Effect{s.Timers.stop(ReconnectTimer), Reconnect{Back: true}}
}

func (s State) limitReached() (State, []Effect) {
	if s.Rules.Limit.Set && s.inTalk() {
		return s.hangUp(cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}, ByDevice)
	}
	return s, nil
}
