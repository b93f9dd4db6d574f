//go:build e2e || device

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"testing"
	"time"

	"callbox/hal/virtual"
)

// writeCamera writes 10 s of pictures as a Y4M file for Chromium's fake camera:
// each carries a time stamp that counts from 0, on a background that moves.
func writeCamera(t testing.TB, path string) {
	t.Helper()
	const width, height, rate, seconds = 320, 240, 15, cameraSeconds
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintf(w, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n", width, height, rate)
	m := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range rate * seconds {
		for y := range height {
			row := m.Y[m.YOffset(0, y):][:width]
			for x := range row {
				row[x] = byte(64 + (x+y+4*i)%128)
			}
		}
		for j := range m.Cb {
			m.Cb[j], m.Cr[j] = 100, 150
		}
		virtual.Stamp(m, time.Duration(i)*time.Second/rate)
		fmt.Fprint(w, "FRAME\n")
		for _, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
			if _, err := w.Write(plane); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// shown reads the time stamps of the pictures that the device's display has been
// shown, in their order. Pictures without a readable stamp count as missing.
func (d *device) shown() (stamps []time.Duration, missing int) {
	d.t.Helper()
	// A browser short of time sends smaller pictures; each size has its own file.
	for n := range 100 {
		path := d.dir + "/display.y4m"
		if n > 0 {
			path = fmt.Sprintf("%s/display-%d.y4m", d.dir, n)
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) && n > 0 {
			break
		}
		if err != nil {
			d.t.Fatalf("the display recorded nothing: %v", err)
		}
		some, without := readStamps(d.t, f)
		f.Close()
		stamps, missing = append(stamps, some...), missing+without
	}
	return stamps, missing
}

// readStamps reads the time stamps of a Y4M recording that may be still going on.
func readStamps(t testing.TB, f io.Reader) (stamps []time.Duration, missing int) {
	t.Helper()
	r := bufio.NewReaderSize(f, 1<<20)
	header, err := r.ReadString('\n')
	if err != nil {
		return nil, 0 // not written yet
	}
	var width, height int
	if _, err := fmt.Sscanf(header, "YUV4MPEG2 W%d H%d", &width, &height); err != nil {
		t.Fatalf("cannot read %q: %v", header, err)
	}
	m := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for {
		if _, err := r.ReadString('\n'); err != nil {
			return stamps, missing
		}
		for _, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
			if _, err := io.ReadFull(r, plane); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return stamps, missing // the newest picture is being written
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if at, ok := virtual.ReadStamp(m); ok {
			stamps = append(stamps, at)
		} else {
			missing++
		}
	}
}

// seen is a picture that the phone has presented.
type seen struct {
	Stamp float64 `json:"stamp"` // seconds on the device's boot clock; < 0: unreadable
	At    float64 `json:"at"`    // seconds since 1970, when it was presented
	Got   float64 `json:"got"`   // seconds, when the callback ran
	// Stalled is for how many seconds since the picture before the page could do
	// nothing at all, not even run its timers: the machine had no time for it.
	Stalled float64 `json:"stalled"`
	// Waited is for how many seconds of these a processor was given to another machine, where
	// that was watched: see starved.
	Waited float64 `json:"-"`
}

// stampReader is JavaScript that collects every presented picture of the remote
// video in window.seen, with its time stamp read from a canvas by the geometry
// that hal/virtual documents.
const stampReader = `(() => {
  const video = document.querySelector('[data-testid="remote-video"]');
  const canvas = new OffscreenCanvas(640, 48);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const seen = (window.seen = []);
  const read = () => {
    // The top twelfth, scaled so that a cell is 20 by 24 pixels.
    context.drawImage(video, 0, 0, video.videoWidth, video.videoHeight / 12, 0, 0, 640, 48);
    const { data } = context.getImageData(0, 0, 640, 48);
    const level = [];
    for (let i = 0; i < 64; i++) {
      const x0 = (i % 32) * 20 + 5, y0 = Math.floor(i / 32) * 24 + 6;
      let sum = 0;
      for (let y = y0; y < y0 + 12; y += 3) for (let x = x0; x < x0 + 10; x += 3) sum += data[(y * 640 + x) * 4 + 1];
      level.push(sum / 16);
    }
    const middle = (Math.min(...level) + Math.max(...level)) / 2;
    const bits = level.map((v) => (v > middle ? 1 : 0));
    const bytes = [];
    for (let i = 0; i < 64; i += 8) bytes.push(bits.slice(i, i + 8).reduce((a, b) => a * 2 + b, 0));
    let crc = 0xffff;
    for (const b of bytes.slice(0, 6)) {
      crc ^= b << 8;
      for (let k = 0; k < 8; k++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
    }
    if (crc !== bytes[6] * 256 + bytes[7]) return -1;
    return bytes.slice(0, 6).reduce((a, b) => a * 256 + b, 0) / 1e6;
  };
  let stalled = 0, ran = performance.now();
  const run = () => {
    const stood = performance.now() - ran;
    ran += stood;
    if (stood > 60) stalled += (stood - 20) / 1e3;
  };
  const timer = setInterval(() => { run(); if (window.seen !== seen) clearInterval(timer); }, 20);
  const next = (now, meta) => {
    if (window.seen !== seen) return; // a later collection has begun
    run();
    seen.push({ stamp: read(), at: (performance.timeOrigin + meta.expectedDisplayTime) / 1e3, got: (performance.timeOrigin + now) / 1e3, stalled });
    stalled = 0;
    if (seen.length > 20000) seen.shift();
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
  return true;
})()`

// watchVideo starts to collect what the phone presents; once more, anew.
func (p *phone) watchVideo() { p.t.Helper(); eval[bool](p, stampReader) }

// seen returns what was presented since watchVideo.
func (p *phone) seen() []seen { p.t.Helper(); return eval[[]seen](p, `window.seen`) }

// checkSeen wants at least so many seconds of pictures whose stamps advance by as
// much, of which nearly all are readable and new, and no gap over maxGap (0: any)
// between two presented pictures: see largestGap, which it returns.
func checkSeen(t *testing.T, list []seen, seconds float64, maxGap time.Duration) time.Duration {
	t.Helper()
	if len(list) < 2 {
		t.Fatalf("the phone presented %d pictures", len(list))
	}
	unreadable, repeated, first, last := 0, 0, -1.0, -1.0
	allStalled, allWaited := 0.0, 0.0
	for i, s := range list {
		if i > 0 {
			allStalled += s.Stalled
			allWaited += s.Waited
		}
		switch {
		case s.Stamp < 0:
			unreadable++
		case s.Stamp < last:
			t.Errorf("picture %d went back in time: %.3f s after %.3f s", i, s.Stamp, last)
		case s.Stamp == last:
			repeated++
			continue
		case first < 0:
			first = s.Stamp
		}
		last = max(last, s.Stamp)
	}
	if got := list[len(list)-1].Got - list[0].Got; got < seconds {
		t.Errorf("pictures over %.1f s, want %.1f s", got, seconds)
	}
	if last-first < seconds {
		t.Errorf("the time stamps in the pictures advance by %.2f s, want %.1f s", last-first, seconds)
	}
	if unreadable*50 > len(list) {
		t.Errorf("%d of %d pictures have no readable time stamp", unreadable, len(list))
	}
	if repeated*50 > len(list) {
		t.Errorf("%d of %d pictures have the time stamp of the one before", repeated, len(list))
	}
	largest := largestGap(list)
	if maxGap > 0 && largest > maxGap {
		t.Errorf("the largest gap between two pictures is %v, want at most %v", largest, maxGap)
	}
	t.Logf("seen: %d pictures, %d unreadable, %d repeated, stamps over %.2f s, largest gap %v; the page stood still for %.2f s, and waited for %.2f s",
		len(list), unreadable, repeated, last-first, largest, allStalled, allWaited)
	return largest
}

// mostStarved is how much of one gap a busy machine is believed to have made: a call that
// was disturbed is not back sooner.
const mostStarved = 800 * time.Millisecond

// largestGap is the largest between two presented pictures. One that is presented once
// more, with the stamp of the one before, closes no gap; time in which the page itself
// stood still, or the machine had none for it, tells nothing of the call and makes none.
func largestGap(list []seen) time.Duration {
	moved, last := list[0].Got, -1.0
	gap, stalled, waited := 0.0, 0.0, 0.0
	upTo := func(s seen) { gap = max(gap, s.Got-moved-max(stalled, min(waited, mostStarved.Seconds()))) }
	for i, s := range list {
		if i > 0 {
			stalled += s.Stalled
			waited += s.Waited
		}
		if s.Stamp >= 0 && s.Stamp == last {
			continue
		}
		last = max(last, s.Stamp)
		upTo(s)
		moved, stalled, waited = s.Got, 0, 0
	}
	upTo(list[len(list)-1])
	return time.Duration(gap * float64(time.Second))
}

// The fake camera's file is played again and again; a step between two of its
// pictures that is longer than pause is a picture that stood still.
const (
	cameraSeconds = 10
	pause         = 500 * time.Millisecond
)

// checkShown wants at least so many seconds of the phone's pictures on the
// device's display, whose stamps advance picture by picture. They begin anew at
// most once in each begun run of the fake camera's file.
func checkShown(t *testing.T, d *device, seconds float64) {
	t.Helper()
	stamps, missing := d.shown()
	if len(stamps) < 2 {
		t.Fatalf("the device displayed %d pictures with a time stamp, %d without", len(stamps), missing)
	}
	moving, restarts, repeated := time.Duration(0), 0, 0
	for i := 1; i < len(stamps); i++ {
		switch step := stamps[i] - stamps[i-1]; {
		case step < 0:
			restarts++
		case step == 0:
			repeated++
		case step <= pause:
			moving += step
		}
	}
	if moving.Seconds() < seconds {
		t.Errorf("the device displayed %v of moving pictures; want %.1f s", moving, seconds)
	}
	if allowed := 1 + int(moving.Seconds()/cameraSeconds); restarts > allowed {
		t.Errorf("the pictures on the device's display went back in time %d times in %v, want at most %d", restarts, moving, allowed)
	}
	if repeated*50 > len(stamps) {
		t.Errorf("%d of %d displayed pictures have the time stamp of the one before", repeated, len(stamps))
	}
	if missing*10 > len(stamps) {
		t.Errorf("%d of %d displayed pictures have no readable time stamp", missing, len(stamps)+missing)
	}
	t.Logf("shown: %d pictures, %d without a stamp, %d repeated, %d restarts, %v moving", len(stamps), missing, repeated, restarts, moving)
}
