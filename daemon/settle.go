package daemon

import (
	"time"

	"callbox/daemon/call"
)

// How long after the beginning of the quiet between two calls, or of a talk, memory is
// given back: what either needs to begin is over by then. A talk first finds its rate.
const (
	settling     = 2 * time.Second
	settlingTalk = 5 * time.Second
)

// settle has memory given back then, unless the phase changes before. A call that rings or
// connects is not disturbed.
func (l *loop) settle() {
	if l.trim == nil {
		return
	}
	if l.trimStop != nil {
		l.trimStop()
		l.trimStop = nil
	}
	after := settling
	switch l.state.Phase {
	case call.Idle:
	case call.Talking:
		after = settlingTalk
	case call.Ringing, call.Dialing, call.Connecting, call.Reconnecting, call.Ended:
		return
	}
	l.trimStop = l.clock.AfterFunc(after, func() {
		if err := l.trim(); err != nil {
			l.log.Debug().Err(err).Msg("memory that a beginning needed stays")
		}
	})
}
