package bench

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	monday = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	quiet  = Conditions{Date: monday, Machine: "2 cores", Cores: 2, Load: 0.1, Rounds: 3}
)

func TestQuantile(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{[]float64{7}, 0.95, 7},
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 2, 3}, 0.5, 2.5},
		{[]float64{0, 10}, 0.95, 9.5},
		{[]float64{0, 10}, 1, 10},
		{[]float64{0, 10}, 0, 0},
	} {
		if got := Quantile(tt.values, tt.q); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%v of %v = %v, want %v", tt.q, tt.values, got, tt.want)
		}
	}
	if got := Quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("of nothing = %v, want NaN", got)
	}
}

func TestRatiosAreOfEachRound(t *testing.T) {
	s := NewSet()
	// A machine that becomes slower: the medians alone would say 0.5.
	if err := s.Add("cpu.vp8", []float64{10, 20, 40}, []float64{10, 40, 40}); err != nil {
		t.Fatal(err)
	}
	want := Figure{Value: 1, Low: 0.5, High: 1, Rounds: 3}
	if got := s.Ratio["cpu.vp8"]; got != want {
		t.Errorf("ratio = %+v, want %+v", got, want)
	}
	for name, tt := range map[string]struct{ own, peer []float64 }{
		"nothing":          {nil, nil},
		"another number":   {[]float64{1, 2}, []float64{1}},
		"nothing for zero": {[]float64{1}, []float64{0}},
		"not a number":     {[]float64{math.NaN()}, nil},
	} {
		if err := NewSet().Add("cpu.vp8", tt.own, tt.peer); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestVerdicts(t *testing.T) {
	s := NewSet()
	add := func(key string, own, peer []float64) {
		if err := s.Add(key, own, peer); err != nil {
			t.Fatal(err)
		}
	}
	add("first.network.p95", []float64{350}, nil)
	add("first.media.p95", []float64{151}, nil)
	add("idle.cpu", []float64{0.2}, nil)
	add("cpu.h264", []float64{90, 99, 91}, []float64{100, 100, 100})
	add("pss.h264", []float64{90}, []float64{100})
	add("cpu.vp8", []float64{12}, nil) // the peer could not be measured
	add("pictures.vp8", []float64{29.9}, []float64{30})
	s.Own["echo.speex.loss"] = One(29)
	table := NewTable(quiet, s)
	for key, want := range map[string]Verdict{
		"first.network.p95": Met, "first.media.p95": Missed, "idle.cpu": Missed, "cpu.h264": Met, "pss.h264": Missed,
		"cpu.vp8": NotMeasured, "pictures.vp8": NoAim, "echo.speex.loss": Missed, "echo.speex.sdr": NotMeasured,
	} {
		found := false
		for _, l := range table.Lines {
			if l.Key == key {
				found = true
				if l.Verdict != want {
					t.Errorf("%s: %q, want %q", key, l.Verdict, want)
				}
			}
		}
		if !found {
			t.Errorf("the table has no line %s", key)
		}
	}
}

func TestText(t *testing.T) {
	s := NewSet()
	_ = s.Add("cpu.h264", []float64{15.21, 14.9, 16}, []float64{14.61, 15, 15})
	s.Own["network.cut.freeze"] = Figure{Value: 0.5, Low: 0.5, High: 0.5, Rounds: 1, Date: "2026-11-01"}
	text := NewTable(quiet, s).Markdown()
	for _, want := range []string{
		"Measured on 2026-11-02: 2 cores, load average 0.1 before it began. 3 alternating rounds with each codec.\n",
		"| processor time of a call, H.264 720p30 | % of a core | 15.2 (14.9–16) | 15 (14.6–15) | 1.04 × (0.99–1.07) | ≤ 1.0 × | missed |\n",
		"| 2.5, 0.8, 2.5 Mbit/s: longest freeze | s | 0.50 |  |  | ≤ 1 | met (2026-11-01) |\n",
		"| the phone's address changes: pictures again after | s |  |  |  | ≤ 2 | not measured; make test-network does |\n",
		"| memory of the idle daemon (RSS) | MiB |  |  |  | ≤ 20 | not measured |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
	if plain := NewTable(quiet, s).Text(); strings.Count(plain, "\n") != len(Rows)+3 {
		t.Errorf("the text has %d lines", strings.Count(plain, "\n"))
	}
}

func TestABusyMachineIsToldOf(t *testing.T) {
	for load, want := range map[float64]bool{0.1: false, 0.5: false, 0.6: true, 12: true} {
		c := quiet
		c.Load = load
		table := NewTable(c, NewSet())
		for name, text := range map[string]string{"text": table.Text(), "document": table.Markdown()} {
			if got := strings.Contains(text, "had other work"); got != want {
				t.Errorf("load %v: the %s tells of it: %v, want %v", load, name, got, want)
			}
		}
	}
}

func TestInto(t *testing.T) {
	table := NewTable(quiet, NewSet())
	document := "# Head\n\n" + tableBegin + "old\n" + tableEnd + "\nFoot\n"
	once, err := table.Into(document)
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := table.Into(once); err != nil || twice != once {
		t.Errorf("a second time = %v\n%s", err, twice)
	}
	if !strings.HasPrefix(once, "# Head\n") || !strings.HasSuffix(once, "\nFoot\n") || strings.Contains(once, "old") {
		t.Errorf("= %s", once)
	}
	for _, bad := range []string{"", "# Head\n" + tableBegin, tableEnd + tableBegin} {
		if _, err := table.Into(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "build", "network.json")
	s := NewSet()
	if err := s.ReadPart(path); err != nil || len(s.Own) != 0 {
		t.Fatalf("a part that is not there = %v, %v", s.Own, err)
	}
	if err := WritePart(path, monday, map[string]float64{"network.phone": 1.25}); err != nil {
		t.Fatal(err)
	}
	if err := s.ReadPart(path); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Own["network.phone"], (Figure{1.25, 1.25, 1.25, 1, "2026-11-02"}); got != want {
		t.Errorf("= %+v, want %+v", got, want)
	}
	for _, bad := range []map[string]float64{{"network.moon": 1}, {"network.phone": math.NaN()}} {
		if err := WritePart(path, monday, bad); err == nil {
			t.Errorf("%v was written", bad)
		}
	}
	for _, bad := range []string{`{`, `{"figures":{}}`, `{"date":"2026-11-02T10:00:00Z","figures":{"network.moon":1}}`} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := NewSet().ReadPart(path); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestJSON(t *testing.T) {
	text, err := NewTable(quiet, NewSet()).JSON()
	if err != nil {
		t.Fatal(err)
	}
	var back Table
	if err := json.Unmarshal(text, &back); err != nil || len(back.Lines) != len(Rows) || !back.Date.Equal(monday) {
		t.Errorf("%v: %+v", err, back)
	}
}

func TestRowsHaveTheirOwnKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rows {
		if seen[r.Key] || r.Key == "" || r.What == "" || strings.Contains(r.What, "|") {
			t.Errorf("row %q: %q", r.Key, r.What)
		}
		seen[r.Key] = true
	}
}
