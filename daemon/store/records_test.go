package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
)

// full is a record with every member, as it is when the call has ended.
func full(room string) Record {
	return Record{
		RoomID: room, Peer: "peer-key", Contact: "Anna", RoomType: signaling.Video, Direction: Outgoing, Auto: true,
		Rings: []Ring{
			{RoomID: room, Peer: "peer-key", Contact: "Anna", Reached: true},
			{RoomID: room + "b", Peer: "other-key", Contact: "Ben", Cause: cause.Aborted, Detail: cause.Unreachable},
			{RoomID: room + "c", Peer: "third-key", Contact: "Cem", Reached: true, Cause: cause.Hangup, Origin: cause.Manual},
		},
		Started: day, Answered: day.Add(time.Second), Ended: day.Add(time.Minute), ClockUntrusted: true,
		RingSeconds: 1.25, TalkSeconds: 58.1, LimitSeconds: 90,
		Cause: cause.Hangup, Origin: cause.TimeLimit, Detail: cause.MediaLost, By: ByDevice,
	}
}

func begin(t testing.TB, s *Store, r Record) Record {
	t.Helper()
	id, err := s.Begin(r)
	if err != nil {
		t.Fatal(err)
	}
	r.ID = id
	return r
}

func end(t testing.TB, s *Store, r Record) {
	t.Helper()
	if err := s.End(r); err != nil {
		t.Fatal(err)
	}
}

// call is one that has ended.
func call(t testing.TB, s *Store, r Record) {
	t.Helper()
	r = begin(t, s, r)
	if r.Cause == "" {
		r.Cause = cause.Hangup
	}
	end(t, s, r)
}

func rooms(list []Record) string {
	var ids []string
	for _, r := range list {
		ids = append(ids, r.RoomID)
	}
	return strings.Join(ids, " ")
}

// TestRecordComesBackWhole wants each member to survive, also one that is added
// later.
func TestRecordComesBackWhole(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	want := full("room")
	for _, v := range []reflect.Value{reflect.ValueOf(want), reflect.ValueOf(Ring{RoomID: "r", Peer: "p", Contact: "c", Reached: true, Cause: "x", Origin: "o", Detail: "d"})} {
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "ID" {
				t.Errorf("the test does not set %s", name)
			}
		}
	}
	want = begin(t, s, want)
	running := s.Records(Query{})[0]
	if !running.Ended.IsZero() {
		t.Errorf("it runs, and ended at %v", running.Ended)
	}
	end(t, s, want)
	for range 2 {
		if got := s.Records(Query{}); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
		crash(s)
		s = mustOpen(t, dir)
		if s.Restarted() != 0 || len(s.Problems()) != 0 {
			t.Errorf("%d calls closed, problems: %+v", s.Restarted(), s.Problems())
		}
	}
}

func TestLengthsAreKeptToTheMillisecond(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	for in, want := range map[float64]float64{
		0.05: 0.05, 0.1: 0.1, 59.9499: 59.95, 86399.999: 86399.999,
		-1: 0, math.Inf(1): 0, math.NaN(): 0,
	} {
		call(t, s, Record{TalkSeconds: in})
		if got := s.Records(Query{Limit: 1})[0].TalkSeconds; got != want {
			t.Errorf("%v s became %v, want %v", in, got, want)
		}
	}
	if p := s.Problems(); len(p) != 0 {
		t.Errorf("problems: %+v", p)
	}
}

func TestCallLeftOpenIsClosedAsRestarted(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	r := begin(t, s, Record{RoomID: "room", Peer: "peer", Contact: "Anna", RoomType: signaling.Video, Direction: Incoming, Started: day})
	r.Answered, r.TalkSeconds = day, 12.3
	if err := s.Update(r); err != nil {
		t.Fatal(err)
	}
	call(t, s, Record{RoomID: "over"})
	crash(s)
	for n := range 2 { // the second start changes nothing more
		s = mustOpen(t, dir)
		if s.Restarted() != 1-n {
			t.Errorf("start %d closed %d calls", n, s.Restarted())
		}
		got := s.Records(Query{Cause: cause.Aborted})
		if len(got) != 1 || got[0].Detail != cause.Restarted || got[0].Ended.IsZero() || got[0].Contact != "Anna" || got[0].TalkSeconds != 12.3 {
			t.Fatalf("after the crash: %+v", got)
		}
		if err := s.Update(got[0]); !errors.Is(err, ErrNoRecord) {
			t.Errorf("a call that is over goes on: %v", err)
		}
		crash(s)
	}
}

