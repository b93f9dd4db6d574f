package config

import (
	"fmt"
	"strings"
	"time"
)

// Answer says what happens to a permitted call.
type Answer string

// The answers.
const (
	AnswerRing Answer = "ring" // ring until a person answers
	AnswerAuto Answer = "auto" // answer by itself, for callers with the right auto
)

// UnmarshalText refuses every other word.
func (a *Answer) UnmarshalText(p []byte) error {
	return word(a, p, AnswerRing, AnswerAuto)
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

// parseDuration reads Go's form of a duration, in which a unit is a must.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err == nil:
		return d, nil
	case isNumber(s):
		return 0, fmt.Errorf("%q has no unit; write it like 90s, 1m30s or 2h", s)
	}
	return 0, fmt.Errorf("%q is not a duration; write it like 90s, 1m30s or 2h", s)
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
