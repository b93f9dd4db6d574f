package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"callbox/signaling/token"
)

const issuer = "https://maker.example"

// moving opens a store whose wall clock the test moves.
func moving(t *testing.T, dir string, now *time.Time, trusted bool) *Store {
	t.Helper()
	s, err := open(files{dir: dir}, Options{ClockTrusted: func() bool { return trusted }}, func() time.Time { return *now }, currentSchema())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { crash(s) })
	return s
}

func TestSpendOnce(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	in10 := day.Add(10 * time.Minute)
	if err := s.Spend(issuer, "u1", "a", in10); err != nil {
		t.Fatal(err)
	}
	for _, again := range []bool{false, true} {
		if again {
			crash(s)
			s = mustOpen(t, dir)
		}
		if err := s.Spend(issuer, "u1", "a", in10); !errors.Is(err, token.ErrSpent) {
			t.Errorf("used twice: %v", err)
		}
	}
	for who, id := range map[string]string{"https://other.example": "a", issuer: "b"} { // an ID is an issuer's own
		if err := s.Spend(who, "u1", id, in10); err != nil {
			t.Errorf("%s of %s: %v", id, who, err)
		}
	}
}

func TestSpentTokensAreForgotten(t *testing.T) {
	for name, tt := range map[string]struct {
		trusted bool
		after   time.Duration
		spent   bool
	}{
		"before it expires":           {true, 5 * time.Minute, true},
		"just expired":                {true, 11 * time.Minute, true},
		"long expired":                {true, 2 * time.Hour, false},
		"a clock that means nothing":  {false, 48 * time.Hour, true},
		"a clock that has gone back":  {true, -48 * time.Hour, true},
		"in 1970, not knowing better": {false, -56 * 365 * 24 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			now := day
			s := moving(t, t.TempDir(), &now, tt.trusted)
			if err := s.Spend(issuer, "u1", "a", day.Add(10*time.Minute)); err != nil {
				t.Fatal(err)
			}
			now = now.Add(tt.after)
			if err := s.Spend(issuer, "u1", "other", now.Add(time.Minute)); err != nil { // forgetting comes with a change
				t.Fatal(err)
			}
			if err := s.Spend(issuer, "u1", "a", day.Add(10*time.Minute)); errors.Is(err, token.ErrSpent) != tt.spent {
				t.Errorf("after %v: %v", tt.after, err)
			}
		})
	}
}

// TestSpentTokensAreBounded: a device that never learns the time does not fill its
// disk, and forgets none that could still be good. No issuer takes another's places,
// and no caller those of others of the same issuer.
func TestSpentTokensAreBounded(t *testing.T) {
	now := day
	s := moving(t, t.TempDir(), &now, false)
	n := 0
	use := func(issuer, subject string) error {
		n++
		return s.Spend(issuer, subject, fmt.Sprint(n), day)
	}
	// By the means of the test only: a thousand changes of the disk take seconds.
	fill := func(subject string, most int) {
		for range most {
			n++
			s.spent = append(s.spent, spentToken{Version: 1, Issuer: issuer, Subject: subject, ID: fmt.Sprint(n), Expires: day, at: now})
		}
	}
	wantFull := func(what string, err error) {
		t.Helper()
		if err == nil || errors.Is(err, token.ErrSpent) {
			t.Errorf("%s: %v", what, err)
		}
	}
	fill("u1", maxOfSubject)
	wantFull("a subject over its bound", use(issuer, "u1"))
	if err := use(issuer, "u2"); err != nil {
		t.Errorf("another of the same issuer: %v", err)
	}
	fill("u4", maxOfSubject)
	fill("u5", maxOfSubject)
	fill("u6", maxOfSubject-1)
	wantFull("an issuer over its bound", use(issuer, "u3"))
	if err := use("https://other.example", "u1"); err != nil {
		t.Errorf("another issuer: %v", err)
	}
	now = now.Add(spentRest)
	before := len(s.spent)
	if err := use(issuer, "u1"); err != nil {
		t.Errorf("an hour later: %v", err)
	}
	if len(s.spent) > before {
		t.Errorf("%d are kept, before it were %d", len(s.spent), before)
	}
	if err := s.Spend(issuer, "u1", "3", day); !errors.Is(err, token.ErrSpent) {
		t.Errorf("the third: %v", err)
	}
}

