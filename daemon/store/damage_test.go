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

// sample is a directory with n ended calls, budgets and settings, and what it
// holds.
func sample(t *testing.T, n int) (dir string, file []byte, want []Record) {
	t.Helper()
	dir = t.TempDir()
	s := mustOpen(t, dir)
	for i := range n {
		call(t, s, full(fmt.Sprint("room ", i)))
	}
	if err := errors.Join(s.SaveBudget("contact:a", Budget{Day: "2026-05-04", UsedSeconds: 60}), s.SetSetting("volume", 7)); err != nil {
		t.Fatal(err)
	}
	want = s.Records(Query{})
	crash(s)
	file, err := os.ReadFile(filepath.Join(dir, callsName))
	if err != nil {
		t.Fatal(err)
	}
	return dir, file, want
}

func moved(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, callsName+asideInfix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// checkDamaged opens a directory whose calls.db is file. Whatever it is, the store
// opens; every record that it shows is true; when anything is missing or the file is
// not as it was, that is told and the file is kept; and a new call is recorded.
func checkDamaged(t *testing.T, dir string, file []byte, want []Record) (shown int, told bool) {
	t.Helper()
	for _, old := range moved(t, dir) {
		if err := os.Remove(old); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, callsName, string(file))
	s, err := open(files{dir: dir}, Options{}, fixed, currentSchema())
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer crash(s)
	byID := map[uint64]Record{}
	for _, r := range want {
		byID[r.ID] = r
	}
	got := s.Records(Query{})
	for _, r := range got {
		if !reflect.DeepEqual(r, byID[r.ID]) {
			t.Fatalf("a record that never was: %+v", r)
		}
	}
	if b, ok := s.LoadBudget("contact:a"); ok && b.UsedSeconds != 60 {
		t.Fatalf("a budget that never was: %+v", b)
	}
	told = len(s.Problems()) == 1
	if len(got) != len(want) && !told {
		t.Fatalf("%d of %d records, and nothing is said of it", len(got), len(want))
	}
	if told {
		p := s.Problems()[0]
		kept, err := os.ReadFile(p.Moved)
		if err != nil || !bytes.Equal(kept, file) || !strings.Contains(p.Text, p.Moved) || p.Over.IsZero() {
			t.Fatalf("the damaged file was not kept: %+v, %v", p, err)
		}
	}
	r := begin(t, s, Record{RoomID: "after"})
	end(t, s, Record{ID: r.ID, RoomID: "after", Cause: cause.Hangup})
	crash(s)
	s, err = open(files{dir: dir}, Options{}, fixed, currentSchema())
	if err != nil {
		t.Fatal(err)
	}
	defer crash(s)
	if again := s.Records(Query{}); len(again) != len(got)+1 || again[0].RoomID != "after" || len(s.Problems()) != 0 {
		t.Fatalf("after it: %d records, want %d; problems %+v", len(again), len(got)+1, s.Problems())
	}
	return len(got), told
}

// TestTornFile cuts the file off, garbles it and fills it with zeros at each page,
// and flips single bits all over it.
func TestTornFile(t *testing.T) {
	t.Parallel()
	dir, file, want := sample(t, 40)
	page := os.Getpagesize()
	if len(file) < 6*page {
		t.Fatalf("the file has only %d bytes", len(file))
	}
	for at := 0; at <= len(file); at += page {
		t.Run(fmt.Sprint("cut at ", at), func(t *testing.T) {
			checkDamaged(t, dir, file[:at], want)
		})
		t.Run(fmt.Sprint("cut in the page at ", at), func(t *testing.T) {
			checkDamaged(t, dir, file[:min(len(file), at+page/3)], want)
		})
		if at == len(file) {
			break
		}
		for name, fill := range map[string]byte{"zeros": 0, "ones": 0xFF} {
			t.Run(fmt.Sprint(name, " in the page at ", at), func(t *testing.T) {
				torn := bytes.Clone(file)
				copy(torn[at:], bytes.Repeat([]byte{fill}, page))
				checkDamaged(t, dir, torn, want)
			})
		}
		t.Run(fmt.Sprint("half of the page at ", at), func(t *testing.T) {
			torn := bytes.Clone(file)
			copy(torn[at+page/2:at+page], make([]byte, page/2))
			checkDamaged(t, dir, torn, want)
		})
	}
	noticed := 0
	for at := 7; at < len(file); at += 997 {
		torn := bytes.Clone(file)
		torn[at] ^= 1 << (at % 8)
		if _, told := checkDamaged(t, dir, torn, want); told {
			noticed++
		}
	}
	if noticed < 20 {
		t.Errorf("only %d flipped bits were noticed", noticed)
	}
}

// TestTornLastTransaction takes away what the last commit wrote, as a disk does that
// reorders writes: all up to it comes back.
func TestTornLastTransaction(t *testing.T) {
	dir, before, want := sample(t, 10)
	s := mustOpen(t, dir)
	begin(t, s, Record{RoomID: "last"})
	crash(s)
	after, err := os.ReadFile(filepath.Join(dir, callsName))
	if err != nil {
		t.Fatal(err)
	}
	page, lost := os.Getpagesize(), 0
	for at := 2 * page; at < min(len(before), len(after)); at += page {
		if bytes.Equal(before[at:at+page], after[at:at+page]) {
			continue
		}
		lost++
		torn := bytes.Clone(after)
		copy(torn[at:at+page], before[at:at+page])
		if n, told := checkDamaged(t, dir, torn, want); n != len(want) || !told {
			t.Errorf("page %d: %d of %d records, told: %v", at/page, n, len(want), told)
		}
	}
	if lost < 3 {
		t.Errorf("the last transaction wrote only %d pages", lost)
	}
}

func TestNoDatabaseAtAll(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"text":      func(path string) error { return os.WriteFile(path, []byte("hello"), 0o600) },
		"empty":     func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"link":      func(path string) error { return os.Symlink("/dev/null", path) },
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := make(filepath.Join(dir, callsName)); err != nil {
				t.Fatal(err)
			}
			// Without a key this is a directory that has lost it.
			write(t, dir, identityFile, newKey(t))
			s := mustOpen(t, dir)
			call(t, s, Record{RoomID: "r"})
			if p := s.Problems(); len(p) != 1 || len(moved(t, dir)) != 1 {
				t.Errorf("problems %+v, moved %v", p, moved(t, dir))
			}
			crash(s)
			if got := rooms(mustOpen(t, dir).Records(Query{})); got != "r" {
				t.Errorf("records %q", got)
			}
		})
	}
}

