//go:build e2e

package e2e

import (
	"image"
	"io"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"callbox/hal/virtual"
)

const (
	// mostApart is how far sound and picture of one moment may be apart.
	mostApart = 0.040 // s
	// syncAfter is how long the ends of a call may take until they have brought sound and
	// picture together: Chromium needs two reports of each, and moves by 80 ms at most, once
	// a second.
	syncAfter = 8 * time.Second
	syncFor   = 12 * time.Second
)

// TestLipSync: what a camera and a microphone see and hear at one moment is seen and heard
// at one moment at the other end: from the device's virtual devices at Chromium, and from
// a page's canvas and oscillator at the device's display and speaker. Pictures carry the
// time at which they were made; of the sound, beeps are compared.
func TestLipSync(t *testing.T) {
	voice := t.TempDir() + "/voice.wav"
	writeSound(t, voice, func(at float64) float64 {
		if math.Mod(at, 1) > 0.15 {
			return 0
		}
		return 0.3 * math.Sin(2*math.Pi*900*at)
	})
	d := startDevice(t, deviceOptions{voice: voice, tone: 440, call: "  tones: false"}) // the recording begins with the call
	p := startPhone(t, phoneOptions{tone: 0})
	p.before(ownDevices)
	p.pair(d, "Anna")
	speaker, display := watchSpeaker(d), watchDisplay(d)
	p.call(d, "call-video")
	time.Sleep(syncAfter)
	p.watchVideo()
	p.listenForBeeps()
	time.Sleep(syncFor)
	seen, heard := p.seen(), eval[[]float64](p, `window.beeps`)
	made := eval[ownTimes](p, `window.ownTimes()`)
	p.click("hang-up")
	d.waitState("idle", 10*time.Second)
	t.Run("to the phone", func(t *testing.T) {
		var pictures []carried
		for _, s := range seen {
			if s.Stamp > 0 {
				pictures = append(pictures, carried{s.Stamp - bootOffset(), s.At})
			}
		}
		checkTogether(t, speaker.stop(), heard, pictures)
	})
	t.Run("to the device", func(t *testing.T) {
		pictures := display.stop()
		for i := range pictures {
			pictures[i].made += made.Origin
		}
		checkTogether(t, made.beeps(), speaker.beeps(d), pictures)
	})
}

// carried is when something was made at one end and came out at the other, in seconds since
// 1970.
type carried struct{ made, came float64 }

// checkTogether compares beeps that began to be made and to be heard with the pictures
// that were made beside them.
func checkTogether(t *testing.T, made, heard []float64, pictures []carried) {
	t.Helper()
	var apart, sound []float64
	for _, came := range heard {
		i, _ := slices.BinarySearch(made, came)
		if i == 0 {
			continue
		}
		began := made[i-1] // a beep each second: it is not as late as that
		var late []float64
		for _, p := range pictures {
			if math.Abs(p.made-began) < 0.4 {
				late = append(late, p.came-p.made)
			}
		}
		if len(late) < 3 {
			continue
		}
		slices.Sort(late)
		sound = append(sound, came-began)
		apart = append(apart, came-began-late[len(late)/2])
	}
	if len(apart) < 5 {
		t.Fatalf("%d beeps were compared with pictures; %d were made, %d heard, %d pictures came", len(apart), len(made), len(heard), len(pictures))
	}
	slices.Sort(apart)
	slices.Sort(sound)
	middle := apart[len(apart)/2]
	t.Logf("%d beeps: the sound comes %.0f ms after it was made, and %.0f ms after its picture (%.0f to %.0f ms)",
		len(apart), 1e3*sound[len(sound)/2], 1e3*middle, 1e3*apart[0], 1e3*apart[len(apart)-1])
	if math.Abs(middle) > mostApart {
		t.Errorf("the sound comes %.0f ms after its picture, want at most %.0f", 1e3*middle, 1e3*mostApart)
	}
}

// speakerWatch notes when the recording of the device's speaker grows. The virtual
// microphone and speaker go on in step, from the same sample on; the file is written once
// a second, at once.
type speakerWatch struct {
	end, done chan struct{}
	at        []float64 // when second i+1 was whole, in seconds since 1970
}

// tail is how often a growing file is looked at.
const tail = time.Millisecond

const wavHeader = 44

func watchSpeaker(d *device) *speakerWatch {
	w := &speakerWatch{end: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		each := time.NewTicker(tail)
		defer each.Stop()
		for {
			select {
			case <-w.end:
				return
			case <-each.C:
			}
			info, err := os.Stat(d.dir + "/speaker.wav")
			if err == nil && info.Size() >= int64(wavHeader+(len(w.at)+1)*2*48000) {
				w.at = append(w.at, float64(time.Now().UnixNano())/1e9)
			}
		}
	}()
	return w
}

// stop returns when each second of the microphone's sound began.
func (w *speakerWatch) stop() []float64 {
	close(w.end)
	<-w.done
	return w.at
}

// beeps is when the speaker began to beep.
func (w *speakerWatch) beeps(d *device) (began []float64) {
	d.t.Helper()
	const second, frame = 48000, 480
	pcm := readWAV(d.t, d.dir+"/speaker.wav", 3600)
	loud := int(slices.Max(pcm)) / 4
	for i, quiet := 0, 0; i < len(pcm); i++ {
		if v := int(pcm[i]); v < loud && v > -loud {
			quiet++
			continue
		}
		if n := i / second; quiet > second/3 && n < len(w.at) {
			// When it was written, the last frame of the second began.
			if at := w.at[n] - float64((n+1)*second-frame-i)/second; at > w.at[0]+syncAfter.Seconds() {
				began = append(began, at)
			}
		}
		quiet = 0
	}
	return began
}

// displayWatch notes when a picture is shown by the device.
type displayWatch struct {
	end, done chan struct{}
	list      []carried
}

func watchDisplay(d *device) *displayWatch {
	w := &displayWatch{end: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		const header, size = len("YUV4MPEG2 W320 H240 F30:1 Ip A1:1 C420jpeg\n"), ownWidth * ownHeight
		const each = int64(len("FRAME\n") + size*3/2)
		m := image.NewYCbCr(image.Rect(0, 0, ownWidth, ownHeight), image.YCbCrSubsampleRatio420)
		ticker := time.NewTicker(tail)
		defer ticker.Stop()
		var file *os.File
		for at := int64(header); ; {
			select {
			case <-w.end:
				if file != nil {
					file.Close()
				}
				return
			case <-ticker.C:
			}
			if file == nil {
				file, _ = os.Open(d.dir + "/display.y4m") // not yet there
				continue
			}
			info, err := file.Stat()
			if err != nil || info.Size() < at+each {
				continue
			}
			now := float64(time.Now().UnixNano()) / 1e9
			if _, err := file.ReadAt(m.Y, at+int64(len("FRAME\n"))); err != nil && err != io.EOF {
				continue
			}
			at += each
			if stamp, ok := virtual.ReadStamp(m); ok {
				w.list = append(w.list, carried{stamp.Seconds(), now})
			}
		}
	}()
	return w
}

func (w *displayWatch) stop() []carried {
	close(w.end)
	<-w.done
	return w.list
}

// listenForBeeps begins to note when beeps come out of the phone's jitter buffer, in
// window.beeps.
func (p *phone) listenForBeeps() {
	p.t.Helper()
	eval[bool](p, `(() => {
  const [track] = window.callbox.remoteStream().getAudioTracks();
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  const beeps = (window.beeps = []);
  let quiet = 0, offsets = [];
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
    const clock = []; // of the page, against the one of the sound
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
	Beeps  []float64    // in seconds, on the clock of the sound
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