// TestSpentTokensOfManyStarts: the bounds hold over restarts of a device that never
// learns the time, for the file, too.
func TestSpentTokensOfManyStarts(t *testing.T) {
	dir := t.TempDir()
	var file []byte
	for i := range 2400 {
		file = append(file, spentToken{Version: 1, Issuer: issuer, Subject: "u1", ID: fmt.Sprint("old ", i), Expires: day}.line()...)
	}
	write(t, dir, spentFile, string(file))
	now := day
	s := moving(t, dir, &now, false)
	for i := range maxOfSubject {
		if err := s.Spend(issuer, "u1", fmt.Sprint(i), day); err != nil {
			t.Fatalf("token %d: %v", i, err)
		}
	}
	if err := s.Spend(issuer, "u1", "one more", day); err == nil || len(s.spent) != maxOfSubject {
		t.Errorf("one more than a subject's share: %v; %d are kept", err, len(s.spent))
	}
	text, err := os.ReadFile(filepath.Join(dir, spentFile))
	if n := bytes.Count(text, []byte("\n")); err != nil || n > maxOfSubject+spareLines {
		t.Errorf("the file has %d lines, %v", n, err)
	}
}

// TestSpendIsDurable: at whatever step the process ends, a token whose use was
// granted is known to be used afterwards; one that was refused may be either.
func TestSpendIsDurable(t *testing.T) {
	for _, anew := range []bool{false, true} {
		steps := []string{"open", "append"}
		if anew {
			steps = []string{"create", "rename", "sync"}
		}
		for _, step := range steps {
			t.Run(step, func(t *testing.T) {
				dir := t.TempDir()
				s := mustOpen(t, dir)
				if err := s.Spend(issuer, "u1", "first", day); err != nil {
					t.Fatal(err)
				}
				s.torn = anew
				died := errors.New("died")
				s.files.crash = func(at string) error {
					if at == step {
						return died
					}
					return nil
				}
				if err := s.Spend(issuer, "u1", "second", day); !errors.Is(err, died) {
					t.Fatalf("the disk has failed: %v", err)
				}
				s.files.crash = nil
				if err := s.Spend(issuer, "u1", "second", day); !errors.Is(err, token.ErrSpent) {
					t.Errorf("a second try in the same process: %v", err)
				}
				if err := s.Spend(issuer, "u1", "third", day); err != nil {
					t.Errorf("the disk works again: %v", err)
				}
				crash(s)
				s = mustOpen(t, dir)
				for _, id := range []string{"first", "third"} {
					if err := s.Spend(issuer, "u1", id, day); !errors.Is(err, token.ErrSpent) {
						t.Errorf("what was granted is forgotten: %s: %v", id, err)
					}
				}
			})
		}
	}
}

// TestTornSpend: the power goes while a line is written. It was granted to nobody, and
// what comes after it is no part of it.
func TestTornSpend(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	for _, id := range []string{"first", "second"} {
		if err := s.Spend(issuer, "u1", id, day); err != nil {
			t.Fatal(err)
		}
	}
	crash(s)
	whole, err := os.ReadFile(filepath.Join(dir, spentFile))
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(whole, '\n') + 1
	for cut := first; cut < len(whole); cut += 7 {
		write(t, dir, spentFile, string(whole[:cut]))
		s := mustOpen(t, dir)
		if len(s.Problems()) != 0 || len(s.spent) != 1 {
			t.Errorf("cut off after %d bytes: %d tokens, %v", cut, len(s.spent), s.Problems())
		}
		if err := s.Spend(issuer, "u1", "third", day); err != nil {
			t.Error(err)
		}
		crash(s)
		s = mustOpen(t, dir)
		for _, id := range []string{"first", "third"} {
			if err := s.Spend(issuer, "u1", id, day); !errors.Is(err, token.ErrSpent) {
				t.Errorf("cut off after %d bytes: %s: %v", cut, id, err)
			}
		}
		crash(s)
	}
}

