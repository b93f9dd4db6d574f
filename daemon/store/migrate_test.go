package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"callbox/signaling"
	"callbox/signaling/cause"
)

// version is a copy of the sample that the callbox of that schema wrote.
func version(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(fmt.Sprint("testdata/version", n))); err != nil {
		t.Fatal(err)
	}
	write(t, dir, identityFile, newKey(t))
	return dir
}

// sampleRecords are the calls of both samples, the newest first.
func sampleRecords() []Record {
	const anna, ben = "1-gxIBQtM3skf4RaH5jDpKeED-BRmAnfZY8DxXGGPno", "wgPKqDcTzqHGc-zAfIJ8aIbjReVeZQAcgpwbhgY46IA"
	at := func(hour int) time.Time { return time.Date(2026, 5, 4, hour, 0, 0, 0, time.UTC) }
	return []Record{
		{ID: 4, RoomID: "sample-room-4", Peer: anna, Contact: "Anna", RoomType: signaling.Video, Direction: Incoming, Started: at(16), Ended: day, LimitSeconds: 90, Cause: cause.Aborted, Detail: cause.Restarted, ClockUntrusted: true},
		{ID: 3, RoomID: "sample-room-3", Peer: ben, Contact: "Ben Müller", RoomType: signaling.Video, Direction: Incoming, Started: at(15), Ended: at(15), RingSeconds: 2, TalkSeconds: 7.5, LimitSeconds: 90, Cause: cause.Aborted, Detail: cause.MediaLost},
		{ID: 2, RoomID: "sample-room-2", Peer: ben, Contact: "Ben Müller", RoomType: signaling.Voice, Direction: Incoming, Started: at(14), Ended: at(14), RingSeconds: 60, LimitSeconds: 90, Cause: cause.Timeout},
		{ID: 1, RoomID: "sample-room-1", Peer: anna, Contact: "Anna", RoomType: signaling.Video, Direction: Incoming, Started: at(13), Answered: at(13).Add(4 * time.Second), Ended: at(13), RingSeconds: 4.25, TalkSeconds: 90.001, LimitSeconds: 90, Cause: cause.Hangup, Origin: cause.TimeLimit},
	}
}

