package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Check is what a step asked for.
type Check string

// The checks, in the order in which they are made.
const (
	CheckGroups Check = "groups"         // the contact's groups are known
	CheckRight  Check = "right"          // it may call, or be called
	CheckHours  Check = "hours"          // it may call at this time
	CheckDay    Check = "talk_a_day"     // it has talk left
	CheckTries  Check = "attempts"       // it has not tried too often
	CheckDND    Check = "do_not_disturb" // nobody is disturbed
	CheckLimit  Check = "limit"          // how long it may last
	CheckAnswer Check = "answer"         // by a person or without
	CheckCamera Check = "camera"         // it may see the device's camera
	CheckUnlock Check = "unlock"         // it may open the door
)

// Outcome is what a rule said.
type Outcome string

// The outcomes.
const (
	Yes     Outcome = "yes"
	No      Outcome = "no"
	Nothing Outcome = "nothing" // the rule says nothing, or is not asked
)

// source is one place that rules come from.
type source struct {
	name string // for people: contact Anna, group family, default
	from LimitFrom
	rule *Rule
}

// look is one look at the rules for a contact. It keeps what it saw.
type look struct {
	rules   *Rules
	levels  [3][]source // the contact, its groups, the default: the first that speaks counts
	missing []string    // groups that the rules do not have
	who     string
	steps   []Step
}

func (r *Rules) look(c *Contact) *look {
	l := &look{rules: r, who: "contact " + c.Name}
	l.levels[0] = []source{{l.who, FromContact, &c.Rule}}
	for i := range r.Groups {
		if g := &r.Groups[i]; slices.Contains(c.Groups, g.Name) {
			l.levels[1] = append(l.levels[1], source{"group " + g.Name, FromGroup, &g.Rule})
		}
	}
	l.levels[2] = []source{{"default", FromDefault, &r.Default}}
	for _, name := range c.Groups {
		if !slices.ContainsFunc(r.Groups, func(g Group) bool { return g.Name == name }) {
			l.missing = append(l.missing, name)
		}
	}
	return l
}

// step notes what a rule said and hands it back.
func (l *look) step(c Check, allowed bool, format string, args ...any) Verdict {
	v := Verdict{allowed, fmt.Sprintf(format, args...)}
	outcome := No
	if allowed {
		outcome = Yes
	}
	l.steps = append(l.steps, Step{c, outcome, v.Rule})
	return v
}

func (l *look) nothing(c Check, format string, args ...any) {
	l.steps = append(l.steps, Step{c, Nothing, fmt.Sprintf(format, args...)})
}

