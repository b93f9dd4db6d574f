package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"callbox/daemon/control"
)

func TestView(t *testing.T) {
	now := since.Add(65 * time.Second)
	busy := view{status: talking(), known: true, now: now}
	for n := range 3 {
		busy.add(control.Event{Time: since.Add(time.Duration(n) * time.Second), Name: control.EventRinging, Data: json.RawMessage(`{"contact":"Anna"}`)})
		busy.add(control.Event{Time: now, Name: control.EventCalling, Data: json.RawMessage(`{"keepTime":1}`)})
	}
	ringing := busy
	ringing.status.State, ringing.status.Call = "dialing", &control.Call{
		State: "dialing", Direction: control.Out, Dialing: []string{"Anna", "李小龍"}, RoomType: "voice", Since: since, RoomID: "kR3v9"}
	ringing.status.DND = control.DND{On: true}
	late := busy
	call := *busy.status.Call
	call.RemainingSeconds, call.State = 9, "reconnecting"
	late.status.State, late.status.Call = "reconnecting", &call
	idle := view{status: talking(), known: true, now: now}
	idle.status.State, idle.status.Call = "idle", nil
	away := busy
	away.away = "callboxd does not answer"
	for name, tt := range map[string]struct {
		v             view
		width, height int
	}{
		"view-talking": {busy, 80, 24},
		"view-dialing": {ringing, 80, 24},
		"view-late":    {late, 80, 24},
		"view-idle":    {idle, 80, 24},
		"view-away":    {away, 80, 24},
		"view-asking":  {view{now: now}, 80, 24},
		"view-narrow":  {busy, 34, 24},
		"view-low":     {busy, 80, 12},
	} {
		t.Run(name, func(t *testing.T) {
			lines := tt.v.render(tt.width, tt.height)
			var b strings.Builder
			for _, line := range lines {
				if n := columns(line); n > tt.width {
					t.Errorf("a line has %d columns, of %d: %q", n, tt.width, line)
				}
				fmt.Fprintf(&b, "%s\n", visible(line))
			}
			if len(lines) > tt.height {
				t.Errorf("it has %d lines, of %d", len(lines), tt.height)
			}
			golden(t, name, b.String())
		})
	}
}

// visible shows the marks of colours as letters, and no spaces at the end.
func visible(line string) string {
	return strings.TrimRight(strings.NewReplacer(string(plain), "⟩", string(bold), "⟨B:", string(dim), "⟨D:",
		string(red), "⟨R:", string(green), "⟨G:", string(yellow), "⟨Y:").Replace(line), " ")
}

// TestViewSizes: no size of a terminal is too small.
func TestViewSizes(t *testing.T) {
	v := view{status: talking(), known: true, now: since}
	for n := range 50 {
		v.add(control.Event{Time: since, Name: "ringing", Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n))})
	}
	for width := 1; width < 100; width++ {
		for height := range 40 {
			lines := v.render(width, height)
			if len(lines) > height {
				t.Fatalf("%d×%d: %d lines", width, height, len(lines))
			}
			for _, line := range lines {
				if columns(line) > width {
					t.Fatalf("%d×%d: %q has %d columns", width, height, line, columns(line))
				}
			}
		}
	}
}

func TestStyle(t *testing.T) {
	painted := paint(red, "no") + " more"
	if got := dye(painted, true); got != "\x1b[31mno\x1b[0m more" {
		t.Errorf("in colour: %q", got)
	}
	if got := dye(painted, false); got != "no more" {
		t.Errorf("plain: %q", got)
	}
	for in, want := range map[string]string{
		"Anna":              "Anna",
		"line\nand\ttab":    "line\nand\ttab",
		"\x1b[2J":           "�[2J",
		"\u009b2J":          "�2J",
		"a\u202eb\u2066c":   "a�b�c",
		string(red) + "red": "�red",
		"李小龍 👋":             "李小龍 👋",
		"e\u0301":           "e\u0301",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]int{"abc": 3, "李小龍": 6, "e\u0301": 1, paint(red, "ab"): 2} {
		if got := columns(in); got != want {
			t.Errorf("columns(%q) = %d, want %d", in, got, want)
		}
	}
	for in, want := range map[string]string{"abcd": "abcd", "abcde": "abc…" + string(plain), "李小龍": "李…" + string(plain)} {
		if got := clip(in, 4); got != want {
			t.Errorf("clip(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWhen(t *testing.T) {
	now := time.Date(2026, 11, 24, 18, 30, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"24h":                       "2026-11-23 18:30:00",
		"7d":                        "2026-11-17 18:30:00",
		"90m":                       "2026-11-24 17:00:00",
		"2026-11-01":                "2026-11-01 00:00:00",
		"2026-11-01 07:15":          "2026-11-01 07:15:00",
		"2026-11-01T07:15:00+01:00": "2026-11-01 06:15:00",
		"07:15":                     "2026-11-24 07:15:00",
	} {
		got, err := whenOf("since", in, now)
		if err != nil || got.UTC().Format(time.DateTime) != want {
			t.Errorf("whenOf(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"-24h", "yesterday", "7", "2026-13-01", "d", "99999999d"} {
		if got, err := whenOf("since", in, now); err == nil {
			t.Errorf("whenOf(%q) = %v", in, got)
		}
	}
	for in, want := range map[float64]string{0: "", 0.5: "500ms", 5: "5s", 60: "1m", 600: "10m", 3600: "1h", 5400: "1h30m", 7200: "2h", 3661: "1h1m1s", 36000: "10h"} {
		if got := spanText(in); got != want {
			t.Errorf("spanText(%v) = %q, want %q", in, got, want)
		}
	}
}
