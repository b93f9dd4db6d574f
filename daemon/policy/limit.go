package policy

import (
	"encoding/json"
	"fmt"
	"time"
)

// Limit is a time limit. The zero value is none: "none" is a flag of its own,
// never a duration of 0.
type Limit struct {
	Set      bool
	Duration time.Duration
}

// String writes the limit for a person.
func (l Limit) String() string {
	if !l.Set {
		return "none"
	}
	return l.Duration.String()
}

// MarshalJSON writes seconds, or null for none.
func (l Limit) MarshalJSON() ([]byte, error) {
	if !l.Set {
		return []byte("null"), nil
	}
	return json.Marshal(l.Duration.Seconds())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Limit) UnmarshalJSON(p []byte) error {
	var seconds *float64
	if err := json.Unmarshal(p, &seconds); err != nil {
		return err
	}
	switch {
	case seconds == nil:
		*l = Limit{}
	case *seconds >= 0 && *seconds <= 1<<31:
		*l = Limit{Set: true, Duration: time.Duration(*seconds * float64(time.Second))}
	default:
		return fmt.Errorf("a limit of %v s is out of range; allowed: 0 to 2147483648, or null", *seconds)
	}
	return nil
}

// tighter reports whether l ends a call before m does.
func (l Limit) tighter(m Limit) bool {
	return l.Set && (!m.Set || l.Duration < m.Duration)
}

// LimitFrom says whose limit counts.
type LimitFrom string

// The places that limits come from.
const (
	FromInvite        LimitFrom = "invite"        // what the caller wished
	FromToken         LimitFrom = "token"         // what the call token allows
	FromContact       LimitFrom = "contact"       // the contact's longest call
	FromGroup         LimitFrom = "group"         // its group's
	FromDefault       LimitFrom = "default"       // policy.default.longest_call
	FromConfiguration LimitFrom = "configuration" // call.max_duration
	FromDay           LimitFrom = "day"           // what is left of the talk a day
)
