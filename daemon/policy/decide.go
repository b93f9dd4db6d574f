package policy

import (
	"fmt"
	"time"

	"callbox/signaling/cause"
)

// Request is a proven wish to call, or the device's own to call a contact.
type Request struct {
	Contact   Contact
	Direction Direction
	Video     bool   // a video call; a voice call shows no camera
	Wish      Limit  // of the invite, or of who made the device call
	Token     Limit  // of the call token, if there was one
	Now       Clock  // in any time zone
	DND       DND    // the switch
	Budget    Budget // what the contact has talked
	// Attempts are the contact's earlier ones to call, this one not among them.
	Attempts Attempts
}

// DND is the do-not-disturb switch that a person turns on beside the schedule.
type DND struct {
	On    bool
	Until time.Time // when it turns itself off; zero: never
}

// Decision is what follows. When the call is not allowed, nothing else is.
type Decision struct {
	Allowed bool        `json:"allowed"`
	Cause   cause.Cause `json:"cause,omitzero"` // when not allowed: forbidden or dnd
	Rule    string      `json:"rule"`           // which rule decided

	Limit     Limit     `json:"limitSeconds,omitzero"` // the smallest of all
	LimitFrom LimitFrom `json:"limitFrom,omitzero"`    // whose it is; "": there is no limit
	LimitRule string    `json:"limitRule,omitzero"`

	Auto   Verdict `json:"auto"`   // answered without a person
	Camera Verdict `json:"camera"` // the contact may see the device's camera
	Unlock Verdict `json:"unlock"` // the contact may open the door
}

// Verdict is one yes or no and the rule that said it.
type Verdict struct {
	Allowed bool   `json:"allowed"`
	Rule    string `json:"rule"`
}

// Explanation is a decision with everything that was looked at, in order.
type Explanation struct {
	Decision
	Steps []Step `json:"steps"`
}

// Step is one rule that was looked at.
type Step struct {
	Check   Check   `json:"check"`
	Outcome Outcome `json:"outcome"`
	Rule    string  `json:"rule"` // for a person
}

// shortest is the least talk that is worth a call.
const shortest = time.Second

// Decide applies the rules.
func (r *Rules) Decide(q Request) Decision { return r.Explain(q).Decision }

// Explain applies the rules and tells all that was looked at. The first step that
// says no decides; the others are made all the same, so that a person sees
// everything that stands in the way.
//
// To ask for another time T, pass Now as now.Add(T.Sub(now.Wall)), so that both
// clocks move: a wall clock that moves alone has jumped.
func (r *Rules) Explain(q Request) Explanation {
	l := r.look(&q.Contact)
	now := r.In(q.Now)
	right := RightCall
	if q.Direction == Outgoing {
		right = RightBeCalled
	}
	d := Decision{Allowed: true}
	ask := func(c cause.Cause, v Verdict) {
		if d.Allowed && !v.Allowed {
			d = Decision{Cause: c, Rule: v.Rule}
		}
	}
	ask(cause.Forbidden, l.groups())
	permission := l.right(CheckRight, right)
	ask(cause.Forbidden, permission)
	if q.Direction == Outgoing {
		l.nothing(CheckHours, "hours are for incoming calls")
	} else {
		ask(cause.Forbidden, l.hours(now))
	}
	left, day := l.day(q.Budget.At(now))
	ask(cause.Forbidden, day)
	ask(cause.Forbidden, l.attempts(q, now))
	if q.Direction == Outgoing {
		l.nothing(CheckDND, "do not disturb is for incoming calls")
	} else {
		ask(cause.DND, l.disturb(q.DND, now)) // last: only who could call learns of it
	}

	limit, from, rule := l.longest(q, left, day.Rule)
	auto := Verdict{false, "the device calls"}
	if q.Direction == Outgoing {
		l.nothing(CheckAnswer, "%s", auto.Rule)
	} else {
		auto = l.answer()
	}
	camera, unlock := l.camera(q.Video), l.right(CheckUnlock, RightUnlock)
	if d.Allowed {
		d.Rule = permission.Rule
		d.Limit, d.LimitFrom, d.LimitRule = limit, from, rule
		d.Auto, d.Camera, d.Unlock = auto, camera, unlock
	} else {
		no := Verdict{false, "the call is not allowed"}
		d.Auto, d.Camera, d.Unlock = no, no, no
	}
	return Explanation{d, l.steps}
}

