package daemon

import (
	"context"
	"time"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// offered asks policy and then the machine.
func (l *loop) offered(o signaling.Offer) {
	if o.Ring {
		l.rungPhoneOffers(o)
		return
	}
	d := l.decide(o)
	p := proposal{offer: o, camera: d.camera, rule: d.rule}
	switch {
	case l.stopping:
		l.turnAway(p, cause.Aborted)
		return
	case !d.allowed:
		l.turnAway(p, d.cause)
		return
	}
	l.next = p
	l.step(call.Offered{Room: call.Room(o.Room), Rules: l.rules(d.limit, d.auto)})
}

// rungPhoneOffers takes the answer of a phone that the device rings. Rights are
// read at each use: what was allowed when it was rung may have been taken away.
func (l *loop) rungPhoneOffers(o signaling.Offer) {
	r := l.cur.ringIn(o.Room)
	if r == nil || !l.state.Phase.Active() {
		l.signaling.CancelRing(o.Room, cause.AnsweredElsewhere)
		return
	}
	d := l.mayCall(o.Room.ID, r.contact, l.cur.dial.roomType, o.TimeLimit)
	if !d.allowed {
		l.cur.log.Info().Str("phone", r.contact.Name).Str("rule", d.rule).Msg("a rung phone may not be called any more")
		l.signaling.CancelRing(o.Room, d.cause)
		l.step(call.RingDeclined{Gen: l.cur.gen, Room: call.Room(o.Room), Cause: d.cause})
		return
	}
	l.next = proposal{offer: o, camera: d.camera, rule: d.rule}
	l.step(call.Offered{Room: call.Room(o.Room), Rules: l.rules(d.limit, false), Ring: true})
}

// rules are what the machine keeps of the configuration for one call.
func (l *loop) rules(limit call.Limit, auto bool) call.Rules {
	return call.Rules{
		Limit: limit, Ring: l.settings.ring, Connect: l.settings.connect, Reconnect: l.settings.reconnect,
		Preconnect: l.settings.preconnect != media.PreconnectOff, Auto: auto, Warnings: l.settings.warnings,
	}
}

// turnAway refuses a caller without touching the call that runs.
func (l *loop) turnAway(p proposal, c cause.Cause) {
	o := p.offer
	l.signaling.Reject(o.Room, c)
	l.signaling.End(o.Room)
	l.refused[string(c)]++
	now := l.wall()
	record := newRecord(o, now)
	record.Ended, record.Cause = now, c
	l.records.refused(record)
	line := l.log.Info().Str("room_id", o.Room.ID).Str("contact", o.Contact.Name).Str("cause", string(c))
	data := control.RefusedData{Contact: o.Contact.Name, Cause: c}
	if c == cause.Forbidden || c == cause.DND {
		line = line.Str("rule", p.rule)
		data.Rule = p.rule
	}
	line.Msg("call refused")
	l.events.Publish(control.EventRefused, o.Room.ID, data)
}

// announcementTimeout bounds a speaker that hangs: the longest announcement that
// the configuration takes, and time to open the sound card.
const announcementTimeout = 35 * time.Second

// announce plays that the call is about to be answered by itself.
func (l *loop) announce() {
	gen := l.cur.gen
	ctx, cancel := context.WithTimeout(context.Background(), announcementTimeout)
	l.cur.announcing = cancel
	before := l.away
	l.async(func() {
		defer cancel()
		if before != nil { // the last call may still have the speaker
			<-before
		}
		l.box.put(announced{gen: gen, err: l.sounds.Announce(ctx)})
	})
}

// announced lets the call be answered, or leaves that to a person.
func (l *loop) announced(it announced) {
	if it.err != nil && l.cur.gen == it.gen && l.state.Announcing {
		l.cur.log.Warn().Err(it.err).Msg("the announcement was not heard: only a person can answer")
	}
	if it.err == nil && l.cur.gen == it.gen && l.state.Announcing {
		l.cur.record.Auto = true
	}
	if it.err != nil && l.cur.gen == it.gen && l.state.Announcing && l.has.speaker && l.tester.is(l.cur.room().Phone) {
		l.step(call.Declined{Gen: it.gen}) // nobody waits for a test, and its result is known
	}
	l.step(call.Announced{Gen: it.gen, Heard: it.err == nil})
}
