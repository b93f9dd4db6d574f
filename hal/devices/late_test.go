package devices

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/haltest"
	"callbox/hal/hotplug"
)

// plugs is a machine whose devices come and go.
type plugs struct {
	mu       sync.Mutex
	found    []Found
	problems error
}

func (p *plugs) set(problems error, found ...Found) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found, p.problems = found, problems
}

func (p *plugs) finders() Finders {
	f := func() ([]Found, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.found, p.problems
	}
	return Finders{Cameras: f, Sounds: f, Screens: f}
}

var (
	cam  = Found{Kind: Camera, Name: "usb-Cam"}
	cam2 = Found{Kind: Camera, Name: "usb-Cam2"}
	mic  = Found{Kind: Microphone, Name: "USB,0", Driver: "ALSA"}
	spk  = Found{Kind: Speaker, Name: "USB,0", Driver: "ALSA"}
)

// TestLook: what comes and goes between calls is in the report, and told to the log once.
func TestLook(t *testing.T) {
	forbidden := errors.New("cannot ask /dev/video0: permission denied")
	type state struct {
		problems error
		found    []Found
		chosen   string // of the camera; "!" behind it: missing
		reason   string
	}
	for name, tt := range map[string]struct {
		wanted string
		states []state
	}{
		"auto": {"auto", []state{
			{nil, nil, "virtual", "no camera was found"},
			{forbidden, nil, "virtual", "no camera was found: cannot ask /dev/video0: permission denied"},
			{nil, []Found{cam}, "usb-Cam", ""},
			{nil, nil, "usb-Cam!", `camera "usb-Cam" is not there`},
			{forbidden, nil, "usb-Cam!", `camera "usb-Cam" is not there: cannot ask /dev/video0: permission denied`},
			{nil, []Found{cam2}, "usb-Cam2", ""},
			{nil, []Found{cam, cam2}, "usb-Cam", ""},
		}},
		"named": {"usb-Cam", []state{
			{nil, nil, "usb-Cam!", `camera "usb-Cam" is not there`},
			{nil, []Found{cam2}, "usb-Cam!", `camera "usb-Cam" is not there; found: usb-Cam2`},
			{nil, []Found{cam2, cam}, "usb-Cam", ""},
			{nil, []Found{cam2}, "usb-Cam!", `camera "usb-Cam" is not there; found: usb-Cam2`},
		}},
		"none":    {"none", []state{{nil, []Found{cam}, "none", ""}, {nil, nil, "none", ""}}},
		"virtual": {"virtual", []state{{nil, []Found{cam}, "virtual", ""}, {nil, nil, "virtual", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			var p plugs
			var log bytes.Buffer
			p.set(tt.states[0].problems, tt.states[0].found...)
			s, err := OpenWith(options(tt.wanted, "none", "none", "none"), p.finders(), clock.Boot(), zerolog.New(&log))
			if err != nil {
				t.Fatal(err)
			}
			for i, now := range tt.states {
				p.set(now.problems, now.found...)
				changed := i > 0 && (now.chosen != tt.states[i-1].chosen || now.reason != tt.states[i-1].reason)
				if i > 0 {
					log.Reset()
				}
				s.Look()
				s.Look()
				chosen, missing := strings.CutSuffix(now.chosen, "!")
				want := Choice{Kind: Camera, Wanted: tt.wanted, Chosen: chosen, Virtual: chosen == "virtual", Missing: missing, Reason: now.reason}
				if got := s.Now()[0]; got != want {
					t.Errorf("state %d: %+v, want %+v", i, got, want)
				}
				if n := strings.Count(log.String(), `"camera"`); i > 0 && n != map[bool]int{true: 1}[changed] {
					t.Errorf("state %d was told %d times:\n%s", i, n, &log)
				}
				if s.Camera != nil && s.Camera.Name() != chosen {
					t.Errorf("state %d: the camera is %q", i, s.Camera.Name())
				}
			}
		})
	}
}

// fakeCamera gives pictures at once.
type fakeCamera struct{ name string }

func (c fakeCamera) Name() string { return c.name }

func (c fakeCamera) Open(hal.VideoMode) (hal.VideoStream, error) { return &fakePictures{}, nil }

func (c fakeCamera) OpenEncoded(hal.VideoMode, int) (hal.EncodedStream, error) {
	return nil, errors.New(c.name)
}

type fakePictures struct{ hal.VideoStream }

func (*fakePictures) ReadFrame() (*hal.Frame, error) { return &hal.Frame{}, nil }
func (*fakePictures) Close() error                   { return nil }

// TestAutoCamera: each opening takes what is there, and the test picture of a call ends
// when a camera comes.
func TestAutoCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p plugs
		c := newChooser(options("auto", "none", "none", "none"), p.finders(), zerolog.Nop())
		var drove []string
		a := &autoCamera{chooser: c, drive: func(c Choice) hal.Camera {
			drove = append(drove, c.Chosen)
			if c.Virtual {
				return struct{ hal.Camera }{fakeCamera{c.Chosen}} // does not encode
			}
			return fakeCamera{c.Chosen}
		}}
		s, err := a.Open(hal.VideoMode{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.OpenEncoded(hal.VideoMode{}, 0); !errors.Is(err, hal.ErrNotEncoded) {
			t.Errorf("the virtual camera encodes: %v", err)
		}
		read := func(want error) {
			t.Helper()
			synctest.Wait()
			if _, err := s.ReadFrame(); !errors.Is(err, want) || want != nil && !strings.Contains(err.Error(), "usb-Cam") {
				t.Errorf("ReadFrame = %v, want %v", err, want)
			}
		}
		for range 3 {
			time.Sleep(lookEvery)
			read(nil)
		}
		p.set(nil, cam)
		read(nil) // it does not look at each picture
		time.Sleep(lookEvery)
		read(hal.ErrGone) // the test picture
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if s, err = a.Open(hal.VideoMode{}); err != nil {
			t.Fatal(err)
		}
		p.set(nil)
		time.Sleep(lookEvery)
		read(nil) // of what happens to a real camera its driver tells
		if _, err := a.OpenEncoded(hal.VideoMode{}, 0); err == nil || err.Error() != "usb-Cam" {
			t.Errorf("a camera that is unplugged: %v", err)
		}
		if got := strings.Join(drove, " "); got != "virtual virtual usb-Cam usb-Cam" {
			t.Errorf("opened: %s", got)
		}
	})
}

