package daemon

import (
	"errors"
	"time"

	"callbox/daemon/call"
)

// recordWait bounds how long the beginning of a call waits for its record: a disk that
// is stuck must not keep people from the door. A worn card needs some 100 ms.
const recordWait = time.Second

// errSlowDisk means that a record was not written in recordWait.
var errSlowDisk = errors.New("the disk has not answered in time")

// beginning is a call whose record is being written: nobody has heard or seen anything
// of it yet.
type beginning struct {
	event call.Event // with which it will begin
	call  *current
	stop  func() bool // of the timer that waits no longer
}

// recorded says that the record of a call that begins is on the disk, or that it was
// waited for long enough.
type recorded struct {
	gen uint64
	err error
}

// begins reports whether these are the effects of a call's first event.
func begins(effects []call.Effect) bool {
	if len(effects) == 0 {
		return false
	}
	_, ok := effects[0].(call.BeginRecord)
	return ok
}

// begin writes the record of the call that ev begins, so that whatever happens then a
// call that anybody has noticed leaves one. What comes meanwhile waits, in its order:
// the machine does not know of this call yet.
func (l *loop) begin(next call.State, ev call.Event) {
	c := l.newCurrent(next)
	b := &beginning{event: ev, call: c}
	b.stop = l.clock.AfterFunc(recordWait, func() { l.box.put(recorded{c.gen, errSlowDisk}) })
	l.beginning = b
	l.records.begin(c.record, func() { l.box.put(recorded{gen: c.gen}) })
}

// recorded lets the call begin, and then everything that has come meanwhile.
func (l *loop) recorded(it recorded) {
	b := l.beginning
	if b == nil || b.call.gen != it.gen {
		return
	}
	b.stop()
	if it.err != nil {
		b.call.log.Warn().Err(it.err).Msg("the call begins without its record")
	}
	l.step(b.event)
	l.beginning = nil
	waiting := l.waiting
	l.waiting = nil
	for _, item := range waiting {
		l.handle(item)
	}
}
