package media

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pion/webrtc/v4"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/virtual"
)

// bubbleEngine is testEngine in the fake time of testing/synctest.
func bubbleEngine(t *testing.T, change func(*EngineOptions)) *Engine {
	t.Helper()
	return testEngine(t, func(o *EngineOptions) {
		o.Clock = clock.Go()
		o.Camera = virtual.NewCamera(o.Clock)
		if change != nil {
			change(o)
		}
	})
}

// talk is a session whose way to a phone is pretended: no packet leaves it.
type talk struct {
	*Session
	mu     sync.Mutex
	events []Event
}

func newTalk(t *testing.T, e *Engine, video bool) *talk {
	t.Helper()
	l := &talk{}
	var err error
	l.Session, err = e.NewSession(SessionConfig{Room: "r", Video: video, Emit: func(ev Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, ev)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Session.Close: %v", err)
		}
	})
	return l
}

// connect makes it look as if ICE and DTLS were done.
func (l *talk) connect() { l.stateChanged(webrtc.PeerConnectionStateConnected) }

// told is what was emitted, in a few words each, once all is quiet.
func (l *talk) told() []string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, ev := range l.events {
		switch ev := ev.(type) {
		case DeviceGone:
			out = append(out, "gone "+ev.Kind)
		case DeviceBack:
			out = append(out, "back "+ev.Kind)
		default:
			out = append(out, fmt.Sprintf("%T", ev)[len("media."):])
		}
	}
	return out
}

func (l *talk) wantTold(t *testing.T, want ...string) {
	t.Helper()
	if got := l.told(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// journal writes down what happens to devices, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) wantLines(t *testing.T, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.lines, want) {
		t.Errorf("it happened: %q, want %q", j.lines, want)
	}
}

func (j *journal) count(line string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, l := range j.lines {
		if l == line {
			n++
		}
	}
	return n
}

// plug is where a device is plugged in, or not.
type plug struct {
	mu  sync.Mutex
	out chan struct{} // closed when it is pulled; nil while it is out
}

func newPlug() *plug { return &plug{out: make(chan struct{})} }

func (p *plug) pull() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.out)
	p.out = nil
}

func (p *plug) push() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = make(chan struct{})
}

func (p *plug) gone() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out
}

// notedCamera is a camera that writes down when it opens and closes, fails with
// err, and may be pulled.
type notedCamera struct {
	hal.Camera
	*journal
	plug   *plug // nil: it stays
	err    error
	silent bool // about its pictures
}

func (c *notedCamera) Open(want hal.VideoMode) (hal.VideoStream, error) {
	s := &notedPictures{journal: c.journal, silent: c.silent}
	if c.plug != nil {
		if s.gone = c.plug.gone(); s.gone == nil {
			return nil, hal.ErrNotFound
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	c.note("open camera")
	var err error
	s.VideoStream, err = c.Camera.Open(want)
	return s, err
}

type notedPictures struct {
	hal.VideoStream
	*journal
	gone   chan struct{}
	once   sync.Once
	silent bool
}

func (s *notedPictures) ReadFrame() (*hal.Frame, error) {
	select {
	case <-s.gone:
		return nil, hal.ErrGone
	default:
	}
	if !s.silent {
		s.note("picture")
	}
	return s.VideoStream.ReadFrame()
}

func (s *notedPictures) Close() error {
	err := s.VideoStream.Close()
	s.once.Do(func() { s.note("close camera") })
	return err
}

// notedSound is the same for sound.
type notedSound struct {
	hal.Sound
	*journal
	plug *plug
	err  error
}

func (c *notedSound) Open(process hal.SoundFunc) (hal.SoundStream, error) {
	s := &notedSamples{journal: c.journal}
	if c.plug != nil {
		if s.gone = c.plug.gone(); s.gone == nil {
			return nil, hal.ErrNotFound
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	c.note("open sound")
	var err error
	s.SoundStream, err = c.Sound.Open(process)
	return s, err
}

type notedSamples struct {
	hal.SoundStream
	*journal
	gone chan struct{}
	once sync.Once
}

func (s *notedSamples) Gone() <-chan struct{} { return s.gone }

func (s *notedSamples) Close() error {
	err := s.SoundStream.Close()
	s.once.Do(func() { s.note("close sound") })
	return err
}
