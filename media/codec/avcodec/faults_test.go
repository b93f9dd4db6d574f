package avcodec

import (
	"errors"
	"image"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"callbox/media/codec/avcodec/plugintest"
	"callbox/media/codec/codectest"
	"callbox/media/codec/openh264"
	"callbox/media/codec/picture"
)

// TestProbe: what is no use in a call is not chosen, and the reason is said.
func TestProbe(t *testing.T) {
	p := codectest.Params(320, 240)
	p.FrameRate = 10 // under an emulator, too
	for name, tt := range map[string]struct {
		held  int    // pictures
		wrong string // "": it is good
	}{
		"sound":    {},
		"late":     {held: 1},
		"apart":    {held: 1},
		"later":    {wrong: "of 24 pictures it made 20"},
		"dead":     {wrong: "of 24 pictures it made 0"},
		"shut":     {wrong: "the device is busy"},
		"fails":    {wrong: "the device is gone"},
		"stuck":    {wrong: ErrStuck.Error()},
		"green":    {wrong: errOther.Error()},
		"extended": {wrong: "want constrained baseline"},
		"slow":     {wrong: "the encoder is too slow"},
		"deaf":     {wrong: "no keyframe on request"},
	} {
		t.Run(name, func(t *testing.T) {
			proof, err := faulty.Probe(name, p, newDecoder)
			if tt.wrong == "" && (err != nil || proof.Held != tt.held || proof.Time <= 0) {
				t.Errorf("%+v, %v; want %d held back and no error", proof, err, tt.held)
			}
			if tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
				t.Errorf("%v, want %q", err, tt.wrong)
			}
		})
	}
	if proof, err := library.Probe(plugintest.Software, p, newDecoder); err != nil {
		t.Errorf("libavcodec's own: %+v, %v", proof, err)
	}
	for _, name := range []string{V4L2, VAAPI} { // whatever this machine has, it ends
		proof, err := library.Probe(name, p, newDecoder)
		t.Logf("%s: %+v, %v", name, proof, err)
	}
}

// TestPicturesAreThoseThatWereGiven: an encoder that holds a picture back, or gives its
// parameter sets but once, is used nevertheless.
func TestPicturesAreThoseThatWereGiven(t *testing.T) {
	const w, h = 320, 240
	for _, fault := range []string{"sound", "late", "apart"} {
		enc, err := faulty.NewEncoder(fault, codectest.Params(w, h), newDecoder)
		if err != nil {
			t.Fatal(err)
		}
		dec, err := openh264.NewDecoder()
		if err != nil {
			t.Fatal(err)
		}
		shown, keys := 0, 0
		for n := range 40 {
			if n == 20 {
				enc.ForceKeyFrame()
			}
			f, err := enc.Encode(codectest.Picture(w, h, n), time.Duration(n)*codectest.FrameTime)
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Data) == 0 {
				continue
			}
			if f.Key {
				keys++
				dec.Lost() // it must show a picture by itself
			}
			img, err := dec.Decode(f.Data)
			if err != nil || img == nil {
				t.Fatalf("%s, picture %d: %v, %v", fault, n, img, err)
			}
			of := int((f.Captured + codectest.FrameTime/2) / codectest.FrameTime)
			if q := codectest.PSNR(codectest.Picture(w, h, of), img); q < 28 {
				t.Errorf("%s: picture %d is not that of its time: PSNR %.1f dB", fault, of, q)
			}
			shown++
		}
		if shown < 39 || keys != 2 {
			t.Errorf("%s: %d pictures and %d keyframes of 40, want 39 and 2", fault, shown, keys)
		}
		dec.Close()
		enc.Close()
	}
}

