//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"math"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"callbox/cmd/callboxd/e2e/bench"
	"callbox/hal/virtual"
)

const (
	// mostApart is how far sound and picture of one moment may be apart, half of the time.
	mostApart = 0.040 // s
	// syncWindow is how many beeps, one a second, are looked at. Chromium needs two reports
	// of each track until it brings them together, and moves by 80 ms at most at a time.
	syncWindow = 9
	// syncWithin is how long that may take, on a busy machine, too.
	syncWithin = 90 * time.Second
)

// TestLipSync: what a camera and a microphone see and hear at one moment is seen and heard
// at one moment at the other end: from the device's virtual devices at Chromium, and from
// a page's canvas and oscillator at the device's display and speaker. Pictures carry the
// time at which they were made; of the sound, beeps are compared.
func TestLipSync(t *testing.T) {
	voice := t.TempDir() + "/voice.wav"
	writeSound(t, voice, func(at float64) float64 {
		// A murmur between the beeps, for the encoder does not send silence.
		loud := 0.02 * math.Sin(2*math.Pi*2.5*at)
		if math.Mod(at, 1) < 0.15 {
			loud = 0.3
		}
		return loud * math.Sin(2*math.Pi*900*at)
	})
	d := startDevice(t, deviceOptions{voice: voice, tone: 440, call: "  tones: false"}) // the recording begins with the call
	p := startPhone(t, phoneOptions{tone: 0})
	p.before(ownDevices)
	p.pair(d, "Anna")
	speaker, display := watchSpeaker(d), watchDisplay(d)
	p.call(d, "call-video")
	p.watchVideo()
	p.listenForBeeps()
	wantTogether(t, "to the phone", func() (together, error) {
		heard := eval[heardBeeps](p, `window.heardBeeps()`)
		for i := range heard.Beeps {
			heard.Beeps[i] += heard.Delay
		}
		var pictures []carried
		for _, s := range p.seen() {
			if s.Stamp > 0 {
				pictures = append(pictures, carried{s.Stamp - bootOffset(), s.At})
			}
		}
		return compare(speaker.seconds(), heard.Beeps, pictures)
	})
	wantTogether(t, "to the device", func() (together, error) {
		made := eval[ownTimes](p, `window.ownTimes()`)
		pictures := display.pictures()
		for i := range pictures {
			pictures[i].made += made.Origin
		}
		return compare(made.beeps(), speaker.beeps(d), pictures)
	})
	p.click("hang-up")
	d.waitState("idle", 10*time.Second)
}

// wantTogether measures again and again until sound and pictures are together.
func wantTogether(t *testing.T, way string, measure func() (together, error)) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(2 * time.Second) {
		m, err := measure()
		switch good := err == nil && math.Abs(m.apart) <= mostApart; {
		case good:
			t.Logf("%s: sound comes %.0f ms after it was made, and %.0f ms after its picture (the last %d: %.0f to %.0f ms)",
				way, 1e3*m.late, 1e3*m.apart, syncWindow, 1e3*m.least, 1e3*m.most)
			return
		case time.Since(start) > syncWithin:
			t.Fatalf("%s: after %v sound comes %.0f ms after its picture, want at most %.0f; %v", way, syncWithin, 1e3*m.apart, 1e3*mostApart, err)
		}
	}
}

// carried is when something was made at one end and came out at the other, in seconds
// since 1970.
type carried struct{ made, came float64 }

// together is how late the last beeps came, and how much later than their pictures, in
// seconds: the median, and the extremes.
type together struct{ late, apart, least, most float64 }

// compare compares beeps that began to be made and to be heard with the pictures that were
// made beside them. On a busy machine sound and pictures may come seconds late; that they
// are apart by whole seconds is then not seen.
func compare(made, heard []float64, pictures []carried) (together, error) {
	var apart, sound []float64
	for _, came := range heard {
		least, late := math.Inf(1), 0.0
		for _, began := range made {
			if began > came || began < came-3 {
				continue
			}
			beside := lateBeside(began, pictures)
			if off := came - began - beside; math.Abs(off) < math.Abs(least) {
				least, late = off, came-began
			}
		}
		if !math.IsInf(least, 0) {
			apart, sound = append(apart, least), append(sound, late)
		}
	}
	if len(apart) < syncWindow {
		return together{}, fmt.Errorf("%d beeps were compared with pictures; %d were made, %d heard, %d pictures came", len(apart), len(made), len(heard), len(pictures))
	}
	apart, sound = apart[len(apart)-syncWindow:], sound[len(sound)-syncWindow:]
	return together{bench.Quantile(sound, 0.5), bench.Quantile(apart, 0.5), slices.Min(apart), slices.Max(apart)}, nil
}

