package store

import (
	"encoding/json"
	"errors"
	"math"
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
		Cause: cause.Hangup, Origin: cause.TimeLimit, Detail: cause.MediaLost, By: ByDevice, Times: 3,
		Failure: "no way", Lost: []Lost{{Kind: "camera", Name: "usb-Cam", Error: "pulled out", Back: true}},
		Link: &Link{
			SendBitrate: 1e6, ReceiveBitrate: 64000, SendLoss: 0.01, ReceiveLoss: 0.02, SendLossWorst: 0.1, ReceiveLossWorst: 0.2,
			RTTMilliseconds: 40.5, RTTMillisecondsWorst: 99, SendJitterMilliseconds: 2, ReceiveJitterMilliseconds: 3,
			FramesSent: 1700, FramesSkipped: 4, FramesShown: 850, Freezes: 1, Reconnects: 2, ConcealedSeconds: 0.25, SendCodec: "h264", ReceiveCodec: "vp8",
			LocalCandidate: "host", RemoteCandidate: "relay", CPU: 0.3,
		},
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
	for _, v := range []reflect.Value{reflect.ValueOf(want), reflect.ValueOf(*want.Link), reflect.ValueOf(Ring{RoomID: "r", Peer: "p", Contact: "c", Reached: true, Cause: "x", Origin: "o", Detail: "d"})} {
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
	call(t, s, Record{RoomID: "link", Link: &Link{SendLoss: math.NaN(), RTTMilliseconds: math.Inf(1), CPU: 0.5}})
	if got := s.Records(Query{Limit: 1})[0]; got.Link == nil || *got.Link != (Link{CPU: 0.5}) {
		t.Errorf("what is no number became %+v", got.Link)
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
