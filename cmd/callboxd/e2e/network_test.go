//go:build e2e && network

package e2e

import (
	"fmt"
	"math"
	"net"
	"path/filepath"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"callbox/cmd/callboxd/e2e/bench"
)

// networkSample is what Chromium says of the call (W3C webrtc-stats), and the test of
// the picture's stamps.
type networkSample struct {
	At        float64 `json:"at"` // seconds since the page was opened
	Decoded   float64 `json:"decoded"`
	Height    float64 `json:"height"`
	Bytes     float64 `json:"bytes"`
	Freezes   float64 `json:"freezes"`
	Frozen    float64 `json:"frozen"`    // seconds
	Concealed float64 `json:"concealed"` // samples
	Samples   float64 `json:"samples"`
	Buffer    float64 `json:"buffer"` // seconds, summed over the samples that left it
	Emitted   float64 `json:"emitted"`
}

const sampleNow = `(async () => {
	const out = { at: performance.now() / 1000, decoded: 0, height: 0, bytes: 0, freezes: 0, frozen: 0, concealed: 0, samples: 0, buffer: 0, emitted: 0 };
	const pc = window.peers[window.peers.length - 1];
	for (const s of (await pc.getStats()).values()) {
		if (s.type !== "inbound-rtp") continue;
		if (s.kind === "video") {
			out.decoded = s.framesDecoded; out.height = s.frameHeight ?? 0; out.bytes = s.bytesReceived;
			out.freezes = s.freezeCount; out.frozen = s.totalFreezesDuration;
		} else {
			out.concealed = s.concealedSamples - s.silentConcealedSamples; out.samples = s.totalSamplesReceived;
			out.buffer = s.jitterBufferDelay; out.emitted = s.jitterBufferEmittedCount;
		}
	}
	return out;
})()`

// journey is a call over a road.
type journey struct {
	t       *testing.T
	road    *road
	device  *device
	phone   *phone
	samples []networkSample
	began   time.Time
}

func newJourney(t *testing.T, w roadWeather) *journey {
	t.Helper()
	j := &journey{t: t, road: newRoad(t, w)}
	// DTX leaves out most of a tone, and what is left out counts as concealed.
	voice := filepath.Join(t.TempDir(), "voice.wav")
	writeSound(t, voice, speech)
	j.device = startDevice(t, deviceOptions{
		tone: 440, voice: voice, width: 1280, height: 720, rate: 25, namespace: j.road.namespace, listen: net.JoinHostPort(deviceEnd, "8443"),
		media: "  video_bitrate: 2200kbit", noDisplay: true,
	})
	j.phone = startPhone(t, phoneOptions{tone: 600, width: 1280, height: 800})
	if _, err := chromedp.Call(j.phone.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: keepPeers}); err != nil {
		t.Fatal(err)
	}
	j.phone.openPastWarning(j.device.page())
	j.phone.pair(j.device, "Anna")
	j.phone.call(j.device, "call-video")
	j.began = time.Now()
	return j
}

// speech is a sound that moves as a voice does: a pitch, a formant, syllables.
func speech(at float64) float64 {
	loud := 0.55 + 0.45*math.Sin(2*math.Pi*3*at)
	pitch := 2 * math.Pi * (150*at + 4*math.Sin(2*math.Pi*1.5*at))
	v := 0.0
	for n, strength := range []float64{1, 0.7, 0.5, 0.5, 0.4, 0.3, 0.3, 0.2} {
		v += strength * math.Sin(float64(n+1)*pitch)
	}
	return 0.1 * loud * v
}

// travel lets the call go on, a sample each half second.
func (j *journey) travel(span time.Duration) {
	j.t.Helper()
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		j.samples = append(j.samples, eval[networkSample](j.phone, sampleNow))
	}
}

// now is the place of the next sample.
func (j *journey) now() int { return len(j.samples) }

// stretch of a part of the journey.
type stretch struct {
	kbits, pictures, frozen, concealed, buffer float64
	freezes                                    float64
	height                                     float64 // at the end
}

