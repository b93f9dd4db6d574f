package daemon

import (
	"time"

	"callbox/daemon/call"
)

// settling is how long after the beginning of a talk, or of the quiet between two calls,
// memory is given back: what either needs to begin is over by then.
const settling = 3 * time.Second

// settle has memory given back after settling, unless the phase changes before. A call that
// rings or connects is not disturbed.
func (l *loop) settle() {
	if l.trim == nil {
		return
	}
	if l.trimStop != nil {
		l.trimStop()
		l.trimStop = nil
	}
	if p := l.state.Phase; p != call.Idle && p != call.Talking {
		return
	}
	l.trimStop = l.clock.AfterFunc(settling, func() {
		if err := l.trim(); err != nil {
			l.log.Debug().Err(err).Msg("memory that a beginning needed stays")
		}
	})
}
