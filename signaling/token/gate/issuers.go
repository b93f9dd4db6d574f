package gate

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal/clock"
	"callbox/signaling/token"
)

// lookAgain is the least time between two looks for a key that is not known: a
// forger must not keep the disk busy.
const lookAgain = time.Second

// Issuer is one issuer of the configuration.
type Issuer struct {
	Name   string        // iss of its tokens, exactly
	File   string        // its JWK Set
	Rights []token.Right // that its tokens may give
}

// Status says how an issuer is.
type Status struct {
	Issuer  string
	File    string
	Keys    []string // kids, sorted
	Problem string   // why the file cannot be read, Keys are the last good ones then; or that it has none
}

// issuers are the issuers and the keys that their files had when they could be read.
type issuers struct {
	boot clock.Clock
	log  zerolog.Logger

	mu     sync.Mutex
	list   []*issuer
	looked time.Duration // when a key that is not known was last looked for
	once   bool          // looked means something
}

type issuer struct {
	Issuer
	keys    token.Keys // nil: none yet; a map is never changed
	loaded  stamp      // of the file that keys, or problem, came from
	problem error
}

// stamp tells versions of a file apart.
type stamp struct {
	modified time.Time
	size     int64
	info     os.FileInfo // for os.SameFile
}

func (s stamp) same(o stamp) bool {
	return s.info != nil && o.info != nil && s.modified.Equal(o.modified) && s.size == o.size && os.SameFile(s.info, o.info)
}

func newIssuers(boot clock.Clock, log zerolog.Logger) *issuers {
	return &issuers{boot: boot, log: log}
}

// configure takes a new list over. An issuer that is still there by name and file
// keeps its keys until the file gives others.
func (s *issuers) configure(list []Issuer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := make([]*issuer, len(list))
	for i, one := range list {
		next[i] = &issuer{Issuer: one}
		if old := s.find(one.Name); old != nil && old.File == one.File {
			next[i].keys, next[i].loaded, next[i].problem = old.keys, old.loaded, old.problem
		}
	}
	s.list = next
	s.load()
}

func (s *issuers) refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
}

func (s *issuers) find(name string) *issuer {
	i := slices.IndexFunc(s.list, func(one *issuer) bool { return one.Name == name })
	if i < 0 {
		return nil
	}
	return s.list[i]
}

// load reads the files that have changed since they were last read, and says what
// became of it once. mu is held.
func (s *issuers) load() {
	for _, one := range s.list {
		before := one.problem
		changed := one.load()
		log := s.log.With().Str("issuer", one.Name).Str("file", one.File).Logger()
		switch {
		case changed && errors.Is(one.problem, token.ErrNoKeys):
			log.Warn().Err(one.problem).Msg("an issuer has no keys any more: none of its tokens is accepted")
		case one.problem != nil && (before == nil || before.Error() != one.problem.Error()):
			log.Error().Err(one.problem).Int("keys", len(one.keys)).Msg("cannot read the keys of an issuer: those that it had stay in use")
		case one.problem == nil && changed:
			log.Info().Strs("keys", one.names()).Msg("keys of an issuer read")
		}
	}
}

// load reads the file if it has changed; keys change only when it is good. One without
// keys is: they were withdrawn.
func (i *issuer) load() (changed bool) {
	f, err := os.Open(i.File)
	if err != nil {
		i.problem, i.loaded = fmt.Errorf("cannot read JWK Set: %w; signaling.issuers names the file", err), stamp{}
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		i.problem, i.loaded = fmt.Errorf("cannot read JWK Set: %w", err), stamp{}
		return false
	}
	now := stamp{info.ModTime(), info.Size(), info}
	if now.same(i.loaded) {
		return false
	}
	data, err := io.ReadAll(io.LimitReader(f, token.MaxSet+1))
	var keys token.Keys
	if err == nil {
		keys, err = token.ParseJWKS(data)
	}
	i.loaded = now
	if errors.Is(err, token.ErrNoKeys) {
		i.keys, i.problem = token.Keys{}, fmt.Errorf("%w: no token of this issuer is accepted; %s", err, i.File)
		return true
	}
	if err != nil {
		i.problem = fmt.Errorf("cannot use %s: %w", i.File, err)
		return false
	}
	i.keys, i.problem = keys, nil
	return true
}

func (i *issuer) names() []string { return slices.Sorted(maps.Keys(i.keys)) }

// keys returns the keys of an issuer; false when there is no such issuer. For one
// that is not among them it looks whether the file has it by now: an issuer may sign
// with a new key as soon as it has put the file there.
func (s *issuers) keys(name, kid string) (token.Keys, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.find(name)
	if one == nil {
		return nil, false
	}
	if _, known := one.keys[kid]; !known && s.mayLook() {
		s.load()
	}
	return one.keys, true
}

func (s *issuers) mayLook() bool {
	now := s.boot.Now()
	if s.once && now-s.looked < lookAgain {
		return false
	}
	s.looked, s.once = now, true
	return true
}

// has reports whether the issuer is there and has the key.
func (s *issuers) has(name, kid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.find(name)
	if one == nil {
		return false
	}
	_, known := one.keys[kid]
	return known
}

func (s *issuers) rights(name string) []token.Right {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.find(name); one != nil {
		return one.Rights
	}
	return nil
}

func (s *issuers) status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Status, len(s.list))
	for i, one := range s.list {
		list[i] = Status{Issuer: one.Name, File: one.File, Keys: one.names()}
		if one.problem != nil {
			list[i].Problem = one.problem.Error()
		}
	}
	return list
}