func (j *journey) between(from, to int) stretch {
	a, b := j.samples[max(0, from-1)], j.samples[to-1]
	span := b.At - a.At
	f := stretch{
		kbits: (b.Bytes - a.Bytes) * 8 / 1000 / span, pictures: (b.Decoded - a.Decoded) / span,
		frozen: b.Frozen - a.Frozen, freezes: b.Freezes - a.Freezes, height: b.Height,
	}
	if n := b.Samples - a.Samples; n > 0 {
		f.concealed = 100 * (b.Concealed - a.Concealed) / n
	}
	if n := b.Emitted - a.Emitted; n > 0 {
		f.buffer = 1000 * (b.Buffer - a.Buffer) / n
	}
	return f
}

func (f stretch) String() string {
	return fmt.Sprintf("%5.0f kbit/s, %4.1f pictures/s of height %.0f, %.0f freezes of %.1f s, %.1f %% of the sound concealed, %3.0f ms buffered",
		f.kbits, f.pictures, f.height, f.freezes, f.frozen, f.concealed, f.buffer)
}

// longestGap is the longest time within a part without a new picture, from samples half
// a second apart: at least so much.
func (j *journey) longestGap(from, to int) float64 {
	var longest, since float64
	for i := from + 1; i < to; i++ {
		if j.samples[i].Decoded == j.samples[i-1].Decoded {
			if since == 0 {
				since = j.samples[i-1].At
			}
			longest = max(longest, j.samples[i].At-since)
		} else {
			since = 0
		}
	}
	return longest
}

// until is how many seconds after a sample something has become true for good enough:
// three samples in a row.
func (j *journey) until(from int, ok func(f stretch) bool) float64 {
	for i := from + 1; i+2 <= len(j.samples); i++ {
		if ok(j.between(i, i+2)) {
			return j.samples[i].At - j.samples[from].At
		}
	}
	return -1
}

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

func (j *journey) print(name string, f stretch) { j.t.Helper(); j.t.Logf("%-22s %v", name, f) }

