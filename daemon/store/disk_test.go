package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"callbox/signaling/cause"
)

// TestFileLostAtRunTime damages the file below the running store. Nothing is lost,
// because memory has it all.
func TestFileLostAtRunTime(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"cut to nothing":  func(path string) error { return os.Truncate(path, 0) },
		"cut to one page": func(path string) error { return os.Truncate(path, int64(os.Getpagesize())) },
		"removed":         os.Remove,
		"moved":           func(path string) error { return os.Rename(path, path+".old") },
		"filled with ones": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				return err
			}
			_, err = f.WriteAt(bytes.Repeat([]byte{0xFF}, int(info.Size())), 0)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _, want := sample(t, 30)
			s := mustOpen(t, dir)
			r := begin(t, s, Record{RoomID: "running"})
			if err := damage(filepath.Join(dir, callsName)); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if err := s.UpdateWith(r, map[string]Budget{"contact:b": {UsedSeconds: 5}}); err != nil {
					t.Fatal(err)
				}
			}
			r.Cause = cause.Hangup
			end(t, s, r)
			crash(s)
			s = mustOpen(t, dir)
			got := s.Records(Query{})
			if len(got) != len(want)+1 || got[0].Cause != cause.Hangup || !reflect.DeepEqual(got[1:], want) {
				t.Errorf("%d records, want %d", len(got), len(want)+1)
			}
			b, _ := s.LoadBudget("contact:b")
			a, _ := s.LoadBudget("contact:a")
			if a.UsedSeconds != 60 || b.UsedSeconds != 5 || len(s.Problems()) != 0 {
				t.Errorf("budgets %+v %+v, problems %+v", a, b, s.Problems())
			}
		})
	}
}

// TestBrokenDisk fails each step of a write, in turn, with each error.
func TestBrokenDisk(t *testing.T) {
	t.Parallel()
	for _, cannot := range []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS} {
		t.Run(cannot.Error(), func(t *testing.T) {
			dir, _, want := sample(t, 5)
			broken := false
			f := files{dir: dir, crash: func(string) error {
				if broken {
					return cannot
				}
				return nil
			}}
			s, err := open(f, Options{}, fixed, currentSchema())
			if err != nil {
				t.Fatal(err)
			}
			defer crash(s)
			broken = true
			r := Record{RoomID: "running"}
			for range 3 {
				if r.ID, err = s.Begin(r); !errors.Is(err, cannot) || !strings.Contains(err.Error(), callsName) {
					t.Fatalf("Begin on a broken disk: %v", err)
				}
				r.Cause = cause.Hangup
				if err := s.EndWith(r, map[string]Budget{"contact:b": {UsedSeconds: 1}}); !errors.Is(err, cannot) {
					t.Fatalf("End on a broken disk: %v", err)
				}
			}
			if err := s.SetSetting("dnd", true); !errors.Is(err, cannot) {
				t.Errorf("SetSetting on a broken disk: %v", err)
			}
			if got := s.Records(Query{}); len(got) != len(want)+3 || got[0].Cause != cause.Hangup {
				t.Errorf("memory has %d records, want %d", len(got), len(want)+3)
			}
			p := s.Problems()
			if len(p) != 1 || !p[0].Over.IsZero() {
				t.Errorf("problems: %+v", p)
			}
			broken = false
			begin(t, s, Record{RoomID: "healed"})
			if p = s.Problems(); len(p) != 1 || p[0].Over.IsZero() {
				t.Errorf("problems after it: %+v", p)
			}
			crash(s)
			s = mustOpen(t, dir)
			b, _ := s.LoadBudget("contact:b")
			if got := s.Records(Query{}); len(got) != len(want)+4 || b.UsedSeconds != 1 {
				t.Errorf("the disk has %d records, want %d; budget %+v", len(got), len(want)+4, b)
			}
			if on := false; second(s.Setting("dnd", &on)) != nil || !on {
				t.Error("the setting is lost")
			}
		})
	}
}