func TestVersion1(t *testing.T) {
	dir := version(t, 1)
	old, err := os.ReadFile(filepath.Join(dir, journalFile))
	if err != nil {
		t.Fatal(err)
	}
	for start := range 2 {
		s := mustOpen(t, dir)
		if got := s.Records(Query{}); !reflect.DeepEqual(got, sampleRecords()) {
			t.Fatalf("start %d: got  %+v\nwant %+v", start, got, sampleRecords())
		}
		if s.Restarted() != 1-start || len(s.Problems()) != 0 {
			t.Errorf("start %d: %d closed, problems %+v", start, s.Restarted(), s.Problems())
		}
		crash(s)
		if kept, err := os.ReadFile(filepath.Join(dir, importedFile)); err != nil || !bytes.Equal(kept, old) {
			t.Errorf("start %d: the old file is not kept: %v", start, err)
		}
		if _, err := os.Stat(filepath.Join(dir, journalFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("start %d: the old file is still in place: %v", start, err)
		}
	}
	// An older callbox ran in between and wrote a file of its own.
	write(t, dir, journalFile, string(old)+`{"end":{"roomId":"new","peer":"p","roomType":"voice","direction":"in","started":"2026-05-05T00:00:00Z","ended":"2026-05-05T00:00:01Z","ringSeconds":1,"talkSeconds":0,"cause":"busy"}}`+"\n")
	s := mustOpen(t, dir)
	if got := s.Records(Query{}); len(got) != 5 || got[0].RoomID != "new" || !reflect.DeepEqual(got[1:], sampleRecords()) {
		t.Errorf("records after the older one: %q", rooms(got))
	}
}

func TestContactsOfVersion1(t *testing.T) {
	dir := version(t, 1)
	for range 2 {
		s := mustOpen(t, dir)
		list := s.List()
		if len(list) != 2 || list[0].Name != "Anna" || len(list[0].Rights) != 1 {
			t.Fatalf("contacts: %+v", list)
		}
		// Ben had no rights. None is not the same as those of his groups.
		if ben := list[1]; ben.Rights == nil || len(ben.Rights) != 0 || ben.MaxSeconds != 90 {
			t.Errorf("Ben: %+v", ben)
		}
		if _, err := s.Edit("Anna", func(c *signaling.Contact) error { c.DaySeconds = 600; return nil }); err != nil {
			t.Fatal(err)
		}
		crash(s)
	}
}

func TestTornVersion1(t *testing.T) {
	t.Parallel()
	header := `{"version":1,"kind":"calls"}` + "\n"
	good := `{"end":{"roomId":"good","roomType":"voice","direction":"in","started":"2026-05-04T12:00:00Z","ended":"2026-05-04T12:00:00Z","ringSeconds":0,"talkSeconds":0,"cause":"busy"}}` + "\n"
	for name, tt := range map[string]struct {
		text    string
		want    string
		damaged bool
	}{
		"the power went in a line": {header + good + `{"end":{"roomId":"ha`, "good", false},
		"the power went at once":   {header[:9], "", false},
		"nothing":                  {"", "", false},
		"no header":                {good, "", true},
		"of another kind":          {`{"version":1,"kind":"bills"}` + "\n" + good, "good", true},
		"a bad line":               {header + `{"begin":{"room` + "\n" + good, "good", true},
		"an empty line":            {header + "{}\n" + good, "good", true},
		"an end without a cause":   {header + `{"end":{"roomId":"r"}}` + "\n" + good, "good", true},
		"no record":                {header + `{"begin":null,"end":null}` + "\n" + good, "good", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, identityFile, newKey(t))
			write(t, dir, journalFile, tt.text)
			s := mustOpen(t, dir)
			if got := rooms(s.Records(Query{})); got != tt.want {
				t.Errorf("records %q, want %q", got, tt.want)
			}
			name := filepath.Join(dir, importedFile)
			if p := s.Problems(); tt.damaged && len(p) == 1 {
				name = p[0].Moved
			} else if len(p) != 0 || tt.damaged {
				t.Fatalf("problems: %+v", p)
			}
			if kept, err := os.ReadFile(name); err != nil || string(kept) != tt.text {
				t.Errorf("%s: %q, %v", name, kept, err)
			}
			call(t, s, Record{RoomID: "after"})
			crash(s)
			if got := rooms(mustOpen(t, dir).Records(Query{})); got != strings.TrimSpace("after "+tt.want) {
				t.Errorf("records after a restart %q", got)
			}
		})
	}
}

func TestVersion2(t *testing.T) {
	s := mustOpen(t, version(t, 2))
	got := s.Records(Query{})
	if len(got) != 5 || !reflect.DeepEqual(got[1:], sampleRecords()) {
		t.Fatalf("got  %+v\nwant %+v", got, sampleRecords())
	}
	want := full("sample-room-5")
	want.ID, want.Times, want.Link, want.Failure, want.Lost = 5, 0, nil, "", nil // the sample is older than these members
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
	b, _ := s.LoadBudget("issuer:example")
	volume := 0
	if err := second(s.Setting("volume", &volume)); err != nil || volume != 7 || b != (Budget{Day: "2026-05-04", Trusted: true, UsedSeconds: 61.5, WindowSeconds: 2}) {
		t.Errorf("volume %d, budget %+v, %v", volume, b, err)
	}
	if len(s.Problems()) != 0 || s.Restarted() != 0 {
		t.Errorf("problems %+v, %d closed", s.Problems(), s.Restarted())
	}
}

