package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Options are what Open needs beside the directory. The zero value writes names
// and keys, and keeps every record.
type Options struct {
	People    People
	Retention Retention
	// ClockTrusted reports whether the wall clock is right. nil: it is not, and no
	// record is deleted for its age.
	ClockTrusted func() bool
	// CheckHours checks one line of a contact's hours. nil: each text of 1 to 64
	// characters will do.
	CheckHours func(string) error
}

// People says what a record tells of people. It counts when a record is written,
// so that what is not wanted is never on the disk.
type People string

// What a record tells. The zero value is PeopleFull.
const (
	PeopleFull       People = "full"       // name and key
	PeopleThumbprint People = "thumbprint" // the thumbprint of the key, no name
	PeopleNone       People = "none"       // neither
)

func (p People) check() error {
	switch p {
	case "", PeopleFull, PeopleThumbprint, PeopleNone:
		return nil
	}
	return fmt.Errorf("cannot write records with people %q; allowed: full, thumbprint, none", p)
}

// strip takes out of r what p does not want.
func (p People) strip(r Record) Record {
	if p == "" || p == PeopleFull {
		return r
	}
	r = r.clone()
	r.Contact = ""
	for i := range r.Rings {
		r.Rings[i].Contact = ""
	}
	if p == PeopleNone {
		r.Peer = ""
		for i := range r.Rings {
			r.Rings[i].Peer = ""
		}
	}
	return r
}

// Retention says which records of ended calls are kept.
type Retention struct {
	Keep   int           // the newest; 0: any number
	MaxAge time.Duration // since their end; 0: any age
}

func (r Retention) check() error {
	if r.Keep < 0 || r.MaxAge < 0 {
		return fmt.Errorf("cannot keep %d records for %v; allowed: 0 (no bound) or more", r.Keep, r.MaxAge)
	}
	return nil
}

// Redact takes out of all records what People, as now configured, does not want,
// and returns how many it changed. The file is written anew, because old pages of
// it keep what is deleted; copies of older versions and damaged files that were
// moved aside are removed for the same reason. The medium below may still hold
// what it held.
func (s *Store) Redact() (int, error) {
	s.write.Lock()
	defer s.write.Unlock()
	n := 0
	s.mu.Lock()
	for i, r := range s.list {
		if stripped := s.people.strip(r); stripped.tells() != r.tells() {
			s.list[i] = stripped
			s.touch(r.ID)
			n++
		}
	}
	s.mu.Unlock()
	s.file.anew = true
	err := s.commit()
	for _, pattern := range []string{importedFile, journalFile + asideInfix + "*", callsName + asideInfix + "*", callsName + ".version*"} {
		found, _ := filepath.Glob(s.files.path(pattern)) // the patterns are good
		for _, path := range found {
			if errRemove := os.RemoveAll(path); errRemove != nil {
				err = errors.Join(err, fmt.Errorf("cannot remove old call records: %w", errRemove))
			}
		}
	}
	return n, err
}

// tells is what r tells of people.
func (r Record) tells() string {
	text := r.Peer + r.Contact
	for _, ring := range r.Rings {
		text += ring.Peer + ring.Contact
	}
	return text
}
