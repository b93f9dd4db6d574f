package policy

import (
	"testing"
	"time"

	"callbox/signaling/cause"
)

var (
	yes, no = new(true), new(false)
	call    = []Right{RightCall}
	all     = []Right{RightCall, RightBeCalled, RightAuto, RightUnlock}
)

func limit(d time.Duration) *Limit { return &Limit{Set: true, Duration: d} }

// saturday is 9 May 2026, 09:12 in Shanghai, on a clock that is right.
func saturday(t testing.TB) Clock {
	at := time.Date(2026, 5, 9, 9, 12, 0, 0, zone(t, "Asia/Shanghai"))
	return Clock{Wall: at.UTC(), Boot: time.Hour, Run: "a", Trusted: true}
}

// TestRules looks at one attribute at a time: who decides, and what is said.
func TestRules(t *testing.T) {
	weekdays, weekend := windows(t, "Mon-Fri 08:00-20:00"), windows(t, "Sat,Sun 08:00-20:00")
	night, morning := windows(t, "22:00-07:00"), windows(t, "08:00-10:00")
	group := func(name string, r Rule) Group { return Group{name, r} }
	rules := func(change func(*Rules)) Rules {
		r := Rules{Zone: zone(t, "Asia/Shanghai"), Default: Rule{Rights: call}}
		change(&r)
		return r
	}
	for name, tt := range map[string]struct {
		rules   func(*Rules)
		request func(*Request)
		want    cause.Cause // "": allowed
		says    string
	}{
		"nobody says anything": {func(r *Rules) { r.Default.Rights = nil }, nil, cause.Forbidden, "no rule gives contact Anna the right call"},
		"the default says none": {func(r *Rules) { r.Default.Rights = []Right{} }, nil, cause.Forbidden,
			"default: rights has no call"},
		"the default says call": {nil, nil, "", "default: rights has call"},
		"the contact says none": {nil, func(q *Request) { q.Contact.Rights = []Right{} }, cause.Forbidden, "contact Anna: rights has no call"},
		"the contact has other rights": {nil, func(q *Request) { q.Contact.Rights = []Right{RightUnlock} }, cause.Forbidden,
			"contact Anna: rights has no call"},
		"the contact wins over its group": {func(r *Rules) { r.Groups = []Group{group("family", Rule{Rights: []Right{}})} },
			func(q *Request) { q.Contact.Groups, q.Contact.Rights = []string{"family"}, call }, "", "contact Anna: rights has call"},
		"the group wins over the default": {func(r *Rules) { r.Groups = []Group{group("family", Rule{Rights: []Right{}})} },
			func(q *Request) { q.Contact.Groups = []string{"family"} }, cause.Forbidden, "group family: rights has no call"},
		"a group that the contact is not in": {func(r *Rules) { r.Groups = []Group{group("family", Rule{Rights: []Right{}})} },
			nil, "", "default: rights has call"},
		"the rights of all groups": {func(r *Rules) {
			r.Groups = []Group{group("a", Rule{Rights: []Right{}}), group("b", Rule{Rights: call})}
		},
			func(q *Request) { q.Contact.Groups = []string{"a", "b"} }, "", "group b: rights has call"},
		"no group has the right": {func(r *Rules) {
			r.Groups = []Group{group("a", Rule{Rights: []Right{}}), group("b", Rule{Rights: []Right{}})}
		},
			func(q *Request) { q.Contact.Groups = []string{"b", "a"} }, cause.Forbidden, "group a: rights has no call; group b: rights has no call"},
		"a group that is not there": {nil, func(q *Request) { q.Contact.Groups, q.Contact.Rights = []string{"famly", "x"}, all },
			cause.Forbidden, "contact Anna: policy.groups has no famly, x"},
		"out: needs beCalled": {nil, func(q *Request) { q.Direction = Outgoing }, cause.Forbidden, "default: rights has no beCalled"},
		"out: has beCalled": {nil, func(q *Request) { q.Direction, q.Contact.Rights = Outgoing, []Right{RightBeCalled} }, "",
			"contact Anna: rights has beCalled"},

		"inside hours": {nil, func(q *Request) { q.Contact.Hours = weekend }, "", "default: rights has call"},
		"outside hours": {func(r *Rules) { r.Groups = []Group{group("family", Rule{Hours: weekdays})} },
			func(q *Request) { q.Contact.Groups = []string{"family"} }, cause.Forbidden,
			"group family: hours Mon-Fri 08:00-20:00, now Sat 09:12 Asia/Shanghai"},
		"the contact's hours win over the group's": {func(r *Rules) { r.Groups = []Group{group("family", Rule{Hours: weekdays})} },
			func(q *Request) { q.Contact.Groups, q.Contact.Hours = []string{"family"}, weekend }, "", "default: rights has call"},
		"the group's hours win over the default's": {func(r *Rules) { r.Default.Hours, r.Groups = weekdays, []Group{group("family", Rule{Hours: weekend})} },
			func(q *Request) { q.Contact.Groups = []string{"family"} }, "", "default: rights has call"},
		"all groups must agree": {func(r *Rules) {
			r.Groups = []Group{group("a", Rule{Hours: weekend}), group("b", Rule{Hours: weekdays})}
		},
			func(q *Request) { q.Contact.Groups = []string{"a", "b"} }, cause.Forbidden, "group b: hours Mon-Fri 08:00-20:00, now Sat 09:12 Asia/Shanghai"},
		"all groups must agree, the first too": {func(r *Rules) {
			r.Groups = []Group{group("a", Rule{Hours: weekdays}), group("b", Rule{Hours: weekend})}
		},
			func(q *Request) { q.Contact.Groups = []string{"a", "b"} }, cause.Forbidden, "group a: hours Mon-Fri 08:00-20:00, now Sat 09:12 Asia/Shanghai"},
		"all groups agree": {func(r *Rules) { r.Groups = []Group{group("a", Rule{Hours: weekend}), group("b", Rule{Hours: morning})} },
			func(q *Request) { q.Contact.Groups = []string{"a", "b"} }, "", "default: rights has call"},
		"an empty list of hours says nothing": {func(r *Rules) { r.Default.Hours = weekdays }, func(q *Request) { q.Contact.Hours = Schedule{} },
			cause.Forbidden, "default: hours Mon-Fri 08:00-20:00, now Sat 09:12 Asia/Shanghai"},
		"out: hours do not hold": {nil, func(q *Request) { q.Direction, q.Contact.Rights, q.Contact.Hours = Outgoing, all, weekdays }, "",
			"contact Anna: rights has beCalled"},
		"hours, clock not trusted": {nil, func(q *Request) { q.Contact.Hours, q.Now.Trusted = weekend, false }, cause.Forbidden,
			"contact Anna: hours Sat,Sun 08:00-20:00, the clock is not trusted, policy.untrusted_clock is deny"},
		"hours, clock not trusted, allow": {func(r *Rules) { r.UntrustedClock = UntrustedAllow },
			func(q *Request) { q.Contact.Hours, q.Now.Trusted = weekdays, false }, "", "default: rights has call"},
		"hours that cannot be read, clock not trusted, allow": {func(r *Rules) { r.UntrustedClock = UntrustedAllow },
			func(q *Request) { q.Contact.Hours, q.Now.Trusted = Schedule{Window{}}, false }, cause.Forbidden,
			"contact Anna: hours never, the clock is not trusted, policy.untrusted_clock is allow"},
		"hours that cannot be read": {nil, func(q *Request) { q.Contact.Hours = Schedule{Window{}} }, cause.Forbidden,
			"contact Anna: hours never, now Sat 09:12 Asia/Shanghai"},
		"no hours, clock not trusted": {nil, func(q *Request) { q.Now.Trusted = false }, "", "default: rights has call"},

		"do not disturb": {func(r *Rules) { r.DoNotDisturb = morning }, nil, cause.DND,
			"policy.do_not_disturb 08:00-10:00, now Sat 09:12 Asia/Shanghai; no rule says anything of through_dnd, so it is false"},
		"do not disturb at another time": {func(r *Rules) { r.DoNotDisturb = night }, nil, "", "default: rights has call"},
		"do not disturb, out":            {func(r *Rules) { r.DoNotDisturb = morning }, func(q *Request) { q.Direction, q.Contact.Rights = Outgoing, all }, "", "contact Anna: rights has beCalled"},
		"do not disturb, clock not trusted": {func(r *Rules) { r.DoNotDisturb = night }, func(q *Request) { q.Now.Trusted = false }, cause.DND,
			"policy.do_not_disturb 22:00-07:00, the clock is not trusted, policy.untrusted_clock is deny; no rule says anything of through_dnd, so it is false"},
		"do not disturb, clock not trusted, allow": {func(r *Rules) { r.DoNotDisturb, r.UntrustedClock = morning, UntrustedAllow },
			func(q *Request) { q.Now.Trusted = false }, "", "default: rights has call"},
		"the switch": {nil, func(q *Request) { q.DND.On = true }, cause.DND,
			"do not disturb is on; no rule says anything of through_dnd, so it is false"},
		"the switch, out": {nil, func(q *Request) { q.DND.On, q.Direction, q.Contact.Rights = true, Outgoing, all }, "", "contact Anna: rights has beCalled"},
		"the switch with an end": {nil, func(q *Request) { q.DND = DND{true, q.Now.Wall.Add(time.Minute)} }, cause.DND,
			"do not disturb is on until Sat 09:13 Asia/Shanghai; no rule says anything of through_dnd, so it is false"},
		"the switch at its end": {nil, func(q *Request) { q.DND = DND{true, q.Now.Wall} }, "", "default: rights has call"},
		"the switch that is off": {nil, func(q *Request) { q.DND = DND{false, q.Now.Wall.Add(time.Minute)} }, "",
			"default: rights has call"},
		"the switch at its end, clock not trusted": {nil, func(q *Request) { q.DND, q.Now.Trusted = DND{true, q.Now.Wall}, false }, cause.DND,
			"do not disturb is on until Sat 09:12 Asia/Shanghai; no rule says anything of through_dnd, so it is false"},
		"the switch at its end, clock not trusted, allow": {func(r *Rules) { r.UntrustedClock = UntrustedAllow },
			func(q *Request) { q.DND, q.Now.Trusted = DND{true, q.Now.Wall}, false }, "", "default: rights has call"},
		"the switch without an end, clock not trusted, allow": {func(r *Rules) { r.UntrustedClock = UntrustedAllow },
			func(q *Request) { q.DND.On, q.Now.Trusted = true, false }, cause.DND, "do not disturb is on; no rule says anything of through_dnd, so it is false"},
		"through": {nil, func(q *Request) { q.DND.On, q.Contact.ThroughDND = true, yes }, "", "default: rights has call"},
		"the contact's own no": {func(r *Rules) { r.Default.ThroughDND = yes }, func(q *Request) { q.DND.On, q.Contact.ThroughDND = true, no },
			cause.DND, "do not disturb is on; contact Anna: through_dnd false"},
		"through by the group": {func(r *Rules) { r.Groups = []Group{group("family", Rule{ThroughDND: yes})} },
			func(q *Request) { q.DND.On, q.Contact.Groups = true, []string{"family"} }, "", "default: rights has call"},
		"one group says no": {func(r *Rules) {
			r.Groups = []Group{group("a", Rule{ThroughDND: yes}), group("b", Rule{ThroughDND: no})}
		},
			func(q *Request) { q.DND.On, q.Contact.Groups = true, []string{"a", "b"} }, cause.DND, "do not disturb is on; group b: through_dnd false"},
		"forbidden comes before do not disturb": {nil, func(q *Request) { q.DND.On, q.Contact.Rights = true, []Right{} }, cause.Forbidden,
			"contact Anna: rights has no call"},
		"hours come before do not disturb": {nil, func(q *Request) { q.DND.On, q.Contact.Hours = true, weekdays }, cause.Forbidden,
			"contact Anna: hours Mon-Fri 08:00-20:00, now Sat 09:12 Asia/Shanghai"},

		"talk a day": {func(r *Rules) { r.Default.TalkADay = limit(time.Hour) }, func(q *Request) { q.Budget = used(q.Now, 59*time.Minute) }, "",
			"default: rights has call"},
		"talk a day is used up": {func(r *Rules) { r.Default.TalkADay = limit(time.Hour) }, func(q *Request) { q.Budget = used(q.Now, time.Hour) }, cause.Forbidden,
			"default: talk_a_day 1h0m0s, of which 0s is left"},
		"less than a second is left": {func(r *Rules) { r.Default.TalkADay = limit(time.Hour) }, func(q *Request) { q.Budget = used(q.Now, time.Hour-900*time.Millisecond) },
			cause.Forbidden, "default: talk_a_day 1h0m0s, of which 900ms is left"},
		"talk a day is used up, out": {nil, func(q *Request) {
			q.Direction, q.Contact.Rights, q.Contact.TalkADay, q.Budget = Outgoing, all, limit(time.Minute), used(q.Now, time.Hour)
		}, cause.Forbidden, "contact Anna: talk_a_day 1m0s, of which 0s is left"},
		"yesterday's talk does not count": {func(r *Rules) { r.Default.TalkADay = limit(time.Hour) },
			func(q *Request) { q.Budget = used(q.Now.Add(-10*time.Hour), time.Hour) }, "", "default: rights has call"},
		"the smallest of the groups": {func(r *Rules) {
			r.Groups = []Group{group("a", Rule{TalkADay: &Limit{}}), group("b", Rule{TalkADay: limit(time.Minute)}), group("c", Rule{TalkADay: limit(time.Hour)})}
		}, func(q *Request) { q.Contact.Groups, q.Budget = []string{"a", "b", "c"}, used(q.Now, time.Minute) }, cause.Forbidden,
			"group b: talk_a_day 1m0s, of which 0s is left"},
		"a group's none wins over the default": {func(r *Rules) {
			r.Default.TalkADay, r.Groups = limit(time.Minute), []Group{group("a", Rule{TalkADay: &Limit{}})}
		}, func(q *Request) { q.Contact.Groups, q.Budget = []string{"a"}, used(q.Now, time.Hour) }, "", "default: rights has call"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.rules == nil {
				tt.rules = func(*Rules) {}
			}
			r := rules(tt.rules)
			q := Request{Contact: Contact{Name: "Anna"}, Now: saturday(t)}
			if tt.request != nil {
				tt.request(&q)
			}
			d := r.Decide(q)
			if d.Allowed != (tt.want == "") || d.Cause != tt.want || d.Rule != tt.says {
				t.Errorf("got  %v %q: %s\nwant %q: %s", d.Allowed, d.Cause, d.Rule, tt.want, tt.says)
			}
			if !d.Allowed && (d.Limit.Set || d.LimitFrom != "" || d.Auto.Allowed || d.Camera.Allowed || d.Unlock.Allowed) {
				t.Errorf("something is allowed in a call that is not: %+v", d)
			}
		})
	}
}

