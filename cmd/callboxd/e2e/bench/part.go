package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// part is a file with the figures of one test.
type part struct {
	Date    time.Time          `json:"date"`
	Figures map[string]float64 `json:"figures"`
}

// WritePart writes what a test has measured, by the keys of Rows. Each must be known,
// and finite.
func WritePart(path string, at time.Time, values map[string]float64) error {
	for key, v := range values {
		if _, ok := row(key); !ok {
			return fmt.Errorf("cannot write %s: the table of make bench has no row %q", path, key)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("cannot write %s: %s is %v", path, key, v)
		}
	}
	text, err := json.MarshalIndent(part{at.UTC().Truncate(time.Second), values}, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return WriteFile(path, append(text, '\n'))
}

// WriteFile writes a file in one piece, and its folder if it is not there.
func WriteFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	beside := path + ".new"
	if err := os.WriteFile(beside, content, 0o644); err != nil { //nolint:gosec // for everyone
		return err
	}
	return os.Rename(beside, path)
}

// ReadPart adds the figures of a part. A file that is not there adds none.
func (s *Set) ReadPart(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var p part
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("cannot read %s: %w; remove it, or measure again", path, err)
	}
	if p.Date.IsZero() {
		return fmt.Errorf("cannot read %s: it has no date; remove it, or measure again", path)
	}
	for key, v := range p.Figures {
		if _, ok := row(key); !ok {
			return fmt.Errorf("cannot read %s: the table has no row %q; remove it, or measure again", path, key)
		}
		f := One(v)
		f.Date = p.Date.Format(time.DateOnly)
		s.Own[key] = f
	}
	return nil
}
