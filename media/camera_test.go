package media

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/samplebuilder"

	"callbox/hal"
	"callbox/media/codec/h264"
	"callbox/media/codec/picture"
)

// TestSlate: while the camera is gone the phone goes on getting pictures, of a slate,
// and the camera's again when it is back.
func TestSlate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, j := newPlug(), &journal{}
		e := bubbleEngine(t, func(o *EngineOptions) {
			o.Camera, o.Sound = &notedCamera{Camera: o.Camera, journal: j, plug: p, silent: true}, nil
		})
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(time.Second)
		p.pull()
		time.Sleep(time.Second)
		before := l.Stats()
		if before.VideoWidth != 0 {
			t.Errorf("the camera's size is %d although it is gone", before.VideoWidth)
		}
		time.Sleep(10 * time.Second)
		now := l.Stats()
		if n := now.VideoFramesSent - before.VideoFramesSent; n < 10*slateRate-5 || n > 10*slateRate+5 {
			t.Errorf("%d pictures in 10 s of slate, want %d", n, 10*slateRate)
		}
		if n := now.KeyframesSent - before.KeyframesSent; n > 1 {
			t.Errorf("%d keyframes in 10 s of slate: it is begun anew at each look for the camera", n)
		}
		p.push()
		time.Sleep(2 * reopenDevice)
		if s := l.Stats(); s.VideoWidth != 320 || s.VideoFramesSent < now.VideoFramesSent+20 {
			t.Errorf("the camera is not back: %+v", s)
		}
		l.wantTold(t, "Connected", "Started", "gone camera", "back camera")
	})
}

// TestNoSlateInTheDark: without its light the device shows nothing at all.
func TestNoSlateInTheDark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, true, func(*EngineOptions) {})
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(time.Second)
		light.setBroken(true)
		light.goDark()
		synctest.Wait()
		before := l.Stats().VideoFramesSent
		time.Sleep(5 * reopenDevice)
		if n := l.Stats().VideoFramesSent; n != before {
			t.Errorf("%d pictures in the dark", n-before)
		}
	})
}

// asleep is a Listener that never wakes by itself.
type asleep struct{}

func (asleep) Wait(ctx context.Context, _ time.Duration) { <-ctx.Done() }
func (asleep) Close()                                    {}

// TestSwitchWhileTheCameraIsGone: the other one is shown at once, and not at the next
// look for the one that is gone.
func TestSwitchWhileTheCameraIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlug()
		e := bubbleEngine(t, func(o *EngineOptions) {
			other := o.Camera
			o.Camera, o.Sound = &notedCamera{Camera: o.Camera, journal: &journal{}, plug: p, silent: true}, nil
			o.MoreCameras = []Camera{{Camera: other, Label: "Yard", Mode: hal.VideoMode{Width: 160, Height: 96, FrameRate: 10}}}
			o.Listen = func(string) Listener { return asleep{} }
		})
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(time.Second)
		p.pull()
		time.Sleep(time.Minute)
		if w := l.Stats().VideoWidth; w != 0 {
			t.Fatalf("the camera's width is %d although it is gone", w)
		}
		if _, err := l.SwitchCamera("Yard"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond)
		if w := l.Stats().VideoWidth; w != 160 {
			t.Errorf("half a second after the switch the camera's width is %d, want 160", w)
		}
	})
}

// TestSwitchCamera: one camera at a time, a keyframe of the other at once, and the
// next call begins with the first.
func TestSwitchCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := &journal{}, &journal{}
		e := bubbleEngine(t, func(o *EngineOptions) {
			other := o.Camera
			o.Camera, o.CameraLabel, o.Sound = &notedCamera{Camera: o.Camera, journal: first, silent: true}, "Door", nil
			o.MoreCameras = []Camera{{
				Camera: &notedCamera{Camera: other, journal: second, silent: true}, Label: "Yard",
				Mode: hal.VideoMode{Width: 160, Height: 96, FrameRate: 10},
			}}
		})
		if got := e.Cameras(); !slices.Equal(got, []string{"Door", "Yard"}) {
			t.Errorf("Cameras = %v", got)
		}
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(time.Second)
		for _, tt := range []struct {
			name, want string
			width      int
		}{{"", "Yard", 160}, {"Door", "Door", 320}, {"Yard", "Yard", 160}, {"", "Door", 320}} {
			keys := l.Stats().KeyframesSent
			if got, err := l.SwitchCamera(tt.name); got != tt.want || err != nil || l.Camera() != tt.want || l.View() != tt.want {
				t.Fatalf("SwitchCamera(%q) = %q, %v, want %q", tt.name, got, err, tt.want)
			}
			time.Sleep(time.Second)
			if s := l.Stats(); s.VideoWidth != tt.width || s.KeyframesSent != keys+1 {
				t.Errorf("%s: %d pixels wide, %d keyframes more; want %d and 1", tt.want, s.VideoWidth, s.KeyframesSent-keys, tt.width)
			}
		}
		if _, err := l.SwitchCamera("Cellar"); !errors.Is(err, ErrUnknownCamera) {
			t.Errorf("SwitchCamera = %v, want ErrUnknownCamera", err)
		}
		l.wantTold(t, "Connected", "Started")
		l.Close()
		wantAlone(t, first)
		wantAlone(t, second)
		again := newTalk(t, e, true)
		if again.Camera() != "Door" {
			t.Errorf("the next call shows %q", again.Camera())
		}
		if _, err := newTalk(t, e, false).SwitchCamera(""); !errors.Is(err, ErrNoCamera) {
			t.Errorf("SwitchCamera of a voice call = %v, want ErrNoCamera", err)
		}
	})
}

