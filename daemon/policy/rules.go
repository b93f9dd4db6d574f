package policy

import "time"

// Rule is what one place (a contact, a group, the default) says. Each attribute
// may be left out; then the next place is asked.
type Rule struct {
	// Rights are what is allowed. nil says nothing; an empty list says: nothing is.
	Rights []Right
	// Answer says how an incoming call is answered. "" says nothing. A contact's
	// own is never looked at: a device that answers by itself is a microphone in
	// somebody's room, so that its owner must have said so.
	Answer Answer
	// LongestCall is the longest talk. nil says nothing; a Limit that is not Set
	// says: none.
	LongestCall *Limit
	// TalkADay is the talk of a whole day, both directions together. nil says
	// nothing; a Limit that is not Set says: as much as they like.
	TalkADay *Limit
	// Hours are the times at which the contact may call. Empty says nothing.
	Hours Schedule
	// Camera says whether the contact may see the device's camera. nil says
	// nothing; where nobody says anything it may.
	Camera *bool
	// ThroughDND lets calls through do-not-disturb. nil says nothing; where nobody
	// says anything they do not come through.
	ThroughDND *bool
}

// Group is a rule for all contacts that are in it.
type Group struct {
	Name string
	Rule
}

// Contact is who calls or is called.
type Contact struct {
	Name   string   // for the sentences
	Groups []string // names of groups; one that the rules do not have forbids everything
	Rule            // what the contact says itself
}

// Rules are the device's side. They do not change: a reload makes new ones.
type Rules struct {
	Default        Rule
	Groups         []Group
	Zone           *time.Location // in which days, hours and schedules are read; nil: the system's
	UntrustedClock UntrustedClock
	DoNotDisturb   Schedule // incoming calls are refused then
	Answer         Answer   // call.answer, where no group and no default says anything
	LongestCall    Limit    // call.max_duration, which holds for everybody
	AttemptsAnHour int      // how often each contact may try to call; 0: as often as it likes
}

// Clock is one reading of the device's clocks.
type Clock struct {
	// Wall is the time of day. Days are counted in its location.
	Wall time.Time
	// Boot is the boot-time clock: it never jumps and goes on in suspend.
	Boot time.Duration
	// Run names the boot to which Boot belongs, as the kernel's boot id does.
	// Readings of different runs are not compared.
	Run string
	// Trusted says whether Wall is right, as far as the kernel knows.
	Trusted bool
}

// Add is the reading d later, or earlier for d < 0, when nothing jumps.
func (c Clock) Add(d time.Duration) Clock {
	c.Wall, c.Boot = c.Wall.Add(d), c.Boot+d
	return c
}

// In is the same reading in the time zone of the rules.
func (r *Rules) In(c Clock) Clock {
	zone := r.Zone
	if zone == nil {
		zone = time.Local
	}
	c.Wall = c.Wall.In(zone)
	return c
}
