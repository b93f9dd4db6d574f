package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	dayMinutes = 24 * 60
	everyDay   = 1<<7 - 1
)

// dayNames are in the order of the bits of Window.days.
var dayNames = [7]string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

// Window is a time of day on some days of the week: "Mon-Fri 08:00-20:00",
// "Sat,Sun 10:00-18:00", "22:00-07:00" (every day). It holds whenever the clock on
// the wall shows a time in it: an hour that summer time skips never comes, and one
// that is there twice counts both times. The end is not part of it. A window over
// midnight belongs to the day on which it begins. The zero value never holds.
type Window struct {
	days     uint8 // bit 0 is Monday
	from, to int16 // minutes of the day; to < from: it ends on the next day
}

// Schedule is a list of windows: it holds when one of them does.
type Schedule []Window

const windowForm = "write it like Mon-Fri 08:00-20:00, Sat,Sun 10:00-18:00 or 22:00-07:00"

// ParseWindow reads one window. The form is strict: days by their three letters,
// one space, hours and minutes with two digits each; 24:00 is allowed as the end.
func ParseWindow(s string) (Window, error) {
	w, err := parseWindow(s)
	if err != nil {
		return Window{}, fmt.Errorf("%q is no window of time: %w; %s", s, err, windowForm)
	}
	return w, nil
}

func parseWindow(s string) (w Window, err error) {
	days, times, both := strings.Cut(s, " ")
	if !both {
		days, times = "", s
	}
	w.days = everyDay
	if both {
		if w.days, err = parseDays(days); err != nil {
			return w, err
		}
	}
	from, to, ok := strings.Cut(times, "-")
	if !ok {
		return w, errors.New("it has no begin and end")
	}
	if w.from, err = parseMinutes(from); err != nil {
		return w, err
	}
	if w.to, err = parseMinutes(to); err != nil {
		return w, err
	}
	switch {
	case w.from == dayMinutes:
		return w, errors.New("24:00 can only be the end")
	case w.from == w.to:
		return w, errors.New("it begins when it ends; the whole day is 00:00-24:00")
	case w.to == 0:
		w.to = dayMinutes // the same moment, in its canonical form
	}
	return w, nil
}

func parseDays(s string) (days uint8, err error) {
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, err := parseDay(first)
		if err != nil {
			return 0, err
		}
		b, err := parseDay(last)
		if err != nil {
			return 0, err
		}
		if isRange && a == b {
			return 0, fmt.Errorf("%q is one day", part)
		}
		for d := a; ; d = (d + 1) % 7 {
			if days&(1<<d) != 0 {
				return 0, fmt.Errorf("%s is there twice", dayNames[d])
			}
			days |= 1 << d
			if d == b {
				break
			}
		}
	}
	return days, nil
}

func parseDay(s string) (int, error) {
	for i, name := range dayNames {
		if s == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q is no day; allowed: %s", s, strings.Join(dayNames[:], " "))
}

func parseMinutes(s string) (int16, error) {
	digit := func(i int) int16 { return int16(s[i]) - '0' }
	if len(s) != 5 || s[2] != ':' || strings.ContainsFunc(s[:2]+s[3:], func(c rune) bool { return c < '0' || c > '9' }) {
		return 0, fmt.Errorf("%q is no time of day", s)
	}
	hours, minutes := 10*digit(0)+digit(1), 10*digit(3)+digit(4)
	if minutes > 59 || 60*hours+minutes > dayMinutes {
		return 0, fmt.Errorf("%q is no time of day", s)
	}
	return 60*hours + minutes, nil
}

// ParseSchedule reads a list of windows.
func ParseSchedule(windows []string) (Schedule, error) {
	var s Schedule
	for _, text := range windows {
		w, err := ParseWindow(text)
		if err != nil {
			return nil, err
		}
		s = append(s, w)
	}
	return s, nil
}

// String writes the canonical form, which ParseWindow reads.
func (w Window) String() string {
	if w == (Window{}) {
		return "never"
	}
	times := fmt.Sprintf("%02d:%02d-%02d:%02d", w.from/60, w.from%60, w.to/60, w.to%60)
	if w.days == everyDay {
		return times
	}
	var parts []string
	for d := 0; d < 7; d++ {
		if !w.on(d) {
			continue
		}
		last := d
		for last < 6 && w.on(last+1) {
			last++
		}
		if last-d >= 2 { // two days are listed
			parts = append(parts, dayNames[d]+"-"+dayNames[last])
			d = last
		} else {
			parts = append(parts, dayNames[d])
		}
	}
	return strings.Join(parts, ",") + " " + times
}

// MarshalText writes the canonical form.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// Pattern is the form that ParseWindow reads, as a regular expression.
func (Window) Pattern() string {
	const day, clock = `(Mon|Tue|Wed|Thu|Fri|Sat|Sun)`, `[0-2][0-9]:[0-5][0-9]`
	return `^(` + day + `(-` + day + `)?(,` + day + `(-` + day + `)?)* )?` + clock + `-` + clock + `$`
}

// UnmarshalText reads what ParseWindow reads.
func (w *Window) UnmarshalText(p []byte) (err error) {
	*w, err = ParseWindow(string(p))
	return err
}

// Contains reports whether the window holds at t, read in t's location.
func (w Window) Contains(t time.Time) bool {
	today := (int(t.Weekday()) + 6) % 7
	minute := int16(60*t.Hour() + t.Minute())
	if w.from < w.to {
		return w.on(today) && w.from <= minute && minute < w.to
	}
	return w.on(today) && w.from <= minute || w.on((today+6)%7) && minute < w.to
}

func (w Window) on(day int) bool { return w.days&(1<<day) != 0 }

// Contains reports whether a window of the schedule holds at t, read in t's
// location. An empty schedule never does.
func (s Schedule) Contains(t time.Time) bool {
	for _, w := range s {
		if w.Contains(t) {
			return true
		}
	}
	return false
}

// never reports whether no window can hold at any time.
func (s Schedule) never() bool {
	return !slices.ContainsFunc(s, func(w Window) bool { return w != Window{} })
}

// String lists the windows.
func (s Schedule) String() string {
	texts := make([]string, len(s))
	for i, w := range s {
		texts[i] = w.String()
	}
	return strings.Join(texts, "; ")
}

// clockText writes a time of the week for a person, with its zone.
func clockText(t time.Time) string {
	zone := t.Location().String()
	if zone == "Local" {
		zone, _ = t.Zone()
	}
	return t.Format("Mon 15:04 ") + zone
}
