//go:build e2e

package e2e

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/signaling/cause"
	"callbox/signaling/phonepeer"
)

// soon is how long anything may take that should happen at once, on a machine that
// has much else to do.
const soon = 10 * time.Second

// talkError is how much the talk of a record may be off the stamps of the events. The
// stamp of startVoip is late when a busy machine stops the daemon between the moment
// at which media flows and the event: one talk in twenty may be off by a stall.
const (
	talkError = 100 * time.Millisecond
	talkStall = time.Second

	fewestStalls = 3 // that are let pass, of however few talks
)

// household is a device with a daemon of its own, phones that were paired with it,
// and what is to be found of every call that they had.
type household struct {
	*device
	t      *testing.T
	ctx    context.Context
	api    *client.Client
	stream *stream
	phones []*phonepeer.Phone
	absent string // the contact whose phone is never on
	random *rand.Rand
	video  bool // in the calls that are being played

	books []account         // all calls, in the order in which they ended
	phone map[string]string // the contact of each key
	off   []time.Duration   // that the talks of records were
}

// account is what a call must leave behind at the device.
type account struct {
	group, room string // of its events; of its record
	jkt         string
	outgoing    bool
	end         cause.End
	byDevice    bool
	talked      bool
	refused     bool // turned away: it never rang
	killed      bool // the daemon did not live to see its end
	talk        time.Duration
}

