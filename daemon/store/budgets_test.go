package store

import (
	"errors"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestBudgets(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	if b, ok := s.LoadBudget("contact:a"); ok || b != (Budget{}) {
		t.Errorf("a budget that nobody saved: %+v", b)
	}
	want := map[string]Budget{
		"contact:a":      {Day: "2026-05-04", Trusted: true, UsedSeconds: 59.95},
		"contact:b":      {UsedSeconds: 0.1, WindowSeconds: 86399.5},
		"issuer:example": {},
	}
	for key, b := range want {
		if err := s.SaveBudget(key, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.SaveBudget("contact:gone", Budget{UsedSeconds: 1}), s.DeleteBudget("contact:gone"), s.DeleteBudget("contact:never")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for key, b := range want {
			if got, ok := s.LoadBudget(key); !ok || got != b {
				t.Errorf("%s: %+v, want %+v", key, got, b)
			}
		}
		if _, ok := s.LoadBudget("contact:gone"); ok {
			t.Error("a deleted budget is there")
		}
		crash(s)
		s = mustOpen(t, dir)
	}
}

// TestBrokenSumGrantsNothing saves what is no number of seconds.
func TestBrokenSumGrantsNothing(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	for in, want := range map[float64]float64{math.NaN(): math.MaxUint32, math.Inf(1): math.MaxUint32, math.Inf(-1): 0, -1: 0, 2.5: 2.5} {
		if err := s.SaveBudget("contact:a", Budget{UsedSeconds: in, WindowSeconds: in}); err != nil {
			t.Fatal(err)
		}
		crash(s)
		s = mustOpen(t, dir)
		if b, _ := s.LoadBudget("contact:a"); b.UsedSeconds != want || b.WindowSeconds != want {
			t.Errorf("%v became %+v, want %v", in, b, want)
		}
	}
}

// TestBudgetAndRecordTogether fails or kills between any two: the disk has both of
// one moment.
func TestBudgetAndRecordTogether(t *testing.T) {
	dir := t.TempDir()
	broken := false
	s, err := open(files{dir: dir, crash: func(string) error {
		if broken {
			return syscall.ENOSPC
		}
		return nil
	}}, Options{}, fixed, currentSchema())
	if err != nil {
		t.Fatal(err)
	}
	r := begin(t, s, Record{RoomID: "r"})
	for seconds := 1.0; seconds <= 3; seconds++ {
		r.TalkSeconds = seconds
		if err := s.UpdateWith(r, map[string]Budget{"contact:a": {UsedSeconds: 100 + seconds}, "issuer:i": {UsedSeconds: seconds}}); err != nil {
			t.Fatal(err)
		}
	}
	broken = true
	r.TalkSeconds = 4
	if err := s.UpdateWith(r, map[string]Budget{"contact:a": {UsedSeconds: 104}}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("UpdateWith on a full disk: %v", err)
	}
	if b, _ := s.LoadBudget("contact:a"); b.UsedSeconds != 104 || s.Records(Query{})[0].TalkSeconds != 4 {
		t.Errorf("memory forgot: %+v", b)
	}
	crash(s)
	s = mustOpen(t, dir)
	a, _ := s.LoadBudget("contact:a")
	i, _ := s.LoadBudget("issuer:i")
	if got := s.Records(Query{})[0].TalkSeconds; got != 3 || a.UsedSeconds != 103 || i.UsedSeconds != 3 {
		t.Errorf("the disk has %v s, budgets %+v and %+v", got, a, i)
	}
}

// TestKeysThatTheFileCannotHold must not spoil the writes of others.
func TestKeysThatTheFileCannotHold(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	long := strings.Repeat("k", maxKey+1)
	r := begin(t, s, Record{RoomID: "r"})
	for name, err := range map[string]error{
		"no budget key":    s.SaveBudget("", Budget{}),
		"long budget key":  s.SaveBudget(long, Budget{}),
		"no setting name":  s.SetSetting("", 1),
		"long name":        s.SetSetting(long, 1),
		"no JSON":          s.SetSetting("x", math.NaN()),
		"with the record":  s.UpdateWith(r, map[string]Budget{"": {}, "contact:a": {UsedSeconds: 1}}),
		"end of no record": s.EndWith(Record{ID: 77, Cause: "hangup"}, map[string]Budget{"contact:b": {UsedSeconds: 1}}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if b, _ := s.LoadBudget("contact:a"); b.UsedSeconds != 1 {
		t.Error("the good budget beside a bad one is lost")
	}
	if _, ok := s.LoadBudget("contact:b"); ok {
		t.Error("a budget was saved with a record that is none")
	}
	if p := s.Problems(); len(p) != 0 {
		t.Errorf("problems: %+v", p)
	}
}

func TestSettings(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	type dnd struct {
		On    bool     `json:"on"`
		Hours []string `json:"hours"`
	}
	volume, quiet := 3, dnd{}
	if found, err := s.Setting("volume", &volume); found || err != nil || volume != 3 {
		t.Errorf("nothing was kept: %v, %v, %d", found, err, volume)
	}
	if err := errors.Join(s.SetSetting("volume", 70), s.SetSetting("volume", 80), s.SetSetting("dnd", dnd{true, []string{"22:00-06:00"}})); err != nil {
		t.Fatal(err)
	}
	crash(s)
	s = mustOpen(t, dir)
	found, err := s.Setting("dnd", &quiet)
	if !found || err != nil || !quiet.On || len(quiet.Hours) != 1 {
		t.Errorf("dnd: %v, %v, %+v", found, err, quiet)
	}
	if err := second(s.Setting("volume", &volume)); err != nil || volume != 80 {
		t.Errorf("volume: %d, %v", volume, err)
	}
	if found, err := s.Setting("dnd", &volume); !found || err == nil {
		t.Errorf("of another type: %v, %v", found, err)
	}
	names := s.Settings()
	if slices.Sort(names); !slices.Equal(names, []string{"dnd", "volume"}) {
		t.Errorf("names: %v", names)
	}
}
