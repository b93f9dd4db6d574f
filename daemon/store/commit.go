package store

import (
	"errors"
	"fmt"
	"io/fs"
)

// commit writes what is pending, and notes how that went. write must be held.
func (s *Store) commit() error {
	err := s.tryCommit()
	if err != nil {
		err = fmt.Errorf("cannot write the call records to %s: %w; is the disk full, read-only or broken?", s.file.path(), err)
	}
	s.lasts(err)
	return err
}

func (s *Store) tryCommit() error {
	f := &s.file
	if f.db != nil && !f.inPlace() {
		f.close()
		f.anew = true
	}
	if f.db == nil && !f.anew {
		if err := s.reopen(); err != nil {
			return err
		}
	}
	if f.anew {
		return s.writeAnew()
	}
	err := f.put(s.changes())
	switch {
	case err == nil:
		s.written()
		return nil
	case errors.As(err, new(panicked)):
		f.abandon()
		s.putAside(f.path(), err)
		return s.writeAnew()
	}
	// What bbolt believes of its file is not worth much now: look at it anew. After
	// more than a lack of space, the pages themselves may be bad.
	f.close()
	f.anew = !noSpace(err)
	return err
}

// reopen opens the file again after a failed write. What it holds is known: it is
// only looked at whether bbolt can use it.
func (s *Store) reopen() error {
	f := &s.file
	_, err := f.read()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.anew = true
		return nil
	case errors.Is(err, ErrDamaged):
		s.putAside(f.path(), err)
		return nil
	case err != nil:
		return err
	}
	err = f.open()
	if errors.As(err, new(panicked)) {
		s.putAside(f.path(), err)
		return nil
	}
	return err
}

// writeAnew makes a new file of all that memory holds.
func (s *Store) writeAnew() error {
	s.file.anew = true
	if err := s.file.create(s.everything()); err != nil {
		return err
	}
	s.written()
	return nil
}

// written notes that the disk has what memory has.
func (s *Store) written() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = newPending()
}

// changes are the ops that bring the file up to date.
func (s *Store) changes() []op {
	s.mu.Lock()
	defer s.mu.Unlock()
	ops := []op{s.stateOp()}
	for id := range s.pending.records {
		o := op{callsBucket, recordKey(id), nil}
		if i, found := s.index(id); found {
			o.value = seal(o.bucket, o.key, s.list[i])
		}
		ops = append(ops, o)
	}
	for key := range s.pending.budgets {
		o := op{budgetsBucket, []byte(key), nil}
		if b, found := s.budgets[key]; found {
			o.value = seal(o.bucket, o.key, b)
		}
		ops = append(ops, o)
	}
	for key := range s.pending.settings {
		o := op{settingsBucket, []byte(key), nil}
		if v, found := s.settings[key]; found {
			o.value = seal(o.bucket, o.key, v)
		}
		ops = append(ops, o)
	}
	return ops
}

// everything is all ops of a new file.
func (s *Store) everything() []op {
	s.mu.Lock()
	defer s.mu.Unlock()
	ops := []op{s.stateOp()}
	for _, r := range s.list {
		key := recordKey(r.ID)
		ops = append(ops, op{callsBucket, key, seal(callsBucket, key, r)})
	}
	for key, b := range s.budgets {
		ops = append(ops, op{budgetsBucket, []byte(key), seal(budgetsBucket, []byte(key), b)})
	}
	for key, v := range s.settings {
		ops = append(ops, op{settingsBucket, []byte(key), seal(settingsBucket, []byte(key), v)})
	}
	return ops
}

func (s *Store) stateOp() op {
	return op{infoBucket, []byte(stateKey), seal(infoBucket, []byte(stateKey), state{len(s.list), s.next})}
}
