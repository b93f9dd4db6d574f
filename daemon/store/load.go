package store

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"callbox/daemon/store/boltfile"
)

// contents is what a file holds.
type contents struct {
	version  int
	state    *state
	records  []Record
	budgets  map[string]Budget
	settings map[string]json.RawMessage
	damage   error // the first entry that makes no sense
}

func newContents() contents {
	return contents{budgets: map[string]Budget{}, settings: map[string]json.RawMessage{}}
}

// openCalls reads the call records, and opens their file. What is damaged is moved
// aside, and what cannot be written stays in memory: neither stops the daemon.
// Errors: ErrNewer, ErrLocked.
func (s *Store) openCalls() error {
	f := &s.file
	defer func() { f.wait = 0 }()
	c, err := f.read()
	if err == nil && c.version < f.schema.version {
		if err = f.migrate(c.version); err == nil {
			c, err = f.read()
		} else {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.anew = true
	case errors.Is(err, ErrNewer), errors.Is(err, ErrLocked):
		return err
	case err != nil:
		s.take(c)
		s.putAside(f.path(), fmt.Errorf("%w; %d call records could be read", err, len(c.records)))
	default:
		s.take(c)
		if err := f.open(); errors.As(err, new(panicked)) {
			s.putAside(f.path(), err)
		} else if err != nil {
			s.lasts(fmt.Errorf("cannot open %s: %w", f.path(), err))
		}
	}
	imported, err := s.importJournal()
	if err != nil {
		return err
	}
	s.closeOpen()
	s.prune(s.now())
	if !f.anew && len(s.pending.records) == 0 {
		return nil
	}
	if err := s.commit(); errors.Is(err, ErrLocked) {
		return err
	} else if err == nil && imported {
		s.journalDone()
	}
	return nil
}

// take makes c what memory holds.
func (s *Store) take(c contents) {
	s.list, s.next = c.records, max(s.next, c.state.Next)
	for _, r := range s.list {
		s.next = max(s.next, r.ID+1)
	}
	s.budgets, s.settings = c.budgets, c.settings
}

// read acquires the file, if it is not open yet, and reads it without bbolt. With
// ErrDamaged, contents is what could be read; after any error the file is let go.
// Others: fs.ErrNotExist, ErrNewer, ErrLocked.
func (f *callsFile) read() (c contents, err error) {
	c = newContents()
	c.state = new(state)
	if err := f.acquire(f.path(), 0); errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrLocked) {
		return c, err
	} else if err != nil {
		return c, fmt.Errorf("%w (%w)", ErrDamaged, err)
	}
	defer func() {
		if err != nil {
			f.abandon()
		}
	}()
	info, err := f.handle.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err != nil {
		return c, fmt.Errorf("%w (%w)", ErrDamaged, err)
	}
	db, err := boltfile.Open(f.handle, info.Size())
	if errors.Is(err, boltfile.ErrFormat) {
		return c, fmt.Errorf("cannot use %s: %w: %w; %s", f.path(), ErrNewer, err, newerRemedy)
	} else if err != nil {
		return c, fmt.Errorf("%w (%w)", ErrDamaged, err)
	}
	c, err = readState(db, 0)
	if c.version > f.schema.version {
		return c, fmt.Errorf("cannot use %s: %w: it has version %d, and this callbox knows versions up to %d; %s",
			f.path(), ErrNewer, c.version, f.schema.version, newerRemedy)
	}
	if err == nil {
		return c, nil
	}
	if db.States() > 1 {
		before, errBefore := readState(db, 1)
		if errBefore == nil {
			return before, fmt.Errorf("%w (%w; its state before the last change is whole)", ErrDamaged, err)
		}
		c.add(before)
	}
	return c, fmt.Errorf("%w (%w)", ErrDamaged, err)
}

// readState reads one state of the file, as far as it can be read.
func readState(db *boltfile.File, n int) (contents, error) {
	c := newContents()
	err := db.Walk(n, func(bucket string, key, value []byte) {
		if err := c.entry(bucket, key, value); err != nil && c.damage == nil {
			c.damage = err
		}
	})
	if err == nil {
		err = c.damage
	}
	c.sort()
	switch {
	case err != nil:
	case c.version == 0:
		err = errors.New("it has no version")
	case c.state == nil:
		err = errors.New("it does not say how many records it has")
	case c.state.Records != len(c.records):
		err = fmt.Errorf("it has %d of %d records", len(c.records), c.state.Records)
	}
	if c.state == nil {
		c.state = new(state)
	}
	return c, err
}

// entry takes over one entry.
func (c *contents) entry(bucket string, key, value []byte) error {
	text, err := unseal(bucket, key, value)
	if err != nil {
		return err
	}
	switch bucket {
	case infoBucket:
		switch string(key) {
		case versionKey:
			c.version, err = parseVersion(text)
		case stateKey:
			c.state = new(state)
			err = strict(text, c.state)
		default:
			err = fmt.Errorf("it has the unknown entry %q", key)
		}
	case callsBucket:
		var r Record
		if r, err = parseRecord(key, text); err == nil {
			c.records = append(c.records, r)
		}
	case budgetsBucket:
		var b Budget
		if err = strict(text, &b); err == nil {
			c.budgets[string(key)] = b
		}
	case settingsBucket:
		c.settings[string(key)] = text
	default:
		err = fmt.Errorf("it has the unknown bucket %q", bucket)
	}
	return err
}

// parseRecord reads a record and checks that it is that of its key.
func parseRecord(key, text []byte) (Record, error) {
	var r Record
	if err := strict(text, &r); err != nil {
		return r, fmt.Errorf("a call record makes no sense: %w", err)
	}
	if len(key) != 8 || binary.BigEndian.Uint64(key) != r.ID || r.ID == 0 {
		return r, fmt.Errorf("the record %d has the key %x", r.ID, key)
	}
	return r, nil
}

// add takes over what other has and c has not.
func (c *contents) add(other contents) {
	for _, r := range other.records {
		if !slices.ContainsFunc(c.records, func(mine Record) bool { return mine.ID == r.ID }) {
			c.records = append(c.records, r)
		}
	}
	c.sort()
	for key, b := range other.budgets {
		if _, have := c.budgets[key]; !have {
			c.budgets[key] = b
		}
	}
	for key, v := range other.settings {
		if _, have := c.settings[key]; !have {
			c.settings[key] = v
		}
	}
	c.state.Next = max(c.state.Next, other.state.Next)
}

// sort brings the records into order, and drops one that a damaged file has twice.
func (c *contents) sort() {
	slices.SortStableFunc(c.records, func(a, b Record) int { return cmp.Compare(a.ID, b.ID) })
	c.records = slices.CompactFunc(c.records, func(a, b Record) bool { return a.ID == b.ID })
}
