package policy

import (
	"encoding/json"
	"testing"
	"time"
)

// box is a device with its clocks, of which a test knows the truth.
type box struct {
	t       testing.TB
	real    time.Time     // the truth, in the zone
	boot    time.Duration // since the boot
	run     int           // which boot
	trusted bool
	wrong   time.Duration // by which the wall clock is ahead of the truth
	b       Budget
}

func newBox(t testing.TB, zoneName, at string) *box {
	t.Helper()
	real, err := time.ParseInLocation(time.DateTime, at, zone(t, zoneName))
	if err != nil {
		t.Fatal(err)
	}
	return &box{t: t, real: real, boot: time.Minute, trusted: true}
}

func (x *box) now() Clock {
	return Clock{Wall: x.real.Add(x.wrong), Boot: x.boot, Run: string(rune('a' + x.run%26)), Trusted: x.trusted}
}

// pass lets time go by.
func (x *box) pass(d time.Duration) *box {
	x.real, x.boot = x.real.Add(d), x.boot+d
	return x
}

// off switches the device off for d, and on again.
func (x *box) off(d time.Duration) *box {
	x.b = stored(x.t, x.b)
	x.real, x.boot, x.run = x.real.Add(d), 0, x.run+1
	return x
}

func (x *box) trust(trusted bool) *box {
	x.trusted = trusted
	return x
}

// set makes the wall clock wrong by d.
func (x *box) set(d time.Duration) *box {
	x.wrong = d
	return x
}

func (x *box) look() *box {
	x.b = x.b.At(x.now())
	return x
}

func (x *box) talk(d time.Duration) *box {
	from := x.now()
	x.pass(d)
	x.b = x.b.Spend(from, x.now())
	return x
}

// wantUsed checks what counts now.
func (x *box) wantUsed(want time.Duration) *box {
	x.t.Helper()
	x.look()
	if got := time.Duration(x.b.UsedSeconds * float64(time.Second)).Round(time.Millisecond); got != want {
		x.t.Errorf("%s, used %v, want %v: %+v", x.real.Format("Mon 15:04:05"), got, want, x.b)
	}
	return x
}

