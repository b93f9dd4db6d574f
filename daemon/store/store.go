// Package store keeps what the device must not forget: its key, its epoch, the
// contacts, the records of calls, the talk budgets, small settings, and what it knows
// of call tokens and of the time, in one directory of its own.
//
// Key, epoch and contacts are small files that a person can read and copy. Each is
// replaced as a whole (temporary file, fsync, rename, fsync of the directory). One
// that is damaged, or that a newer callbox wrote, is an error at Open that names it:
// without them there is nobody to call. So are the denials of call tokens. The tokens
// that were used and the floor of the clock are such files too, but damaged ones are
// moved aside: the device can go on without them.
//
// Records, budgets and settings are in one bbolt file, calls.db, changed in
// transactions. It must never stop a call: when it is damaged, it is moved aside and
// a new one begins with all that could be read; when it cannot be written, memory
// serves, and the next write that succeeds brings the disk up to date. Problems
// tells of both.
//
// Every change is on the disk before the method that makes it returns. After a crash
// at any point the next Open sees the old or the new state, never half of one.
//
// Methods may be called from any goroutine. One daemon holds the directory at a
// time.
package store

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"callbox/signaling"
)

// Errors, wrapped with what to do.
var (
	// ErrLocked means that another daemon uses the directory.
	ErrLocked = errors.New("the state directory is in use")
	// ErrDamaged means that a file cannot be what this package wrote.
	ErrDamaged = errors.New("the file is damaged")
	// ErrNewer means that a newer callbox wrote the file.
	ErrNewer = errors.New("the file was written by a newer callbox")
	// ErrNotFound means that no contact has this name or key.
	ErrNotFound = errors.New("no such contact")
	// ErrExists means that the key is a contact already.
	ErrExists = errors.New("the key is a contact already")
	// ErrName means that a name cannot be used.
	ErrName = errors.New("the name cannot be used")
)

// Store is an open state directory.
type Store struct {
	files files
	lock  *os.File
	now   func() time.Time

	key   *ecdsa.PrivateKey
	epoch uint64

	bookMu   sync.Mutex // guards contacts and their file
	contacts []signaling.Contact

	calls
	spentTokens
	denials
	keptFloor

	isClockTrusted func() bool
	checkHours     func(string) error
}

// Open opens the directory, and makes it with a new key if there is none. It
// counts the epoch up and closes the records of calls that a crash left open, as
// aborted, detail restarted (see Restarted). Errors: ErrLocked, ErrDamaged, ErrNewer,
// or of the file system; what is wrong with the call records alone is one of
// Problems.
func Open(dir string, o Options) (*Store, error) {
	return open(files{dir: dir}, o, time.Now, currentSchema())
}

func open(fs files, o Options, now func() time.Time, sc schema) (_ *Store, err error) {
	if err := errors.Join(o.People.check(), o.Retention.check()); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(fs.dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the state directory: %w; set device.state_dir to a directory that the daemon may write", err)
	}
	s := &Store{files: fs, now: now, isClockTrusted: o.ClockTrusted, checkHours: o.CheckHours}
	s.init(fs, o, now, sc)
	if s.lock, err = lockDir(fs.dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := fs.sweep(); err != nil {
		return nil, err
	}
	if err := s.loadIdentity(); err != nil {
		return nil, err
	}
	if err := s.loadContacts(); err != nil {
		return nil, err
	}
	if err := errors.Join(s.loadDenied(), s.loadSpent(), s.loadFloor()); err != nil {
		return nil, err
	}
	if err := s.openCalls(); err != nil {
		return nil, err
	}
	// Last, so that an epoch is spent only by a start that succeeds so far.
	if err := s.countEpoch(); err != nil {
		return nil, err
	}
	return s, nil
}

// Close writes what a failure has left pending and lets go of the directory.
// Nothing may be called after it.
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	var err error
	if !s.pending.empty() {
		err = s.commit()
	}
	s.file.close()
	return errors.Join(err, s.lock.Close()) // closing gives up the lock
}

func (s *Store) clockTrusted() bool { return s.isClockTrusted != nil && s.isClockTrusted() }

// Dir is the directory, for parts that keep files of their own below it.
func (s *Store) Dir() string { return s.files.dir }

const lockFile = "lock"

// lockDir takes the lock, which the kernel gives up when the process ends in any
// way.
func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the state directory: %w; it must belong to the user of the daemon", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid, _ := io.ReadAll(io.LimitReader(f, 20))
		f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		return nil, fmt.Errorf("cannot lock %s: %w by process %s; stop it, or give this one its own device.state_dir",
			dir, ErrLocked, strings.TrimSpace(string(pid)))
	}
	if err := f.Truncate(0); err == nil { // the pid is advice for people only
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}
