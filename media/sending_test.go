package media

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"callbox/hal"
	"callbox/hal/virtual"
	"callbox/media/rate"
)

// TestSoundBeforePictures: what sound alone has shown of the way, which may have been a moment's
// lack of time, does not keep pictures from coming.
func TestSoundBeforePictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWay(t, bitsEngine(t), 30_000)
		w.SetCamera(false)
		if p := w.pass(5*time.Second, 5*time.Second); p.pictures != 0 || w.Stats().TargetUp > 60_000 {
			t.Fatalf("%+v; the target is %d bit/s", p, w.Stats().TargetUp)
		}
		w.become(3_000_000, 5*time.Second, time.Second)
		w.SetCamera(true)
		if p := w.pass(3*time.Second, time.Second); p.pictures < 500_000 || w.Stats().VideoSentWidth != 480 {
			t.Errorf("3 s after the camera was turned on: %+v, a target of %d bit/s", p, w.Stats().TargetUp)
		}
	})
}

// bitsEngine has a camera whose pictures need bits, and a microphone that is not silent.
func bitsEngine(t *testing.T, change ...func(o *EngineOptions)) *Engine {
	t.Helper()
	beeps, err := virtual.NewTone(300, false)
	if err != nil {
		t.Fatal(err)
	}
	return bubbleEngine(t, func(o *EngineOptions) {
		o.Camera = virtual.NewGrainyCamera(o.Clock, hal.MostGrain)
		o.CameraMode = hal.VideoMode{Width: 480, Height: 272, FrameRate: 25}
		o.Sound = virtual.NewSound(beeps, virtual.NewSpeaker(""))
		for _, c := range change {
			c(o)
		}
	})
}

// TestSlowWay: the rate follows the way, down at once and up soon; pictures become fewer and
// smaller, and are none where there is no room; sound is in time all the while.
func TestSlowWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWay(t, bitsEngine(t), 3_000_000)
		check := func(what string, ok bool, p passage) {
			t.Helper()
			s := w.Stats()
			if !ok {
				t.Errorf("%s: target %d bit/s, pictures of width %d, %v a second, %+v", what, s.TargetUp, s.VideoSentWidth, s.VideoFrameRate, p)
			}
		}
		p := w.pass(3*time.Second, time.Second)
		check("3 Mbit/s", w.Stats().TargetUp > 1_200_000 && p.pictures > 800_000 && w.Stats().VideoSentWidth == 480 && p.late < 50*time.Millisecond, p)

		p = w.become(300_000, 1500*time.Millisecond, 100*time.Millisecond)
		check("soon after it became 300 kbit/s", w.Stats().TargetUp < 350_000, p)
		p = w.pass(4*time.Second, 2*time.Second)
		check("300 kbit/s", p.pictures > 40_000 && p.pictures < 260_000 && p.late < 200*time.Millisecond, p)

		p = w.become(130_000, 8*time.Second, 2*time.Second)
		check("130 kbit/s", p.pictures > 10_000 && w.Stats().VideoFrameRate < 15 && p.late < 300*time.Millisecond, p)

		p = w.become(70_000, 10*time.Second, 2*time.Second)
		check("70 kbit/s", p.pictures == 0 && p.sound > 50 && p.late < 400*time.Millisecond, p)

		p = w.become(3_000_000, 6*time.Second, time.Second)
		check("6 s after it became 3 Mbit/s again", w.Stats().TargetUp > 400_000 && p.pictures > 0, p)
		p = w.pass(20*time.Second, time.Second)
		check("20 s later", p.pictures > 500_000 && w.Stats().VideoSentWidth == 480 && w.Stats().VideoFrameRate > 20, p)
	})
}

// TestPicturesComeBack although nothing of the talk is reported while there are none: a
// phone may want reports of pictures only, and a device may have no microphone.
func TestPicturesComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWay(t, bitsEngine(t), 3_000_000, func(w *slowWay) { w.apart = true })
		if p := w.pass(3*time.Second, time.Second); p.pictures < 500_000 {
			t.Fatalf("on a way of 3 Mbit/s %.0f bit/s of pictures", p.pictures)
		}
		if p := w.become(60_000, 15*time.Second, 2*time.Second); p.pictures > 0 || p.fill == 0 || p.fill > 30 {
			t.Errorf("on a way of 60 kbit/s %.0f bit/s of pictures, and %d packets of padding in 2 s", p.pictures, p.fill)
		}
		if p := w.become(3_000_000, 20*time.Second, time.Second); p.pictures < 500_000 {
			t.Errorf("20 s after it became 3 Mbit/s again %.0f bit/s of pictures, target %d", p.pictures, w.Stats().TargetUp)
		}
	})
}

// TestEncoderIsTold the rate that is left for it.
func TestEncoderIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWay(t, bitsEngine(t), 400_000)
		w.pass(time.Second, time.Second)
		told := &toldEncoder{}
		w.video.mu.Lock()
		told.encoder, w.video.encoder = w.video.encoder, told
		w.video.mu.Unlock()
		w.pass(15*time.Second, time.Second)
		synctest.Wait()
		w.video.mu.Lock()
		defer w.video.mu.Unlock()
		if left := w.send.videoRate(); differs(left, rate.Rate(told.last)) || left > 400_000 || told.times < 3 {
			t.Errorf("the encoder was told %d times, at last %d bit/s; %.0f are left for it", told.times, told.last, left)
		}
	})
}

// toldEncoder notes what the encoder is told.
type toldEncoder struct {
	encoder
	times, last int
}