// used is a budget of which d was used at the reading.
func used(at Clock, d time.Duration) Budget { return Budget{}.At(at).Ahead(d) }

func TestLimits(t *testing.T) {
	second, minute, hour := Limit{true, time.Second}, Limit{true, time.Minute}, Limit{true, time.Hour}
	for name, tt := range map[string]struct {
		change func(*Rules, *Request)
		want   Limit
		from   LimitFrom
		says   string
	}{
		"none":          {func(*Rules, *Request) {}, Limit{}, "", "no rule limits the call"},
		"invite":        {func(r *Rules, q *Request) { q.Wish, r.LongestCall = minute, hour }, minute, FromInvite, "the caller wishes 1m0s"},
		"token":         {func(r *Rules, q *Request) { q.Wish, q.Token = hour, minute }, minute, FromToken, "the call token allows 1m0s"},
		"contact":       {func(r *Rules, q *Request) { q.Contact.LongestCall, q.Wish = &minute, hour }, minute, FromContact, "contact Anna: longest_call 1m0s"},
		"group":         {func(r *Rules, q *Request) { q.Contact.Groups, r.Groups[0].LongestCall = []string{"a"}, &minute }, minute, FromGroup, "group a: longest_call 1m0s"},
		"default":       {func(r *Rules, q *Request) { r.Default.LongestCall, r.LongestCall = &minute, hour }, minute, FromDefault, "default: longest_call 1m0s"},
		"configuration": {func(r *Rules, q *Request) { r.LongestCall, q.Wish = minute, hour }, minute, FromConfiguration, "configuration: call.max_duration 1m0s"},
		"day": {func(r *Rules, q *Request) {
			r.Default.TalkADay, q.Wish, q.Budget = &hour, hour, used(q.Now, 59*time.Minute)
		}, minute, FromDay, "default: talk_a_day 1h0m0s, of which 1m0s is left"},
		"a small one of the day": {func(r *Rules, q *Request) {
			r.Default.TalkADay, q.Budget = &minute, used(q.Now, 59*time.Second)
		}, second, FromDay, "default: talk_a_day 1m0s, of which 1s is left"},
		"the first of equal ones": {func(r *Rules, q *Request) {
			q.Wish, q.Token, r.LongestCall, r.Default.LongestCall = minute, minute, minute, &minute
		}, minute, FromInvite, "the caller wishes 1m0s"},
		"the smallest of the groups": {func(r *Rules, q *Request) {
			q.Contact.Groups, r.Groups[0].LongestCall, r.Groups[1].LongestCall = []string{"a", "b"}, &hour, &minute
		}, minute, FromGroup, "group b: longest_call 1m0s"},
		"the contact wins over its group": {func(r *Rules, q *Request) {
			q.Contact.LongestCall, q.Contact.Groups, r.Groups[0].LongestCall = &hour, []string{"a"}, &minute
		}, hour, FromContact, "contact Anna: longest_call 1h0m0s"},
		"none of the group wins over the default": {func(r *Rules, q *Request) {
			q.Contact.Groups, r.Groups[0].LongestCall, r.Default.LongestCall = []string{"a"}, &Limit{}, &minute
		}, Limit{}, "", "no rule limits the call"},
		"the configuration holds beside the contact": {func(r *Rules, q *Request) { q.Contact.LongestCall, r.LongestCall = &hour, minute }, minute, FromConfiguration, "configuration: call.max_duration 1m0s"},
		"one nanosecond less": {func(r *Rules, q *Request) { q.Wish, r.LongestCall = minute, Limit{true, time.Minute - 1} },
			Limit{true, time.Minute - 1}, FromConfiguration, "configuration: call.max_duration 59.999999999s"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Rules{Zone: time.UTC, Groups: []Group{{Name: "a"}, {Name: "b"}}}
			q := Request{Contact: Contact{Name: "Anna", Rule: Rule{Rights: all}}, Now: saturday(t)}
			tt.change(&r, &q)
			for _, q.Direction = range []Direction{Incoming, Outgoing, ""} {
				if d := r.Decide(q); !d.Allowed || d.Limit != tt.want || d.LimitFrom != tt.from || d.LimitRule != tt.says {
					t.Errorf("%q: got %+v", q.Direction, d)
				}
			}
		})
	}
}
