//go:build e2e && network

package e2e

import (
	"slices"
	"sort"
	"testing"
	"time"

	"callbox/cmd/callboxd/e2e/bench"
)

// good is a road that a call fills.
var good = roadWeather{rate: 2_500_000, queue: 60_000, delay: 20 * time.Millisecond}

// measured is what build/network.json gets: by its key in the table of make bench.
var measured = map[string]float64{}

// bar holds a figure to what is promised, prints it, and keeps it for make bench. What
// never came counts as a minute.
func (j *journey) bar(key, what string, got, most float64, unit string) {
	j.t.Helper()
	if measured["network."+key] = got; got < 0 {
		measured["network."+key] = 60
	}
	verdict := "ok"
	if got > most || got < 0 {
		verdict = "MISSED"
		j.t.Errorf("%s: %.2f %s, want at most %.2f", what, got, unit, most)
	}
	j.t.Logf("%-46s %8.2f %-4s (bar %g) %s", what, got, unit, most, verdict)
}

func TestNetwork(t *testing.T) {
	ran := 0
	for _, name := range sortedKeys(networks) {
		t.Run(name, func(t *testing.T) {
			ran++
			networks[name](t)
		})
	}
	if ran < len(networks) {
		t.Logf("%d of %d roads: the figures are not kept for make bench", ran, len(networks))
		return
	}
	if err := bench.WritePart("../../../build/network.json", time.Now(), measured); err != nil {
		t.Error(err)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return slices.Clip(keys)
}

var networks = map[string]func(t *testing.T){
	"1 a link of 2.5 then 0.8 then 2.5 Mbit-s": func(t *testing.T) {
		j := newJourney(t, good)
		j.travel(15 * time.Second)
		settled := j.between(ago(7*time.Second), now())
		j.print("2.5 Mbit/s", settled)
		j.loads(settled, good.rate)
		slow := good
		slow.rate = 800_000
		j.road.set(slow)
		cut := now()
		j.travel(20 * time.Second)
		narrow := j.between(cut, now())
		j.print("0.8 Mbit/s", narrow)
		j.print("the last 10 s of it", j.between(ago(10*time.Second), now()))
		j.road.set(good)
		back := now()
		j.travel(20 * time.Second)
		j.print("2.5 Mbit/s again", j.between(back+10, now()))
		j.bar("cut.freeze", "longest freeze after the cut", narrow.gap, 1, "s")
		j.bar("cut.frozen", "frozen from the cut on, by Chromium", j.between(cut, now()).frozen, 2, "s")
		j.bar("cut.concealed", "sound concealed from the cut on", j.between(cut, now()).concealed, 5, "%")
		j.bar("cut.broken", "longest that sound was concealed in a row", j.between(cut, now()).broken, 0.3, "s")
		j.late("cut", narrow)
		j.bar("cut.back", "full quality again after", j.until(back, func(f stretch) bool {
			return f.video > 0.85*settled.video && f.height == pictureHeight
		}), 10, "s")
	},
	"2 a link of 0.8 then 0.4 Mbit-s": func(t *testing.T) {
		w := good
		w.rate = 800_000
		j := newJourney(t, w)
		j.travel(12 * time.Second)
		settled := j.between(ago(6*time.Second), now())
		j.print("0.8 Mbit/s", settled)
		j.loads(settled, w.rate)
		w.rate = 400_000
		j.road.set(w)
		cut := now()
		j.travel(20 * time.Second)
		narrow := j.between(cut, now())
		j.print("0.4 Mbit/s", narrow)
		j.bar("narrow.freeze", "longest freeze after the cut", narrow.gap, 1, "s")
		j.bar("narrow.frozen", "frozen from the cut on, by Chromium", narrow.frozen, 2, "s")
		j.bar("narrow.concealed", "sound concealed from the cut on", narrow.concealed, 5, "%")
		j.bar("narrow.broken", "longest that sound was concealed in a row", narrow.broken, 0.3, "s")
		j.late("narrow", narrow)
	},
	"3 a loss of 5 percent":  func(t *testing.T) { lossy(t, "loss5", roadWeather{delay: 20 * time.Millisecond, loss: 0.05}) },
	"4 a loss of 10 percent": func(t *testing.T) { lossy(t, "loss10", roadWeather{delay: 20 * time.Millisecond, loss: 0.1}) },
	"5 bursts of loss":       func(t *testing.T) { lossy(t, "bursts", roadWeather{delay: 20 * time.Millisecond, burst: 0.004}) },
	"6 300 ms of jitter": func(t *testing.T) {
		lossy(t, "jitter", roadWeather{delay: 20 * time.Millisecond, jitter: 300 * time.Millisecond})
	},
	"7 nothing passes for 5 s": func(t *testing.T) {
		j := newJourney(t, good)
		j.travel(12 * time.Second)
		settled := j.between(ago(5*time.Second), now())
		j.print("before", settled)
		j.loads(settled, good.rate)
		w := good
		w.down = true
		j.road.set(w)
		time.Sleep(5 * time.Second)
		j.road.set(good)
		back := now()
		ear := listenIn(j.device)
		j.travel(15 * time.Second)
		heard := ear.end(t)
		j.print("after", j.between(back+5, now()))
		j.bar("outage.sound", "sound at the phone again after", j.sounds(back), 3, "s")
		j.bar("outage.played", "sound at the device again after", resumes(heard, back), 3, "s")
		j.bar("outage.pictures", "pictures again after", j.steady(back), 3, "s")
		j.bar("outage.back", "full quality again after", j.until(back, func(f stretch) bool {
			return f.video > 0.85*settled.video && f.height == pictureHeight
		}), 10, "s")
		if d := j.device.status(); d.State != "talking" {
			t.Errorf("the call is %s", d.State)
		}
	},
	"8 the phone moves": func(t *testing.T) {
		relocated(t, "phone", func(j *journey) {
			// The other way round the kernel would take the second address away with the first.
			run(t, "ip", "addr", "del", phoneEnd+"/24", "dev", roadPhone)
			run(t, "ip", "addr", "add", phoneNext+"/24", "dev", roadPhone)
		})
	},
	"9 the device moves": func(t *testing.T) {
		relocated(t, "device", func(j *journey) {
			run(t, "ip", "-n", j.road.namespace, "addr", "del", deviceEnd+"/24", "dev", roadHere)
			run(t, "ip", "-n", j.road.namespace, "addr", "add", deviceNext+"/24", "dev", roadHere)
		})
	},
	// Sound needs 60 of them. What the queue holds when the road becomes narrow is 2.4 s long; of
	// 5 s ICE would say that there is no road.
	"A a link of 2.5 then 0.1 then 2.5 Mbit-s": func(t *testing.T) {
		j := newJourney(t, good)
		j.travel(12 * time.Second)
		settled := j.between(ago(5*time.Second), now())
		j.print("2.5 Mbit/s", settled)
		j.loads(settled, good.rate)
		w := good
		w.rate, w.queue = 100_000, 30_000
		j.road.set(w)
		j.travel(25 * time.Second)
		alone := j.between(ago(8*time.Second), now())
		j.print("0.1 Mbit/s, after 17 s", alone)
		j.road.set(good)
		back := now()
		j.travel(20 * time.Second)
		j.print("2.5 Mbit/s again", j.between(back+10, now()))
		j.bar("alone.concealed", "sound concealed where it is alone", alone.concealed, 5, "%")
		j.bar("alone.trip", "there and back where it is alone", alone.trip, 400, "ms")
		j.bar("alone.buffer", "sound waits in the phone", alone.buffer, 1000, "ms")
		j.bar("alone.pictures", "pictures again after", j.steady(back), 10, "s")
	},
}

// late keeps how late pictures are, and holds them to a second: later they are no part of
// a talk.
func (j *journey) late(key string, f stretch) {
	j.t.Helper()
	j.bar(key+".latency.p50", "capture to presented: median", f.p50, 1000, "ms")
	j.bar(key+".latency.p95", "the same, 95 of 100", f.p95, 1000, "ms")
}

// lossy is a call on a road that stays as it is.
func lossy(t *testing.T, key string, w roadWeather) {
	t.Helper()
	j := newJourney(t, w)
	j.travel(28 * time.Second)
	f := j.between(ago(20*time.Second), now())
	j.print("settled", f)
	j.bar(key+".concealed", "sound concealed", f.concealed, 5, "%")
	j.bar(key+".freeze", "longest freeze", f.gap, 1, "s")
	j.bar(key+".frozen", "frozen, by Chromium", f.frozen, 2, "s")
	j.late(key, f)
	if f.pictures < 5 {
		t.Errorf("%.1f pictures/s: the video does not move", f.pictures)
	}
}

// newAddress writes down when the browser finds an address of its own that it had not, in
// seconds since 1970.
const newAddress = `(() => {
	window.newAddress = 0;
	window.peers[window.peers.length - 1].addEventListener("icecandidate", ({ candidate }) => {
		if (candidate?.address === "` + phoneNext + `") window.newAddress ||= (performance.timeOrigin + performance.now()) / 1000;
	});
	return true;
})()`

// relocated is a call one of whose ends gets another address.
func relocated(t *testing.T, key string, change func(j *journey)) {
	t.Helper()
	j := newJourney(t, roadWeather{delay: 20 * time.Millisecond})
	j.travel(8 * time.Second)
	j.print("before", j.between(ago(5*time.Second), now()))
	eval[bool](j.phone, newAddress)
	time.Sleep(time.Second)
	ear := listenIn(j.device)
	changed := now()
	change(j)
	j.travel(15 * time.Second)
	heard := ear.end(t)
	back, gap := j.resumed(changed)
	t.Logf("longest pause between two pictures %.2f s", gap)
	j.bar(key, "pictures again after", back, 2, "s")
	if at := eval[float64](j.phone, "window.newAddress"); at > 0 {
		// Chromium looks at its addresses when they have been still for 2 s on Linux, 1.5 s on
		// Windows, 1 s on Android, 0.5 s on a Mac (net/base/network_change_notifier_*).
		noticed := at - changed
		t.Logf("the browser saw its new address after %.2f s", noticed)
		j.bar(key+".noticed", "and after the browser saw its new address", max(0, back-noticed), 0.5, "s")
	}
	j.bar(key+".sound", "sound at the phone again after", j.sounds(changed), 2, "s")
	j.bar(key+".played", "sound at the device again after", resumes(heard, changed), 2, "s")
	if d := j.device.status(); d.State != "talking" {
		t.Errorf("the call is %s", d.State)
	}
	after := j.between(ago(5*time.Second), now())
	j.print("after", after)
	if after.pictures < 8 {
		t.Errorf("%.1f pictures/s at the end", after.pictures)
	}
}

// resumed is how many seconds after the change the longest pause between two pictures
// ended that began within 3 s of it, and how long it was. A pause under 0.2 s is none, and
// without a picture ten seconds after the change they never came: -1.
func (j *journey) resumed(changed float64) (after, gap float64) {
	last := changed
	for _, s := range j.seen {
		if s.Got <= changed {
			continue
		}
		if pause := s.Got - last; pause > gap && last < changed+3 {
			after, gap = s.Got-changed, pause
		}
		last = s.Got
	}
	switch {
	case last < changed+10:
		return -1, gap
	case gap < 0.2:
		return 0, gap
	default:
		return after, gap
	}
}
