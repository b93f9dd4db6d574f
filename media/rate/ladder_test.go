package rate

import (
	"testing"
	"time"
)

// climb holds a rate for a while and returns where the ladder is then.
func climb(l *Ladder, from *time.Duration, r Rate, span time.Duration) (Rung, bool) {
	end := *from + span
	for ; *from < end; *from += 33 * time.Millisecond {
		l.Choose(*from, r, 0)
	}
	return l.Choose(*from, r, 0)
}

func TestLadder(t *testing.T) {
	l, now := NewLadder(1280, 720, 30, 0, 2_000_000), time.Duration(0)
	for _, step := range []struct {
		rate Rate
		span time.Duration
		want Rung
		none bool
	}{
		{rate: 1_200_000, span: time.Second, want: Rung{1, 1}},
		{rate: 640_000, span: 300 * time.Millisecond, want: Rung{1, 1}}, // a moment is nothing
		{rate: 640_000, span: time.Second, want: Rung{1, 2. / 3}},
		{rate: 700_000, span: 10 * time.Second, want: Rung{1, 2. / 3}}, // no room
		{rate: 900_000, span: time.Second, want: Rung{1, 2. / 3}},      // not yet
		{rate: 900_000, span: 2 * time.Second, want: Rung{1, 1}},
		{rate: 300_000, span: 40 * time.Millisecond, want: Rung{0.75, 0.5}}, // at once
		{rate: 110_000, span: time.Second, want: Rung{0.5, 0.5}},
		{rate: 60_000, span: time.Second, want: Rung{0.375, 1. / 3}},
		{rate: 20_000, span: time.Second, none: true},
		{rate: 50_000, span: 10 * time.Second, none: true}, // no room
		{rate: 60_000, span: 3 * time.Second, want: Rung{0.375, 1. / 3}},
		{rate: 2_000_000, span: 20 * time.Second, want: Rung{1, 1}},
	} {
		got, ok := climb(l, &now, step.rate, step.span)
		if got != step.want || ok == step.none {
			t.Fatalf("at %v, %.0f bit/s: rung %v, %t; want %v", now, step.rate, got, ok, step.want)
		}
	}
}

func TestLadderOfASmallCamera(t *testing.T) {
	l, now := NewLadder(320, 240, 15, 0, 2_000_000), time.Duration(0)
	if got, ok := climb(l, &now, 4_000, time.Second); got != (Rung{0.5, 1. / 3}) || !ok {
		t.Errorf("the lowest rung is %v, %t", got, ok)
	}
	if _, ok := climb(l, &now, 1_000, time.Second); ok {
		t.Error("there are pictures without bits")
	}
}

// TestLadderWithALeast: no rung takes less, and the highest that does is used.
func TestLadderWithALeast(t *testing.T) {
	l, now := NewLadder(640, 480, 30, 40_000, 2_000_000), time.Duration(0)
	if got, ok := climb(l, &now, 41_000, time.Second); got != (Rung{0.5, 0.5}) || !ok {
		t.Errorf("with just enough the rung is %v, %t", got, ok)
	}
	if _, ok := climb(l, &now, 39_000, time.Second); ok {
		t.Error("there are pictures with less than the least")
	}
}

// TestLadderAtTheMost: a rung that only the most has room for is taken again.
func TestLadderAtTheMost(t *testing.T) {
	l, now := NewLadder(640, 480, 30, 1_100_000, 1_200_000), time.Duration(0)
	if _, ok := climb(l, &now, 500_000, time.Second); ok {
		t.Fatal("there are pictures with less than the least")
	}
	if got, ok := climb(l, &now, 1_190_000, 20*time.Second); got != (Rung{1, 1}) || !ok {
		t.Errorf("with the most the rung is %v, %t", got, ok)
	}
}
