package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callbox/signaling/cause"
)

func yes() bool { return true }

func TestRetention(t *testing.T) {
	for name, tt := range map[string]struct {
		keep    Retention
		trusted bool
		want    string
	}{
		"everything":              {Retention{}, true, "r 5 4 3 2 1"},
		"three":                   {Retention{Keep: 3}, true, "r 5 4 3"},
		"three, clock untrusted":  {Retention{Keep: 3}, false, "r 5 4 3"},
		"hours":                   {Retention{MaxAge: 150 * time.Minute}, true, "r 5 4 3"},
		"hours, clock untrusted":  {Retention{MaxAge: time.Second}, false, "r 5 4 3 2 1"},
		"no hours":                {Retention{MaxAge: time.Second}, true, "r"},
		"both, count is stronger": {Retention{Keep: 1, MaxAge: 150 * time.Minute}, true, "r 5"},
		"both, age is stronger":   {Retention{Keep: 4, MaxAge: 90 * time.Minute}, true, "r 5 4"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			now := day
			s, err := open(files{dir: dir}, Options{ClockTrusted: yes}, func() time.Time { return now }, currentSchema())
			if err != nil {
				t.Fatal(err)
			}
			for i := 1; i <= 5; i++ {
				now = now.Add(time.Hour)
				call(t, s, Record{RoomID: fmt.Sprint(i), Started: now})
			}
			crash(s)
			o := Options{Retention: tt.keep, ClockTrusted: func() bool { return tt.trusted }}
			at := func() time.Time { return day.Add(5*time.Hour + time.Minute) }
			if s, err = open(files{dir: dir}, o, at, currentSchema()); err != nil {
				t.Fatal(err)
			}
			begin(t, s, Record{RoomID: "r"})
			if got := rooms(s.Records(Query{})); got != tt.want {
				t.Errorf("at Open: %q, want %q", got, tt.want)
			}
			crash(s)
		})
	}
}

func TestRetentionAfterEachEnd(t *testing.T) {
	dir := t.TempDir()
	s := openWith(t, dir, Options{Retention: Retention{Keep: 2}})
	for i := range 5 {
		call(t, s, Record{RoomID: fmt.Sprint(i)})
	}
	if got := rooms(s.Records(Query{})); got != "4 3" {
		t.Errorf("records %q", got)
	}
	if err := s.Configure(PeopleFull, Retention{Keep: 1}); err != nil {
		t.Fatal(err)
	}
	crash(s)
	if got := rooms(mustOpen(t, dir).Records(Query{})); got != "4" {
		t.Errorf("records after a restart %q", got)
	}
	for _, bad := range []Options{{Retention: Retention{Keep: -1}}, {Retention: Retention{MaxAge: -1}}, {People: "some"}} {
		if _, err := Open(t.TempDir(), bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

// TestTimeOfAWrongClockIsNoAge has a device that booted in 1970: what it wrote then
// must not vanish when the clock is set.
func TestTimeOfAWrongClockIsNoAge(t *testing.T) {
	dir := t.TempDir()
	now, trusted := time.Unix(60, 0), false
	o := Options{Retention: Retention{MaxAge: 30 * 24 * time.Hour}, ClockTrusted: func() bool { return trusted }}
	s, err := open(files{dir: dir}, o, func() time.Time { return now }, currentSchema())
	if err != nil {
		t.Fatal(err)
	}
	defer crash(s)
	call(t, s, Record{RoomID: "1970", Started: now})
	now, trusted = day, true
	call(t, s, Record{RoomID: "today", Started: now})
	if got := s.Records(Query{}); rooms(got) != "today 1970" || got[0].ClockUntrusted || !got[1].ClockUntrusted {
		t.Fatalf("records %+v", got)
	}
	// A month later what followed it is too old, so it is as well.
	now = day.Add(31 * 24 * time.Hour)
	call(t, s, Record{RoomID: "later", Started: now})
	if got := rooms(s.Records(Query{})); got != "later" {
		t.Errorf("records %q", got)
	}
}

// onDisk reports whether any file of the directory holds the text.
func onDisk(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found = found || strings.Contains(string(data), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPeople(t *testing.T) {
	for mode, want := range map[People]struct{ name, key bool }{
		"": {true, true}, PeopleFull: {true, true}, PeopleThumbprint: {false, true}, PeopleNone: {false, false},
	} {
		t.Run(string(mode), func(t *testing.T) {
			dir := t.TempDir()
			s := openWith(t, dir, Options{People: mode})
			r := begin(t, s, full("room"))
			if err := s.Update(r); err != nil {
				t.Fatal(err)
			}
			end(t, s, r)
			if err := s.End(full("refused")); err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"Anna", "Ben", "Cem"} {
				if onDisk(t, dir, text) != want.name {
					t.Errorf("%s on the disk: %v", text, !want.name)
				}
			}
			for _, text := range []string{"peer-key", "other-key", "third-key"} {
				if onDisk(t, dir, text) != want.key {
					t.Errorf("%s on the disk: %v", text, !want.key)
				}
			}
			if got := s.Records(Query{})[0]; (got.Contact != "") != want.name || (got.Peer != "") != want.key || len(got.Rings) != 3 {
				t.Errorf("record %+v", got)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	call(t, s, full("old"))
	call(t, s, full("deleted"))
	crash(s)
	for _, name := range []string{importedFile, callsName + ".damaged-20260101T000000Z", callsName + ".version2", journalFile + ".damaged-20260101T000000Z"} {
		write(t, dir, name, `"contact":"Anna"`)
	}
	s = openWith(t, dir, Options{People: PeopleNone})
	if !onDisk(t, dir, "Anna") || s.Records(Query{})[1].Contact != "Anna" {
		t.Fatal("a change of the mode rewrote old records")
	}
	running := begin(t, s, full("running"))
	if n, err := s.Redact(); err != nil || n != 2 {
		t.Fatalf("Redact = %d, %v", n, err)
	}
	for _, text := range []string{"Anna", "Ben", "peer-key", "third-key"} {
		if onDisk(t, dir, text) {
			t.Errorf("%s is still on the disk", text)
		}
	}
	end(t, s, running) // the new file goes on
	crash(s)
	s = mustOpen(t, dir)
	if got := s.Records(Query{}); rooms(got) != "running deleted old" || got[2].TalkSeconds != 58.1 || got[0].Cause != cause.Hangup {
		t.Errorf("records: %+v", got)
	}
	if n, err := s.Redact(); err != nil || n != 0 {
		t.Errorf("Redact with names allowed = %d, %v", n, err)
	}
}
