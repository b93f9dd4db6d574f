package store

import (
	"slices"
	"time"

	"callbox/signaling/cause"
)

// Query says which records are wanted. The zero value wants all.
type Query struct {
	Since   time.Time   // that started then or later; zero: any
	Until   time.Time   // that started earlier; zero: any
	Contact string      // of this name or key, as the peer or among the rings; "": of any
	Cause   cause.Cause // that ended so; "": any, running ones too
	// After wants the page that follows the record with this number, which need
	// not be kept any more: records with smaller numbers. 0: the first page.
	After uint64
	Limit int // the newest so many; <= 0: no bound
}

// Records returns the records that match, the newest first. It never waits for the
// disk.
func (s *Store) Records(q Query) []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Record
	for _, r := range slices.Backward(s.list) {
		if q.Limit > 0 && len(out) == q.Limit {
			break
		}
		if q.wants(r) {
			out = append(out, r.clone())
		}
	}
	return out
}

func (q Query) wants(r Record) bool {
	return (q.After == 0 || r.ID < q.After) &&
		(q.Since.IsZero() || !r.Started.Before(q.Since)) &&
		(q.Until.IsZero() || r.Started.Before(q.Until)) &&
		(q.Cause == "" || r.Cause == q.Cause) &&
		(q.Contact == "" || r.concerns(q.Contact))
}

func (r Record) concerns(nameOrJKT string) bool {
	is := func(peer, name string) bool {
		return peer == nameOrJKT || name != "" && sameName(name, nameOrJKT)
	}
	return is(r.Peer, r.Contact) || slices.ContainsFunc(r.Rings, func(ring Ring) bool { return is(ring.Peer, ring.Contact) })
}
