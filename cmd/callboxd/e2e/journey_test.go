//go:build e2e && network

package e2e

import (
	"fmt"
	"math"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"callbox/cmd/callboxd/e2e/bench"
)

// networkSample is what Chromium says of the call (W3C webrtc-stats).
type networkSample struct {
	At        float64 `json:"at"` // seconds since 1970
	Height    float64 `json:"height"`
	Video     float64 `json:"video"`     // bytes of pictures
	All       float64 `json:"all"`       // bytes on the road towards the phone
	Frozen    float64 `json:"frozen"`    // seconds
	Concealed float64 `json:"concealed"` // samples
	Events    float64 `json:"events"`    // how often that began
	Samples   float64 `json:"samples"`
	Buffer    float64 `json:"buffer"` // seconds, summed over the samples that left it
	Emitted   float64 `json:"emitted"`
	Trip      float64 `json:"trip"` // seconds there and back, as ICE has measured it last
}

// sampleEvery is how long concealed sound may hide between two samples.
const sampleEvery = 200 * time.Millisecond

// watchRoad lets the page take the samples, which costs the measurement nothing, into
// window.road. 28 bytes are the headers of IP and UDP.
const watchRoad = `(() => {
	window.road = [];
	setInterval(async () => {
		const out = { at: (performance.timeOrigin + performance.now()) / 1000, height: 0, video: 0, all: 0, frozen: 0,
			concealed: 0, events: 0, samples: 0, buffer: 0, emitted: 0, trip: 0 };
		for (const s of (await window.peers[window.peers.length - 1].getStats()).values()) {
			if (s.type === "candidate-pair" && s.nominated) out.trip = s.currentRoundTripTime ?? 0;
			if (s.type !== "inbound-rtp") continue;
			out.all += s.bytesReceived + s.headerBytesReceived + 28 * s.packetsReceived;
			if (s.kind === "video") {
				out.height = s.frameHeight ?? 0; out.video = s.bytesReceived; out.frozen = s.totalFreezesDuration;
			} else {
				out.concealed = s.concealedSamples; out.samples = s.totalSamplesReceived;
				out.events = s.concealmentEvents;
				out.buffer = s.jitterBufferDelay; out.emitted = s.jitterBufferEmittedCount;
			}
		}
		window.road.push(out);
	}, %d);
	return true;
})()`

// pictureGrain makes the virtual camera's picture need all the bits that it may have:
// what moves in it alone needs 0.4 Mbit/s, which every road here carries.
const (
	pictureGrain  = "4"
	pictureHeight = 720
	videoBitrate  = 2_200_000 // bit/s
)

// journey is a call over a road.
type journey struct {
	t       *testing.T
	road    *road
	device  *device
	phone   *phone
	samples []networkSample
	seen    []seen // pictures, at the end of what was travelled
}

func newJourney(t *testing.T, w roadWeather) *journey {
	t.Helper()
	t.Setenv("CALLBOX_HAL_CAMERA_GRAIN", pictureGrain)
	j := &journey{t: t, road: newRoad(t, w)}
	// DTX leaves out most of a tone, and what is left out counts as concealed.
	voice := filepath.Join(t.TempDir(), "voice.wav")
	writeSound(t, voice, speech)
	j.device = startDevice(t, deviceOptions{
		tone: 440, voice: voice, width: 1280, height: pictureHeight, rate: 25, namespace: j.road.namespace, listen: net.JoinHostPort(deviceEnd, "8443"),
		media: fmt.Sprintf("  video_bitrate: %dkbit", videoBitrate/1000), noDisplay: true,
	})
	j.phone = startPhone(t, phoneOptions{tone: 600, width: 1280, height: 800})
	if _, err := chromedp.Call(j.phone.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: keepPeers}); err != nil {
		t.Fatal(err)
	}
	j.phone.openPastWarning(j.device.page())
	j.phone.pair(j.device, "Anna")
	j.phone.call(j.device, "call-video")
	j.phone.watchVideo()
	eval[bool](j.phone, fmt.Sprintf(watchRoad, sampleEvery.Milliseconds()))
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

// travel lets the call go on.
func (j *journey) travel(span time.Duration) {
	j.t.Helper()
	time.Sleep(span)
	j.samples = eval[[]networkSample](j.phone, `window.road`)
	j.seen = j.phone.seen()
	if len(j.samples) == 0 || now()-j.samples[len(j.samples)-1].At > 2 {
		j.t.Fatalf("the page has stopped to tell of the call after %d samples", len(j.samples))
	}
}

// now is the time as the page has it, in seconds since 1970.
func now() float64 { return since1970(time.Now()) }

// ago is so long before now.
func ago(d time.Duration) float64 { return now() - d.Seconds() }

