package policy

import (
	"math"
	"time"
)

const (
	windowSeconds = 24 * 60 * 60
	// aheadTolerance is by how much a trusted wall clock may gain on the boot-time
	// clock in one run before a new date is no longer believed: more than any
	// correction of a clock that was right.
	aheadTolerance = 5 * 60
	// holdBegun tells a hold that has just begun from none.
	holdBegun = 1
	dayForm   = "2006-01-02"
)

// Budget is how much one contact has talked of its talk a day. It is a value: each
// method returns the next one, which the store keeps. The zero value has talked
// nothing.
//
// While the clock is trusted the day is the local date. While it is not, the
// allowance comes anew after each 24 hours of observed running time. Whatever
// makes the clock jump, go back, lose or regain its trust, and whatever restarts
// the device, gives no time back: in doubt what was used goes on counting until 24
// hours of running time have passed, and then to the end of that day.
type Budget struct {
	// Day is the local date ("2026-05-04") to whose end UsedSeconds counts; "" is
	// not known yet. It is later than today after a long untrusted time and after
	// a clock that jumped.
	Day string `json:"day"`
	// Trusted is the trust in the clock at the last look.
	Trusted bool `json:"trusted"`
	// UsedSeconds is the talk that counts now.
	UsedSeconds float64 `json:"usedSeconds"`
	// UntrustedSeconds is the part of UsedSeconds since the clock lost its trust:
	// nobody knows of which day it is.
	UntrustedSeconds float64 `json:"untrustedSeconds,omitzero"`
	// WindowSeconds is the observed running time since the clock lost its trust. With
	// each full 24 hours of it the allowance comes anew.
	WindowSeconds float64 `json:"windowSeconds"`
	// HeldSeconds is the observed running time since Day has been later than today,
	// and 1; 0: it is not. After 24 hours Day is today: the date that it was made of
	// was wrong.
	HeldSeconds float64 `json:"heldSeconds,omitzero"`
	// Run and SeenSeconds are the run and the boot-time clock of the last look.
	Run         string  `json:"run,omitzero"`
	SeenSeconds float64 `json:"seenSeconds,omitzero"`
	// AheadSeconds is the trusted wall clock (Unix time) minus the boot-time clock
	// in this run, the least that was seen; 0: not seen yet.
	AheadSeconds float64 `json:"aheadSeconds,omitzero"`
}

// At is the budget at now, a reading in the time zone of the rules (Rules.In).
// Looking more often is harmless. While the budget is not trusted it should be
// looked at and stored now and then: running time that was not stored before a
// restart makes the window longer.
func (b Budget) At(now Clock) Budget {
	observed := b.observe(now)
	if b.HeldSeconds > 0 {
		b.HeldSeconds += observed
	}
	if !b.Trusted {
		allowances := math.Floor(b.WindowSeconds / windowSeconds)
		b.WindowSeconds += observed
		if math.Floor(b.WindowSeconds/windowSeconds) > allowances {
			b.UsedSeconds, b.UntrustedSeconds = 0, 0
		}
	}
	switch {
	case now.Trusted:
		return b.trusted(now)
	case b.Trusted:
		b.Trusted = false // the window opens: its counts are 0
	}
	return b
}

// observe notes the reading and returns the running time since the last one, in
// seconds.
func (b *Budget) observe(now Clock) float64 {
	seen, first := now.Boot.Seconds(), *b == Budget{}
	observed := seen // in another run: all that this one has lasted
	if now.Run == b.Run {
		observed = max(0, seen-b.SeenSeconds)
		b.SeenSeconds = max(seen, b.SeenSeconds)
	} else {
		b.Run, b.SeenSeconds, b.AheadSeconds = now.Run, seen, 0
	}
	if first {
		return 0
	}
	return observed
}

