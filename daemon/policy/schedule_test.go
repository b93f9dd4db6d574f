package policy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests must not depend on the machine's zones
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func windows(t testing.TB, texts ...string) Schedule {
	t.Helper()
	s, err := ParseSchedule(texts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseWindow(t *testing.T) {
	for text, want := range map[string]string{
		"Mon-Fri 08:00-20:00":             "Mon-Fri 08:00-20:00",
		"Sat,Sun 10:00-18:00":             "Sat,Sun 10:00-18:00",
		"22:00-07:00":                     "22:00-07:00",
		"00:00-24:00":                     "00:00-24:00",
		"22:00-00:00":                     "22:00-24:00",
		"Sun 23:59-00:00":                 "Sun 23:59-24:00",
		"Mon-Sun 08:00-20:00":             "08:00-20:00",
		"Sun,Mon 08:00-20:00":             "Mon,Sun 08:00-20:00",
		"Sat-Sun 10:00-18:00":             "Sat,Sun 10:00-18:00",
		"Fri-Mon 10:00-18:00":             "Mon,Fri-Sun 10:00-18:00",
		"Wed-Tue 10:00-18:00":             "10:00-18:00",
		"Mon,Wed-Fri,Sun 00:01-00:00":     "Mon,Wed-Fri,Sun 00:01-24:00",
		"Mon,Tue,Wed 10:00-18:00":         "Mon-Wed 10:00-18:00",
		"Sun,Sat,Fri,Thu,Wed 23:00-01:00": "Wed-Sun 23:00-01:00",
	} {
		w, err := ParseWindow(text)
		if err != nil || w.String() != want {
			t.Errorf("ParseWindow(%q) = %q, %v; want %q", text, w, err, want)
		}
		again, err := ParseWindow(want)
		if err != nil || again != w {
			t.Errorf("ParseWindow(%q) = %v, %v; want %v", want, again, err, w)
		}
	}
}

func TestParseWindowErrors(t *testing.T) {
	const minutes = "is no time of day"
	for text, want := range map[string]string{
		"":                          "it has no begin and end",
		"Mon":                       "it has no begin and end",
		"Mon-Fri":                   `"Mon" ` + minutes,
		"08:00":                     "it has no begin and end",
		"Mon 08:00":                 "it has no begin and end",
		"Mon-Fri 08:00-20:00 ":      `"20:00 " ` + minutes,
		" 08:00-20:00":              `"" is no day`,
		"Mon  08:00-20:00":          `" 08:00" ` + minutes,
		"Mon, Tue 08:00-20:00":      `"" is no day`,
		"mon 08:00-20:00":           `"mon" is no day`,
		"Monday 08:00-20:00":        `"Monday" is no day`,
		"Mo-Fr 08:00-20:00":         `"Mo" is no day`,
		"Mon-Fri-Sun 08:00-20:00":   `"Fri-Sun" is no day`,
		"Mon-Mon 08:00-20:00":       `"Mon-Mon" is one day`,
		"Mon,Mon 08:00-20:00":       "Mon is there twice",
		"Mon-Wed,Tue 08:00-20:00":   "Tue is there twice",
		"8:00-20:00":                `"8:00" ` + minutes,
		"08:00–20:00":               "it has no begin and end",
		"08.00-20.00":               `"08.00" ` + minutes,
		"24:00-08:00":               "24:00 can only be the end",
		"08:00-24:01":               `"24:01" ` + minutes,
		"08:60-09:00":               `"08:60" ` + minutes,
		"25:00-26:00":               `"25:00" ` + minutes,
		"-1:00-09:00":               `"" ` + minutes,
		"08:00-08:00":               "it begins when it ends",
		"00:00-00:00":               "it begins when it ends",
		"24:00-24:00":               "24:00 can only be the end",
		"08:00-20:00-22:00":         `"20:00-22:00" ` + minutes,
		"٠٨:00-20:00":               minutes,
		"08:00-20:00, 21:00-22:00":  `"08:00" is no day`,
		"Mon 08:00-20:00\x00":       minutes,
		"08:00-20:00 Europe/Berlin": `"08:00" is no day`,
		strings.Repeat("Mon,", 100): "it has no begin and end",
	} {
		w, err := ParseWindow(text)
		if err == nil || w != (Window{}) {
			t.Errorf("ParseWindow(%q) = %v, %v", text, w, err)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), windowForm) {
			t.Errorf("ParseWindow(%q): %v; want %q in it", text, err, want)
		}
	}
	if s, err := ParseSchedule([]string{"08:00-20:00", "x"}); err == nil || s != nil {
		t.Errorf("a schedule with a bad window: %v, %v", s, err)
	}
}

func TestScheduleText(t *testing.T) {
	s := windows(t, "Mon-Fri 08:00-20:00", "Sat,Sun 10:00-00:00")
	if got, want := s.String(), "Mon-Fri 08:00-20:00; Sat,Sun 10:00-24:00"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
	text, err := json.Marshal(s)
	if want := `["Mon-Fri 08:00-20:00","Sat,Sun 10:00-24:00"]`; err != nil || string(text) != want {
		t.Errorf("JSON = %s, %v; want %s", text, err, want)
	}
	var back Schedule
	if err := json.Unmarshal(text, &back); err != nil || back.String() != s.String() {
		t.Errorf("back = %v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`["8-20"]`), &back); err == nil {
		t.Error("a bad window was taken")
	}
	if (Window{}).String() != "never" || (Window{}).Contains(time.Now()) || (Schedule{}).Contains(time.Now()) {
		t.Error("nothing is something")
	}
}

func TestContains(t *testing.T) {
	// 4 May 2026 is a Monday.
	for _, tt := range []struct {
		window, at string
		want       bool
	}{
		{"Mon-Fri 08:00-20:00", "2026-05-04 07:59:59", false},
		{"Mon-Fri 08:00-20:00", "2026-05-04 08:00:00", true},
		{"Mon-Fri 08:00-20:00", "2026-05-04 19:59:59", true},
		{"Mon-Fri 08:00-20:00", "2026-05-04 20:00:00", false},
		{"Mon-Fri 08:00-20:00", "2026-05-09 12:00:00", false},
		{"22:00-07:00", "2026-05-04 21:59:59", false},
		{"22:00-07:00", "2026-05-04 22:00:00", true},
		{"22:00-07:00", "2026-05-05 06:59:59", true},
		{"22:00-07:00", "2026-05-05 07:00:00", false},
		{"Fri 22:00-07:00", "2026-05-08 06:00:00", false}, // the night to Friday
		{"Fri 22:00-07:00", "2026-05-08 23:00:00", true},
		{"Fri 22:00-07:00", "2026-05-09 06:00:00", true},
		{"Fri 22:00-07:00", "2026-05-09 22:00:00", false},
		{"Sun 22:00-07:00", "2026-05-04 06:00:00", true}, // over the end of the week
		{"Sun 22:00-07:00", "2026-05-11 07:00:00", false},
		{"Sat 20:00-24:00", "2026-05-09 23:59:59", true},
		{"Sat 20:00-24:00", "2026-05-10 00:00:00", false},
		{"00:00-24:00", "2026-05-10 00:00:00", true},
		{"00:00-24:00", "2026-05-10 23:59:59", true},
	} {
		at, err := time.ParseInLocation(time.DateTime, tt.at, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if got := windows(t, tt.window).Contains(at); got != tt.want {
			t.Errorf("%s contains %s: %v, want %v", tt.window, tt.at, got, tt.want)
		}
	}
}

// TestSummerTime counts for how many minutes of a local day a window holds.
func TestSummerTime(t *testing.T) {
	for _, tt := range []struct {
		zone, day, window string
		want              int
	}{
		{"Europe/Berlin", "2026-03-28", "02:00-03:00", 60},
		{"Europe/Berlin", "2026-03-29", "02:00-03:00", 0}, // 02:00 is 03:00
		{"Europe/Berlin", "2026-03-29", "01:30-03:30", 60},
		{"Europe/Berlin", "2026-03-29", "00:00-24:00", 23 * 60},
		{"Europe/Berlin", "2026-03-29", "Sat 22:00-02:30", 120}, // ends when the clock jumps past its end
		{"Europe/Berlin", "2026-10-25", "02:00-02:30", 60},      // 03:00 is 02:00 again
		{"Europe/Berlin", "2026-10-25", "01:30-03:30", 180},
		{"Europe/Berlin", "2026-10-25", "00:00-24:00", 25 * 60},
		{"Europe/Berlin", "2026-10-25", "Sun 02:00-03:00", 120},
		{"America/New_York", "2026-03-08", "02:00-03:00", 0},
		{"America/New_York", "2026-03-08", "08:00-20:00", 12 * 60},
		{"America/New_York", "2026-11-01", "01:00-02:00", 120},
		{"America/New_York", "2026-11-01", "00:00-08:00", 9 * 60},
		{"Australia/Lord_Howe", "2026-10-04", "02:00-02:30", 0}, // 02:00 is 02:30
		{"Australia/Lord_Howe", "2026-10-04", "01:00-03:00", 90},
		{"Australia/Lord_Howe", "2026-04-05", "01:30-02:00", 60}, // 02:00 is 01:30 again
		{"Australia/Lord_Howe", "2026-04-05", "01:00-03:00", 150},
		{"Asia/Shanghai", "2026-03-29", "01:30-03:30", 120},
		{"Asia/Shanghai", "2026-10-25", "00:00-24:00", 24 * 60},
		{"America/Santiago", "2026-09-06", "00:00-01:00", 0}, // the day begins at 01:00
		{"America/Santiago", "2026-09-06", "23:00-02:00", 120},
	} {
		at, err := time.ParseInLocation(dayForm, tt.day, zone(t, tt.zone))
		if err != nil {
			t.Fatal(err)
		}
		w, held := windows(t, tt.window), 0
		for m := at.Add(-3 * time.Hour); m.Format(dayForm) <= tt.day; m = m.Add(time.Minute) {
			if m.Format(dayForm) == tt.day && w.Contains(m) {
				held++
			}
		}
		if held != tt.want {
			t.Errorf("%s on %s in %s holds for %d minutes, want %d", tt.window, tt.day, tt.zone, held, tt.want)
		}
	}
}

// TestContainsEveryMinute compares random windows, minute by minute over weeks in
// which the clocks change, with a list of what the clock on the wall shows.
func TestContainsEveryMinute(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	weeks := map[string][]string{
		"Europe/Berlin": {"2026-03-25", "2026-10-21"}, "America/New_York": {"2026-03-04", "2026-10-28"},
		"Australia/Lord_Howe": {"2026-04-01", "2026-09-30"}, "Asia/Shanghai": {"2026-03-25"}, "America/Santiago": {"2026-09-02"},
	}
	for range 40 {
		w := Window{days: uint8(1 + rng.IntN(everyDay)), from: int16(rng.IntN(dayMinutes)), to: int16(1 + rng.IntN(dayMinutes))}
		if w.from == w.to {
			continue
		}
		shown := map[string]bool{}
		for d := range 7 {
			if !w.on(d) {
				continue
			}
			end := int(w.to)
			if w.to < w.from {
				end += dayMinutes
			}
			for m := int(w.from); m < end; m++ {
				shown[fmt.Sprintf("%s %02d:%02d", dayNames[(d+m/dayMinutes)%7], m%dayMinutes/60, m%60)] = true
			}
		}
		for name, days := range weeks {
			for _, day := range days {
				at, err := time.ParseInLocation(dayForm, day, zone(t, name))
				if err != nil {
					t.Fatal(err)
				}
				for range 8 * dayMinutes {
					if got, want := w.Contains(at), shown[at.Format("Mon 15:04")]; got != want {
						t.Fatalf("%v contains %v: %v, want %v", w, at, got, want)
					}
					at = at.Add(time.Minute)
				}
			}
		}
	}
}

func FuzzParseWindow(f *testing.F) {
	for _, seed := range []string{
		"", "Mon-Fri 08:00-20:00", "Sat,Sun 10:00-18:00", "22:00-07:00", "00:00-24:00", "Fri-Mon 22:00-00:00", "24:00-00:00",
		"Mon-Mon 1:00-2", "Mon,,Tue 00:00-00:01", "--", "\xff:00-00:00", "Sun-Sat,Sun 00:00-24:00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWindow(s)
		if err != nil {
			if w != (Window{}) {
				t.Fatalf("refused, and yet %v", w)
			}
			return
		}
		if w.days == 0 || w.days > everyDay || w.from < 0 || w.from >= dayMinutes || w.to <= 0 || w.to > dayMinutes || w.from == w.to {
			t.Fatalf("%q gives %+v", s, w)
		}
		again, err := ParseWindow(w.String())
		if err != nil || again != w || again.String() != w.String() {
			t.Fatalf("%q gives %v, which gives %v, %v", s, w, again, err)
		}
		held := false
		for m := range 7 * dayMinutes {
			held = held || w.Contains(time.Date(2026, 5, 4, 0, m, 0, 0, time.UTC))
		}
		if !held {
			t.Fatalf("%v never holds", w)
		}
	})
}
