package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

func (f fakeRecords) Refuse(r store.Record) (uint64, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.records = append(f.s.records, r)
	return uint64(len(f.s.records)), nil
}

func (f fakeRecords) RefuseAgain(id uint64, at time.Time) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	r := &f.s.records[id-1]
	r.Times, r.Ended = max(r.Times, 1)+1, at
	return nil
}

// TestRepeatedRefusalsShareARecord: of the same phone, by the same cause, each within
// a minute of the one before.
func TestRepeatedRefusalsShareARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.inLoop(func() { s.loop.dnd.On = true })
		n := 0
		refuse := func(phone string) {
			o := theOffer(fmt.Sprint("r", n))
			o.Room.Phone = phone
			n++
			s.receive(o)
			synctest.Wait()
		}
		began := time.Now()
		for range 10 {
			refuse("anna")
			refuse("bert") // another one in between
			time.Sleep(refusalPause - time.Millisecond)
		}
		time.Sleep(time.Millisecond)
		refuse("anna") // a whole minute after the last
		forbidden := theOffer("r")
		forbidden.Contact.Rights = nil
		s.receive(forbidden)
		synctest.Wait()
		refuse("anna") // the cause of before is still the last one's
		var got []string
		for _, r := range s.records {
			got = append(got, fmt.Sprintf("%s %s %s %d %v", r.RoomID, r.Peer, r.Cause, r.Times, r.Ended.Sub(began)))
		}
		want := []string{
			"r0 anna dnd 10 8m59.991s", "r1 bert dnd 10 8m59.991s", "r20 anna dnd 2 9m59.991s", "r anna forbidden 0 9m59.991s",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("\n got %q\nwant %q", got, want)
		}
		if s.loop.refused[string(cause.DND)] != 22 {
			t.Errorf("counted %v: each refusal is one", s.loop.refused)
		}
	})
}

// forgetful is a store that has lost every record but the newest.
type forgetful struct {
	recorder
	mu    sync.Mutex
	lines []string
	last  uint64
}

func (f *forgetful) Refuse(r store.Record) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	f.lines = append(f.lines, "refuse "+r.RoomID)
	if r.RoomID == "full" {
		return f.last, errors.New("the disk is full")
	}
	return f.last, nil
}

func (f *forgetful) RefuseAgain(id uint64, _ time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, fmt.Sprint("again ", id))
	if id != f.last {
		return store.ErrNoRecord
	}
	return nil
}

// TestARefusalWhoseRecordIsGone is written down anew; one that the disk did not take
// is in memory and is counted there.
func TestARefusalWhoseRecordIsGone(t *testing.T) {
	f := &forgetful{}
	j := newJournal(f, zerolog.Nop())
	now := time.Now()
	refuse := func(room, phone string) {
		j.refused(store.Record{RoomID: room, Peer: phone, Cause: cause.DND, Ended: now})
		now = now.Add(time.Second)
	}
	refuse("full", "anna")
	refuse("b", "anna")
	refuse("c", "bert") // pushes Anna's out
	refuse("d", "anna")
	refuse("e", "anna")
	now = now.Add(-time.Hour) // a clock that was put back
	refuse("f", "anna")
	if err := j.close(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := []string{"refuse full", "again 1", "refuse c", "again 1", "refuse d", "again 3", "refuse f"}
	if fmt.Sprint(f.lines) != fmt.Sprint(want) {
		t.Errorf("\n got %q\nwant %q", f.lines, want)
	}
}

// TestRefusalsInTheAPI: one record with the count, over the real store and socket.
func TestRefusalsInTheAPI(t *testing.T) {
	h := newHouse(t)
	bob := h.paired("Bob", signaling.RightBeCalled)
	for _, room := range []string{theRoom, theRoom + "2", theRoom + "3"} {
		invite := bob.Invite(room)
		bob.say(invite)
		nonce := bob.expect("challenge").Body.(message.Challenge).Nonce
		bob.say(bob.Offer(room, nonce, invite, signalingtest.SDP{}.String()))
		bob.expect("reject forbidden")
	}
	calls, err := h.api.Calls(t.Context(), control.CallQuery{Limit: 10})
	if err != nil || len(calls) != 1 || calls[0].Times != 3 || calls[0].RoomID != theRoom || calls[0].Contact != "Bob" || calls[0].Cause != cause.Forbidden {
		t.Errorf("calls = %+v, %v; want one with 3 times", calls, err)
	}
}
