package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// schema is the version of what calls.db holds, and the steps to it: steps[n] makes
// a file of version n one of version n+1. Version 1 was calls.jsonl (journal.go).
//
// A version is never changed once it was released: testdata has a file of each.
type schema struct {
	version int
	steps   map[int]func(*bolt.Tx) error
}

func currentSchema() schema { return schema{version: 2} }

// migrate brings the acquired file, which is sound and of the version from, to the
// present version: one transaction a step, after a copy of the whole file.
func (f *callsFile) migrate(from int) error {
	if err := f.copyTo(fmt.Sprintf("%s.version%d", callsName, from)); err != nil {
		return fmt.Errorf("cannot copy %s before its change to version %d: %w", f.path(), f.schema.version, err)
	}
	if err := f.open(); err != nil {
		return err
	}
	defer f.close()
	for v := from; v < f.schema.version; v++ {
		step := f.schema.steps[v]
		if step == nil {
			return fmt.Errorf("there is no way from version %d", v)
		}
		err := guard(func() error {
			return f.db.Update(func(tx *bolt.Tx) error {
				if err := step(tx); err != nil {
					return err
				}
				key := []byte(versionKey)
				return carryOut(tx, []op{{infoBucket, key, seal(infoBucket, key, v+1)}})
			})
		})
		if err != nil {
			return fmt.Errorf("cannot change %s from version %d to %d: %w", f.path(), v, v+1, err)
		}
	}
	return nil
}

// copyTo copies the acquired file, durably.
func (f *callsFile) copyTo(name string) error {
	temp := f.files.path(name + ".tmp")
	if err := ignoreMissing(os.Remove(temp)); err != nil {
		return err
	}
	to, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	info, err := f.handle.Stat()
	if err == nil {
		_, err = io.Copy(to, io.NewSectionReader(f.handle, 0, info.Size()))
	}
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err == nil {
		err = os.Rename(temp, f.files.path(name))
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(temp)))
	}
	return f.files.syncDir()
}

// parseVersion reads the entry of the version, in the form that never changes.
func parseVersion(text []byte) (int, error) {
	v, err := strconv.Atoi(string(text))
	if err != nil || v < 2 || !json.Valid(text) {
		return 0, fmt.Errorf("its version is %q", text)
	}
	return v, nil
}
