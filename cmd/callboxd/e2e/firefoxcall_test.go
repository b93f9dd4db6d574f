//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// received is what Firefox measures of what comes from the device.
type received struct {
	Media struct {
		Video struct {
			FramesDecoded int    `json:"framesDecoded"`
			Codec         string `json:"codec"`
			Width         int    `json:"width"`
		} `json:"video"`
		Audio struct {
			PacketsReceived int     `json:"packetsReceived"`
			AudioLevel      float64 `json:"audioLevel"`
			Codec           string  `json:"codec"`
		} `json:"audio"`
	} `json:"media"`
}

// loudest is JavaScript that watches the stats for 2 s, and returns the newest with
// the largest audio level among them: the device's tone beeps.
const loudest = `(async () => {
  let stats, level = 0;
  for (let i = 0; i < 20; i++) {
    stats = await window.callbox.stats();
    level = Math.max(level, stats.media?.audio?.audioLevel ?? 0);
    await new Promise((done) => setTimeout(done, 100));
  }
  return { media: { ...stats.media, audio: { ...stats.media.audio, audioLevel: level } } };
})()`

// TestFirefox: Firefox pairs, calls, sees and hears, is seen and heard, and hangs up;
// then the limit ends a call, and the page says so.
func TestFirefox(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 700, call: "  max_duration: 10m"})
	f := startFirefox(t)
	f.pair(d, "Anna")
	watch := d.watch()

	t.Run("a call", func(t *testing.T) {
		f.click("call-video")
		d.waitState("ringing", 15*time.Second)
		room := d.status().Call.RoomID
		ctl[any](d, "answer")
		f.waitEventOf("startVoip", room, 15*time.Second)
		d.waitState("talking", 5*time.Second)
		before := evalFirefox[received](f, loudest).Media
		after := evalFirefox[received](f, loudest).Media
		f.screenshot("talking")
		if n := after.Video.FramesDecoded - before.Video.FramesDecoded; n < 20 {
			t.Errorf("Firefox decoded %d pictures in 2 s of 20 a second", n)
		}
		if after.Video.Codec != "video/VP8" || after.Video.Width == 0 {
			t.Errorf("the picture is %+v, want VP8", after.Video)
		}
		if w := evalFirefox[int](f, `document.querySelector('[data-testid="remote-video"]').videoWidth`); w == 0 {
			t.Error("the page shows no picture")
		}
		if n := after.Audio.PacketsReceived - before.Audio.PacketsReceived; n < 60 {
			t.Errorf("Firefox received %d packets of sound in 2 s of 50 a second", n)
		}
		if after.Audio.AudioLevel < 0.02 || !strings.EqualFold(after.Audio.Codec, "audio/opus") {
			t.Errorf("the sound is %+v, want the device's tone", after.Audio)
		}
		if loud := loudness(d.recorded(1)); loud < 300 {
			t.Errorf("the device does not play Firefox's tone: RMS %.0f", loud)
		}
		if stamps, without := d.shown(); len(stamps)+without < 20 {
			t.Errorf("the device displayed %d pictures of Firefox's camera", len(stamps)+without)
		}
		f.click("hang-up")
		d.waitState("idle", 5*time.Second)
		if r := d.lastCall(); r.RoomID != room || r.Cause != "hangup" || r.Origin != "manual" || r.Contact != "Anna" {
			t.Errorf("record = %+v", r)
		}
		f.waitEventOf("finishVoip", room, 5*time.Second)
		t.Logf("video %+v, audio %+v", after.Video, after.Audio)
	})
	t.Run("the limit", func(t *testing.T) {
		f.waitVisible("call-video", 10*time.Second)
		room := evalFirefox[string](f, `window.callbox.callDevice({ roomType: "video", timeLimit: 2.5 }).then((r) => r.roomId)`)
		d.waitState("ringing", 10*time.Second)
		ctl[any](d, "answer")
		d.waitState("talking", 10*time.Second)
		deadline := d.status().Call.Deadline
		e := f.waitEventOf("hangUpVoip", room, 8*time.Second)
		if e.Data["origin"] != "timeLimit" || e.Data["status"] != "endByListener" {
			t.Errorf("hangUpVoip = %v", e.Data)
		}
		want := pageWords(t, "timeUp")
		f.waitVisible("end", 5*time.Second)
		if why := evalFirefox[string](f, `document.querySelector('[data-testid="end-why"]').innerText`); why != want {
			t.Errorf("the page says %q, want %q", why, want)
		}
		f.screenshot("limit")
		d.waitState("idle", 5*time.Second)
		if r := d.lastCall(); r.Cause != "hangup" || r.Origin != "timeLimit" {
			t.Errorf("record = %+v", r)
		}
		end := watch.find("hangUpVoip", room, 5*time.Second).Time
		wantAt(t, "the device publishes hangUpVoip", end, deadline, lateDevice)
		wantAt(t, "the SDK in Firefox emits hangUpVoip", e.At, deadline, latePhone)
		t.Logf("end %.1f ms after the deadline on the device, %.1f ms in Firefox", 1e3*(bootTime(end)-deadline), 1e3*(bootTime(e.At)-deadline))
	})
}