// Unlock says whether the contact may open the door. It is asked each time, so
// that a right that was taken away in the call is gone.
func (r *Rules) Unlock(c Contact) Verdict {
	l := r.look(&c)
	if v := l.groups(); !v.Allowed {
		return v
	}
	return l.right(CheckUnlock, RightUnlock)
}

// Camera says whether the contact may see the device's camera in a video call. It is
// asked again when the contact is changed in a call.
func (r *Rules) Camera(c Contact) Verdict {
	l := r.look(&c)
	if v := l.groups(); !v.Allowed {
		return v
	}
	return l.camera(true)
}

// day asks whether there is talk left.
func (l *look) day(b Budget) (left Limit, v Verdict) {
	allowance, whose := l.limit(CheckDay, "talk_a_day", func(r *Rule) *Limit { return r.TalkADay })
	if !allowance.Set {
		return Limit{}, l.step(CheckDay, true, "no rule limits the talk a day of %s", l.who)
	}
	left = b.Left(allowance)
	return left, l.step(CheckDay, left.Duration >= shortest, "%s: talk_a_day %v, of which %v is left",
		whose.name, allowance, left.Duration.Round(100*time.Millisecond))
}

// attempts asks whether the contact has tried less often than it may.
func (l *look) attempts(q Request, now Clock) Verdict {
	allowed := l.rules.AttemptsAnHour
	switch {
	case allowed == 0:
		return Verdict{Allowed: true}
	case q.Direction == Outgoing:
		l.nothing(CheckTries, "attempts are those of incoming calls")
		return Verdict{Allowed: true}
	}
	tried := len(q.Attempts.At(now).Ages)
	return l.step(CheckTries, tried < allowed, "configuration: policy.attempts_an_hour %d, of which %s has used %d", allowed, l.who, tried)
}

// longest finds the smallest of all limits. Of equal ones the first counts.
func (l *look) longest(q Request, left Limit, day string) (smallest Limit, from LimitFrom, rule string) {
	consider := func(one Limit, f LimitFrom, text string) {
		if !one.Set {
			return
		}
		l.step(CheckLimit, true, "%s", text)
		if one.tighter(smallest) {
			smallest, from, rule = one, f, text
		}
	}
	consider(q.Wish, FromInvite, fmt.Sprintf("the caller wishes %v", q.Wish))
	consider(q.Token, FromToken, fmt.Sprintf("the call token allows %v", q.Token))
	own, whose := l.limit(CheckLimit, "longest_call", func(r *Rule) *Limit { return r.LongestCall })
	consider(own, whose.from, fmt.Sprintf("%s: longest_call %v", whose.name, own))
	consider(l.rules.LongestCall, FromConfiguration, fmt.Sprintf("configuration: call.max_duration %v", l.rules.LongestCall))
	consider(left, FromDay, day)
	if !smallest.Set {
		rule = "no rule limits the call"
		l.step(CheckLimit, true, "%s", rule)
	}
	return smallest, from, rule
}

// camera asks whether the contact may see the device's camera in this call.
func (l *look) camera(video bool) Verdict {
	if !video {
		return l.step(CheckCamera, false, "a voice call has no picture")
	}
	v := l.flag(CheckCamera, "camera", false, true, func(r *Rule) *bool { return r.Camera })
	return l.step(CheckCamera, v.Allowed, "%s", v.Rule)
}

// Has says whether the contact has a right now, by whoever gave it.
func (r *Rules) Has(c Contact, right Right) bool {
	l := r.look(&c)
	return l.groups().Allowed && l.right(CheckRight, right).Allowed
}

// Left is what the contact may still talk today; not Set where no rule limits that.
func (r *Rules) Left(c Contact, b Budget, now Clock) Limit {
	l := r.look(&c)
	left, _ := l.day(b.At(r.In(now)))
	return left
}