// later is a schema of the day after tomorrow: version 3 renames a setting, version 4
// needs it.
func later(breakAt int) schema {
	rename := func(from, to string, v int) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(settingsBucket))
			text, err := unseal(settingsBucket, []byte(from), b.Get([]byte(from)))
			if err != nil {
				return err
			}
			err = carryOut(tx, []op{
				{settingsBucket, []byte(from), nil},
				{settingsBucket, []byte(to), seal(settingsBucket, []byte(to), json.RawMessage(text))},
			})
			if err == nil && v == breakAt {
				err = errors.New("the step fails at its end")
			}
			return err
		}
	}
	return schema{version: 4, steps: map[int]func(*bolt.Tx) error{
		2: rename("volume", "loudness", 2),
		3: rename("loudness", "speaker", 3),
	}}
}

func TestStepsForward(t *testing.T) {
	dir := version(t, 2)
	old, err := os.ReadFile(filepath.Join(dir, callsName))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := open(files{dir: dir}, Options{}, fixed, later(0))
		if err != nil {
			t.Fatal(err)
		}
		volume := 0
		if err := second(s.Setting("speaker", &volume)); err != nil || volume != 7 || len(s.Records(Query{})) != 5 || len(s.Problems()) != 0 {
			t.Errorf("volume %d, %v, %d records, problems %+v", volume, err, len(s.Records(Query{})), s.Problems())
		}
		crash(s)
	}
	if kept, err := os.ReadFile(filepath.Join(dir, callsName+".version2")); err != nil || !bytes.Equal(kept, old) {
		t.Errorf("the copy from before is not whole: %v", err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("the older callbox: %v", err)
	}
}

// TestStepThatFails keeps the file as a damaged one; what could be read goes on.
func TestStepThatFails(t *testing.T) {
	for at := 2; at <= 3; at++ {
		dir := version(t, 2)
		old, err := os.ReadFile(filepath.Join(dir, callsName))
		if err != nil {
			t.Fatal(err)
		}
		s, err := open(files{dir: dir}, Options{}, fixed, later(at))
		if err != nil {
			t.Fatal(err)
		}
		if p := s.Problems(); len(p) != 1 || p[0].Moved == "" || len(s.Records(Query{})) != 5 {
			t.Errorf("step %d: problems %+v, %d records", at, p, len(s.Records(Query{})))
		}
		if kept, err := os.ReadFile(filepath.Join(dir, callsName+".version2")); err != nil || !bytes.Equal(kept, old) {
			t.Errorf("step %d: the copy from before is not whole: %v", at, err)
		}
		call(t, s, Record{RoomID: "after"})
		crash(s)
	}
}

func TestNoWayFromThere(t *testing.T) {
	dir := version(t, 2)
	s, err := open(files{dir: dir}, Options{}, fixed, schema{version: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer crash(s)
	if p := s.Problems(); len(p) != 1 || !strings.Contains(p[0].Text, "no way from version 2") || len(s.Records(Query{})) != 5 {
		t.Errorf("problems %+v, %d records", p, len(s.Records(Query{})))
	}
}

// TestNewerIsRefused wants an error that names both versions and says what to do,
// and the file as it was, to the last bit and second.
func TestNewerIsRefused(t *testing.T) {
	dir := version(t, 2)
	s, err := open(files{dir: dir}, Options{}, fixed, later(0))
	if err != nil {
		t.Fatal(err)
	}
	begin(t, s, Record{RoomID: "running"})
	crash(s)
	path := filepath.Join(dir, callsName)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	then := day.Add(-time.Hour)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, Options{})
	if !errors.Is(err, ErrNewer) {
		t.Fatalf("Open: %v", err)
	}
	for _, want := range []string{path, "version 4", "up to 2", "install", "put back the copy"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	after, err := os.ReadFile(path)
	info, errStat := os.Stat(path)
	if err != nil || errStat != nil || !bytes.Equal(before, after) || !info.ModTime().Equal(then) {
		t.Errorf("the file was touched: %v, %v, %v", err, errStat, info)
	}
	if s, err = open(files{dir: dir}, Options{}, fixed, later(0)); err != nil || s.Epoch() != 2 {
		t.Fatalf("the newer callbox cannot go on: %v", err)
	}
	crash(s)
}