func TestNetwork(t *testing.T) {
	for _, name := range sortedKeys(networks) {
		t.Run(name, func(t *testing.T) {
			networks[name](t)
		})
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
		settled := j.between(j.now()-16, j.now())
		j.print("2.5 Mbit/s", settled)
		cut := j.now()
		slow := good
		slow.rate = 800_000
		j.road.set(slow)
		j.travel(20 * time.Second)
		j.print("0.8 Mbit/s", j.between(cut, j.now()))
		back := j.now()
		j.road.set(good)
		j.travel(20 * time.Second)
		j.print("2.5 Mbit/s again", j.between(back+20, j.now()))
		j.bar("cut.freeze", "longest freeze after the cut", j.longestGap(cut, back), 1, "s")
		j.bar("cut.concealed", "sound concealed from the cut on", j.between(cut, j.now()).concealed, 5, "%")
		j.bar("cut.back", "full quality again after", j.until(back, func(f stretch) bool {
			return f.kbits > 0.85*settled.kbits && f.height == 720
		}), 10, "s")
	},
	"2 a link of 0.8 then 0.4 Mbit-s": func(t *testing.T) {
		w := good
		w.rate = 800_000
		j := newJourney(t, w)
		j.travel(12 * time.Second)
		j.print("0.8 Mbit/s", j.between(8, j.now()))
		cut := j.now()
		w.rate = 400_000
		j.road.set(w)
		j.travel(20 * time.Second)
		j.print("0.4 Mbit/s", j.between(cut, j.now()))
		j.bar("narrow.freeze", "longest freeze after the cut", j.longestGap(cut, j.now()), 1, "s")
		j.bar("narrow.concealed", "sound concealed from the cut on", j.between(cut, j.now()).concealed, 5, "%")
	},
	"3 a loss of 5 percent":  func(t *testing.T) { lossy(t, "loss5", roadWeather{delay: 20 * time.Millisecond, loss: 0.05}) },
	"4 a loss of 10 percent": func(t *testing.T) { lossy(t, "loss10", roadWeather{delay: 20 * time.Millisecond, loss: 0.1}) },
	"5 bursts of loss":       func(t *testing.T) { lossy(t, "bursts", roadWeather{delay: 20 * time.Millisecond, burst: 0.004}) },
	"6 300 ms of jitter": func(t *testing.T) {
		lossy(t, "jitter", roadWeather{delay: 20 * time.Millisecond, jitter: 300 * time.Millisecond})
	},
	"7 nothing passes for 5 s": func(t *testing.T) {
		j := newJourney(t, good)
		j.travel(10 * time.Second)
		settled := j.between(8, j.now())
		j.print("before", settled)
		w := good
		w.down = true
		j.road.set(w)
		time.Sleep(5 * time.Second)
		j.road.set(good)
		back := j.now()
		j.travel(15 * time.Second)
		j.print("after", j.between(back+10, j.now()))
		j.bar("outage.pictures", "pictures again after", j.until(back, func(f stretch) bool { return f.pictures > 8 }), 3, "s")
		j.bar("outage.back", "full quality again after", j.until(back, func(f stretch) bool { return f.kbits > 0.8*settled.kbits }), 10, "s")
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
}

// lossy is a call on a road that stays as it is.
func lossy(t *testing.T, key string, w roadWeather) {
	t.Helper()
	j := newJourney(t, w)
	j.travel(8 * time.Second)
	from := j.now()
	j.travel(20 * time.Second)
	f := j.between(from, j.now())
	j.print("settled", f)
	j.bar(key+".concealed", "sound concealed", f.concealed, 5, "%")
	j.bar(key+".freeze", "longest freeze", j.longestGap(from, j.now()), 1, "s")
	if f.pictures < 5 {
		t.Errorf("%.1f pictures/s: the video does not move", f.pictures)
	}
}

// pictureTimes writes down when each picture of the device is presented, and when the
// browser finds an address of its own that it had not; both in ms since 1970.
const pictureTimes = `(() => {
	window.seen = { pictures: [], address: 0 };
	const video = document.querySelector('[data-testid="remote-video"]');
	const next = () => { window.seen.pictures.push(performance.timeOrigin + performance.now()); video.requestVideoFrameCallback(next); };
	video.requestVideoFrameCallback(next);
	window.peers[window.peers.length - 1].addEventListener("icecandidate", ({ candidate }) => {
		if (candidate?.address === "` + phoneNext + `") window.seen.address ||= performance.timeOrigin + performance.now();
	});
})()`

// relocated is a call one of whose ends gets another address.
func relocated(t *testing.T, key string, change func(j *journey)) {
	t.Helper()
	j := newJourney(t, roadWeather{delay: 20 * time.Millisecond})
	j.travel(8 * time.Second)
	j.print("before", j.between(6, j.now()))
	eval[any](j.phone, pictureTimes)
	time.Sleep(time.Second)
	changed := float64(time.Now().UnixMicro()) / 1000
	change(j)
	j.travel(25 * time.Second)
	seen := eval[struct {
		Pictures []float64 `json:"pictures"`
		Address  float64   `json:"address"`
	}](j.phone, "window.seen")
	back, gap := resumed(seen.Pictures, changed)
	t.Logf("longest pause between two pictures %.2f s", gap)
	j.bar(key, "pictures again after", back, 2, "s")
	if seen.Address > 0 {
		// Chromium looks at its addresses when they have been still for 2 s on Linux, 1.5 s on
		// Windows, 1 s on Android, 0.5 s on a Mac (net/base/network_change_notifier_*).
		noticed := (seen.Address - changed) / 1000
		t.Logf("the browser saw its new address after %.2f s", noticed)
		j.bar(key+".noticed", "and after the browser saw its new address", max(0, back-noticed), 0.5, "s")
	}
	if d := j.device.status(); d.State != "talking" {
		t.Errorf("the call is %s", d.State)
	}
	after := j.between(j.now()-10, j.now())
	j.print("after", after)
	if after.pictures < 8 {
		t.Errorf("%.1f pictures/s at the end", after.pictures)
	}
}

// resumed is how many seconds after the change the longest pause between two pictures
// ended that began within 3 s of it, and how long it was; both arguments in ms. A pause
// under 0.2 s is none, and without a picture in the last five seconds they never came: -1.
func resumed(pictures []float64, changed float64) (after, gap float64) {
	last := changed
	for _, at := range pictures {
		if at <= changed {
			continue
		}
		if pause := (at - last) / 1000; pause > gap && last < changed+3000 {
			after, gap = (at-changed)/1000, pause
		}
		last = at
	}
	switch {
	case last < changed+20_000:
		return -1, gap
	case gap < 0.2:
		return 0, gap
	default:
		return after, gap
	}
}
