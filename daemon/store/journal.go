package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

const (
	// journalFile is version 1 of the call records: a header, then lines each of
	// which is the state of one record; the last line of a record counts.
	journalFile  = "calls.jsonl"
	importedFile = journalFile + ".imported"
)

// entry is one line.
type entry struct {
	Begin *Record `json:"begin,omitempty"`
	End   *Record `json:"end,omitempty"`
}

type header struct {
	Version int    `json:"version"`
	Kind    string `json:"kind"`
}

// importJournal takes over the records of version 1. It may run again after a
// crash, or after an older callbox has written on: a record that is there is not
// added twice. Error: ErrNewer.
func (s *Store) importJournal() (imported bool, err error) {
	path := s.files.path(journalFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var records []Record
	if err == nil {
		records, err = readJournal(data)
	}
	if errors.Is(err, ErrNewer) {
		return false, fmt.Errorf("cannot use %s: %w; %s", path, err, newerRemedy)
	}
	for _, r := range records {
		have := slices.ContainsFunc(s.list, func(old Record) bool {
			return old.RoomID == r.RoomID && old.Started.Equal(r.Started) && (old.Peer == r.Peer || old.Peer == "")
		})
		if have {
			continue
		}
		r.ID = s.next
		s.next++
		s.list = append(s.list, r)
		s.touch(r.ID)
	}
	if err != nil {
		// Not before what could be read is safe: commit makes calls.db first.
		if err := s.commit(); err != nil {
			return false, nil
		}
		anew := s.file.anew
		s.putAside(path, fmt.Errorf("%w (%w); %d call records could be read", ErrDamaged, err, len(records)))
		s.file.anew = anew
		return false, nil
	}
	return true, nil
}

// journalDone puts the file of version 1 away once its records are in calls.db. A
// failure is no harm: the next Open finds nothing new in it.
func (s *Store) journalDone() {
	err := os.Rename(s.files.path(journalFile), s.files.path(importedFile))
	if err == nil {
		err = s.files.syncDir()
	}
	if err != nil {
		s.report(fmt.Sprintf("cannot put %s away: %v", s.files.path(journalFile), err), "")
	}
}

// readJournal reads version 1. The error is that of the first line that makes no
// sense; the records are those of all others.
func readJournal(data []byte) (records []Record, err error) {
	// A last line without its end was being written when the power went: nobody
	// was told that it is safe, so it does not count. It is no damage.
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	n := 0
	for line := range bytes.Lines(data) {
		var bad error
		if n++; n == 1 {
			bad = checkHeader(line)
			if errors.Is(bad, ErrNewer) {
				return nil, bad
			}
		} else {
			records, bad = readLine(records, line)
		}
		if bad != nil && err == nil {
			err = fmt.Errorf("line %d: %w", n, bad)
		}
	}
	return records, err
}

func checkHeader(line []byte) error {
	var h header
	if err := decode(line, &h, 1); err != nil {
		return err
	}
	if h.Kind != "calls" {
		return fmt.Errorf("it is of the kind %q", h.Kind)
	}
	return nil
}

func readLine(records []Record, line []byte) ([]Record, error) {
	var e entry
	if err := strict(line, &e); err != nil {
		return records, err
	}
	if (e.Begin == nil) == (e.End == nil) {
		return records, errors.New("it is neither a begin nor an end")
	}
	r := e.Begin
	if r == nil {
		r = e.End
		if r.Ended.IsZero() || !r.Cause.Valid() {
			return records, errors.New("it is an end without a cause or a time")
		}
	}
	for i, old := range slices.Backward(records) {
		if old.RoomID == r.RoomID && old.Peer == r.Peer && old.Ended.IsZero() {
			records[i] = *r
			return records, nil
		}
	}
	return append(records, *r), nil
}
