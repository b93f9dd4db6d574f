package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// spanFlag is a length of time on the command line.
type spanFlag time.Duration

// spanVar defines a flag that takes a length of time. pflag's own answers a number
// without a unit in the words of Go's parser.
func spanVar(fs *pflag.FlagSet, to *time.Duration, name string, value time.Duration, usage string) {
	*to = value
	fs.Var((*spanFlag)(to), name, usage)
}

// Set reads what a person writes.
func (s *spanFlag) Set(text string) error {
	d, ok := spanOf(text)
	if !ok {
		return errors.New("a time has a unit: 30s, 10m, 2h or 7d")
	}
	*s = spanFlag(d)
	return nil
}

// String is the value, for the help; "0" is none.
func (s *spanFlag) String() string {
	if *s == 0 {
		return "0"
	}
	return time.Duration(*s).String()
}

// Type is the name of the value in the help.
func (s *spanFlag) Type() string { return "duration" }

// whenHelp says how a time is written.
const whenHelp = `A time is a date (2026-11-24), a date and a time of the day ("2026-11-24 18:30"), a time
of RFC 3339, or how long ago it was: 90m, 24h, 7d.`

// whenOf reads a time that a person writes; flag is for the error.
func whenOf(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, ok := spanOf(text); ok && ago >= 0 {
		return now.Add(-ago), nil
	}
	if t, ok := clockTime(text, now); ok {
		return t, nil
	}
	return time.Time{}, usagef("cannot use --%s %q; write 24h, 7d, 2026-11-24 or \"2026-11-24 18:30\"", flag, text)
}

// clockTime reads a date, a date with a time of the day, or a time of today.
func clockTime(text string, now time.Time) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, true
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, true
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			y, m, d := now.Date()
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, now.Location()), true
		}
	}
	return time.Time{}, false
}

// spanOf reads a length of time; beside Go's units it knows days.
func spanOf(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		return time.Duration(n * 24 * float64(time.Hour)), err == nil && n >= 0 && n <= 36500
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}
