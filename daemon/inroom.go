package daemon

import (
	"sync/atomic"

	"github.com/rs/zerolog"
)

// inRoom is the room of the running call, for the logs of parts that know of no calls:
// the control API, the buttons, the light. The zero value is none.
type inRoom struct{ id atomic.Pointer[string] }

// set says which room the running call is in; "" when there is none.
func (r *inRoom) set(id string) {
	if now := r.id.Load(); now == nil || *now != id {
		r.id.Store(&id)
	}
}

// Run adds the room to a line that is written in a call.
func (r *inRoom) Run(e *zerolog.Event, _ zerolog.Level, _ string) {
	if id := r.id.Load(); id != nil && *id != "" {
		e.Str("room_id", *id)
	}
}

// log is base, whose lines name the room that they are written in. It is not for the
// loggers of calls, which do so already.
func (r *inRoom) log(base zerolog.Logger) zerolog.Logger { return base.Hook(r) }
