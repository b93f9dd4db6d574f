package daemon

import (
	"slices"
	"time"

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
	d := policy.Decide(policy.Request{
		Rights: texts(o.Contact.Rights), Wish: policy.Limit(o.TimeLimit), Contact: secondsLimit(o.Contact.MaxSeconds),
		Config: policy.Limit(l.settings.limit), Auto: l.settings.answerAuto,
	})
	return decision{d.Allowed, d.Cause, d.Rule, call.Limit(d.Limit), d.Auto, true}
}

// mayCall asks whether the device may call a contact.
func (l *loop) mayCall(c signaling.Contact, _ signaling.RoomType, wish signaling.Limit) decision {
	if !slices.Contains(c.Rights, signaling.RightBeCalled) {
		return decision{cause: cause.Forbidden, rule: `the contact lacks the right "beCalled"`}
	}
	return decision{allowed: true, limit: call.Smallest(call.Limit(wish), l.settings.limit), camera: true}
}

func (l *loop) mayUnlock(string) bool {
	return slices.Contains(l.cur.offer.Contact.Rights, signaling.RightUnlock)
}

// secondsLimit turns a contact's longest call into a limit; 0 is none.
func secondsLimit(seconds float64) policy.Limit {
	if seconds <= 0 {
		return policy.Limit{}
	}
	return policy.Limit{Set: true, Duration: time.Duration(seconds * float64(time.Second))}
}