// trusted finds out whether a new day has come.
func (b Budget) trusted(now Clock) Budget {
	today := now.Wall.Format(dayForm)
	dayIn := func(seconds float64) string {
		return now.Wall.Add(time.Duration(seconds * float64(time.Second))).Format(dayForm)
	}
	switch {
	case b.jumped(now): // this date proves nothing
		b.Day, b.HeldSeconds = max(b.Day, dayIn(windowSeconds)), holdBegun
	case !b.Trusted && b.WindowSeconds >= windowSeconds: // the allowance came in untrusted time
		since := math.Mod(b.WindowSeconds, windowSeconds)
		b.Day, b.HeldSeconds = max(b.Day, dayIn(windowSeconds-since)), holdBegun+since
	case b.Day < today && b.Trusted: // a new day
		b.UsedSeconds = 0
	case b.Day < today: // a new day, and the untrusted time may have been part of it
		b.UsedSeconds = min(b.UsedSeconds, b.UntrustedSeconds)
	}
	b.Trusted, b.UntrustedSeconds, b.WindowSeconds = true, 0, 0
	if b.Day <= today || b.HeldSeconds >= holdBegun+windowSeconds {
		b.Day, b.HeldSeconds = today, 0
	} else if b.HeldSeconds == 0 {
		b.HeldSeconds = holdBegun
	}
	return b
}

// jumped reports whether the trusted wall clock has gained on the boot-time clock
// since it was first seen in this run.
func (b *Budget) jumped(now Clock) bool {
	if now.Run == "" {
		return false
	}
	ahead := float64(now.Wall.UnixMilli())/1000 - now.Boot.Seconds()
	known := b.AheadSeconds != 0
	jumped := known && ahead > b.AheadSeconds+aheadTolerance
	if !known || jumped || ahead < b.AheadSeconds {
		b.AheadSeconds = ahead
	}
	return jumped
}

// Spend adds the talk between two readings, in the time zone of the rules. When
// midnight was between them, on a clock that was trusted all the time, only what
// came after counts; all of it does when the budget has been looked at since. A to
// before from takes talk back, to no less than nothing.
//
// Spend is for time that has passed. For time that is about to, see Ahead.
func (b Budget) Spend(from, to Clock) Budget {
	talk := (to.Boot - from.Boot).Seconds()
	if talk <= 0 {
		return b.add(talk)
	}
	if from.Run != b.Run || from.Boot.Seconds() >= b.SeenSeconds {
		b = b.At(from)
	}
	after := b.At(to)
	if b.Trusted && b.Day < after.Day && after.Day == to.Wall.Format(dayForm) {
		talk = min(talk, to.Wall.Sub(midnight(to.Wall)).Seconds())
	}
	return after.add(talk)
}

// Ahead is the budget with d more used: what to store while a call runs, so that
// a crash in the call costs the contact at most d and gives no time back (d over
// midnight counts for the day before). The exact budget is kept in memory and
// stored when the call ends. A negative d takes talk back, to no less than nothing.
func (b Budget) Ahead(d time.Duration) Budget { return b.add(d.Seconds()) }

func (b Budget) add(seconds float64) Budget {
	b.UsedSeconds = max(0, b.UsedSeconds+seconds)
	if !b.Trusted {
		b.UntrustedSeconds = min(max(0, b.UntrustedSeconds+seconds), b.UsedSeconds)
	}
	return b
}

// Left is what is left of the allowance, as of the last look; no allowance, no
// limit.
func (b Budget) Left(allowance Limit) Limit {
	if !allowance.Set {
		return Limit{}
	}
	left := allowance.Duration.Seconds() - max(0, b.UsedSeconds)
	return Limit{Set: true, Duration: time.Duration(math.Round(max(0, left) * float64(time.Second)))}
}

// midnight is the first moment of t's date in t's location. It is not always
// 00:00: summer time may begin at that hour, or repeat it.
func midnight(t time.Time) time.Time {
	year, month, day := t.Date()
	first := time.Date(year, month, day, 0, 0, 0, 0, t.Location())
	begin, end := first.ZoneBounds()
	if first.Day() != day { // 00:00 does not exist: the day begins where the offset changes
		return end
	}
	if begin.IsZero() {
		return first
	}
	// Where 00:00 comes twice, the earlier one has the offset of before.
	_, before := begin.Add(-1).Zone()
	earlier := time.Date(year, month, day, 0, 0, 0, 0, time.FixedZone("", before))
	if earlier.Before(begin) && earlier.Before(first) {
		return earlier.In(t.Location())
	}
	return first
}
