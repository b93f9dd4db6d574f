package media

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callbox/hal"
	"callbox/hal/virtual"
)

// loopSound is a device whose microphone hears its speaker, 100 ms later and 6 dB
// softer.
type loopSound struct {
	hal.Sound
	name string

	mu  sync.Mutex
	air [10 * hal.FrameSamples]int16
	at  int
}

func (s *loopSound) Microphone() string { return s.name }
func (s *loopSound) Speaker() string    { return s.name }

func (s *loopSound) Open(process hal.SoundFunc) (hal.SoundStream, error) {
	stream, err := s.Sound.Open(func(_, playback []int16) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var captured [hal.FrameSamples]int16
		part := s.air[s.at : s.at+hal.FrameSamples]
		for i, v := range part {
			captured[i] = v / 2
		}
		process(captured[:], playback)
		copy(part, playback)
		s.at = (s.at + hal.FrameSamples) % len(s.air)
	})
	return loopStream{stream}, err
}

// loopStream has had three underruns.
type loopStream struct{ hal.SoundStream }

func (loopStream) Underruns() uint64 { return 3 }

// lateSound is a virtual device until it is looked for.
type lateSound struct {
	hal.Sound
	now hal.Sound
}

func (s lateSound) Now() hal.Sound { return s.now }

// bursts is noise that comes and goes four times a second, as speech does.
func bursts(length time.Duration) []int16 {
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]int16, int(length.Seconds()*hal.SampleRate))
	for i := range out {
		out[i] = int16(2000 * random.NormFloat64() * math.Sin(4*math.Pi*float64(i)/hal.SampleRate))
	}
	return out
}

func TestEchoIsTakenOut(t *testing.T) {
	for name, tt := range map[string]struct {
		device   string
		cleaning Cleaning
		volume   int
		muted    bool
		late     bool    // it comes after the start
		loss     float64 // at least; 0: none
	}{
		"speex":           {"loop", Cleaning{Echo: EchoSpeex}, 100, false, false, 25},
		"webrtc":          {"loop", Cleaning{Echo: EchoWebRTC, NoiseSuppression: true}, 100, false, false, 25},
		"softer":          {"loop", Cleaning{Echo: EchoSpeex, NoiseSuppression: true}, 75, false, false, 25},
		"microphone off":  {"loop", Cleaning{Echo: EchoSpeex}, 100, true, false, 25},
		"off":             {"loop", Cleaning{Echo: EchoOff}, 100, false, false, 0},
		"plugged in late": {"loop", Cleaning{Echo: EchoSpeex}, 100, false, true, 25},
		"virtual devices": {hal.NameVirtual, Cleaning{Echo: EchoSpeex}, 100, false, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sound := &loopSound{Sound: virtual.NewSound(nil, virtual.NewSpeaker("")), name: tt.device}
				e := bubbleEngine(t, func(o *EngineOptions) {
					o.Sound, o.Cleaning = sound, tt.cleaning
					if tt.late {
						o.Sound = lateSound{virtual.NewSound(nil, virtual.NewSpeaker("")), sound}
					}
				})
				e.SetVolume(tt.volume)
				l := newTalk(t, e, false)
				l.SetMicrophone(!tt.muted)
				l.Accept(Limit{})
				l.connect()
				l.Play(bursts(8 * time.Second))
				time.Sleep(6 * time.Second)
				s := l.Stats()
				if tt.loss == 0 {
					if s.EchoReturnLoss != 0 || s.EchoDelay != 0 {
						t.Errorf("without a canceller: return loss %.1f dB, delay %v ms", s.EchoReturnLoss, s.EchoDelay)
					}
					return
				}
				if s.EchoReturnLoss < tt.loss || math.Abs(s.EchoDelay-100) > 3 {
					t.Errorf("return loss %.1f dB, delay %v ms; want %v at least and 100", s.EchoReturnLoss, s.EchoDelay, tt.loss)
				}
				if s.AudioUnderruns != 3 {
					t.Errorf("%d underruns, want 3", s.AudioUnderruns)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if n := l.Stats().AudioUnderruns; n != 3 {
					t.Errorf("%d underruns after the call, want 3", n)
				}
				// The next call knows the delay from the first word on.
				next := newTalk(t, e, false)
				next.Accept(Limit{})
				next.connect()
				time.Sleep(100 * time.Millisecond)
				if d := next.Stats().EchoDelay; d != s.EchoDelay {
					t.Errorf("the next call begins with a delay of %v ms, want %v", d, s.EchoDelay)
				}
			})
		})
	}
}