// lateBeside is how late the pictures came that were made at most 0.4 s before or after a
// time; NaN where there are too few.
func lateBeside(at float64, pictures []carried) float64 {
	var late []float64
	for _, p := range pictures {
		if math.Abs(p.made-at) < 0.4 {
			late = append(late, p.came-p.made)
		}
	}
	if len(late) < 3 {
		return math.NaN()
	}
	return bench.Quantile(late, 0.5)
}

// speakerWatch notes when the recording of the device's speaker grows. The virtual
// microphone and speaker go on in step, from the same sample on; the file is written once
// a second, at once.
type speakerWatch struct {
	mu sync.Mutex
	at []float64 // when second i+1 was whole, in seconds since 1970
}

// tail is how often a growing file is looked at.
const tail = time.Millisecond

const wavHeader = 44

func watchSpeaker(d *device) *speakerWatch {
	w := &speakerWatch{}
	watchFile(d, func() {
		info, err := os.Stat(d.dir + "/speaker.wav")
		w.mu.Lock()
		defer w.mu.Unlock()
		if err == nil && info.Size() >= int64(wavHeader+(len(w.at)+1)*2*48000) {
			w.at = append(w.at, float64(time.Now().UnixNano())/1e9)
		}
	})
	return w
}

// watchFile looks at a file of the device that grows, until the test ends.
func watchFile(d *device, look func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		each := time.NewTicker(tail)
		defer each.Stop()
		for {
			select {
			case <-end:
				return
			case <-each.C:
				look()
			}
		}
	}()
	d.t.Cleanup(func() { close(end); <-done })
}

// seconds are when each second of the sound began, of the microphone and of the speaker.
func (w *speakerWatch) seconds() []float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.at)
}

// beeps is when the speaker began to beep.
func (w *speakerWatch) beeps(d *device) (began []float64) {
	d.t.Helper()
	const second, frame = 48000, 480
	pcm, at := readWAV(d.t, d.dir+"/speaker.wav", 3600), w.seconds()
	loud := int(slices.Max(pcm)) / 4
	for i, quiet := 0, 0; i < len(pcm); i++ {
		if v := int(pcm[i]); v < loud && v > -loud {
			quiet++
			continue
		}
		if n := i / second; quiet > second/3 && n < len(at) {
			// When it was written, the last frame of the second began.
			began = append(began, at[n]-float64((n+1)*second-frame-i)/second)
		}
		quiet = 0
	}
	return began
}

// displayWatch notes when a picture is shown by the device.
type displayWatch struct {
	mu   sync.Mutex
	list []carried // on the page's clock, and since 1970
}

func watchDisplay(d *device) *displayWatch {
	const header, size = len("YUV4MPEG2 W320 H240 F30:1 Ip A1:1 C420jpeg\n"), ownWidth * ownHeight
	const marker = int64(len("FRAME\n"))
	w := &displayWatch{}
	m := image.NewYCbCr(image.Rect(0, 0, ownWidth, ownHeight), image.YCbCrSubsampleRatio420)
	at := int64(header)
	watchFile(d, func() {
		file, err := os.Open(d.dir + "/display.y4m")
		if err != nil {
			return // not yet there
		}
		defer file.Close()
		info, err := file.Stat()
		now := float64(time.Now().UnixNano()) / 1e9
		if err != nil || info.Size() < at+marker+size*3/2 {
			return
		}
		if _, err := file.ReadAt(m.Y, at+marker); err != nil {
			return
		}
		at += marker + size*3/2
		if stamp, ok := virtual.ReadStamp(m); ok {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.list = append(w.list, carried{stamp.Seconds(), now})
		}
	})
	return w
}

func (w *displayWatch) pictures() []carried {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.list)
}

// heardBeeps is when beeps came out of the phone's jitter buffer, in seconds since 1970,
// and how long it takes from there until they are heard, as the browser's audio system
// says.
type heardBeeps struct {
	Beeps []float64
	Delay float64 // s
}