// stored is b as the store gives it back.
func stored(t testing.TB, b Budget) (back Budget) {
	t.Helper()
	text, err := json.Marshal(b)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestBudget(t *testing.T) {
	const minute, hour, sec = time.Minute, time.Hour, time.Second
	for name, play := range map[string]func(x *box){ // each begins on Monday at 12:00, trusted
		"nothing used": func(x *box) { x.wantUsed(0).pass(50 * hour).wantUsed(0) },
		"used until midnight": func(x *box) {
			x.talk(10 * minute).talk(5 * minute).wantUsed(15 * minute).pass(11*hour + 44*minute + 59*sec).wantUsed(15 * minute).pass(sec).wantUsed(0)
		},
		"off over midnight": func(x *box) { x.talk(10 * minute).off(13 * hour).wantUsed(0) },
		"off and on":        func(x *box) { x.talk(10 * minute).off(sec).wantUsed(10 * minute) },
		"a call over midnight": func(x *box) {
			x.talk(5 * minute).pass(11*hour + 45*minute).talk(30 * minute).wantUsed(20 * minute)
		},
		"a call over midnight that was looked at": func(x *box) {
			x.pass(11*hour + 50*minute)
			from := x.look().now()
			x.pass(15 * minute).look().pass(15 * minute)
			x.b = x.b.Spend(from, x.now())
			x.wantUsed(30 * minute)
		},
		"a call over midnight while not trusted": func(x *box) {
			x.trust(false).pass(11*hour + 50*minute).talk(30 * minute).wantUsed(30 * minute)
		},
		"trust is lost: what was used counts on": func(x *box) {
			x.talk(10 * minute).trust(false).look().pass(20 * hour).wantUsed(10 * minute)
		},
		"not trusted: 24 hours of running time": func(x *box) {
			x.trust(false).talk(10 * minute).pass(23*hour + 49*minute + 59*sec).wantUsed(10 * minute).pass(sec).wantUsed(0)
		},
		"not trusted: a jump changes nothing": func(x *box) {
			x.trust(false).talk(10 * minute).set(48 * hour).wantUsed(10 * minute).set(-4800 * hour).wantUsed(10 * minute)
		},
		"not trusted: time off does not count": func(x *box) {
			x.trust(false).talk(10 * minute).off(40 * hour).wantUsed(10 * minute)
		},
		"not trusted: running time counts over restarts": func(x *box) {
			x.trust(false).talk(10 * minute).pass(12 * hour).look().off(minute).pass(11*hour + 40*minute).wantUsed(10 * minute).pass(11 * minute).wantUsed(0)
		},
		"not trusted: running time that was not stored is lost": func(x *box) {
			x.trust(false).talk(10 * minute).pass(12 * hour).off(minute).pass(12 * hour).wantUsed(10 * minute)
		},
		"trust comes: used on an unknown day counts for the new one": func(x *box) {
			x.trust(false).talk(10 * minute).off(30 * hour).trust(true).wantUsed(10 * minute).pass(6 * hour).wantUsed(0)
		},
		"trust comes: what was used on a known day does not": func(x *box) {
			x.talk(10 * minute).off(11*hour + 49*minute + 50*sec).trust(false).wantUsed(10 * minute).pass(30 * sec).trust(true).wantUsed(0)
		},
		"trust comes on the same day": func(x *box) {
			x.talk(10 * minute).trust(false).talk(5 * minute).trust(true).wantUsed(15 * minute).pass(12 * hour).wantUsed(0)
		},
		"what was used in an earlier untrusted time is of a known day now": func(x *box) {
			x.trust(false).talk(10 * minute).trust(true).wantUsed(10 * minute).off(11*hour + 49*minute + 50*sec).
				trust(false).wantUsed(10 * minute).pass(30 * sec).trust(true).wantUsed(0)
		},
		"trust comes in a call": func(x *box) {
			x.trust(false).set(-4800 * hour)
			from := x.look().now()
			x.pass(10 * minute).trust(true).set(0)
			x.b = x.b.Spend(from, x.now())
			x.wantUsed(10 * minute)
		},
		"trust comes after the untrusted allowance came anew": func(x *box) {
			x.trust(false).talk(10 * minute).pass(24 * hour).talk(20 * minute).look().
				trust(true).wantUsed(20 * minute).     // Tuesday, 12:30
				pass(12 * hour).wantUsed(20 * minute). // Wednesday: the 24 hours are not over
				pass(23 * hour).wantUsed(20 * minute).
				pass(hour).wantUsed(0) // Thursday
		},
		"trust comes in a call over midnight": func(x *box) {
			x.pass(11*hour + 50*minute).trust(false)
			from := x.look().now()
			x.pass(20 * minute).trust(true)
			x.b = x.b.Spend(from, x.now())
			x.wantUsed(20 * minute)
		},
		"an untrusted allowance after a date that was wrong for years": func(x *box) {
			x.set(40000 * hour).talk(10 * minute).set(0).look().trust(false).look().pass(24 * hour).talk(20 * minute).look().
				trust(true).wantUsed(20 * minute).     // Tuesday, 12:30
				pass(12 * hour).wantUsed(20 * minute). // Wednesday: the 24 hours are not over
				pass(12 * hour).wantUsed(20 * minute).
				pass(12 * hour).wantUsed(0) // Thursday
		},
		"a trusted clock that was ahead, is corrected and jumps again": func(x *box) {
			x.set(48 * hour).talk(10 * minute).set(0).wantUsed(10 * minute).pass(24 * hour).talk(10 * minute).wantUsed(20 * minute).
				set(48 * hour).wantUsed(20 * minute)
		},
		"a date that goes back": func(x *box) {
			x.talk(10 * minute).set(-24 * hour).wantUsed(10 * minute).pass(13 * hour).wantUsed(10 * minute)
		},
		"a date that goes back over midnight for a moment": func(x *box) {
			x.pass(12 * hour).talk(10 * minute).set(-11 * minute).wantUsed(10 * minute).set(0).wantUsed(10 * minute)
		},
		"a date that was wrong for years": func(x *box) {
			x.set(40000 * hour).talk(10 * minute).set(0).wantUsed(10 * minute).
				pass(23 * hour).wantUsed(10 * minute).pass(hour).wantUsed(10 * minute). // Tuesday, 12:10
				pass(11*hour + 49*minute).wantUsed(10 * minute).pass(2 * minute).wantUsed(0)
		},
		"a trusted clock that jumps ahead": func(x *box) {
			x.talk(10 * minute).set(24 * hour).wantUsed(10 * minute).set(48 * hour).wantUsed(10 * minute)
		},
		"a trusted clock that jumps to before midnight": func(x *box) {
			x.talk(10 * minute).set(11*hour + 49*minute).wantUsed(10 * minute).pass(2 * minute).wantUsed(10 * minute).
				pass(24 * hour).wantUsed(0)
		},
		"a trusted clock that jumps in an untrusted time": func(x *box) {
			x.talk(10 * minute).trust(false).look().pass(minute).trust(true).set(24 * hour).wantUsed(10 * minute)
		},
		"a trusted clock that is corrected": func(x *box) {
			x.talk(10 * minute).set(2 * minute).pass(11*hour + 47*minute).wantUsed(10 * minute).pass(2 * minute).wantUsed(0)
		},
		"small corrections do not add up": func(x *box) {
			x.talk(10 * minute)
			for i := range 12 * 60 {
				x.set(time.Duration(i) * minute).look()
			}
			x.wantUsed(10 * minute)
		},
		"taken back": func(x *box) {
			from := x.look().now()
			x.b = x.b.Spend(from, from.Add(minute))
			x.pass(40 * sec)
			x.b = x.b.Spend(from.Add(minute), x.now())
			x.wantUsed(40 * sec)
			x.b = x.b.Spend(x.now(), from)
			x.b = x.b.Spend(x.now(), from)
			x.wantUsed(0)
		},
		"taken back while not trusted": func(x *box) {
			x.talk(10 * minute).trust(false).look()
			x.b = x.b.Ahead(minute).Ahead(-2 * minute)
			x.wantUsed(9 * minute)
			if x.b.UntrustedSeconds != 0 {
				x.t.Errorf("the untrusted part is %v s", x.b.UntrustedSeconds)
			}
		},
		"ahead": func(x *box) {
			x.talk(10 * minute)
			x.b = x.b.Ahead(15 * sec)
			x.off(minute).wantUsed(10*minute + 15*sec)
		},
		"runs without a name": func(x *box) {
			x.trusted = false
			at := func(boot time.Duration) Clock { return Clock{Wall: x.real, Boot: boot} }
			x.b = Budget{}.At(at(hour)).Ahead(10 * minute).At(at(11 * hour)).At(at(minute)).At(at(10 * hour)) // rebooted after 11 h
			if x.b.WindowSeconds != 10*3600 {
				x.t.Errorf("%v s were observed, want 10 h", x.b.WindowSeconds)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { play(newBox(t, "Asia/Shanghai", "2026-05-04 12:00:00")) })
	}
}

func TestLeft(t *testing.T) {
	hour := Limit{Set: true, Duration: time.Hour}
	for name, tt := range map[string]struct {
		used      float64
		allowance Limit
		want      Limit
	}{
		"no allowance":       {1e9, Limit{}, Limit{}},
		"nothing used":       {0, hour, hour},
		"some used":          {600.4, hour, Limit{true, 2999600 * time.Millisecond}},
		"all used":           {3600, hour, Limit{true, 0}},
		"more than that":     {4000, hour, Limit{true, 0}},
		"damage gives none":  {-5000, hour, hour},
		"an allowance of 0s": {0, Limit{true, 0}, Limit{true, 0}},
	} {
		if got := (Budget{UsedSeconds: tt.used}).Left(tt.allowance); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestBudgetJSON(t *testing.T) {
	b := Budget{Day: "2026-05-04", Trusted: true, UsedSeconds: 12.5}
	text, err := json.Marshal(b)
	if want := `{"day":"2026-05-04","trusted":true,"usedSeconds":12.5,"windowSeconds":0}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v; want %s", text, err, want)
	}
	b = Budget{"2026-05-04", false, 12.5, 2.5, 3, 4.5, "boot", 100.25, 1.7e9}
	if back := stored(t, b); back != b {
		t.Errorf("got %+v, want %+v", back, b)
	}
}

// TestMidnight looks at days that begin with 00:00, twice with it, or without.
func TestMidnight(t *testing.T) {
	for _, tt := range []struct{ zone, at, want string }{
		{"Asia/Shanghai", "2026-05-04T15:00:00+08:00", "2026-05-04T00:00:00+08:00"},
		{"Europe/Berlin", "2026-03-29T15:00:00+02:00", "2026-03-29T00:00:00+01:00"},
		{"Europe/Berlin", "2026-10-25T15:00:00+01:00", "2026-10-25T00:00:00+02:00"},
		{"Australia/Lord_Howe", "2026-04-05T12:00:00+10:30", "2026-04-05T00:00:00+11:00"},
		{"America/Santiago", "2026-09-06T12:00:00-03:00", "2026-09-06T01:00:00-03:00"},  // no 00:00
		{"America/Santiago", "2026-04-05T12:00:00-04:00", "2026-04-05T00:00:00-04:00"},  // 24:00 was 23:00 again
		{"America/Havana", "2026-03-08T12:00:00-04:00", "2026-03-08T01:00:00-04:00"},    // no 00:00
		{"America/Havana", "2026-11-01T12:00:00-05:00", "2026-11-01T00:00:00-04:00"},    // 01:00 was 00:00 again
		{"Africa/Cairo", "2026-04-24T12:00:00+03:00", "2026-04-24T01:00:00+03:00"},      // no 00:00
		{"UTC", "2026-05-04T00:00:00Z", "2026-05-04T00:00:00Z"},                         // no change ever
		{"America/Sao_Paulo", "2018-11-04T05:00:00-02:00", "2018-11-04T01:00:00-02:00"}, // no 00:00
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := midnight(at.In(zone(t, tt.zone))).Format(time.RFC3339); got != tt.want {
			t.Errorf("%s, %s: the day begins at %s, want %s", tt.zone, tt.at, got, tt.want)
		}
	}
	// The moment before the first one of a day is another day's.
	for _, name := range []string{"America/Santiago", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "Atlantic/Azores", "Europe/Berlin"} {
		for at := time.Date(2026, 1, 1, 12, 0, 0, 0, zone(t, name)); at.Year() == 2026; at = at.AddDate(0, 0, 1) {
			first := midnight(at)
			if before := first.Add(-1); first.Format(dayForm) != at.Format(dayForm) || before.Format(dayForm) >= at.Format(dayForm) {
				t.Errorf("%s: %v begins at %v", name, at, first)
			}
		}
	}
}

// FuzzBudget takes whatever a store may hold: looking twice is looking once, and
// what is left is between nothing and all.
func FuzzBudget(f *testing.F) {
	f.Add(`{"day":"2026-05-04","trusted":true,"usedSeconds":12.5,"windowSeconds":0}`, int64(1777867200), int64(3600), true)
	f.Add(`{"day":"9999-99-99","heldSeconds":86401,"windowSeconds":1e300,"usedSeconds":-5,"run":"a","aheadSeconds":1}`, int64(0), int64(86401), true)
	f.Add(`{"day":"","usedSeconds":1e308,"untrustedSeconds":1e308,"seenSeconds":-1e308,"windowSeconds":-90000}`, int64(-1), int64(0), false)
	f.Add(`{"day":"2026-05-04","usedSeconds":1,"untrustedSeconds":9}`, int64(1777953600), int64(3600), true)
	f.Fuzz(func(t *testing.T, text string, unix, boot int64, trusted bool) {
		var b Budget
		if json.Unmarshal([]byte(text), &b) != nil || b.WindowSeconds < 0 || b.UsedSeconds < 0 || b.UntrustedSeconds < 0 || b.SeenSeconds < 0 || b.HeldSeconds < 0 {
			return
		}
		now := Clock{Wall: time.Unix(unix%(1<<37), 0).UTC(), Boot: time.Duration(boot%(1<<30)) * time.Second, Run: "a", Trusted: trusted}
		if now.Boot < 0 {
			return
		}
		once := b.At(now)
		if twice := once.At(now); twice != once {
			t.Fatalf("looked once: %+v\ntwice:       %+v", once, twice)
		}
		if once.UsedSeconds > b.UsedSeconds || once.Trusted != trusted || trusted && once.Day < now.Wall.Format(dayForm) {
			t.Fatalf("%+v gives %+v", b, once)
		}
		hour := Limit{true, time.Hour}
		for _, one := range []Budget{once, once.Spend(now, now.Add(time.Minute)), once.Ahead(time.Minute), once.Ahead(-time.Minute)} {
			if left := one.Left(hour); !left.Set || left.Duration < 0 || left.Duration > time.Hour {
				t.Fatalf("%+v leaves %v", one, left)
			}
		}
	})
}
