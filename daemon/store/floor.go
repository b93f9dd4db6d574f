package store

import (
	"errors"
	"io/fs"
	"sync"
	"time"
)

const floorFile = "clock.json"

type floorJSON struct {
	Version int       `json:"version"`
	Floor   time.Time `json:"floor"`
}

// keptFloor is the earliest time that the present can be, as clock.Floor keeps it.
type keptFloor struct {
	floorMu sync.Mutex // guards what follows and the file
	floor   time.Time
}

// Floor returns what SaveFloor has kept; zero when that is nothing.
func (s *Store) Floor() time.Time {
	s.floorMu.Lock()
	defer s.floorMu.Unlock()
	return s.floor
}

// SaveFloor keeps the floor of the wall clock, durably; zero forgets it.
func (s *Store) SaveFloor(t time.Time) error {
	s.floorMu.Lock()
	defer s.floorMu.Unlock()
	t = forJSON(t.UTC().Round(0))
	if err := s.files.writeJSON(floorFile, floorJSON{1, t}); err != nil {
		return err
	}
	s.floor = t
	return nil
}

func (s *Store) loadFloor() error {
	var f floorJSON
	err := s.loadSmall(floorFile, &f, "the earliest time that it can be is that of the program's build again")
	s.floor = f.Floor
	return err
}

// loadSmall reads a file without which the device can go on. Damaged, it is moved
// aside, v stays zero, and consequence is told. Error: ErrNewer.
func (s *Store) loadSmall(name string, v any, consequence string) error {
	err := s.files.readJSON(name, v, 1, "move it away")
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, ErrNewer):
		return err
	}
	s.moveAside(name, err, consequence)
	return nil
}
