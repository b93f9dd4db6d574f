package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

const (
	asideInfix = ".damaged-"
	maxAside   = 3 // damaged files of one name that are kept
)

// putAside moves a damaged file away and orders a new calls.db.
func (s *Store) putAside(path string, why error) {
	f := &s.file
	f.anew = true
	moved, err := f.aside(path)
	if err != nil {
		f.unread = f.unread || path == f.path()
		s.report(fmt.Sprintf("cannot use %s: %v; it could not be moved aside either: %v", path, why, err), "")
		return
	}
	s.report(fmt.Sprintf("cannot use %s: %v; it is kept as %s, which may be removed", path, why, moved), moved)
}

// aside moves a file to a name that says that it is damaged. Of more than maxAside
// such files the oldest are removed.
func (f *callsFile) aside(path string) (moved string, err error) {
	stamp := path + asideInfix + f.now().UTC().Format("20060102T150405Z")
	moved = stamp
	for n := 2; ; n++ {
		if _, err := os.Lstat(moved); errors.Is(err, fs.ErrNotExist) {
			break
		}
		moved = fmt.Sprintf("%s-%d", stamp, n)
	}
	if err := f.files.step("aside"); err != nil {
		return "", err
	}
	if err := os.Rename(path, moved); err != nil {
		return "", err
	}
	others, err := filepath.Glob(path + asideInfix + "*")
	if err == nil {
		// The names are in the order of time; by a wrong clock the newest may seem old.
		others = slices.DeleteFunc(others, func(name string) bool { return name == moved })
		for ; len(others) > maxAside-1; others = others[1:] {
			_ = os.RemoveAll(others[0]) // what stays only takes room
		}
	}
	return moved, nil // durable with the next file that is made
}