func (e *toldEncoder) SetBitRate(bps int) error {
	e.times++
	e.last = bps
	return e.encoder.SetBitRate(bps)
}

// TestBacklog: while the packets that wait take too long pictures are left out.
func TestBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWay(t, bubbleEngine(t, nil), 3_000_000)
		w.pass(time.Second, time.Second)
		synctest.Wait()
		w.send.mu.Lock()
		for w.send.pace.Backlog() <= mostBacklog {
			w.send.pace.Push(1200, &rtp.Packet{Header: rtp.Header{Version: 2}, Payload: make([]byte, 1100)})
		}
		w.send.mu.Unlock()
		h := newShaper(w.video, hal.VideoMode{Width: 320, Height: 180}, 20)
		frame := &hal.Frame{YCbCr: *numbered(1)}
		if h.next(frame) != nil || w.Stats().VideoLeftOut != 1 {
			t.Errorf("a picture goes out although packets wait for more than %v; %d were left out", mostBacklog, w.Stats().VideoLeftOut)
		}
		w.send.drop()
		if h.next(frame) == nil {
			t.Error("no picture goes out although nothing waits")
		}
	})
}

// TestProbes: padding finds out what a way can carry that a picture which needs little
// does not.
func TestProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWay(t, bubbleEngine(t, func(o *EngineOptions) { o.VideoBitrate = 4_000_000 }), 3_000_000)
		if p := w.pass(4*time.Second, 4*time.Second); p.fill < 10 || w.Stats().TargetUp < 2_000_000 {
			t.Errorf("%d packets of padding, and a target of %d bit/s on a way of 3 Mbit/s", p.fill, w.Stats().TargetUp)
		}
	})
}

// TestSoundFollowsLoss: where packets are lost sound has the one before in it, too, and where
// none are it keeps its bits for itself.
func TestSoundFollowsLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// At this rate the encoder has bits for it from a loss of a few percent on.
		w := newSlowWay(t, bitsEngine(t, func(o *EngineOptions) { o.AudioBitrate = 24_000 }), 3_000_000)
		if p := w.pass(5*time.Second, 2*time.Second); p.corrects > p.sound/10 || p.sound < 50 {
			t.Errorf("without loss %d of %d packets correct the one before", p.corrects, p.sound)
		}
		w.losing(4)
		if p := w.pass(5*time.Second, 2*time.Second); p.corrects < p.sound/3 || w.send.loss() < 0.15 {
			t.Errorf("with a loss of %v %d of %d packets correct the one before", w.send.loss(), p.corrects, p.sound)
		}
	})
}

// TestSoundFollowsReports: with a phone that reports of pictures only, what it says of the
// sound in its receiver reports counts (RFC 3550, 6.4.1: in 256ths).
func TestSoundFollowsReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWay(t, bitsEngine(t, func(o *EngineOptions) { o.AudioBitrate = 24_000 }), 3_000_000, func(w *slowWay) { w.apart = true })
		if p := w.pass(5*time.Second, 2*time.Second); p.corrects > p.sound/10 || p.sound < 50 {
			t.Errorf("without loss %d of %d packets correct the one before", p.corrects, p.sound)
		}
		w.count.audioReported.Store(256 / 5)
		if p := w.pass(5*time.Second, 2*time.Second); p.corrects < p.sound/3 {
			t.Errorf("with a reported loss of 20 %% %d of %d packets correct the one before", p.corrects, p.sound)
		}
	})
}

// TestSentAgain: while a queue stands on the way lost packets are not sent again, and those of
// old pictures never.
func TestSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWay(t, bitsEngine(t), 3_000_000)
		again := func(old time.Duration) bool {
			rtp, _ := w.video.captured(w.now() - old)
			return w.send.again(rtp)
		}
		w.pass(2*time.Second, time.Second)
		if !again(oldAgain-10*time.Millisecond) || again(oldAgain+10*time.Millisecond) || again(time.Minute) {
			t.Error("pictures are sent again whatever their age")
		}
		if !again(0) {
			t.Error("nothing is sent again on a good way")
		}
		longest := 0.0
		for range 40 {
			w.become(60_000, 50*time.Millisecond, time.Second)
			_, queue := w.send.state()
			longest = max(longest, queue)
			if now := again(0); now != (queue < 200) {
				t.Errorf("packets are sent again: %v, although others wait for %.0f ms", now, queue)
			}
		}
		if longest < 250 {
			t.Errorf("packets wait for %.0f ms on a narrow way", longest)
		}
		w.become(3_000_000, 4*time.Second, time.Second)
		if !again(0) {
			t.Error("nothing is sent again after the queue has gone by")
		}
	})
}

// TestAnotherWay: what was lost on the way before says nothing of another one.
func TestAnotherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlowWay(t, bubbleEngine(t, nil), 3_000_000)
		w.losing(10)
		w.pass(5*time.Second, time.Second)
		if got := w.send.loss(); got < 0.05 {
			t.Fatalf("the loss is %v", got)
		}
		w.wayChanged(nil)
		if got := w.send.loss(); got != 0 {
			t.Errorf("the loss is %v on a way that is new", got)
		}
	})
}

// TestReportsOfAPhone reach the control through pion.
func TestReportsOfAPhone(t *testing.T) {
	l := connect(t, testEngine(t, func(o *EngineOptions) { o.ICE.Interfaces = []string{"lo"} }), true)
	l.session.Accept(Limit{})
	l.eventually("the phone's reports come", func() bool {
		l.session.send.mu.Lock()
		defer l.session.send.mu.Unlock()
		return l.session.send.known && l.session.send.control.Through() > 0
	})
}