// TestSpentFileIsTidied: it does not grow for ever, and one use is one line.
func TestSpentFileIsTidied(t *testing.T) {
	now := day
	dir := t.TempDir()
	s := moving(t, dir, &now, true)
	lines := func() int {
		text, err := os.ReadFile(filepath.Join(dir, spentFile))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(text, []byte("\n"))
	}
	for i := range 3 {
		if err := s.Spend(issuer, "u1", fmt.Sprint(i), now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(3 * time.Hour) // all of them are over
	s.lines += spareLines - 2    // by the means of the test
	for i := range 2 {
		if err := s.Spend(issuer, "u1", fmt.Sprint("later ", i), now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if got, want := lines(), []int{1, 2}[i]; got != want {
			t.Errorf("%d lines, want %d", got, want)
		}
	}
}

func TestDenials(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	for _, d := range []Denial{
		{Issuer: "https://whole.example"}, {Issuer: issuer, Subject: "u1"}, {Issuer: issuer, Key: "k1"}, {Issuer: issuer, Token: "t1"},
	} {
		for range 2 {
			if _, err := s.Deny(d); err != nil {
				t.Fatal(err)
			}
		}
	}
	crash(s)
	s = mustOpen(t, dir)
	if got := s.Denials(); len(got) != 4 || !got[1].Since.Equal(day) {
		t.Errorf("denials = %+v", got)
	}
	for _, tt := range []struct {
		issuer, subject, key, id string
		want                     bool
	}{
		{"https://whole.example", "u9", "k9", "t9", true},
		{issuer, "u1", "k9", "t9", true}, {issuer, "u9", "k1", "t9", true}, {issuer, "u9", "k9", "t1", true},
		{issuer, "u9", "k9", "t9", false}, {"https://other.example", "u1", "k1", "t1", false},
	} {
		if got := s.Denied(tt.issuer, tt.subject, tt.key, tt.id); got != tt.want {
			t.Errorf("Denied(%+v) = %v", tt, got)
		}
	}
	if _, err := s.Allow(Denial{Issuer: issuer, Subject: "u1"}); err != nil || s.Denied(issuer, "u1", "", "") {
		t.Errorf("allowed again: %v", err)
	}
	if _, err := s.Allow(Denial{Issuer: issuer}); !errors.Is(err, ErrNotDenied) {
		t.Errorf("what is not denied: %v", err)
	}
	for _, bad := range []Denial{{}, {Subject: "u"}, {Issuer: issuer, Subject: "u", Key: "k"}, {Issuer: strings.Repeat("x", 257)}, {Issuer: "a\nb"}} {
		if _, err := s.Deny(bad); !errors.Is(err, ErrDenial) {
			t.Errorf("Deny(%+v) = %v", bad, err)
		}
	}
}

func TestDenialsThatCannotBeWritten(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	s.files.crash = func(string) error { return errors.New("disk full") }
	if _, err := s.Deny(Denial{Issuer: issuer}); err == nil || s.Denied(issuer, "", "", "") {
		t.Errorf("denied in memory alone: %v", err)
	}
}

func TestFloorIsKept(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	if !s.Floor().IsZero() {
		t.Errorf("a new store has the floor %v", s.Floor())
	}
	for _, at := range []time.Time{day.Add(time.Nanosecond), {}} {
		if err := s.SaveFloor(at); err != nil {
			t.Fatal(err)
		}
		crash(s)
		if s = mustOpen(t, dir); !s.Floor().Equal(at) {
			t.Errorf("floor = %v, want %v", s.Floor(), at)
		}
	}
	if err := s.SaveFloor(time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil || s.Floor().Year() != 9999 {
		t.Errorf("a floor beyond JSON: %v, %v", s.Floor(), err)
	}
}

// TestSmallFilesThatAreDamaged: the device starts without the used tokens and the
// floor, tells of it and keeps the files; it does not start without the denials.
func TestSmallFilesThatAreDamaged(t *testing.T) {
	for _, text := range []string{"\n", "{\n", `{"version":1,"unknown":1}` + "\n", "null\n", `{"version":0}` + "\n"} {
		dir := t.TempDir()
		write(t, dir, spentFile, text)
		write(t, dir, floorFile, text)
		s := mustOpen(t, dir)
		for _, p := range s.Problems() {
			if old, err := os.ReadFile(p.Moved); err != nil || string(old) != text {
				t.Errorf("%q: %+v, %v", text, p, err)
			}
		}
		if len(s.Problems()) != 2 || len(s.spent) != 0 || !s.Floor().IsZero() {
			t.Errorf("%q: problems %+v", text, s.Problems())
		}
		if err := errors.Join(s.Spend(issuer, "u1", "a", day), s.SaveFloor(day)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		crash(s)

		dir = t.TempDir()
		write(t, dir, deniedFile, text)
		_, err := open(files{dir: dir}, Options{}, fixed, currentSchema())
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), filepath.Join(dir, deniedFile)) {
			t.Errorf("denials %q: %v", text, err)
		}
	}
	for _, name := range []string{spentFile, floorFile, deniedFile} {
		dir := t.TempDir()
		write(t, dir, name, `{"version":2}`+"\n")
		if _, err := open(files{dir: dir}, Options{}, fixed, currentSchema()); !errors.Is(err, ErrNewer) {
			t.Errorf("%s of a newer callbox: %v", name, err)
		}
	}
	dir := t.TempDir()
	write(t, dir, deniedFile, `{"version":1,"denied":[{"iss":"a","since":"2026-05-04T12:00:00Z"},{"iss":"a","since":"2026-05-04T12:00:00Z"}]}`)
	if _, err := open(files{dir: dir}, Options{}, fixed, currentSchema()); !errors.Is(err, ErrDamaged) {
		t.Errorf("denied twice: %v", err)
	}
}

func TestSpentFileIsReadAsWritten(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	if err := s.Spend(issuer, "u1", "a", day); err != nil {
		t.Fatal(err)
	}
	crash(s)
	s = mustOpen(t, dir)
	if want := []spentToken{{Version: 1, Issuer: issuer, Subject: "u1", ID: "a", Expires: day}}; !reflect.DeepEqual(s.spent, want) {
		t.Errorf("spent = %+v, want %+v", s.spent, want)
	}
}
