package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
)

var day = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func fixed() time.Time { return day }

func mustOpen(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := open(files{dir: dir}, fixed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func phone(t *testing.T, name string) signaling.Contact {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := key.PublicKey.Bytes() // 4, X, Y
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	jwk := signaling.JWK{Kty: "EC", Crv: "P-256", X: b64(raw[1:33]), Y: b64(raw[33:])}
	return signaling.Contact{JKT: thumbprint(jwk), JWK: jwk, Name: name, Rights: []signaling.Right{signaling.RightCall}}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestIdentityIsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := mustOpen(t, dir)
	if s.Epoch() != 1 {
		t.Errorf("first epoch = %d", s.Epoch())
	}
	for name, want := range map[string]os.FileMode{".": 0o700 | os.ModeDir, identityFile: 0o600, epochFile: 0o600, recordsFile: 0o600, "lock": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	key := s.Key()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for epoch := uint64(2); epoch < 5; epoch++ {
		again := mustOpen(t, dir)
		if !again.Key().Equal(key) || again.Epoch() != epoch {
			t.Errorf("key kept: %v, epoch %d, want %d", again.Key().Equal(key), again.Epoch(), epoch)
		}
		_ = again.Close()
	}
}

func TestTwoDaemonsCannotShare(t *testing.T) {
	dir := t.TempDir()
	first := mustOpen(t, dir)
	_, err := Open(dir)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("second Open: %v", err)
	}
	_ = first.Close()
	if s := mustOpen(t, dir); s.Epoch() != 2 {
		t.Errorf("the refused start spent an epoch: %d", s.Epoch())
	}
}

// TestDamage damages one file at a time: each start fails with an error that
// names the file, and leaves it as it was.
func TestDamage(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string
		want       error
	}{
		"identity no PEM":        {identityFile, "hello", ErrDamaged},
		"identity cut":           {identityFile, "-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----\n", ErrDamaged},
		"identity empty":         {identityFile, "", ErrDamaged},
		"epoch empty":            {epochFile, "", ErrDamaged},
		"epoch without version":  {epochFile, `{"epoch":3}`, ErrDamaged},
		"epoch negative":         {epochFile, `{"version":1,"epoch":-3}`, ErrDamaged},
		"epoch newer":            {epochFile, `{"version":2,"epoch":3}`, ErrNewer},
		"contacts zeros":         {contactsFile, "\x00\x00\x00", ErrDamaged},
		"contacts half":          {contactsFile, `{"version":1,"contacts":[{"jkt":"a"`, ErrDamaged},
		"contacts twice":         {contactsFile, `{"version":1,"contacts":[]}{}`, ErrDamaged},
		"contacts with more":     {contactsFile, `{"version":1,"contacts":[],"more":1}`, ErrDamaged},
		"contacts foreign key":   {contactsFile, `{"version":1,"contacts":[{"jkt":"abc","name":"Eve"}]}`, ErrDamaged},
		"contacts newer":         {contactsFile, `{"version":9,"people":[]}`, ErrNewer},
		"records no header":      {recordsFile, "{}\n", ErrDamaged},
		"records of another":     {recordsFile, `{"version":1,"kind":"bills"}` + "\n", ErrDamaged},
		"records newer":          {recordsFile, `{"version":2,"kind":"calls"}` + "\n", ErrNewer},
		"records empty line":     {recordsFile, `{"version":1,"kind":"calls"}` + "\n" + `{}` + "\n", ErrDamaged},
		"records in the middle":  {recordsFile, `{"version":1,"kind":"calls"}` + "\n" + `{"begin":{"room` + "\n" + `{"begin":{}}` + "\n", ErrDamaged},
		"records without a why":  {recordsFile, `{"version":1,"kind":"calls"}` + "\n" + `{"end":{"roomId":"r"}}` + "\n", ErrDamaged},
		"records begin with nil": {recordsFile, `{"version":1,"kind":"calls"}` + "\n" + `{"begin":null,"end":null}` + "\n", ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_ = mustOpen(t, dir).Close()
			write(t, dir, tt.file, tt.text)
			_, err := Open(dir)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), filepath.Join(dir, tt.file)) {
				t.Fatalf("Open: %v; want %v naming %s", err, tt.want, tt.file)
			}
			if got, err := os.ReadFile(filepath.Join(dir, tt.file)); err != nil || string(got) != tt.text {
				t.Errorf("the damaged file was changed: %q, %v", got, err)
			}
		})
	}
}

func TestLostKeyIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	_ = mustOpen(t, dir).Close()
	if err := os.Remove(filepath.Join(dir, identityFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("Open without the key: %v", err)
	}
}

func TestKeyThatOthersCanReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	_ = mustOpen(t, dir).Close()
	if err := os.Chmod(filepath.Join(dir, identityFile), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("Open: %v", err)
	}
}