// countingCamera has two bad pictures and three late ones each time it is opened.
type countingCamera struct{ hal.Camera }

func (c countingCamera) Open(want hal.VideoMode) (hal.VideoStream, error) {
	s, err := c.Camera.Open(want)
	return countingStream{s}, err
}

type countingStream struct{ hal.VideoStream }

func (countingStream) BadFrames() uint64  { return 2 }
func (countingStream) LateFrames() uint64 { return 3 }

// TestSkippedPictures: those of each stream of the call count, also when it was closed.
func TestSkippedPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := bubbleEngine(t, func(o *EngineOptions) {
			other := o.Camera
			o.Camera, o.Sound = countingCamera{o.Camera}, nil
			o.MoreCameras = []Camera{{Camera: other, Label: "Yard", Mode: hal.VideoMode{Width: 160, Height: 96, FrameRate: 10}}}
		})
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		want := func(bad, late uint64) {
			t.Helper()
			time.Sleep(time.Second)
			if s := l.Stats(); s.CameraFramesBad != bad || s.CameraFramesLate != late {
				t.Errorf("%d bad pictures and %d late, want %d and %d", s.CameraFramesBad, s.CameraFramesLate, bad, late)
			}
		}
		want(2, 3)
		for _, bad := range []uint64{2, 4} { // the other camera counts nothing
			if _, err := l.SwitchCamera(""); err != nil {
				t.Fatal(err)
			}
			want(bad, bad/2*3)
		}
		l.Close()
		want(4, 6)
	})
}

// encodingCamera is a camera that gives H.264 by itself: what OpenH264 makes of another
// one's pictures.
type encodingCamera struct {
	hal.Camera
	sets    bool // SPS and PPS only once, as some cameras do
	profile byte // written into the SPS; 0: as it is
	breaks  int  // the picture with this number is damaged; 0: none
	deaf    int  // so many of the keyframes that are asked for do not come

	mu     sync.Mutex
	opened int
	forced int
	rates  []int
}

type encodingStream struct {
	c      *encodingCamera
	stream hal.VideoStream
	enc    picture.Encoder
	frame  hal.EncodedFrame
	told   bool
	n      int
}

func (c *encodingCamera) OpenEncoded(want hal.VideoMode, bitrate int) (hal.EncodedStream, error) {
	s, err := c.Open(want)
	if err != nil {
		return nil, err
	}
	enc, err := knownCodecs()[0].builder(want.FrameRate, bitrate, 0).New(picture.Params{
		Width: want.Width, Height: want.Height, FrameRate: want.FrameRate, Bitrate: bitrate,
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened++
	return &encodingStream{c: c, stream: s, enc: enc}, err
}

func (s *encodingStream) Mode() hal.VideoMode { return s.stream.Mode() }

func (s *encodingStream) ReadEncoded() (*hal.EncodedFrame, error) {
	f, err := s.stream.ReadFrame()
	if err != nil {
		return nil, err
	}
	out, err := s.enc.Encode(&f.YCbCr, f.Captured)
	if err != nil {
		return nil, io.EOF
	}
	data := slices.Clone(out.Data)
	if c := h264.Look(data); c.SPS != nil {
		if s.c.profile != 0 {
			c.SPS[1] = s.c.profile
		}
		if s.c.sets && s.told {
			data = nil
			h264.NALs(out.Data, func(nal []byte) bool {
				if t := h264.Type(nal); t != h264.TypeSPS && t != h264.TypePPS {
					data = append(append(data, 0, 0, 0, 1), nal...)
				}
				return true
			})
		}
		s.told = true
	}
	s.n++
	s.frame = hal.EncodedFrame{Data: data, Key: out.Key, Captured: out.Captured, Damaged: s.n == s.c.breaks}
	return &s.frame, nil
}

func (s *encodingStream) ForceKeyFrame() error {
	s.c.mu.Lock()
	s.c.forced++
	deaf := s.c.forced <= s.c.deaf
	s.c.mu.Unlock()
	if deaf {
		return nil
	}
	return s.enc.ForceKeyFrame()
}

func (s *encodingStream) SetBitRate(bps int) error {
	s.c.mu.Lock()
	s.c.rates = append(s.c.rates, bps)
	s.c.mu.Unlock()
	return s.enc.SetBitRate(bps)
}

func (s *encodingStream) Close() error { return errors.Join(s.stream.Close(), s.enc.Close()) }

// TestCameraThatEncodes: its pictures are sent as they are, keyframes and the bitrate
// are asked of it, and the phone can decode what it gets.
func TestCameraThatEncodes(t *testing.T) {
	for name, tt := range map[string]struct{ sets bool }{"sets with each keyframe": {}, "sets once": {true}} {
		t.Run(name, func(t *testing.T) {
			c := &encodingCamera{sets: tt.sets}
			e := testEngine(t, func(o *EngineOptions) { c.Camera, o.Camera = o.Camera, c })
			p := newCuttablePhone(t, e, true)
			if _, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, listening); err != nil {
				t.Fatal(err)
			}
			w := &watchingPhone{}
			p.pc.OnTrack(w.watch)
			p.take(p.answer())
			p.session.Accept(Limit{})
			p.eventually(15*time.Second, "pictures are decoded", func() bool { return w.decoded.Load() > 10 })
			p.session.video.requestKeyframe()
			keys := p.session.Stats().KeyframesSent
			p.eventually(15*time.Second, "a keyframe that was asked for", func() bool {
				return p.session.Stats().KeyframesSent > keys
			})
			w.forget() // it must manage from that keyframe on
			p.session.video.requestKeyframe()
			before := w.decoded.Load()
			p.eventually(15*time.Second, "pictures are decoded from the new keyframe on", func() bool { return w.decoded.Load() > before+10 })
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.opened != 1 || c.forced < 2 || len(c.rates) == 0 {
				t.Errorf("opened %d times, %d keyframes asked for, bitrates %v", c.opened, c.forced, c.rates)
			}
		})
	}
}

// TestCameraThatEncodesBadly: what not every phone decodes is encoded by the device.
func TestCameraThatEncodesBadly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &encodingCamera{profile: 100}
		e := bubbleEngine(t, func(o *EngineOptions) { c.Camera, o.Camera, o.Sound = o.Camera, c, nil })
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(2 * time.Second)
		if n := l.Stats().VideoFramesSent; n < 20 {
			t.Errorf("%d pictures in 2 s", n)
		}
		l.wantTold(t, "Connected", "Started")
	})
}