// TestFileLostWhileClosed has a write fail for lack of room, after which the store
// lets go of its file, and then something happens to the file.
func TestFileLostWhileClosed(t *testing.T) {
	for name, tt := range map[string]struct {
		happens func(path string) error
		kept    int // damaged files
	}{
		"nothing": {func(string) error { return nil }, 0},
		"removed": {os.Remove, 0},
		"cut":     {func(path string) error { return os.Truncate(path, 5000) }, 1},
		"text":    {func(path string) error { return os.WriteFile(path, []byte("hello"), 0o600) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _, want := sample(t, 5)
			full := false
			s, err := open(files{dir: dir, crash: func(string) error {
				if full {
					return syscall.ENOSPC
				}
				return nil
			}}, Options{}, fixed, currentSchema())
			if err != nil {
				t.Fatal(err)
			}
			full = true
			if _, err := s.Begin(Record{RoomID: "running"}); !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			if err := tt.happens(filepath.Join(dir, callsName)); err != nil {
				t.Fatal(err)
			}
			// Nothing can be moved or made either.
			if err := s.SetSetting("a", 1); !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			full = false
			begin(t, s, Record{RoomID: "healed"})
			if n := len(moved(t, dir)); n != tt.kept {
				t.Errorf("%d damaged files are kept, want %d", n, tt.kept)
			}
			crash(s)
			s = mustOpen(t, dir)
			if got := s.Records(Query{}); len(got) != len(want)+2 || rooms(got[:2]) != "healed running" || len(s.Problems()) != 0 {
				t.Errorf("records %q, problems %+v", rooms(got), s.Problems())
			}
		})
	}
}

// TestFileTakenWhileClosed must not wait for the other process: a call runs.
func TestFileTakenWhileClosed(t *testing.T) {
	dir, _, _ := sample(t, 1)
	full := true
	s, err := open(files{dir: dir, crash: func(step string) error {
		if full && step == "commit" {
			return syscall.ENOSPC
		}
		return nil
	}}, Options{}, fixed, currentSchema())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetSetting("a", 1); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	full = false
	other, err := os.OpenFile(filepath.Join(dir, callsName), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	for range 50 { // would be 50 s
		if err := s.SetSetting("a", 2); !errors.Is(err, ErrLocked) {
			t.Fatalf("SetSetting: %v", err)
		}
	}
	other.Close()
	if err := s.SetSetting("a", 3); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	for i := range 2 * maxProblems {
		s.report(fmt.Sprint(i), "")
	}
	if p := s.Problems(); len(p) != maxProblems || p[0].Text != fmt.Sprint(maxProblems) {
		t.Errorf("problems: %+v", p)
	}
}

// TestDiskFullAtOpen cannot make calls.db: the daemon starts, and the file comes
// when there is room.
func TestDiskFullAtOpen(t *testing.T) {
	for name, old := range map[string]string{"none": "", "damaged": "hello"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			crash(mustOpen(t, dir))
			if err := os.Remove(filepath.Join(dir, callsName)); err != nil {
				t.Fatal(err)
			}
			if old != "" {
				write(t, dir, callsName, old)
			}
			full := true
			f := files{dir: dir, crash: func(step string) error {
				if full && step != "overwrite" {
					return syscall.ENOSPC
				}
				return nil
			}}
			s, err := open(f, Options{}, fixed, currentSchema())
			if err != nil {
				t.Fatal(err)
			}
			if s.Epoch() != 2 {
				t.Errorf("epoch %d", s.Epoch())
			}
			full = false
			if p := s.Problems(); len(p) == 0 || !p[len(p)-1].Over.IsZero() {
				t.Errorf("problems: %+v", p)
			}
			call(t, s, Record{RoomID: "r"})
			crash(s)
			s = mustOpen(t, dir)
			if got := rooms(s.Records(Query{})); got != "r" || s.Epoch() != 3 {
				t.Errorf("records %q, epoch %d", got, s.Epoch())
			}
			if n := len(moved(t, dir)); n != len(old)/5 {
				t.Errorf("%d damaged files are kept", n)
			}
		})
	}
}

func TestFileInUseByAnother(t *testing.T) {
	dir, file, _ := sample(t, 3)
	path := filepath.Join(dir, callsName)
	other, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, Options{})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("Open: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, file) {
		t.Errorf("the file was changed: %v", err)
	}
}
