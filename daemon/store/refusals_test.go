package store

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
)

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	refused := Record{
		RoomID: "r", Peer: "p", Contact: "Anna", RoomType: signaling.Voice, Direction: Incoming,
		Started: day, Ended: day, Cause: cause.DND,
	}
	id, err := s.Refuse(refused)
	if err != nil || id == 0 {
		t.Fatalf("Refuse = %d, %v", id, err)
	}
	for i := range 3 {
		if err := s.RefuseAgain(id, day.Add(time.Duration(i+1)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	want := refused
	want.ID, want.Times, want.Ended, want.ClockUntrusted = id, 4, day.Add(3*time.Second), true
	for range 2 {
		if got := s.Records(Query{}); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Fatalf("\n got %+v\nwant %+v", got, want)
		}
		crash(s)
		s = mustOpen(t, dir)
	}

	running, err := s.Begin(Record{RoomID: "running"})
	if err != nil {
		t.Fatal(err)
	}
	for name, number := range map[string]uint64{"a running call": running, "none": 99, "zero": 0} {
		if err := s.RefuseAgain(number, day); !errors.Is(err, ErrNoRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, bad := range map[string]Record{"no cause": {RoomID: "x", Ended: day}, "no end": {RoomID: "x", Cause: cause.DND}} {
		if _, err := s.Refuse(bad); err == nil {
			t.Errorf("%s was written down", name)
		}
	}
	if n := len(s.Records(Query{})); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}

// TestRefusalsMakeRoom: refused calls count for what is kept, and one that had to go
// is said to be gone.
func TestRefusalsMakeRoom(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	if err := s.Configure(PeopleFull, Retention{Keep: 2}); err != nil {
		t.Fatal(err)
	}
	var first uint64
	for i := range 3 {
		id, err := s.Refuse(Record{RoomID: "r", Started: day, Ended: day, Cause: cause.DND})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = id
		}
	}
	if n := len(s.Records(Query{})); n != 2 {
		t.Errorf("%d records are kept, want 2", n)
	}
	if err := s.RefuseAgain(first, day); !errors.Is(err, ErrNoRecord) {
		t.Errorf("the one that went: %v", err)
	}
}
