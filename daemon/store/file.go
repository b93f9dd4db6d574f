package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// files is the directory. crash, which tests set, is asked before each step of a
// write and stops it there as the end of the process would.
type files struct {
	dir   string
	crash func(step string) error
}

func (f files) path(name string) string { return filepath.Join(f.dir, name) }

func (f files) step(name string) error {
	if f.crash == nil {
		return nil
	}
	return f.crash(name)
}

// replace writes a file as a whole, mode 0600, and returns when it will survive a
// power cut.
func (f files) replace(name string, data []byte) error {
	if err := f.write(name, data); err != nil {
		return fmt.Errorf("cannot write %s: %w; is the disk full or read-only?", f.path(name), err)
	}
	return nil
}

func (f files) write(name string, data []byte) error {
	temp := f.path(name + ".tmp")
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := f.step("create"); err != nil {
		return err
	}
	t, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = t.Write(data)
	if err == nil {
		err = t.Sync()
	}
	if err = errors.Join(err, t.Close()); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := f.step("rename"); err != nil {
		return err
	}
	if err := os.Rename(temp, f.path(name)); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := f.step("sync"); err != nil {
		return err
	}
	return f.syncDir()
}

// overwrite writes a small file in place, which needs no room on the disk, and
// returns when it will survive a power cut.
func (f files) overwrite(name string, data []byte) error {
	err := f.step("overwrite")
	if err != nil {
		return err
	}
	t, err := os.OpenFile(f.path(name), os.O_WRONLY|syscall.O_NOFOLLOW, 0)
	if err == nil {
		_, err = t.WriteAt(data, 0)
		if err == nil {
			err = t.Truncate(int64(len(data)))
		}
		err = errors.Join(err, t.Sync(), t.Close())
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w; is the disk full or read-only?", f.path(name), err)
	}
	return nil
}

// syncDir makes renames and new files durable.
func (f files) syncDir() error {
	d, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sweep removes what a crash in the middle of replace left.
func (f files) sweep() error {
	left, err := filepath.Glob(f.path("*.tmp"))
	if err != nil {
		return err
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("cannot remove an unfinished file: %w", err)
		}
	}
	return nil
}

// newerRemedy is what to do about a file of a newer callbox, which is whole: to remove it
// would lose what is in it.
const newerRemedy = "install that version of callbox again, or put back the copy of the state directory from before the upgrade (docs/operations.md, Going back)"

// damaged is the error of a file that makes no sense.
func (f files) damaged(name string, why any, remedy string) error {
	return fmt.Errorf("cannot use %s: %w (%v); restore it from a backup, or %s", f.path(name), ErrDamaged, why, remedy)
}

// readJSON reads a JSON file of at most the version newest into v, which is a struct
// with the member version; remedy is for a damaged one.
// Unknown members are damage: dropping them would lose them at the next write.
func (f files) readJSON(name string, v any, newest int, remedy string) error {
	data, err := os.ReadFile(f.path(name))
	if err != nil {
		return err
	}
	if err := decode(data, v, newest); err != nil {
		if errors.Is(err, ErrNewer) {
			return fmt.Errorf("cannot use %s: %w; %s", f.path(name), err, newerRemedy)
		}
		return f.damaged(name, err, remedy)
	}
	return nil
}

func decode(data []byte, v any, newest int) error {
	var head struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	switch {
	case head.Version == nil || *head.Version < 1:
		return errors.New("it has no version")
	case *head.Version > newest:
		return fmt.Errorf("%w: it has version %d, and this callbox knows versions up to %d", ErrNewer, *head.Version, newest)
	}
	return strict(data, v)
}

// strict decodes exactly one value without unknown members.
func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	return nil
}

func (f files) writeJSON(name string, v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot write %s: %w", f.path(name), err)
	}
	return f.replace(name, []byte(b.String()))
}

// forJSON is t in UTC, or the last day that JSON can hold.
func forJSON(t time.Time) time.Time {
	if t = t.UTC(); t.Year() > 9999 {
		return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	return t
}
