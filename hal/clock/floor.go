package clock

import (
	"runtime/debug"
	"strconv"
	"sync"
	"time"
)

// built is the time of the build in seconds since 1970, set by the linker.
var built string

// Built is when the program was built, as the linker was told, else when what it was
// built of was committed; zero when neither is known.
func Built() time.Time {
	if seconds, err := strconv.ParseInt(built, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key != "vcs.time" {
			continue
		}
		if t, err := time.Parse(time.RFC3339, s.Value); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

const (
	// issuedSlack is how far ahead of a trusted clock what others call the present
	// may be, and the floor with it.
	issuedSlack = 300 * time.Second
	// floorStep is by how much the floor rises before it is written again: a card
	// wears, and an hour more or less of a floor matters little.
	floorStep = time.Hour
)

// FloorStore keeps the floor over restarts.
type FloorStore interface {
	// Floor returns what was saved; zero when nothing was.
	Floor() time.Time
	// SaveFloor keeps t durably; zero forgets it.
	SaveFloor(t time.Time) error
}

// FloorOptions are what a Floor is made of. All of it is needed.
type FloorOptions struct {
	Wall    func() time.Time // the wall clock
	Trusted func() bool      // whether it is right, as far as the kernel knows
	Built   time.Time        // of the program
	Store   FloorStore
}

// Floor is the earliest time that the present can be: the latest of the program's
// build, the last time at which the wall clock was trusted, and the newest time that
// somebody trusted gave while it was. It outlives restarts. One false answer of a
// time server can raise it too high, so that it must never be the only reason to
// refuse anything; Reset brings it down again.
//
// Its methods may be called from several goroutines.
type Floor struct {
	o FloorOptions

	mu    sync.Mutex
	at    time.Time
	saved time.Time
}

// NewFloor returns the floor that was kept.
func NewFloor(o FloorOptions) *Floor {
	f := &Floor{o: o, saved: o.Store.Floor()}
	f.at = later(o.Built, f.saved)
	return f
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Reading is one look at the wall clock.
type Reading struct {
	Now     time.Time
	Trusted bool      // the kernel holds Now for right
	Floor   time.Time // the earliest that the present can be, Now included while it is trusted
	// Behind tells that Now is so far below the floor that one of them is wrong: the
	// clock was put back, or the floor was raised by a clock that was ahead.
	Behind bool
}

// Read reads the clock, and raises the floor while the clock is trusted.
func (f *Floor) Read() Reading {
	now, trusted := f.o.Wall(), f.o.Trusted()
	f.mu.Lock()
	defer f.mu.Unlock()
	if trusted {
		f.at = later(f.at, now)
	}
	return Reading{Now: now, Trusted: trusted, Floor: f.at, Behind: now.Before(f.at.Add(-issuedSlack))}
}

// Time is the time by which certificates are judged: the wall clock's, but while that
// is not trusted no less than the floor (tls.Config.Time).
func (f *Floor) Time() time.Time {
	r := f.Read()
	if r.Trusted {
		return r.Now
	}
	return later(r.Now, r.Floor)
}

// Note raises the floor to t, which somebody trusted has just called the present. It
// counts only while the clock is trusted, and not when it is far ahead of that.
func (f *Floor) Note(t time.Time) {
	r := f.Read()
	if !r.Trusted || t.After(r.Now.Add(issuedSlack)) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = later(f.at, t)
}

// Save keeps the floor when it has risen by an hour since it was kept. It is for a
// timer; Flush is for the end.
func (f *Floor) Save() error { return f.save(floorStep) }

// Flush keeps the floor as it is.
func (f *Floor) Flush() error { return f.save(time.Nanosecond) }

func (f *Floor) save(step time.Duration) error {
	at := f.Read().Floor
	f.mu.Lock()
	due := !at.Before(f.saved.Add(step)) && at.After(f.o.Built)
	f.mu.Unlock()
	if !due {
		return nil
	}
	if err := f.o.Store.SaveFloor(at); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saved = at
	return nil
}

// Reset forgets everything but the build, for a floor that a false clock has raised.
// A clock that is trusted at the next look raises it again.
func (f *Floor) Reset() error {
	if err := f.o.Store.SaveFloor(time.Time{}); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.saved = f.o.Built, time.Time{}
	return nil
}
