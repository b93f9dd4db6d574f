//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// listener is JavaScript that hears what the page itself sounds, at the context's very
// end, and notes with what it vibrates.
const listener = `(() => {
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      window.ears ??= new AnalyserNode(this.context, { fftSize: 8192, smoothingTimeConstant: 0, minDecibels: -120 });
      connect.call(this, window.ears);
    }
    return connect.call(this, to, ...rest);
  };
  window.shaken = [];
  navigator.vibrate = (pattern) => (window.shaken.push(pattern), true);
})()`

// spectra is JavaScript that returns the peaks, within 10 dB of the loudest, of each of
// 60 moments of 3 s in which the page was heard.
const spectra = `(async () => {
  const heard = [];
  for (let i = 0; i < 60; i++) {
    await new Promise((done) => setTimeout(done, 50));
    if (window.ears?.context.state !== "running") continue;
    const bins = new Float32Array(window.ears.frequencyBinCount);
    window.ears.getFloatFrequencyData(bins);
    const best = Math.max(...bins);
    if (best < -70) continue;
    const peaks = [];
    for (let k = 2; k < bins.length - 2; k++) {
      if (bins[k] > best - 10 && bins[k] === Math.max(...bins.slice(k - 2, k + 3))) peaks.push((k * window.ears.context.sampleRate) / 8192);
    }
    heard.push(peaks);
  }
  return heard;
})()`

// wantSounds wants to hear each of these frequencies from the page within 3 s, and no
// other; none of them: silence.
func (p *phone) wantSounds(t *testing.T, when string, want ...float64) {
	t.Helper()
	heard := eval[[][]float64](p, spectra)
	times, strange := map[float64]int{}, 0
	for _, peaks := range heard {
		for _, hz := range peaks {
			if i := slices.IndexFunc(want, func(w float64) bool { return math.Abs(w-hz) < 15 }); i >= 0 {
				times[want[i]]++
			} else {
				strange++
			}
		}
	}
	for _, hz := range want {
		if times[hz] < 3 {
			t.Errorf("%s: %g Hz is heard %d times in %v", when, hz, times[hz], heard)
		}
	}
	if strange > 2+len(heard)/8 { // where a tone begins or ends, and what the last moments left in the analyser
		t.Errorf("%s: want only %v, heard %v", when, want, heard)
	}
}

// tapToPlay is JavaScript that lets videos play only after a touch.
const tapToPlay = `(() => {
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = async function () {
    if (!navigator.userActivation.hasBeenActive) throw new DOMException("", "NotAllowedError");
    return play.call(this);
  };
})()`

// touch is somebody's press where nothing can be pressed.
func (p *phone) touch() {
	p.t.Helper()
	p.run(pageSoon, chromedp.MouseClickXY(8, 400))
}

// TestRingTone: a page that nobody has touched says that it cannot ring aloud. It
// does from the first touch on, and is silent when the ring is over.
func TestRingTone(t *testing.T) {
	for _, tour := range stateTours {
		t.Run(tour.language, func(t *testing.T) { ringTone(t, tour.language) })
	}
}

func ringTone(t *testing.T, language string) {
	d := startDevice(t, deviceOptions{tone: 440})
	first := startPhone(t, phoneOptions{tone: 600, touched: true, language: language})
	first.pair(d, "Anna")
	first.open("about:blank")        // which leaves the key to
	p := first.newTab("about:blank") // a tab that nobody has touched
	p.before(listener)
	p.open(d.page())
	s := &screens{p: p, language: language, found: map[string]int{}, open: map[string]int{}}
	chime := []float64{659, 784, 988}

	p.home()
	asks := fmt.Sprintf(`document.querySelector("[data-testid=touch]").innerText === %q`, wordsIn(t, language, "touchToRing"))
	p.waitTrue("the home page asks for a touch", asks)
	p.waitTrue("the device is connected", `document.querySelector("[data-link=up]")`)
	s.see(t, "home touch to ring", "touchToRing")
	// Safari plays no sound of a call before a touch either, and says so.
	undo := p.before(tapToPlay)
	p.open("about:blank")
	p.open(d.page())
	p.waitTrue("the device is connected", `document.querySelector("[data-link=up]")`)
	eval[any](p, `window.callbox.callDevice({ roomType: "video" })`)
	d.waitState("ringing", 10*time.Second)
	ctl[any](d, "answer")
	p.waitVisible("sound", 10*time.Second)
	s.see(t, "talking tap for sound", "tapForSound")
	p.click("sound")
	p.waitTrue("the sound is on", `document.querySelector("[data-testid=sound]").hidden && !document.querySelector("[data-testid=remote-video]").paused`)
	undo()
	ctl[any](d, "hangup")
	d.waitState("idle", 5*time.Second)
	p.open("about:blank")
	p.open(d.page())
	p.home()
	p.waitTrue("the home page asks again", asks)
	p.waitTrue("the device is connected", `document.querySelector("[data-link=up]")`)

	room := d.dial("video", "Anna").RoomID
	p.waitIncoming(room)
	s.see(t, "incoming touch to ring", "touchToRing", "incomingVideo")
	p.wantSounds(t, "before a touch")
	if n := eval[int](p, `window.shaken.length`); n != 0 {
		t.Errorf("the page has vibrated %d times before a touch", n)
	}
	p.touch()
	p.waitTrue("the page asks no more", `document.querySelector("[data-testid=notice]").innerText === ""`)
	p.wantSounds(t, "after a touch", chime...)
	p.waitTrue("the phone vibrates", `window.shaken.some((pattern) => Array.isArray(pattern) && pattern[0] > 0)`)
	ctl[any](d, "hangup")
	p.waitEventOf("finishVoip", room, 5*time.Second)
	p.wantSounds(t, "after the ring")
	if last := eval[float64](p, `window.shaken.at(-1)`); last != 0 {
		t.Errorf("the phone's last vibration is %g, want none", last)
	}

	// It keeps the permission.
	d.waitState("idle", 5*time.Second)
	room = d.dial("voice", "Anna").RoomID
	p.waitIncoming(room)
	p.wantSounds(t, "the second ring", chime...)
	p.click("decline")
	d.waitState("idle", 5*time.Second)

	p.home()
	p.click("call-voice")
	d.waitState("ringing", 10*time.Second)
	p.waitTrue("the page says that it rings", `document.querySelector("[data-state=ringing]")`)
	p.wantSounds(t, "while the device rings", 440, 480)
	p.click("hang-up")
	d.waitState("idle", 5*time.Second)
	p.wantSounds(t, "after the call was taken back")
	s.report()
}