// TestStuckDriver: whoever waits for a driver gets an error, and the memory is freed when
// the driver answers after all.
func TestStuckDriver(t *testing.T) {
	enc, err := faulty.NewEncoder("stuck for long", codectest.Params(64, 64), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := enc.w
	img := codectest.Picture(64, 64, 0)
	for n := range 7 {
		begin := time.Now()
		_, err := enc.Encode(img, time.Duration(n)*codectest.FrameTime)
		if errors.Is(err, ErrStuck) != (n >= 5) || n == 6 && time.Since(begin) > encodeLimit/2 {
			t.Errorf("picture %d: %v after %v", n, err, time.Since(begin))
		}
	}
	begin := time.Now()
	if err := enc.Close(); err != nil || time.Since(begin) > closeLimit/2 {
		t.Errorf("Close took %v: %v", time.Since(begin), err)
	}
	if _, err := enc.Encode(img, time.Second); !errors.Is(err, picture.ErrClosed) {
		t.Errorf("Encode after Close: %v", err)
	}
	select {
	case <-w.ended:
	case <-time.After(5 * time.Second):
		t.Error("the encoder is not freed when the driver answers")
	}
}

// TestRequestsDoNotWaitForTheDriver, because they come from the goroutine that reads what
// the phone sends.
func TestRequestsDoNotWaitForTheDriver(t *testing.T) {
	enc, err := faulty.NewEncoder("stuck", codectest.Params(64, 64), nil)
	if err != nil {
		t.Fatal(err)
	}
	img, waits := codectest.Picture(64, 64, 0), make(chan struct{})
	var last atomic.Pointer[time.Time] // when the picture at which it hangs was given
	go func() {
		defer close(waits)
		for n := range 6 {
			if n == 5 {
				now := time.Now()
				last.Store(&now)
			}
			_, _ = enc.Encode(img, time.Duration(n)*codectest.FrameTime)
		}
	}()
	for meanwhile := 0; ; {
		given := last.Load()
		stuck := given != nil && time.Since(*given) > encodeLimit/10 // it is by then
		if err := errors.Join(enc.ForceKeyFrame(), enc.SetBitRate(500_000)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-waits:
			// One that waits is answered once, when the driver is given up. Else there are a
			// million, and some on the busiest machine.
			if meanwhile < 10 {
				t.Errorf("%d requests were taken while the driver was stuck", meanwhile)
			}
			w := enc.w
			enc.Close()
			<-w.ended
			return
		default:
			if stuck {
				meanwhile++
			}
		}
	}
}

// TestRate: an encoder that must be opened anew is when that is worth a keyframe, and
// pictures are left out until then.
func TestRate(t *testing.T) {
	at := func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }
	r := rate{asked: 1_000_000}
	for i, tt := range []struct {
		ms   int
		want int
		key  bool
		step step
	}{
		{0, 1_000_000, true, keep},
		{100, 1_020_000, false, keep},
		{200, 500_000, false, tell},     // nobody knows yet that it cannot
		{300, 500_000, false, keep},     // it has just been opened
		{2000, 900_000, false, keep},    // too little
		{2000, 500_000, false, reopen},  // asked: 500,000 from here on
		{3000, 1_000_000, false, keep},  // more can wait longer than less
		{3500, 1_000_000, true, reopen}, // but not at a keyframe
		{7000, 1_300_000, false, keep},
		{7500, 1_300_000, false, reopen},
		{7500, 100_000, false, keep},
	} {
		got := r.next(tt.want, tt.key, at(tt.ms))
		if got != tt.step {
			t.Errorf("step %d: %d, want %d", i, got, tt.step)
		}
		if got == tell {
			r.fixed = true
		}
		if got == reopen {
			r.opened(tt.want, at(tt.ms))
		}
	}
	r = rate{asked: 1_000_000, fixed: true, begun: true}
	r.next(250_000, false, at(100))
	out := 0
	for range 100 {
		if !r.leaveOut() {
			out++
		}
	}
	if out != 25 {
		t.Errorf("%d of 100 pictures go out at a quarter of the rate", out)
	}
}

// TestLook tells damage from coarseness.
func TestLook(t *testing.T) {
	const w, h = 640, 360
	same := pattern(w, h, 0)
	for i := range same.Y {
		same.Y[i] += byte(i * 7 % 9)
	}
	green := image.NewYCbCr(same.Rect, same.SubsampleRatio)
	skewed := pattern(w, h, 0)
	for y := range h { // lines of 656
		for x := range w {
			i := y*656 + x
			skewed.Y[y*skewed.YStride+x] = same.Y[i/w%h*same.YStride+i%w]
		}
	}
	from := lookAt(pattern(w, h, 0))
	for name, tt := range map[string]struct {
		img  *image.YCbCr
		like bool
	}{"coarse": {same, true}, "green": {green, false}, "skewed": {skewed, false}} {
		if got := from.like(lookAt(tt.img)); got != tt.like {
			t.Errorf("%s: like = %v", name, got)
		}
	}
}