// said returns those who say something, of the first level on which somebody does.
func (l *look) said(c Check, what string, levels [][]source, says func(*Rule) bool) []source {
	for _, level := range levels {
		var found []source
		for _, s := range level {
			if says(s.rule) {
				found = append(found, s)
			} else {
				l.nothing(c, "%s: says nothing of %s", s.name, what)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// groups refuses a contact that is in a group which is not there: nobody knows
// what that would forbid.
func (l *look) groups() Verdict {
	if len(l.missing) == 0 {
		return Verdict{Allowed: true}
	}
	return l.step(CheckGroups, false, "%s: policy.groups has no %s", l.who, strings.Join(l.missing, ", "))
}

// right asks for a right: one that has it is enough.
func (l *look) right(c Check, right Right) Verdict {
	sources := l.said(c, "rights", l.levels[:], func(r *Rule) bool { return r.Rights != nil })
	if len(sources) == 0 {
		return l.step(c, false, "no rule gives %s the right %s", l.who, right)
	}
	var lacking []string
	for _, s := range sources {
		if slices.Contains(s.rule.Rights, right) {
			return l.step(c, true, "%s: rights has %s", s.name, right)
		}
		lacking = append(lacking, fmt.Sprintf("%s: rights has no %s", s.name, right))
	}
	return l.step(c, false, "%s", strings.Join(lacking, "; "))
}

// limit returns the smallest limit of those who say one.
func (l *look) limit(c Check, what string, get func(*Rule) *Limit) (smallest Limit, whose source) {
	for _, s := range l.said(c, what, l.levels[:], func(r *Rule) bool { return get(r) != nil }) {
		if one := *get(s.rule); whose.rule == nil || one.tighter(smallest) {
			smallest, whose = one, s
		}
	}
	return smallest, whose
}

// flag asks for a yes or no, of which the strict one counts; assumed when nobody
// says anything.
func (l *look) flag(c Check, what string, strict, assumed bool, get func(*Rule) *bool) Verdict {
	sources := l.said(c, what, l.levels[:], func(r *Rule) bool { return get(r) != nil })
	for _, s := range sources {
		if *get(s.rule) == strict {
			return Verdict{strict, fmt.Sprintf("%s: %s %v", s.name, what, strict)}
		}
	}
	if len(sources) > 0 {
		return Verdict{!strict, fmt.Sprintf("%s: %s %v", sources[0].name, what, !strict)}
	}
	return Verdict{assumed, fmt.Sprintf("no rule says anything of %s, so it is %v", what, assumed)}
}

// hours asks whether the contact may call now. All who have hours must agree.
func (l *look) hours(now Clock) Verdict {
	sources := l.said(CheckHours, "hours", l.levels[:], func(r *Rule) bool { return len(r.Hours) > 0 })
	if len(sources) == 0 {
		return l.step(CheckHours, true, "no rule has hours for %s", l.who)
	}
	var v Verdict
	for _, s := range sources {
		var inside bool
		var at string
		if now.Trusted {
			inside, at = s.rule.Hours.Contains(now.Wall), "now "+clockText(now.Wall)
		} else {
			inside, at = l.rules.UntrustedClock == UntrustedAllow && !s.rule.Hours.never(), l.untrusted()
		}
		v = l.step(CheckHours, inside, "%s: hours %v, %s", s.name, s.rule.Hours, at)
		if !inside {
			break
		}
	}
	return v
}

func (l *look) untrusted() string {
	side := l.rules.UntrustedClock
	if side == "" {
		side = UntrustedDeny
	}
	return fmt.Sprintf("the clock is not trusted, policy.untrusted_clock is %s", side)
}

// disturb asks whether an incoming call may disturb now.
func (l *look) disturb(dnd DND, now Clock) Verdict {
	deny := !now.Trusted && l.rules.UntrustedClock != UntrustedAllow
	why := ""
	switch s := l.rules.DoNotDisturb; {
	case dnd.On && dnd.Until.IsZero():
		why = "do not disturb is on"
	case dnd.On && (deny || now.Wall.Before(dnd.Until)):
		why = "do not disturb is on until " + clockText(dnd.Until.In(now.Wall.Location()))
	case len(s) == 0:
	case deny:
		why = fmt.Sprintf("policy.do_not_disturb %v, %s", s, l.untrusted())
	case now.Trusted && s.Contains(now.Wall):
		why = fmt.Sprintf("policy.do_not_disturb %v, now %s", s, clockText(now.Wall))
	}
	if why == "" {
		return l.step(CheckDND, true, "do not disturb is off")
	}
	through := l.flag(CheckDND, "through_dnd", false, false, func(r *Rule) *bool { return r.ThroughDND })
	return l.step(CheckDND, through.Allowed, "%s; %s", why, through.Rule)
}

// answer asks whether the device answers by itself. The contact is not asked: it
// can only hold the right.
func (l *look) answer() Verdict {
	right := l.right(CheckAnswer, RightAuto)
	if !right.Allowed {
		return right
	}
	sources := l.said(CheckAnswer, "answer", l.levels[1:], func(r *Rule) bool { return r.Answer != "" })
	for _, s := range sources {
		if s.rule.Answer != AnswerAuto {
			return l.step(CheckAnswer, false, "%s: answer %s", s.name, s.rule.Answer)
		}
	}
	if len(sources) > 0 {
		return l.step(CheckAnswer, true, "%s; %s: answer auto", right.Rule, sources[0].name)
	}
	if l.rules.Answer != AnswerAuto {
		return l.step(CheckAnswer, false, "configuration: call.answer is not auto")
	}
	return l.step(CheckAnswer, true, "%s; configuration: call.answer is auto", right.Rule)
}