// openHousehold starts a device and pairs phones with it, whose names are given; the
// last one is switched off for good.
func openHousehold(t *testing.T, seed uint64, o deviceOptions, people ...string) *household {
	t.Helper()
	d := startDevice(t, o)
	h := &household{
		device: d, t: t, ctx: t.Context(), api: client.New(d.socket),
		random: rand.New(rand.NewPCG(seed, 0)), phone: map[string]string{},
	}
	for i, name := range people {
		p, err := phonepeer.New(phonepeer.Options{Name: name, Loopback: true, VideoCodecs: codecsOf(i)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		h.pair(p)
		if i == len(people)-1 {
			h.absent = name
			continue
		}
		if err := p.Connect(h.ctx); err != nil {
			t.Fatal(err)
		}
		h.phones = append(h.phones, p)
	}
	eventually(t, soon, "the device reaches the phones", func() bool { return h.connected() == len(h.phones) })
	h.watchEvents()
	return h
}

// codecsOf lets every other phone know VP8 only, and the first leave the choice to the
// device, which prefers H.264.
func codecsOf(i int) []string {
	if i%2 == 1 {
		return []string{phonepeer.CodecVP8}
	}
	return nil
}

// pair lets a phone in through a real pairing window.
func (h *household) pair(p *phonepeer.Phone) {
	h.t.Helper()
	window, err := h.api.OpenPairing(h.ctx, control.PairRequest{Name: p.Name()})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := p.Pair(h.ctx, window.URL); err != nil {
		h.t.Fatal(err)
	}
	h.phone[p.Key().JKT()] = p.Name()
}

// connected is how many phones the device reaches.
func (h *household) connected() int {
	s, err := h.api.Status(h.ctx)
	if err != nil || len(s.Transports) == 0 {
		return 0
	}
	return s.Transports[0].Phones
}

// watchEvents opens the stream that stays open over all calls of one daemon.
func (h *household) watchEvents() {
	h.t.Helper()
	s, err := openStream(h.ctx, h.api)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(s.close)
	h.stream = s
}

// find waits for an event of a call.
func (h *household) find(group, name string) control.Event {
	h.t.Helper()
	ev, err := h.stream.find(h.ctx, group, name, soon)
	if err != nil {
		h.t.Fatalf("call %s: %v", group, err)
	}
	return ev
}

// must fails the test when a request was refused.
func (h *household) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// settle waits for the end of calls that were made at the same time, and looks for
// what they have left: their events, and one record each.
func (h *household) settle(calls ...account) {
	h.t.Helper()
	for i := range calls {
		if !calls[i].refused {
			h.find(calls[i].group, control.EventFinishVoip)
		}
		calls[i].talk = h.checkEvents(calls[i])
	}
	h.findRecords(calls...)
}

// findRecords looks for the records of calls that have ended since it last did.
func (h *household) findRecords(calls ...account) {
	h.t.Helper()
	records, err := h.api.Calls(h.ctx, control.CallQuery{Limit: len(calls) + 1})
	h.must(err)
	fresh := map[string]control.Record{}
	for _, r := range records {
		if recordID(h.t, r) > uint64(len(h.books)) {
			fresh[r.RoomID] = r
		}
	}
	if len(fresh) != len(calls) {
		h.t.Fatalf("%d calls have left %d records: %+v", len(calls), len(fresh), records)
	}
	for _, c := range calls {
		h.checkRecord(fresh[c.room], c)
	}
	h.books = append(h.books, calls...)
	if n := recordID(h.t, records[0]); n != uint64(len(h.books)) { // one was written and taken away
		h.t.Errorf("%d calls had %d records", len(h.books), n)
	}
}

// checkEvents wants one event of the cause, then endVoip, then finishVoip, and
// nothing after it. It returns how long was talked. That is by the stamps of the
// events, which the stream holds to the clock here: when an event is read says how
// busy the machine is.
func (h *household) checkEvents(c account) time.Duration {
	h.t.Helper()
	events := h.stream.of(c.group)
	if c.refused {
		var data control.RefusedData
		if len(events) != 1 || events[0].Name != control.EventRefused || payload(h.t, events[0], &data).Cause != c.end.Cause {
			h.t.Errorf("call %s: a caller that was turned away has the events %v, %+v", c.group, names(events), data)
		}
		return 0
	}
	var start, end control.Event
	for i, ev := range events {
		switch ev.Name {
		case control.EventStartVoip:
			if start.Seq > 0 {
				h.t.Errorf("call %s: two talks: %v", c.group, names(events))
			}
			start = ev
		case control.EventHangUpVoip, control.EventCancelVoip, control.EventRejectVoip, control.EventBusy,
			control.EventTimeout, control.EventAbortVoip, control.EventJoinFailCaller, control.EventJoinFailListener:
			if i != len(events)-3 {
				h.t.Errorf("call %s: %s is not the last but two of %v", c.group, ev.Name, names(events))
			}
			end = ev
		case control.EventEndVoip:
			if i != len(events)-2 {
				h.t.Errorf("call %s: endVoip is not the last but one of %v", c.group, names(events))
			}
		case control.EventFinishVoip:
			if i != len(events)-1 {
				h.t.Errorf("call %s: finishVoip is not the last of %v", c.group, names(events))
			}
		}
	}
	if end.Name != c.end.Cause.Event(c.outgoing) || len(events) < 3 || events[len(events)-2].Name != control.EventEndVoip {
		h.t.Errorf("call %s: it ended with %v, want %+v", c.group, names(events), c.end)
		return 0
	}
	var got control.EndData
	payload(h.t, end, &got)
	if want := control.NewEndData(c.end, c.outgoing, c.byDevice, got.KeepTime); !sameEnd(got, want) {
		h.t.Errorf("call %s: %s says %s, want %+v", c.group, end.Name, end.Data, want)
	}
	if c.talked != (start.Seq > 0) {
		h.t.Errorf("call %s: a talk began: %v, want %v: %v", c.group, start.Seq > 0, c.talked, names(events))
	}
	if start.Seq == 0 {
		return 0
	}
	return end.Time.Sub(start.Time)
}

func sameEnd(a, b control.EndData) bool {
	same := (a.Error == nil) == (b.Error == nil) && (a.Error == nil || *a.Error == *b.Error)
	a.Error, b.Error = nil, nil
	return same && a == b
}

// checkRecord compares a record with the call that it stands for.
func (h *household) checkRecord(r control.Record, c account) {
	h.t.Helper()
	direction := control.In
	if c.outgoing {
		direction = control.Out
	}
	if r.RoomID != c.room || r.GroupID != c.group || r.Phone != c.jkt || r.Contact != h.phone[c.jkt] || r.Direction != direction {
		h.t.Errorf("call %s: the record says %+v, want %+v", c.group, r, c)
	}
	by := map[bool]string{true: "device", false: "phone"}[c.byDevice]
	if c.refused || c.killed {
		by = ""
	}
	if got := (cause.End{Cause: r.Cause, Origin: r.Origin, Detail: r.Detail}); got != c.end || r.EndedBy != by {
		h.t.Errorf("call %s: the record says %+v by %q, want %+v by %q", c.group, got, r.EndedBy, c.end, by)
	}
	if r.Ended.IsZero() || r.Ended.Before(r.Started) {
		h.t.Errorf("call %s: the record lasts from %v to %v", c.group, r.Started, r.Ended)
	}
	least, most := c.talk, c.talk
	switch {
	case c.killed: // since the last checkpoint nobody has written
		least = max(0, least-checkpoint)
	case c.end.Origin == cause.TimeLimit: // media stops by itself: the event may be late, the talk not longer
		least, most = talkLimit, talkLimit
		if c.talk < talkLimit-talkStall/2 {
			h.t.Errorf("call %s: the limit of %v ended it after %v", c.group, talkLimit, c.talk)
		}
	}
	said := time.Duration(r.TalkSeconds * float64(time.Second))
	off := max(least-said, said-most)
	if off > talkStall || !c.talked && said != 0 {
		h.t.Errorf("call %s: the record says %v of talk, it was %v", c.group, said, c.talk)
	}
	if c.talked {
		h.off = append(h.off, off)
	}
}

// checkTalks wants the talk of the records to be right, and returns how much 95 of
// 100 were off at most, and the worst.
func (h *household) checkTalks() (most, worst time.Duration) {
	h.t.Helper()
	slices.Sort(h.off)
	// Of few talks, one in twenty is less than what one moment without a processor can stop.
	stalls := max(len(h.off)/20, fewestStalls)
	most, worst = h.off[max(0, len(h.off)-1-stalls)], h.off[len(h.off)-1]
	if most > talkError {
		h.t.Errorf("more than %d of %d talks were off by %v or more; allowed: %v", stalls, len(h.off), most, talkError)
	}
	return most, worst
}

// phoneEnds wants the phone's end of a call to be this one, and told once.
func (h *household) phoneEnds(c *phonepeer.Call, end cause.End, byDevice bool) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.ctx, soon)
	defer cancel()
	ended, err := c.Wait(ctx)
	if err != nil {
		h.t.Fatalf("call %s: the phone does not hear of its end: %v", c.Room, err)
	}
	if ended.End != end || ended.ByDevice != byDevice {
		h.t.Errorf("call %s: the phone's call ended %+v, by the device %v; want %+v, %v", c.Room, ended.End, ended.ByDevice, end, byDevice)
	}
	for n := 0; ; {
		ev, err := c.Next(ctx)
		if err != nil { // io.EOF
			if n != 1 {
				h.t.Errorf("call %s: the phone was told %d ends (%v)", c.Room, n, err)
			}
			return
		}
		if _, ok := ev.(phonepeer.Ended); ok {
			n++
		}
	}
}

// closeBooks looks at all calls once more: nothing came late, and there is one
// record for each of those that are kept.
func (h *household) closeBooks() {
	h.t.Helper()
	if err := h.stream.err(); err != nil {
		h.t.Errorf("the stream of events: %v", err)
	}
	for _, c := range h.books {
		h.checkEvents(c)
	}
	if n := h.stream.groups(); n != len(h.books) {
		h.t.Errorf("there are events of %d calls, %d were made", n, len(h.books))
	}
	records, err := h.api.Calls(h.ctx, control.CallQuery{})
	h.must(err)
	if len(records) != min(recordsKept, len(h.books)) || recordID(h.t, records[0]) != uint64(len(h.books)) {
		h.t.Errorf("%d calls have %d records, the newest is %s", len(h.books), len(records), records[0].ID)
	}
	byRoom := map[string]account{}
	for _, c := range h.books {
		byRoom[c.room] = c
	}
	for _, r := range records {
		h.checkRecord(r, byRoom[r.RoomID])
		delete(byRoom, r.RoomID)
	}
}

func recordID(t *testing.T, r control.Record) uint64 {
	t.Helper()
	id, err := strconv.ParseUint(r.ID, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