func newKey(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	crash(mustOpen(t, dir))
	text, err := os.ReadFile(filepath.Join(dir, identityFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThreeDamagedFilesAreKept(t *testing.T) {
	dir := t.TempDir()
	for n := range 6 {
		s := mustOpen(t, dir)
		crash(s)
		if kept := len(moved(t, dir)); kept != min(n, maxAside) {
			t.Fatalf("%d damaged files are kept after %d damages", kept, n)
		}
		write(t, dir, callsName, fmt.Sprint("damage ", n))
	}
	last := mustOpen(t, dir).Problems()[0].Moved
	if text, err := os.ReadFile(last); err != nil || string(text) != "damage 5" {
		t.Errorf("the newest is %q, %v", text, err)
	}
}

// TestWrongContents has sound databases that this package did not write so.
func TestWrongContents(t *testing.T) {
	t.Parallel()
	key := func(text string) []byte { return []byte(text) }
	info := func(name string, v any) op { return op{infoBucket, key(name), seal(infoBucket, key(name), v)} }
	for name, tt := range map[string]struct {
		ops  []op
		want string
	}{
		"no version":        {[]op{{infoBucket, key(versionKey), nil}}, "no version"},
		"version 1":         {[]op{info(versionKey, 1)}, "version"},
		"a version in text": {[]op{info(versionKey, "two")}, "version"},
		"no state":          {[]op{{infoBucket, key(stateKey), nil}}, "how many"},
		"a missing record":  {[]op{info(stateKey, state{2, 9})}, "1 of 2 records"},
		"a strange entry":   {[]op{info("colour", "red")}, "unknown entry"},
		"a strange bucket":  {[]op{{"bills", key("a"), seal("bills", key("a"), 1)}}, "unknown bucket"},
		"another's record":  {[]op{{callsBucket, recordKey(1), seal(callsBucket, recordKey(1), Record{ID: 2})}}, "the key"},
		"a strange member":  {[]op{{callsBucket, recordKey(1), seal(callsBucket, recordKey(1), map[string]int{"more": 1})}}, "no sense"},
		"a moved entry":     {[]op{{callsBucket, recordKey(2), seal(callsBucket, recordKey(1), Record{ID: 1})}}, "checksum"},
		"no checksum":       {[]op{{budgetsBucket, key("a"), key("{}")}}, "checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _, _ := sample(t, 1)
			s := mustOpen(t, dir)
			if err := s.file.put(tt.ops); err != nil {
				t.Fatal(err)
			}
			crash(s)
			s = mustOpen(t, dir)
			if p := s.Problems(); len(p) != 1 || !strings.Contains(p[0].Text, tt.want) || p[0].Moved == "" {
				t.Errorf("problems %+v, want one with %q", p, tt.want)
			}
			// The state before the last change has the true one.
			if got := s.Records(Query{}); len(got) != 1 || got[0].RoomID != "room 0" {
				t.Errorf("records %+v", got)
			}
		})
	}
}
