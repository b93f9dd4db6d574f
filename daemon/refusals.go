package daemon

import (
	"errors"
	"maps"
	"time"

	"callbox/daemon/store"
	"callbox/signaling/cause"
)

// refusalPause is how soon after the last one a refusal counts as its repetition: a
// phone whose person tries on must not wash other calls out of the records.
const refusalPause = time.Minute

// refusal is what refused calls have in common that share a record.
type refusal struct {
	phone string
	cause cause.Cause
}

// refusals are those in a row that share a record.
type refusals struct {
	id   uint64
	last time.Time
}

// again reports whether a refusal at now repeats them. Times of the running process
// have a monotonic reading, so that no clock that is set makes two of one.
func (r refusals) again(now time.Time) bool {
	passed := now.Sub(r.last)
	return passed >= 0 && passed < refusalPause
}

// folds reports whether refusals by this cause share a record. A caller who is told
// busy was allowed to call: that is a call of its own, and attempts an hour bound
// how many there can be.
func folds(c cause.Cause) bool { return c == cause.DND || c == cause.Forbidden }

// refused writes down a call that never rang, or counts it in the record of the last
// one of this phone that was refused by the same cause.
func (j *journal) refused(r store.Record) {
	j.put(func() {
		maps.DeleteFunc(j.refusals, func(_ refusal, old refusals) bool { return !old.again(r.Ended) })
		key := refusal{r.Peer, r.Cause}
		if old, ok := j.refusals[key]; ok && folds(r.Cause) {
			err := j.store.RefuseAgain(old.id, r.Ended)
			if !errors.Is(err, store.ErrNoRecord) { // records age, or make room
				j.refusals[key] = refusals{old.id, r.Ended}
				j.keep(err, r.RoomID)
				return
			}
		}
		id, err := j.store.Refuse(r)
		j.refusals[key] = refusals{id, r.Ended}
		j.keep(err, r.RoomID)
	})
}