// listenForBeeps begins to note beeps for window.heardBeeps.
func (p *phone) listenForBeeps() {
	p.t.Helper()
	eval[bool](p, `(() => {
  const [track] = window.callbox.remoteStream().getAudioTracks();
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  const beeps = [];
  let quiet = 0, offsets = [];
  window.heardBeeps = async () => {
    let delay = 0;
    for (const peer of window.peers) {
      for (const [, s] of await peer.getStats()) {
        if (s.type === "media-playout" && s.totalSamplesCount > 0) delay = s.totalPlayoutDelay / s.totalSamplesCount;
      }
    }
    return { beeps, delay };
  };
  (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      // A page that is busy gets a chunk late, never early.
      offsets.push(performance.now() - value.timestamp / 1e3);
      if (offsets.length > 100) offsets.shift();
      const at = performance.timeOrigin + Math.min(...offsets) + value.timestamp / 1e3;
      const pcm = new Float32Array(value.numberOfFrames), rate = value.sampleRate;
      value.copyTo(pcm, { planeIndex: 0, format: "f32-planar" });
      value.close();
      pcm.forEach((v, i) => {
        if (Math.abs(v) < 0.05) { quiet++; return; }
        if (quiet > rate / 3) beeps.push((at + (i * 1e3) / rate) / 1e3);
        quiet = 0;
      });
    }
  })();
  return true;
})()`)
}

const ownWidth, ownHeight = 320, 240

// ownDevices is JavaScript that gives a page a camera whose pictures are stamped with the
// time of the page, as hal/virtual documents, and a microphone that beeps each second.
const ownDevices = `(() => {
  let own;
  const peers = (window.peers = []);
  window.RTCPeerConnection = class extends RTCPeerConnection { constructor(...a) { super(...a); peers.push(this); } };
  const make = () => {
    const context = new AudioContext({ sampleRate: 48000 });
    const tone = new OscillatorNode(context, { frequency: 900 });
    const gain = new GainNode(context, { gain: 0 });
    const microphone = context.createMediaStreamDestination();
    tone.connect(gain).connect(microphone);
    tone.start();
    const beeps = [];
    for (let at = 1; at < 120; at++) {
      gain.gain.setValueAtTime(0.3, at);
      gain.gain.setValueAtTime(0, at + 0.15);
      beeps.push(at);
    }
    const clock = []; // of the page, in ms, against the one of the sound
    setInterval(() => clock.push([performance.now(), context.currentTime]), 5);
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const out = canvas.getContext("2d", { alpha: false });
    const [camera] = canvas.captureStream(0).getVideoTracks();
    setInterval(() => {
      out.fillStyle = "#468";
      out.fillRect(0, 0, 320, 240);
      out.fillStyle = "#ca4";
      out.fillRect((performance.now() / 20) % 300, 120, 20, 20);
      let us = Math.round(performance.now() * 1e3), bytes = [];
      for (let i = 0; i < 6; i++, us = Math.floor(us / 256)) bytes.unshift(us % 256);
      let crc = 0xffff;
      for (const b of bytes) {
        crc ^= b << 8;
        for (let k = 0; k < 8; k++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
      }
      bytes.push(crc >> 8, crc & 255);
      for (let i = 0; i < 64; i++) {
        out.fillStyle = (bytes[i >> 3] >> (7 - (i & 7))) & 1 ? "#fff" : "#000";
        out.fillRect((i % 32) * 10, i < 32 ? 0 : 10, 10, 10);
      }
      camera.requestFrame();
    }, 50);
    return { context, microphone: microphone.stream.getAudioTracks()[0], camera, beeps, clock };
  };
  navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
    own ??= make();
    await own.context.resume();
    return new MediaStream([...(audio ? [own.microphone.clone()] : []), ...(video ? [own.camera.clone()] : [])]);
  };
  window.ownTimes = () => ({ origin: performance.timeOrigin / 1e3, beeps: own.beeps, clock: own.clock });
})()`

// ownTimes is what the page knows of its beeps.
type ownTimes struct {
	Origin float64      // of the page's clock, in seconds since 1970
	Beeps  []float64    // on the clock of the sound, in s
	Clock  [][2]float64 // the page's in ms, and that of the sound
}

// beeps are when they were made, in seconds since 1970. A context makes sound some
// milliseconds at a time, and a busy one later: the earliest of a second tells.
func (o ownTimes) beeps() (made []float64) {
	for _, at := range o.Beeps {
		earliest := math.Inf(1)
		for _, c := range o.Clock {
			if math.Abs(c[1]-at) < 0.5 {
				earliest = min(earliest, c[0]/1e3-c[1])
			}
		}
		if !math.IsInf(earliest, 1) {
			made = append(made, o.Origin+earliest+at)
		}
	}
	return made
}
