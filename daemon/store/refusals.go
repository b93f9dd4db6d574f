package store

import (
	"fmt"
	"time"
)

// Refuse writes down a call that was over at once, as EndWith does for a record
// without a number, and returns its number. That is good even when the error is of
// the disk: the record is in memory then, and the next write that succeeds puts it on
// the disk.
func (s *Store) Refuse(r Record) (id uint64, err error) {
	if !r.Cause.Valid() || r.Ended.IsZero() {
		return 0, fmt.Errorf("cannot write down the refusal of room %s: %q is no cause, or it has not ended", r.RoomID, r.Cause)
	}
	r.ID = 0
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	id = s.next
	err = s.replace(r)
	if err == nil {
		s.prune(s.now())
	}
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return id, s.commit()
}

// RefuseAgain counts, in the record with this number, one more call that was refused
// as that one was; at is when. Errors: ErrNoRecord when it is not kept any more or is
// a running call's; or of the disk, and then memory has counted it.
func (s *Store) RefuseAgain(id uint64, at time.Time) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	i, found := s.index(id)
	if !found || s.list[i].Ended.IsZero() {
		s.mu.Unlock()
		return fmt.Errorf("cannot count one more refusal in the record %d: %w", id, ErrNoRecord)
	}
	r := s.list[i].clone()
	r.Times = max(r.Times, 1) + 1
	r.Ended = at
	s.list[i] = s.tidy(r)
	s.touch(id)
	s.mu.Unlock()
	return s.commit()
}
