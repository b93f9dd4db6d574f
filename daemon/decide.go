package daemon

import (
	"callbox/daemon/call"
	"callbox/daemon/policy"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// decision is what policy says to one call.
type decision struct {
	allowed bool
	cause   cause.Cause // when not allowed
	rule    string
	limit   call.Limit
	auto    bool
	camera  bool
}

// decide asks whether a phone may call.
func (l *loop) decide(o signaling.Offer) decision {
	q := policy.Request{Direction: policy.Incoming, Video: o.RoomType == signaling.Video, Wish: policy.Limit(o.TimeLimit)}
	if l.tester.is(o.Contact.JKT) {
		return l.decideTest(o, q)
	}
	var d decision
	if o.Token != nil {
		d = l.decideByToken(o, q)
	} else {
		d = l.ask(o.Room.ID, o.Contact, q)
	}
	l.noteTry(o.Contact.JKT)
	return d
}

// mayCall asks whether the device may call a contact; room is the one that it is
// rung in, "" before there is one.
func (l *loop) mayCall(room string, c signaling.Contact, t signaling.RoomType, wish signaling.Limit) decision {
	return l.ask(room, c, policy.Request{Direction: policy.Outgoing, Video: t == signaling.Video, Wish: policy.Limit(wish)})
}

func (l *loop) ask(room string, c signaling.Contact, q policy.Request) decision {
	if stored, ok := l.contacts.Contact(c.JKT); ok {
		c = stored // what signaling handed on has the rights of groups and default mixed in
	}
	q.Attempts = l.tries[c.JKT]
	return l.judge(room, policyContact(c), l.allowances.load(c.JKT), q)
}

// judge applies the rules to somebody who has used so much of their talk a day.
func (l *loop) judge(room string, c policy.Contact, used policy.Budget, q policy.Request) decision {
	q.Contact, q.Now, q.DND, q.Budget = c, l.now(), l.dnd, used
	return l.decided(room, q, l.settings.rules.Decide(q))
}

// decided tells of a decision, and makes of it what a call takes along.
func (l *loop) decided(room string, q policy.Request, d policy.Decision) decision {
	line := l.log.Debug()
	if room != "" {
		line = line.Str("room_id", room)
	}
	line.Str("contact", q.Contact.Name).Str("direction", string(q.Direction)).Bool("allowed", d.Allowed).
		Str("rule", d.Rule).Str("limit_rule", d.LimitRule).Msg("policy")
	return decision{d.Allowed, d.Cause, d.Rule, call.Limit(d.Limit), d.Auto.Allowed, d.Camera.Allowed}
}

// mayUnlock asks at each use whether the phone of a call may open the door: a right
// that was taken away in the call is gone.
func (l *loop) mayUnlock(o signaling.Offer) bool {
	c, known := l.contacts.Contact(o.Contact.JKT)
	switch {
	case l.tester.is(o.Contact.JKT):
		return false
	case c.Revoked, !known && !o.ByToken:
		return false
	case known && !l.settings.rules.Unlock(policyContact(c)).Allowed:
		return false
	}
	return o.Token == nil || l.tokenUnlocks(o.Token)
}

// now reads the device's clocks.
func (l *loop) now() policy.Clock {
	return l.settings.rules.In(policy.Clock{Wall: l.wall(), Boot: l.clock.Now(), Run: l.bootID, Trusted: l.trusted()})
}
