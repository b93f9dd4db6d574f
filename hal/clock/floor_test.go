package clock

import (
	"errors"
	"testing"
	"time"
)

// shelf keeps a floor in memory; restarts share it.
type shelf struct {
	at     time.Time
	writes int
	err    error
}

func (s *shelf) Floor() time.Time { return s.at }
func (s *shelf) SaveFloor(t time.Time) error {
	if s.err != nil {
		return s.err
	}
	s.writes++
	s.at = t
	return nil
}

// world is a wall clock and what the kernel thinks of it.
type world struct {
	now     time.Time
	trusted bool
	shelf   shelf
}

var (
	buildTime = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	noon      = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	epoch     = time.Unix(7, 0)
)

func (w *world) boot() *Floor {
	return NewFloor(FloorOptions{
		Wall: func() time.Time { return w.now }, Trusted: func() bool { return w.trusted }, Built: buildTime, Store: &w.shelf,
	})
}

func (w *world) set(now time.Time, trusted bool) { w.now, w.trusted = now, trusted }

func wantFloor(t *testing.T, f *Floor, want time.Time) {
	t.Helper()
	if got := f.Read().Floor; !got.Equal(want) {
		t.Errorf("floor = %v, want %v", got, want)
	}
}

func TestFloorIsTheBuildAtFirst(t *testing.T) {
	w := world{now: epoch}
	f := w.boot()
	wantFloor(t, f, buildTime)
	if got := f.Time(); !got.Equal(buildTime) {
		t.Errorf("certificates are judged at %v in 1970, want the build", got)
	}
	if r := f.Read(); r.Trusted || !r.Behind {
		t.Errorf("reading = %+v", r)
	}
}

func TestFloorFollowsATrustedClockOnly(t *testing.T) {
	w := world{}
	f := w.boot()
	w.set(noon, true)
	wantFloor(t, f, noon)
	w.set(noon.Add(48*time.Hour), false)
	wantFloor(t, f, noon)
	if got := f.Time(); !got.Equal(noon.Add(48 * time.Hour)) {
		t.Errorf("an untrusted clock ahead of the floor: %v", got)
	}
	w.set(noon.AddDate(-1, 0, 0), false)
	if got := f.Time(); !got.Equal(noon) {
		t.Errorf("an untrusted clock behind the floor: %v", got)
	}
	w.set(noon.AddDate(-1, 0, 0), true) // a false answer: what the kernel trusts counts for certificates
	if got := f.Time(); !got.Equal(w.now) {
		t.Errorf("a trusted clock: %v", got)
	}
	if r := f.Read(); !r.Behind || !r.Floor.Equal(noon) {
		t.Errorf("a clock that was put back: %+v", r)
	}
	w.set(noon.Add(-issuedSlack), true)
	if f.Read().Behind {
		t.Error("a floor that an issuer may have raised contradicts the clock")
	}
}

func TestFloorIsNotPoisoned(t *testing.T) {
	for name, tt := range map[string]struct {
		trusted bool
		ahead   time.Duration
		want    time.Duration
	}{
		"a little ahead":          {true, 299 * time.Second, 299 * time.Second},
		"as far as may be":        {true, 300 * time.Second, 300 * time.Second},
		"too far ahead":           {true, 301 * time.Second, 0},
		"ten years ahead":         {true, 87600 * time.Hour, 0},
		"old":                     {true, -time.Hour, 0},
		"the clock means nothing": {false, time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := world{now: noon, trusted: true}
			f := w.boot()
			wantFloor(t, f, noon)
			w.trusted = tt.trusted
			f.Note(noon.Add(tt.ahead))
			wantFloor(t, f, noon.Add(tt.want))
		})
	}
}

func TestFloorOutlivesRestarts(t *testing.T) {
	w := world{now: noon, trusted: true}
	f := w.boot()
	f.Note(noon.Add(100 * time.Second))
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	w.set(epoch, false)
	f = w.boot()
	wantFloor(t, f, noon.Add(100*time.Second))
	if err := f.Reset(); err != nil {
		t.Fatal(err)
	}
	wantFloor(t, f, buildTime)
	wantFloor(t, w.boot(), buildTime)
}

func TestFloorSparesTheCard(t *testing.T) {
	w := world{now: noon, trusted: true}
	f := w.boot()
	for range 24 * 60 { // a day, minute by minute
		if err := f.Save(); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Minute)
	}
	if w.shelf.writes != 24 {
		t.Errorf("%d writes in a day, want one an hour", w.shelf.writes)
	}
}

func TestFloorWhoseStoreFails(t *testing.T) {
	full := errors.New("disk full")
	w := world{now: noon, trusted: true, shelf: shelf{err: full}}
	f := w.boot()
	for _, do := range []func() error{f.Save, f.Flush, f.Reset} {
		if err := do(); !errors.Is(err, full) {
			t.Errorf("error = %v", err)
		}
	}
	wantFloor(t, f, noon)
	w.shelf.err = nil
	if err := f.Save(); err != nil || !w.shelf.at.Equal(noon) {
		t.Errorf("the next save: %v, %v", w.shelf.at, err)
	}
}

func TestBuilt(t *testing.T) {
	old := built
	defer func() { built = old }()
	built = "1790000000"
	if got := Built(); got.Unix() != 1790000000 {
		t.Errorf("Built = %v", got)
	}
	built = "yesterday"
	if got := Built(); got.After(time.Now()) { // what a test binary knows: nothing, or its commit
		t.Errorf("Built = %v", got)
	}
}
