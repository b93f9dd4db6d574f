package policy

import (
	"fmt"

	"callbox/signaling/cause"
)

// Selftest decides about a call of the phone inside callboxctl selftest. Whoever starts
// that test owns the device, so that what its phones may do says nothing here: the call
// is answered without a person, whatever call.answer is, and shows the camera. What
// protects people near the device holds: do-not-disturb, the configuration's longest
// call, and the announcement and the light, which are not the policy's.
func (r *Rules) Selftest(q Request) Decision {
	l := r.look(&q.Contact)
	if v := l.disturb(q.DND, r.In(q.Now)); !v.Allowed {
		no := Verdict{false, "the call is not allowed"}
		return Decision{Cause: cause.DND, Rule: v.Rule, Auto: no, Camera: no, Unlock: no}
	}
	yes := Verdict{true, "it is a test by the device's owner"}
	d := Decision{Allowed: true, Rule: yes.Rule, Auto: yes, Camera: Verdict{q.Video, yes.Rule}, Unlock: Verdict{false, "a test opens no door"}}
	d.Limit, d.LimitFrom, d.LimitRule = q.Wish, FromInvite, fmt.Sprintf("the test wishes %v", q.Wish)
	if r.LongestCall.Set && r.LongestCall.tighter(q.Wish) {
		d.Limit, d.LimitFrom = r.LongestCall, FromConfiguration
		d.LimitRule = fmt.Sprintf("configuration: call.max_duration %v", r.LongestCall)
	}
	if !d.Limit.Set {
		d.LimitFrom, d.LimitRule = "", "no rule limits the call"
	}
	return d
}