// fakeSound tells what it was made of.
type fakeSound struct {
	microphone, speaker Choice
	gone                chan struct{}
}

func (s *fakeSound) Microphone() string { return half(s.microphone) }
func (s *fakeSound) Speaker() string    { return half(s.speaker) }

func (s *fakeSound) Open(hal.SoundFunc) (hal.SoundStream, error) { return s, nil }
func (s *fakeSound) Gone() <-chan struct{}                       { return s.gone }
func (s *fakeSound) Close() error                                { return nil }
func (s *fakeSound) Underruns() uint64                           { return 7 }
func (s *fakeSound) Delays() (capture, playback time.Duration)   { return 3, 4 }

// TestChosenSound: each opening takes what is there, and what lacks a device ends when
// that comes.
func TestChosenSound(t *testing.T) {
	const virtual, none = "virtual", ""
	for name, tt := range map[string]struct {
		microphone, speaker string
		before, found       []Found
		halves              [2]string // that are opened
		comes               []Found   // while it is open
		ends                bool
	}{
		"auto, all there":              {"auto", "auto", nil, []Found{mic, spk}, [2]string{"USB,0", "USB,0"}, nil, false},
		"auto, nothing, and it stays":  {"auto", "auto", nil, nil, [2]string{virtual, virtual}, nil, false},
		"auto, nothing, and one comes": {"auto", "auto", nil, nil, [2]string{virtual, virtual}, []Found{mic}, true},
		"auto, unplugged":              {"auto", "auto", []Found{mic, spk}, nil, [2]string{"USB,0", "USB,0"}, nil, false},
		"auto, half unplugged":         {"auto", "auto", []Found{mic, spk}, []Found{spk}, [2]string{none, "USB,0"}, []Found{mic, spk}, true},
		"named, half there":            {"mic2", "USB,0", nil, []Found{mic, spk}, [2]string{none, "USB,0"}, []Found{mic}, false},
		"named, speaker missing":       {"USB,0", "spk2", nil, []Found{mic, spk}, [2]string{"USB,0", none}, []Found{mic, {Kind: Speaker, Name: "spk2"}}, true},
		"named, nothing there":         {"mic2", "spk2", nil, nil, [2]string{"mic2", "spk2"}, nil, false},
		"named, and no speaker":        {"mic2", "none", nil, nil, [2]string{"mic2", none}, nil, false},
		"named, and a virtual speaker": {"mic2", "virtual", nil, nil, [2]string{none, virtual}, []Found{{Kind: Microphone, Name: "mic2"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p plugs
				p.set(nil, tt.before...)
				made := &fakeSound{gone: make(chan struct{})}
				s := &chosenSound{
					chooser: newChooser(options("none", tt.microphone, tt.speaker, "none"), p.finders(), zerolog.Nop()),
					drive: func(microphone, speaker Choice) hal.Sound {
						made.microphone, made.speaker = microphone, speaker
						return made
					},
				}
				s.chooser.lookForSound()
				p.set(nil, tt.found...)
				stream, err := s.Open(func(_, _ []int16) {})
				if err != nil {
					t.Fatal(err)
				}
				if got := [2]string{made.Microphone(), made.Speaker()}; got != tt.halves {
					t.Errorf("opened %q, want %q", got, tt.halves)
				}
				if n := stream.(interface{ Underruns() uint64 }).Underruns(); n != 7 {
					t.Errorf("%d underruns", n)
				}
				delays := stream.(interface {
					Delays() (capture, playback time.Duration)
				})
				if capture, playback := delays.Delays(); capture != 3 || playback != 4 {
					t.Errorf("delays of %v and %v", capture, playback)
				}
				p.set(nil, tt.comes...)
				time.Sleep(2*lookEvery + time.Millisecond)
				synctest.Wait()
				select {
				case <-stream.Gone():
					if !tt.ends {
						t.Error("it ended")
					}
				default:
					if tt.ends {
						t.Error("it goes on without what has come")
					}
				}
				if b, ok := stream.(interface{ Better() bool }); tt.ends && (!ok || !b.Better()) {
					t.Error("it ended as if the device had gone")
				}
				if err := stream.Close(); err != nil {
					t.Error(err)
				}
				alone, err := s.OpenSpeaker(func(_, _ []int16) {})
				if err != nil || made.Microphone() != "" {
					t.Fatalf("OpenSpeaker = %v, with the microphone %q", err, made.Microphone())
				}
				if err := alone.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestLackingSoundGoes: that the device itself is unplugged is told, too.
func TestLackingSoundGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &fakeSound{gone: make(chan struct{})}
		stream, err := (&lackingSound{Sound: inner, better: func() bool { return false }}).Open(nil)
		if err != nil {
			t.Fatal(err)
		}
		close(inner.gone)
		<-stream.Gone()
		if stream.(*lackingStream).Better() {
			t.Error("it says that something better has come")
		}
		for range 2 {
			if err := stream.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestPluggedInIsNoticed by what stands in, at once and not at the next look.
func TestPluggedInIsNoticed(t *testing.T) {
	const soon = 300 * time.Millisecond
	for kind, event := range map[string]string{
		"camera":  "ACTION=add\x00SUBSYSTEM=video4linux\x00DEVNAME=video0",
		"speaker": "ACTION=add\x00SUBSYSTEM=sound\x00DEVNAME=snd/controlC0",
		"sound":   "ACTION=add\x00SUBSYSTEM=sound\x00DEVNAME=snd/controlC0",
	} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p plugs
				find, told := p.finders(), make(haltest.Uevents, 1)
				find.Plugs = hotplug.New(told)
				defer find.Plugs.Close()
				c := newChooser(options("auto", "auto", "auto", "none"), find, zerolog.Nop())
				var ended func() bool
				switch kind {
				case "camera":
					a := &autoCamera{chooser: c, drive: func(c Choice) hal.Camera { return fakeCamera{c.Chosen} }}
					s, err := a.Open(hal.VideoMode{})
					if err != nil {
						t.Fatal(err)
					}
					defer s.Close()
					ended = func() bool { _, err := s.ReadFrame(); return errors.Is(err, hal.ErrGone) }
				case "sound", "speaker":
					a := &chosenSound{chooser: c, drive: func(Choice, Choice) hal.Sound { return &fakeSound{gone: make(chan struct{})} }}
					open := a.Open
					if kind == "speaker" {
						open = a.OpenSpeaker
					}
					s, err := open(nil)
					if err != nil {
						t.Fatal(err)
					}
					defer s.Close()
					ended = func() bool {
						select {
						case <-s.Gone():
							return true
						default:
							return false
						}
					}
				}
				time.Sleep(time.Minute + lookEvery/2)
				p.set(nil, cam, mic, spk)
				time.Sleep(soon)
				synctest.Wait()
				if ended() {
					t.Error("it looks all the time")
				}
				told <- event + "\x00"
				time.Sleep(soon)
				synctest.Wait()
				if !ended() {
					t.Errorf("%v after it was plugged in it is not noticed", soon)
				}
			})
		})
	}
}