// TestCrashPoints stops the process (as far as the disk can tell) at every step
// of every write that a start and a pairing make, and starts again.
func TestCrashPoints(t *testing.T) {
	killed := errors.New("killed")
	anna := phone(t, "Anna")
	for at := 1; ; at++ {
		dir := t.TempDir()
		n, told := 0, false
		crash := func(string) error {
			if n++; n == at {
				return killed
			}
			if n > at {
				t.Error("the store went on after its end")
			}
			return nil
		}
		s, err := open(files{dir: dir, crash: crash}, fixed)
		if err == nil {
			_, _, err = s.Pair(anna)
			told = err == nil
			_ = s.Close()
		}
		if !errors.Is(err, killed) {
			if err != nil || n >= at {
				t.Fatalf("step %d: %v", at, err)
			}
			if at < 10 {
				t.Fatalf("only %d steps were seen", at-1)
			}
			return
		}
		again := mustOpen(t, dir) // must work after every crash
		if again.Key() == nil || again.Epoch() < 1 {
			t.Errorf("step %d: no key or epoch", at)
		}
		if c, ok := again.Contact(anna.JKT); told && (!ok || c.Name != "Anna") {
			t.Errorf("step %d: Pair had returned, but the contact is lost", at)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
			t.Errorf("step %d: left over: %v", at, left)
		}
		_ = again.Close()
	}
}

func TestCallLeftOpenIsClosedAsRestarted(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	begun := Record{RoomID: "room", Peer: "peer", Contact: "Anna", RoomType: signaling.Video, Direction: Incoming, Started: day}
	if err := s.Begin(begun); err != nil {
		t.Fatal(err)
	}
	if r := s.Records(0); len(r) != 1 || !r[0].Ended.IsZero() {
		t.Fatalf("running: %+v", r)
	}
	_ = s.Close()
	// The power went while the end was written.
	f, err := os.OpenFile(filepath.Join(dir, recordsFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString(`{"end":{"roomId":"room","peer":"pe`)
	_ = f.Close()

	for range 2 { // the second start changes nothing more
		again := mustOpen(t, dir)
		r := again.Records(0)
		if len(r) != 1 || r[0].Cause != cause.Aborted || r[0].Detail != cause.Restarted || r[0].Ended.IsZero() || r[0].Contact != "Anna" {
			t.Fatalf("after the crash: %+v", r)
		}
		_ = again.Close()
	}
}

func TestRecords(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	const calls = maxRecords + 700
	for i := range calls {
		r := Record{RoomID: fmt.Sprint("room", i), Peer: "p", RoomType: signaling.Voice, Direction: Incoming, Started: day}
		if err := s.Begin(r); err != nil {
			t.Fatal(err)
		}
		r.Answered = day.Add(time.Second)
		if err := s.Begin(r); err != nil { // brings it up to date
			t.Fatal(err)
		}
		r.Cause, r.Origin, r.TalkSeconds = cause.Hangup, cause.TimeLimit, 1.5
		if err := s.End(r); err != nil {
			t.Fatal(err)
		}
	}
	checkNewest := func(s *Store) {
		t.Helper()
		all, two := s.Records(0), s.Records(2)
		if len(all) != maxRecords || len(two) != 2 {
			t.Fatalf("%d and %d records", len(all), len(two))
		}
		if two[0].RoomID != fmt.Sprint("room", calls-1) || two[1].RoomID != fmt.Sprint("room", calls-2) || all[maxRecords-1].RoomID != fmt.Sprint("room", calls-maxRecords) {
			t.Errorf("not the newest, newest first: %s %s … %s", two[0].RoomID, two[1].RoomID, all[maxRecords-1].RoomID)
		}
		if two[0].TalkSeconds != 1.5 || two[0].Answered.IsZero() || two[0].Origin != cause.TimeLimit {
			t.Errorf("the record lost something: %+v", two[0])
		}
	}
	checkNewest(s)
	if s.journal.lines >= compactAt {
		t.Errorf("the file has grown to %d lines", s.journal.lines)
	}
	_ = s.Close()
	checkNewest(mustOpen(t, dir))
}

func TestEndNeedsACause(t *testing.T) {
	if err := mustOpen(t, t.TempDir()).End(Record{RoomID: "r", Cause: "because"}); err == nil {
		t.Error("an unknown cause was recorded")
	}
}

func TestSameRoomOfAnotherKeyIsAnotherCall(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	for _, peer := range []string{"a", "b"} {
		if err := s.Begin(Record{RoomID: "r", Peer: peer}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.End(Record{RoomID: "r", Peer: "a", Cause: cause.Busy}); err != nil {
		t.Fatal(err)
	}
	if r := s.Records(0); len(r) != 2 || r[0].Cause != "" || r[1].Cause != cause.Busy {
		t.Errorf("records: %+v", r)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"version":1,"kind":"calls"}` + "\n" + `{"begin":{"roomId":"r"}}` + "\n" + `{"end`))
	f.Add([]byte("\n\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		s := &Store{files: files{dir: dir}, now: fixed}
		write(t, dir, recordsFile, string(data))
		if err := s.openJournal(); err != nil {
			return
		}
		defer s.journal.close()
		for _, r := range s.Records(0) {
			if r.Ended.IsZero() {
				t.Fatalf("left open: %+v", r)
			}
		}
	})
}
