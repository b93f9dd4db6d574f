package store

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxProblems bounds the list; the newest are kept.
const maxProblems = 20

// Problem is something that went wrong with the call records and did not stop a
// call.
type Problem struct {
	Since time.Time // by the wall clock
	Over  time.Time // zero: it lasts
	Text  string    // one sentence that names the file and says what to do
	Moved string    // where a damaged file was moved; "" when none was
}

// Problems returns what has gone wrong with the call records since Open, the
// oldest first.
func (s *Store) Problems() []Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// report adds a problem that is over: something was damaged and is put aside.
func (s *Store) report(text, moved string) {
	now := s.now().UTC()
	s.addProblem(Problem{Since: now, Over: now, Text: text, Moved: moved})
}

func (s *Store) addProblem(p Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, p)
	if over := len(s.problems) - maxProblems; over > 0 {
		s.problems = slices.Delete(s.problems, 0, over)
	}
}

// lasts notes how a commit went: a failure lasts until one succeeds.
func (s *Store) lasts(err error) {
	s.mu.Lock()
	i := slices.IndexFunc(s.problems, func(p Problem) bool { return p.Over.IsZero() })
	switch {
	case i >= 0 && err == nil:
		s.problems[i].Over = s.now().UTC()
	case i >= 0:
		s.problems[i].Text = err.Error()
	}
	s.mu.Unlock()
	if i < 0 && err != nil {
		s.addProblem(Problem{Since: s.now().UTC(), Text: err.Error()})
	}
}

// moveAside keeps a damaged file out of the way, and tells.
func (s *Store) moveAside(name string, why error, consequence string) {
	moved, err := s.file.aside(s.files.path(name))
	s.report(fmt.Sprintf("%v: %s", errors.Join(why, err), consequence), moved)
}
