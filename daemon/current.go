package daemon

import (
	"context"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/media"
	"callbox/signaling"
)

// proposal is what the machine is being asked about: an offer, or a call of the
// device's own.
type proposal struct {
	offer  signaling.Offer
	dial   *dialing
	camera bool   // the phone may see the device's camera
	rule   string // of the policy, that decided
}

// current is what the loop knows of the call of state.Generation beside the
// machine's state.
type current struct {
	gen        uint64
	group      string          // names the call in events: the room's id, of the first room when there are several
	offer      signaling.Offer // of the phone that the call is with; while dialing only its contact and room
	dial       *dialing        // of an outgoing call
	log        zerolog.Logger
	record     store.Record
	began      time.Duration // on the boot clock
	timers     map[call.Timer]func() bool
	announcing context.CancelFunc // of the announcement that is being played

	mic, camera   bool // what people on the device want to send
	cameraAllowed bool // and what policy lets this phone see
	phone         *signaling.PhoneInfo
	waiting       map[string]waitingData   // data of the phone that a program is to answer, by id
	sent          map[string]chan<- string // data of ours that the phone is to answer, by id
	gone          map[device]bool          // that are gone

	account   *account    // of the talk; nil before it
	quality   linkMeans   // of the talk, a look each second
	relayStop func() bool // of the next look at the TURN credentials
	darken    func()      // lets go of the light that an answer has turned on, now

	leg *leg // the media session; never nil
}

// noLeg is the number of a leg that has no session: no event is of it.
const noLeg = -1

// leg is one media session of a call, and what waits for it.
type leg struct {
	n          int // call.State.Leg
	session    mediaSession
	answer     string            // our SDP
	answerSent bool              // the phone has our SDP: candidates may follow
	local      []media.Candidate // ours, waiting for that
	localEnd   bool
	remote     []media.Candidate // the phone's, waiting for the session
	generation int               // of ICE
	minted     time.Duration     // when its TURN credentials were made
	talking    bool              // the talk has begun
	startedAt  time.Duration     // and when
	deadline   time.Duration     // 0: none
	dataOpen   bool
	told       info // the last one that the phone was told
	toldAt     time.Duration
	failure    error // of its media; nil while there was none
}

func (c *current) room() signaling.RoomKey { return c.offer.Room }

// eventRoom is the room in events of this call.
func (c *current) eventRoom() control.Room {
	return control.Room{RoomID: c.offer.Room.ID, GroupID: c.group}
}

// people names who the call is with, or who is being rung.
func (c *current) people() string {
	if c.dial != nil && !c.dial.joined {
		return strings.Join(c.dial.names(), ", ")
	}
	return c.offer.Contact.Name
}

// newCurrent makes the call that the machine is about to begin, in the state s.
func (l *loop) newCurrent(s call.State) *current {
	p := l.next
	c := &current{
		gen: s.Generation, offer: p.offer, dial: p.dial, began: l.clock.Now(),
		timers: map[call.Timer]func() bool{}, waiting: map[string]waitingData{}, sent: map[string]chan<- string{},
		gone: map[device]bool{}, relayStop: func() bool { return false }, darken: func() {}, mic: true, cameraAllowed: p.camera, leg: &leg{n: noLeg},
	}
	if p.dial != nil {
		first := p.dial.rings[0]
		c.offer = signaling.Offer{Room: first.room, Contact: first.contact, RoomType: p.dial.roomType, Query: p.dial.query}
	}
	c.group = c.offer.Room.ID
	c.camera = c.offer.RoomType == signaling.Video && p.camera && (p.dial != nil || p.offer.EnableListenerCamera)
	c.log = l.callLog(c)
	c.record = newRecord(c.offer, l.wall())
	if p.dial != nil {
		c.record.Direction = store.Outgoing
	}
	if limit := s.Rules.Limit; limit.Set {
		c.record.LimitSeconds = limit.Duration.Seconds()
	}
	return c
}

// callLog is the log of a call: every line of it names the room.
func (l *loop) callLog(c *current) zerolog.Logger {
	return l.log.With().Str("room_id", c.offer.Room.ID).Str("contact", c.people()).Logger()
}

func newRecord(o signaling.Offer, now time.Time) store.Record {
	return store.Record{
		RoomID: o.Room.ID, Peer: o.Room.Phone, Contact: o.Contact.Name,
		RoomType: o.RoomType, Direction: store.Incoming, Started: now,
	}
}

// talked is for how long media has been allowed to flow.
func (l *loop) talked() time.Duration {
	leg := l.cur.leg
	if !leg.talking {
		return 0
	}
	talked := l.clock.Now() - leg.startedAt
	if leg.deadline > 0 {
		talked = min(talked, leg.deadline-leg.startedAt)
	}
	return talked
}

func (l *loop) ringSeconds() float64 {
	end := l.clock.Now()
	if l.cur.leg.talking {
		end = l.cur.leg.startedAt
	}
	return (end - l.cur.began).Round(time.Millisecond).Seconds()
}
