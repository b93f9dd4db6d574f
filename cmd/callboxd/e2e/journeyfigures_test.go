//go:build e2e && network

package e2e

import (
	"math"
	"testing"
	"time"
)

// pictures are seen 25 times a second from one time to another, with the stamps of a camera.
func pictures(from, to float64) []seen {
	var list []seen
	for at := from; at < to; at += 0.04 {
		list = append(list, seen{Stamp: at, At: at, Got: at})
	}
	return list
}

// TestNetworkFigures: what the figures of the other tests here are made of.
func TestNetworkFigures(t *testing.T) {
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.05 {
			t.Errorf("%s = %.2f, want %.2f", what, got, want)
		}
	}
	j := &journey{t: t, seen: append(pictures(100, 105), pictures(106.4, 110)...)}
	near("the longest gap", j.gap(100, 110), 1.4)
	near("one that begins before", j.gap(105.5, 110), 0.9)
	near("one that does not end", j.gap(105, 106), 1)
	near("steady again", j.steady(104.9), 1.5)
	near("steady all the time", j.steady(102), 0)
	near("never steady", j.steady(109.5), -1)

	moved := &journey{t: t, seen: append(pictures(100, 105.02), pictures(106.4, 120)...)}
	back, pause := moved.resumed(105)
	near("resumed after", back, 1.4)
	near("a pause of", pause, 1.4)
	back, _ = j.resumed(105)
	near("never resumed", back, -1)

	frozen := &journey{t: t, seen: pictures(100, 102)}
	for at := 102.0; at < 104; at += 0.04 {
		frozen.seen = append(frozen.seen, seen{Stamp: frozen.seen[49].Stamp, Got: at})
	}
	near("the same picture again and again", frozen.gap(100, 104), 2)
	stood := &journey{t: t, seen: append(pictures(100, 101), seen{Stamp: 103, Got: 103, Stalled: 1.5})}
	near("a page that stood still", stood.gap(100, 103), 0.5)

	var in []networkSample
	for i, c := range []float64{0, 0, 0.2, 0.4, 0.45, 0.45, 0.5, 0.6} {
		events := []float64{0, 0, 1, 1, 1, 1, 2, 3}
		in = append(in, networkSample{At: float64(i) / 5, Concealed: 48_000 * c, Events: events[i], Video: 25_000 * float64(i)})
	}
	near("concealed in a row", broken(in), 0.45)

	var played []countedAt
	for i := range 60 { // of 6 s nothing is played from the first to 2.5
		packets := i * 5
		if i >= 10 {
			packets = 50 + max(0, i-25)*5
		}
		played = append(played, countedAt{got: time.UnixMilli(10_000 + int64(i)*100), count: uint64(packets)})
	}
	near("the device plays again after", resumes(played, 11), 1.5)
	near("it plays all the time", resumes(played, 13), 0)
	near("it never plays", resumes(played[:30], 11), -1)

	var sound []networkSample
	for i := range 40 { // 8 s, the third and the fourth of them concealed
		at := float64(i) / 5
		sound = append(sound, networkSample{At: 10 + at, Samples: 48_000 * at, Concealed: 48_000 * min(2, max(0, at-2))})
	}
	j = &journey{t: t, samples: sound}
	near("sound again after", j.sounds(12), 2)
	near("sound all the time", j.sounds(15), 0)
	near("never sound", (&journey{t: t, samples: sound[:18]}).sounds(12), -1)
	j = &journey{t: t, samples: in}
	near("a second of 1 Mbit/s", j.until(0, func(f stretch) bool { return f.video > 900 }), 1)
	near("a second of more", j.until(0, func(f stretch) bool { return f.video > 1100 }), -1)
}
