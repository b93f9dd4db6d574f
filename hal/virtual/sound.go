package virtual

import (
	"sync"
	"time"

	"callbox/hal"
)

// catchUp is how late the sound may be and still be brought up to date; what is
// older (a suspend, a debugger) is left out.
const catchUp = 50 * time.Millisecond

// Sound is a virtual microphone and a virtual speaker on the clock of the Go
// runtime. It implements hal.Sound.
type Sound struct {
	microphone *Microphone
	speaker    *Speaker
}

// NewSound joins the two halves; nil stands for none: captured sound is silence
// then, and played sound is dropped.
func NewSound(m *Microphone, s *Speaker) *Sound { return &Sound{microphone: m, speaker: s} }

// Microphone returns Name, or "" when there is none.
func (s *Sound) Microphone() string {
	if s.microphone == nil {
		return ""
	}
	return Name
}

// Speaker returns Name, or "" when there is none.
func (s *Sound) Speaker() string {
	if s.speaker == nil {
		return ""
	}
	return Name
}

// Open starts both halves.
func (s *Sound) Open(process hal.SoundFunc) (hal.SoundStream, error) {
	out := &soundStream{process: process, stop: make(chan struct{}), stopped: make(chan struct{}), gone: make(chan struct{})}
	if s.microphone != nil {
		out.source = s.microphone.Open()
	}
	if s.speaker != nil {
		sink, err := s.speaker.Open()
		if err != nil {
			return nil, err
		}
		out.sink = sink
	}
	go out.run()
	return out, nil
}

// OpenSpeaker is Open without the microphone: captured is silence.
func (s *Sound) OpenSpeaker(process hal.SoundFunc) (hal.SoundStream, error) {
	return NewSound(nil, s.speaker).Open(process)
}

// soundStream implements hal.SoundStream.
type soundStream struct {
	process       hal.SoundFunc
	source        *MicrophoneStream
	sink          *SpeakerStream
	stop, stopped chan struct{}
	gone          chan struct{} // never closed: this device stays
	closeOnce     sync.Once
	closeErr      error
}

func (s *soundStream) Gone() <-chan struct{} { return s.gone }

// run calls process on an absolute schedule, so that no delay adds up.
func (s *soundStream) run() {
	defer close(s.stopped)
	captured, playback := make([]int16, hal.FrameSamples), make([]int16, hal.FrameSamples)
	next := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-timer.C:
		}
		if now := time.Now(); now.Sub(next) > catchUp {
			next = now
		}
		clear(captured)
		if s.source != nil {
			s.source.Read(captured)
		}
		clear(playback)
		s.process(captured, playback)
		if s.sink != nil {
			s.sink.Write(playback)
		}
		next = next.Add(hal.FrameLength)
		timer.Reset(time.Until(next))
	}
}

func (s *soundStream) Close() error {
	s.closeOnce.Do(func() {
		close(s.stop)
		<-s.stopped
		if s.sink != nil {
			s.closeErr = s.sink.Close()
		}
	})
	return s.closeErr
}
