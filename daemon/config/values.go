package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"callbox/daemon/policy"
)

// Answer says what happens to a permitted call.
type Answer = policy.Answer

// The answers.
const (
	AnswerRing = policy.AnswerRing // ring until a person answers
	AnswerAuto = policy.AnswerAuto // answer by itself, for callers with the right auto
)

// DialMode says how several contacts are called.
type DialMode string

// The modes.
const (
	DialTogether DialMode = "together" // all at once; the first that answers wins
	DialInTurn   DialMode = "in_turn"  // one after the other
)

// UnmarshalText refuses every other word.
func (d *DialMode) UnmarshalText(p []byte) error {
	return word(d, p, DialTogether, DialInTurn)
}

// People says what is told of people.
type People string

// What is told.
const (
	PeopleFull       People = "full"       // name and thumbprint of the key
	PeopleThumbprint People = "thumbprint" // the thumbprint, no name
	PeopleNone       People = "none"       // neither
)

// UnmarshalText refuses every other word.
func (p *People) UnmarshalText(text []byte) error {
	return word(p, text, PeopleFull, PeopleThumbprint, PeopleNone)
}

// TimeZone is the IANA name of a time zone; "" is the system's.
type TimeZone string

// UnmarshalText refuses names that this system does not know.
func (z *TimeZone) UnmarshalText(p []byte) error {
	name := string(p)
	if name == "Local" || name != "" && !knownZone(name) {
		return fmt.Errorf("%q is no time zone that this system knows; allowed: a name such as Europe/Berlin or Asia/Shanghai (package tzdata), or empty for the system's", name)
	}
	*z = TimeZone(name)
	return nil
}

func knownZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil
}

// Location returns the zone. One that is not known (any more) gives UTC.
func (z TimeZone) Location() *time.Location {
	if z == "" {
		return time.Local
	}
	zone, err := time.LoadLocation(string(z))
	if err != nil {
		return time.UTC
	}
	return zone
}

// LogLevel is the least important level that is logged.
type LogLevel string

// The levels.
const (
	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"
)

// UnmarshalText refuses every other word.
func (l *LogLevel) UnmarshalText(p []byte) error {
	return word(l, p, LevelDebug, LevelInfo, LevelWarn, LevelError)
}

// LogFormat is the form of the log.
type LogFormat string

// The forms.
const (
	FormatAuto    LogFormat = "auto"    // journal, console or JSON: what fits
	FormatConsole LogFormat = "console" // for people
	FormatJSON    LogFormat = "json"    // for machines
)

// UnmarshalText refuses every other word.
func (f *LogFormat) UnmarshalText(p []byte) error {
	return word(f, p, FormatAuto, FormatConsole, FormatJSON)
}

// Duration is a length of time or none. The zero value is none: "none" is a flag
// of its own, never a duration of 0.
type Duration struct {
	Set   bool
	Value time.Duration // > 0 when Set
}

// String writes the form that UnmarshalText reads.
func (d Duration) String() string {
	if !d.Set {
		return "none"
	}
	return d.Value.String()
}

// MarshalText writes the form that UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// DurationPattern is the form of a length of time, as a regular expression: Go's, with
// days before it.
const DurationPattern = `^([0-9]{1,5}d)?([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))*$`

// Pattern is the form that UnmarshalText reads.
func (Duration) Pattern() string { return "^none$|" + DurationPattern }

// UnmarshalText reads a duration with its unit, or the word none.
func (d *Duration) UnmarshalText(p []byte) error {
	if string(p) == "none" {
		*d = Duration{}
		return nil
	}
	v, err := parseDuration(string(p))
	if err != nil {
		return fmt.Errorf("%w, or the word none", err)
	}
	*d = Duration{Set: true, Value: v}
	return nil
}

// days is the part of a duration that Go's form does not have.
var days = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// parseDuration reads Go's form of a duration, in which a unit is a must, with
// days (of 24 hours) before it: 90s, 1m30s, 90d, 1d12h.
func parseDuration(s string) (time.Duration, error) {
	var whole time.Duration
	rest := s
	if m := days.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[1]) // digits only
		whole, rest = time.Duration(n)*24*time.Hour, m[2]
		if rest == "" {
			return whole, nil
		}
	}
	d, err := time.ParseDuration(rest)
	switch {
	case err == nil && (whole == 0 || d >= 0 && rest[0] != '+' && whole+d > 0):
		return whole + d, nil
	case isNumber(s):
		return 0, fmt.Errorf("%q has no unit; write it like 90s, 1m30s, 2h or 90d", s)
	}
	return 0, fmt.Errorf("%q is not a duration; write it like 90s, 1m30s, 2h or 90d", s)
}

// word sets *p to the allowed word that text is.
func word[T ~string](p *T, text []byte, allowed ...T) error {
	names := make([]string, len(allowed))
	for i, a := range allowed {
		if string(a) == string(text) {
			*p = a
			return nil
		}
		names[i] = string(a)
	}
	return fmt.Errorf("%q is unknown; allowed: %s", text, strings.Join(names, ", "))
}
