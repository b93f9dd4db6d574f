package daemon

import (
	"time"

	"callbox/daemon/policy"
	"callbox/signaling"
)

// policyContact is the part of a contact that policy knows. Hours that cannot be
// read never hold, whatever the clock is: what they were meant to forbid stays
// forbidden.
func policyContact(c signaling.Contact) policy.Contact {
	out := policy.Contact{Name: c.Name, Groups: c.Groups, Rule: policy.Rule{
		LongestCall: secondsLimit(c.MaxSeconds), TalkADay: secondsLimit(c.DaySeconds), Camera: c.Camera,
		ThroughDND: c.ThroughDND,
	}}
	if c.Rights != nil {
		out.Rights = make([]policy.Right, len(c.Rights))
		for i, r := range c.Rights {
			out.Rights[i] = policy.Right(r)
		}
	}
	hours, err := policy.ParseSchedule(c.Hours)
	if err != nil {
		hours = policy.Schedule{policy.Window{}}
	}
	out.Hours = hours
	return out
}

// secondsLimit is a contact's own limit; 0 is none of its own.
func secondsLimit(seconds float64) *policy.Limit {
	if seconds <= 0 {
		return nil
	}
	return &policy.Limit{Set: true, Duration: time.Duration(seconds * float64(time.Second))}
}