// TestCameraThatDoesNotListen: a keyframe that is needed is asked for again, and a camera
// that never makes one is not left to encode.
func TestCameraThatDoesNotListen(t *testing.T) {
	for name, tt := range map[string]struct{ deaf, opened int }{"at first": {3, 1}, "ever": {1000, 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &encodingCamera{breaks: 20, deaf: tt.deaf}
				e := bubbleEngine(t, func(o *EngineOptions) { c.Camera, o.Camera, o.Sound = o.Camera, c, nil })
				l := newTalk(t, e, true)
				l.Accept(Limit{})
				l.connect()
				time.Sleep(3 * time.Second)
				stopped := l.Stats().VideoFramesSent
				time.Sleep(7 * time.Second)
				if n := l.Stats().VideoFramesSent; stopped > 25 || n < stopped+20 {
					t.Errorf("%d pictures in 3 s, and %d in 10 s", stopped, n)
				}
				c.mu.Lock()
				defer c.mu.Unlock()
				if c.opened != tt.opened || c.forced < 4 {
					t.Errorf("its encoder was opened %d times, and asked for %d keyframes", c.opened, c.forced)
				}
			})
		})
	}
}

// TestSnapshotOfACameraThatEncodes is decoded from its stream.
func TestSnapshotOfACameraThatEncodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &encodingCamera{}
		e := bubbleEngine(t, func(o *EngineOptions) { c.Camera, o.Camera, o.Sound = o.Camera, c, nil })
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(time.Second)
		jpeg, mode, err := e.Snapshot(t.Context())
		if err != nil || len(jpeg) < 1000 || mode.Width != 320 {
			t.Errorf("Snapshot = %d bytes of %+v, %v", len(jpeg), mode, err)
		}
	})
}

// TestEncodedForVP8: a phone without H.264 gets what the device encodes.
func TestEncodedForVP8(t *testing.T) {
	c := &encodingCamera{}
	p := offering(t, testEngine(t, func(o *EngineOptions) { c.Camera, o.Camera = o.Camera, c }), vp8Codec())
	p.take(p.answer())
	p.session.Accept(Limit{})
	p.eventually(15*time.Second, "pictures come", func() bool { return p.heard.Load() > 20 })
	if c.opened != 0 {
		t.Error("the camera's own H.264 was opened for a phone with VP8")
	}
}

// watchingPhone decodes the H.264 that comes.
type watchingPhone struct {
	decoded atomic.Int64
	again   atomic.Bool
}

func (w *watchingPhone) forget() { w.again.Store(true) }

func (w *watchingPhone) watch(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	builder := samplebuilder.New(512, h264.Packet{}, videoClock)
	decoder, err := knownCodecs()[0].decoder()
	if err != nil {
		return
	}
	defer func() { decoder.Close() }()
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		builder.Push(p)
		for s := builder.Pop(); s != nil; s = builder.Pop() {
			if w.again.Swap(false) {
				decoder.Close()
				if decoder, err = knownCodecs()[0].decoder(); err != nil {
					return
				}
			}
			if img, err := decoder.Decode(s.Data); err == nil && img != nil {
				w.decoded.Add(1)
			}
		}
	}
}
