package store

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"callbox/signaling/cause"
)

// calls is what calls.db holds. Memory leads and the disk follows: a change is
// made in memory, noted as pending and committed. When a commit fails, it stays
// pending, and the next one that succeeds writes it.
type calls struct {
	// write is held by whoever changes anything, up to the end of the commit. It
	// guards file.
	write sync.Mutex
	file  callsFile

	// mu guards what follows. It is never held while the disk is waited for, so
	// that readers are not.
	mu        sync.Mutex
	list      []Record // by growing ID
	next      uint64   // the ID of the next record
	budgets   map[string]Budget
	settings  map[string]json.RawMessage
	pending   pending
	people    People
	retention Retention
	restarted int
	problems  []Problem
}

// pending names what the disk does not have as memory has it. What memory does
// not hold is to be deleted.
type pending struct {
	records  map[uint64]bool
	budgets  map[string]bool
	settings map[string]bool
}

func newPending() pending {
	return pending{map[uint64]bool{}, map[string]bool{}, map[string]bool{}}
}

func (p pending) empty() bool {
	return len(p.records) == 0 && len(p.budgets) == 0 && len(p.settings) == 0
}

func (c *calls) init(f files, o Options, now func() time.Time, sc schema) {
	c.file = callsFile{files: f, schema: sc, now: now, wait: lockTimeout}
	c.next, c.budgets, c.settings, c.pending = 1, map[string]Budget{}, map[string]json.RawMessage{}, newPending()
	c.people, c.retention = o.People, o.Retention
}

func (c *calls) touch(id uint64) { c.pending.records[id] = true }

// Restarted is how many calls Open found running and closed as aborted, detail
// restarted: those that the end of the last process cut off.
func (s *Store) Restarted() int { return s.restarted }

// Configure changes what new records tell of people and how long records are
// kept, the latter for all that are there. Records that are written stay as they
// are: see Redact. When the disk does not take it, that is the error, it counts all the
// same, and is written with what comes next.
func (s *Store) Configure(people People, retention Retention) error {
	if err := people.check(); err != nil {
		return err
	}
	if err := retention.check(); err != nil {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	s.people, s.retention = people, retention
	n := s.prune(s.now())
	s.mu.Unlock()
	if n == 0 {
		return nil
	}
	return s.commit()
}

// closeOpen ends the calls that the last process did not.
func (s *Store) closeOpen() {
	for i := range s.list {
		if r := &s.list[i]; r.Ended.IsZero() {
			r.Ended = s.now().UTC().Round(0)
			r.Cause, r.Origin, r.Detail = cause.Aborted, "", cause.Restarted
			r.ClockUntrusted = r.ClockUntrusted || !s.clockTrusted()
			s.touch(r.ID)
			s.restarted++
		}
	}
}

// Prune deletes the records that are kept no longer at the time now, and returns
// how many. It is done at Open and after each End, too.
func (s *Store) Prune(now time.Time) (int, error) {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	n := s.prune(now)
	s.mu.Unlock()
	if n == 0 {
		return 0, nil
	}
	return n, s.commit()
}

// prune deletes from memory. Records began in the order of the list, so that all
// before one that is too old are too old as well, whatever a wrong clock wrote
// into them; one with such a time is never the reason itself.
func (s *Store) prune(now time.Time) int {
	ended, old := 0, 0 // old: so many of the first are too old
	trusted := s.retention.MaxAge > 0 && s.clockTrusted()
	for i, r := range s.list {
		if r.Ended.IsZero() {
			continue
		}
		ended++
		if trusted && !r.ClockUntrusted && now.Sub(r.Ended) > s.retention.MaxAge {
			old = i + 1
		}
	}
	over := 0
	if s.retention.Keep > 0 {
		over = max(0, ended-s.retention.Keep)
	}
	if old == 0 && over == 0 {
		return 0
	}
	before, i := len(s.list), -1
	s.list = slices.DeleteFunc(s.list, func(r Record) bool {
		i++
		if r.Ended.IsZero() || (i >= old && over <= 0) {
			return false
		}
		over--
		s.touch(r.ID)
		return true
	})
	return before - len(s.list)
}