// stretch is a part of the journey.
type stretch struct {
	seconds   float64
	video     float64 // kbit/s of pictures
	all       float64 // kbit/s on the road
	pictures  float64 // presented a second
	frozen    float64 // seconds that Chromium calls frozen
	gap       float64 // seconds, the longest without a new picture
	p50, p95  float64 // ms from capture to presented; -1: no picture could be read
	concealed float64 // % of the sound
	broken    float64 // seconds, the longest that sound was concealed without a break
	buffer    float64 // ms that sound waits in the phone
	trip      float64 // ms there and back, as ICE measured it last
	height    float64 // at the end
}

// between measures from one time to another.
func (j *journey) between(from, to float64) stretch {
	j.t.Helper()
	var in []networkSample
	for _, s := range j.samples {
		if s.At >= from && s.At <= to {
			in = append(in, s)
		}
	}
	if len(in) < 2 {
		return stretch{gap: to - from, frozen: to - from, concealed: 100, broken: to - from, p50: -1, p95: -1}
	}
	a, b := in[0], in[len(in)-1]
	f := stretch{seconds: b.At - a.At, frozen: b.Frozen - a.Frozen, gap: j.gap(from, to), broken: broken(in), height: b.Height, trip: 1000 * b.Trip}
	f.video, f.all = (b.Video-a.Video)*8/1000/f.seconds, (b.All-a.All)*8/1000/f.seconds
	if n := b.Samples - a.Samples; n > 0 {
		f.concealed = 100 * (b.Concealed - a.Concealed) / n
	}
	if n := b.Emitted - a.Emitted; n > 0 {
		f.buffer = 1000 * (b.Buffer - a.Buffer) / n
	}
	offset, latency := bootOffset(), []float64{}
	for _, s := range j.seen {
		if s.Got < from || s.Got > to {
			continue
		}
		f.pictures++
		if s.Stamp > 0 {
			latency = append(latency, 1000*(s.At+offset-s.Stamp))
		}
	}
	f.pictures /= to - from
	f.p50, f.p95 = -1, -1
	if len(latency) > 0 {
		f.p50, f.p95 = bench.Quantile(latency, 0.5), bench.Quantile(latency, 0.95)
	}
	return f
}

// gap is the longest time without a new picture, in seconds. Time in which the page itself
// stood still tells nothing of the call.
func (j *journey) gap(from, to float64) float64 {
	longest, since, stalled, stamp := 0.0, from, 0.0, -1.0
	for _, s := range j.seen {
		if s.Got < from {
			stamp = s.Stamp
			continue
		}
		if s.Got > to {
			break
		}
		stalled += s.Stalled
		if s.Stamp > 0 && s.Stamp == stamp {
			continue // the one before, once more
		}
		longest = max(longest, s.Got-since-stalled)
		since, stalled, stamp = s.Got, 0, s.Stamp
	}
	return max(longest, to-since)
}

// broken is the longest that sound was concealed without a break, in seconds: at most, as
// what has begun within a sample may have been all that is concealed in it.
func broken(in []networkSample) float64 {
	longest, run := 0.0, 0.0
	for i := 1; i < len(in); i++ {
		c := (in[i].Concealed - in[i-1].Concealed) / 48_000
		longest = max(longest, run+c)
		switch {
		case c <= 0:
			run = 0
		case in[i].Events > in[i-1].Events:
			run = c
		default:
			run += c
		}
	}
	return longest
}

func (f stretch) String() string {
	return fmt.Sprintf("%5.0f kbit/s (%.0f of pictures), %4.1f pictures/s of height %.0f, %.2f s without one, %.1f s frozen, %3.0f and %3.0f ms late; "+
		"%.1f %% of the sound concealed, %.2f s in a row, %3.0f ms buffered, %3.0f ms there and back",
		f.all, f.video, f.pictures, f.height, f.gap, f.frozen, f.p50, f.p95, f.concealed, f.broken, f.buffer, f.trip)
}

// steady is how many seconds after a time the first picture came that many others
// followed, within a second and without a pause; -1: none.
func (j *journey) steady(from float64) float64 {
	for i, s := range j.seen {
		if s.Got < from {
			continue
		}
		n := 0
		for _, next := range j.seen[i+1:] {
			if next.Got <= s.Got+1 {
				n++
			}
		}
		if n > 8 && j.gap(s.Got, s.Got+1) < 0.3 {
			return s.Got - from
		}
	}
	return -1
}

// until is how many seconds after a time a second has ended in which all was good enough;
// -1: none.
func (j *journey) until(from float64, ok func(f stretch) bool) float64 {
	for _, s := range j.samples {
		if s.At >= from+1 && ok(j.between(s.At-1-sampleEvery.Seconds()/2, s.At)) {
			return s.At - from
		}
	}
	return -1
}

func (j *journey) print(name string, f stretch) { j.t.Helper(); j.t.Logf("%-22s %v", name, f) }

// loads wants the call to need what the road has: else its bars say nothing.
func (j *journey) loads(f stretch, rate float64) {
	j.t.Helper()
	if least := 0.8 * min(rate, videoBitrate) / 1000; f.all < least {
		j.t.Errorf("the call needs %.0f kbit/s before the road changes, want %.0f: it does not load the road", f.all, least)
	}
}
