package media

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4"

	"callbox/hal"
)

// notedScreen is a display with captions that writes down what happens to it, and may be
// pulled.
type notedScreen struct {
	*journal
	*plug
}

func (d notedScreen) Name() string { return "screen" }

func (d notedScreen) Open() (hal.DisplayStream, error) {
	if d.gone() == nil {
		return nil, hal.ErrGone
	}
	d.note("open")
	return &notedShow{notedScreen: d}, nil
}

type notedShow struct {
	notedScreen
	once sync.Once
}

func (s *notedShow) Caption(c hal.Caption) { s.note(fmt.Sprintf("caption %s %v", c.Name, c.Deadline)) }

func (s *notedShow) Refresh() error { return s.happened("refresh") }

func (s *notedShow) Show(f *hal.Frame) error {
	if f.Colours != (hal.Colours{}) {
		return s.happened(fmt.Sprintf("show %+v", f.Colours))
	}
	return s.happened("show")
}

func (s *notedShow) happened(line string) error {
	if s.gone() == nil {
		return hal.ErrGone
	}
	s.note(line)
	return nil
}

func (s *notedShow) Close() error {
	s.once.Do(func() { s.note("close") })
	return nil
}

// watching is a talk with a screen, whose phone is pretended.
func watching(t *testing.T, limit Limit) (*talk, *videoReceiver, notedScreen) {
	t.Helper()
	d := notedScreen{&journal{}, newPlug()}
	l := newTalk(t, bubbleEngine(t, func(o *EngineOptions) { o.Camera, o.Sound, o.Display = nil, nil, d }), true)
	l.cfg.Name = "Anna"
	v := newVideoReceiver(l.Session, &webrtc.TrackRemote{})
	l.Accept(limit)
	l.connect()
	l.goFunc(v.run)
	synctest.Wait()
	return l, v, d
}

// receive pretends that a picture has come, and waits until it was dealt with.
func (v *videoReceiver) receive(data []byte) {
	v.receiveIn(vp8(v), data)
}

func vp8(v *videoReceiver) *videoCodec {
	i := slices.IndexFunc(v.s.engine.codecs, func(c *videoCodec) bool { return c.name == CodecVP8 })
	return v.s.engine.codecs[i]
}

func (v *videoReceiver) receiveIn(codec *videoCodec, data []byte) {
	select {
	case v.queue <- received{codec: codec, data: data, damaged: v.skipped.Swap(false)}:
	default:
		v.skipped.Store(true)
	}
	synctest.Wait()
}

// TestCaption: the display is told who is seen and when the call ends, at once, and is
// asked to bring the time up to date while no picture comes.
func TestCaption(t *testing.T) {
	key := keyframe(t)
	for name, limit := range map[string]Limit{"limited": {Set: true, Duration: time.Minute}, "without limit": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, v, d := watching(t, limit)
				deadline := time.Duration(0)
				if limit.Set {
					deadline = l.engine.opts.Clock.Now() + limit.Duration
				}
				caption := fmt.Sprintf("caption Anna %v", deadline)
				d.wantLines(t, "open", caption, "refresh")
				time.Sleep(2*captionTick + captionTick/2)
				synctest.Wait()
				d.wantLines(t, "open", caption, "refresh", "refresh", "refresh")
				v.receive(key)
				d.wantLines(t, "open", caption, "refresh", "refresh", "refresh", "show")
				l.Shut()
				v.receive(key)
				time.Sleep(2 * captionTick)
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				d.wantLines(t, "open", caption, "refresh", "refresh", "refresh", "show", "close")
			})
		})
	}
}

// TestScreenThatComesBack: the call goes on without it, nothing is decoded meanwhile,
// and what has come in that time is not shown.
func TestScreenThatComesBack(t *testing.T) {
	key := keyframe(t)
	synctest.Test(t, func(t *testing.T) {
		l, v, d := watching(t, Limit{})
		v.receive(key)
		d.pull()
		v.receive(key)
		l.wantTold(t, "Connected", "Started", "gone display")
		decoded := l.Stats().VideoFramesDecoded
		for range 2 * decodeQueue {
			v.receive(key)
		}
		time.Sleep(3 * reopenDevice)
		for range 2 * decodeQueue {
			v.receive(key)
		}
		if now := l.Stats().VideoFramesDecoded; now != decoded {
			t.Errorf("without a screen %d pictures were decoded", now-decoded)
		}
		d.push()
		time.Sleep(reopenDevice)
		l.wantTold(t, "Connected", "Started", "gone display", "back display")
		if n := d.count("show"); n != 1 {
			t.Errorf("%d pictures were shown, those that came without a screen among them", n)
		}
		v.receive(key)
		v.receive(key)
		if n := d.count("show"); n != 3 {
			t.Errorf("%d pictures were shown, want 3", n)
		}
	})
}

// TestScreenThatIsMissing is told once, and found in the call.
func TestScreenThatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := notedScreen{&journal{}, newPlug()}
		d.pull()
		l := newTalk(t, bubbleEngine(t, func(o *EngineOptions) { o.Camera, o.Sound, o.Display = nil, nil, d }), true)
		v := newVideoReceiver(l.Session, &webrtc.TrackRemote{})
		l.Accept(Limit{})
		l.connect()
		l.goFunc(v.run)
		time.Sleep(3 * reopenDevice)
		l.wantTold(t, "Connected", "Started", "gone display")
		d.push()
		time.Sleep(reopenDevice)
		l.wantTold(t, "Connected", "Started", "gone display", "back display")
	})
}

// TestColours: what a stream says of its colours holds until it says something else, or
// until there is another stream.
func TestColours(t *testing.T) {
	key := keyframe(t)
	synctest.Test(t, func(t *testing.T) {
		_, v, d := watching(t, Limit{})
		speaks := *vp8(v)
		said := true
		speaks.colours = func([]byte) (hal.Colours, bool) { return hal.Colours{BT709: true}, said }
		v.receiveIn(&speaks, key)
		said = false
		v.receiveIn(&speaks, key)
		v.receive(key)
		if n, m := d.count("show {BT709:true FullRange:false}"), d.count("show"); n != 2 || m != 1 {
			t.Errorf("%d pictures of BT.709, %d of BT.601", n, m)
		}
	})
}