func TestWhatIsNoRunningCall(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	call(t, s, Record{RoomID: "over"})
	for name, err := range map[string]error{
		"update of none":       s.Update(Record{ID: 99}),
		"update of the number": s.Update(Record{}),
		"end of none":          s.End(Record{ID: 99, Cause: cause.Hangup}),
		"end of an ended one":  s.End(Record{ID: 1, Cause: cause.Busy}),
	} {
		if !errors.Is(err, ErrNoRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.End(Record{ID: 1, Cause: "because"}); err == nil || errors.Is(err, ErrNoRecord) {
		t.Errorf("an unknown cause: %v", err)
	}
	if got := s.Records(Query{}); len(got) != 1 || got[0].Cause != cause.Hangup {
		t.Errorf("records: %+v", got)
	}
	// A call that was refused at once has never begun.
	if err := s.End(Record{RoomID: "refused", Cause: cause.Busy}); err != nil {
		t.Fatal(err)
	}
	if got := s.Records(Query{Limit: 1}); got[0].RoomID != "refused" || got[0].ID != 2 {
		t.Errorf("records: %+v", got)
	}
}

func TestQuery(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	hour := func(n int) time.Time { return day.Add(time.Duration(n) * time.Hour) }
	call(t, s, Record{RoomID: "1", Peer: "anna-key", Contact: "Anna", Started: hour(1), Cause: cause.Hangup})
	call(t, s, Record{RoomID: "2", Peer: "ben-key", Contact: "Ben", Started: hour(2), Cause: cause.Busy})
	call(t, s, Record{RoomID: "3", Started: hour(3), Cause: cause.Hangup, Rings: []Ring{{Peer: "anna-key", Contact: "Anna"}, {Peer: "cem-key"}}})
	begin(t, s, Record{RoomID: "4", Peer: "ben-key", Contact: "Ben", Started: hour(4)})
	for name, tt := range map[string]struct {
		q    Query
		want string
	}{
		"all":               {Query{}, "4 3 2 1"},
		"the newest":        {Query{Limit: 1}, "4"},
		"a page":            {Query{Limit: 2, After: 4}, "3 2"},
		"the last page":     {Query{Limit: 2, After: 2}, "1"},
		"behind the end":    {Query{After: 1}, ""},
		"since":             {Query{Since: hour(3)}, "4 3"},
		"until":             {Query{Until: hour(3)}, "2 1"},
		"between":           {Query{Since: hour(2), Until: hour(4)}, "3 2"},
		"a name":            {Query{Contact: "ben"}, "4 2"},
		"a key":             {Query{Contact: "ben-key"}, "4 2"},
		"a name that rang":  {Query{Contact: "Anna"}, "3 1"},
		"a key that rang":   {Query{Contact: "cem-key"}, "3"},
		"a cause":           {Query{Cause: cause.Hangup}, "3 1"},
		"nobody":            {Query{Contact: "Eve"}, ""},
		"all of it":         {Query{Contact: "Anna", Cause: cause.Hangup, Since: hour(2), Limit: 5}, "3"},
		"no bound":          {Query{Limit: -1}, "4 3 2 1"},
		"a limit of others": {Query{Limit: 1, Contact: "Anna"}, "3"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rooms(s.Records(tt.q)); got != tt.want {
				t.Errorf("records %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRecordsCannotChangeTheStore(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	r := full("room")
	call(t, s, r)
	r.Rings[0].Contact = "Eve"
	s.Records(Query{})[0].Rings[1].Contact = "Eve"
	if got := s.Records(Query{})[0].Rings; got[0].Contact != "Anna" || got[1].Contact != "Ben" {
		t.Errorf("rings: %+v", got)
	}
}

// TestNumbersNeverComeTwice deletes the newest record and restarts.
func TestNumbersNeverComeTwice(t *testing.T) {
	dir := t.TempDir()
	s := openWith(t, dir, Options{ClockTrusted: yes})
	for i := range 5 {
		if r := begin(t, s, Record{}); r.ID != uint64(i+1) {
			t.Fatalf("number %d, want %d", r.ID, i+1)
		}
	}
	crash(s)
	s = openWith(t, dir, Options{Retention: Retention{MaxAge: time.Nanosecond}, ClockTrusted: yes})
	if n, err := s.Prune(day.Add(time.Hour)); err != nil || n != 5 {
		t.Fatalf("pruned %d, %v", n, err)
	}
	crash(s)
	s = mustOpen(t, dir)
	if got := s.Records(Query{}); len(got) != 0 {
		t.Errorf("deleted records came back: %+v", got)
	}
	if r := begin(t, s, Record{}); r.ID != 6 {
		t.Errorf("number %d after a restart, want 6", r.ID)
	}
}

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

func FuzzRecord(f *testing.F) {
	text, err := json.Marshal(full("room"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(recordKey(1), text)
	f.Add(recordKey(1), []byte(`{"id":1,"roomId":"r","roomType":"voice","direction":"in","started":"2026-05-04T12:00:00Z","ringSeconds":0,"talkSeconds":0}`))
	f.Add([]byte{}, []byte(`{}`))
	f.Fuzz(func(t *testing.T, key, text []byte) {
		r, err := parseRecord(key, text)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("%+v cannot be written again: %v", r, err)
		}
		same, err := parseRecord(key, again)
		if err != nil || same.ID != r.ID || !same.Started.Equal(r.Started) || !slices.Equal(same.Rings, r.Rings) {
			t.Fatalf("%s became %s: %v", text, again, err)
		}
	})
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"version":1,"kind":"calls"}` + "\n" + `{"begin":{"roomId":"r"}}` + "\n" + `{"end`))
	f.Add([]byte("\n\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, _ := readJournal(data)
		for _, r := range records {
			if !r.Ended.IsZero() && !r.Cause.Valid() {
				t.Fatalf("ended without a cause: %+v", r)
			}
		}
	})
}
