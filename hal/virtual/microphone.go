package virtual

import (
	"fmt"
	"math"
	"os"
	"time"

	"callbox/hal"
	"callbox/hal/wav"
)

const (
	// toneLevel is the amplitude of the tone: -12 dB of full scale, easy to hear
	// and gentle to ears.
	toneLevel = 0.25
	// toneOn and toneOff make the tone come and go, because a browser's noise
	// suppression removes a tone that stays.
	toneOn  = 250 * time.Millisecond
	toneOff = 250 * time.Millisecond
	// toneEdge is how long the tone takes to come and to go, which avoids clicks.
	toneEdge = 5 * time.Millisecond
)

// Microphone delivers a tone or a WAV file, each stream from the beginning.
type Microphone struct {
	hz     float64
	steady bool
	loop   []int16 // instead of the tone
}

// NewTone makes a microphone that delivers a tone of hz Hz, a quarter of a
// second on and a quarter off; with steady it stays on. 20 to 20000 Hz.
func NewTone(hz float64, steady bool) (*Microphone, error) {
	if !(hz >= 20 && hz <= 20000) {
		return nil, fmt.Errorf("cannot make a tone of %v Hz: hal.microphone.tone must be from 20 to 20000", hz)
	}
	return &Microphone{hz: hz, steady: steady}, nil
}

// NewPlayer makes a microphone that delivers a WAV file in a loop. The file is
// read now; see wav.Decode for what it may be.
func NewPlayer(path string) (*Microphone, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot use hal.microphone.file: %w", err)
	}
	defer f.Close()
	loop, err := wav.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("cannot use hal.microphone.file %s: %w", path, err)
	}
	return &Microphone{loop: loop}, nil
}

// Open starts a stream.
func (m *Microphone) Open() *MicrophoneStream { return &MicrophoneStream{m: m} }

// MicrophoneStream delivers the sound of one call. One goroutine at a time.
type MicrophoneStream struct {
	m     *Microphone
	at    int     // samples delivered, modulo the loop or one on and off
	phase float64 // of the tone, in cycles
}

// Read fills frame with the next samples at hal.SampleRate.
func (s *MicrophoneStream) Read(frame []int16) {
	if loop := s.m.loop; loop != nil {
		for i := range frame {
			frame[i] = loop[s.at]
			s.at = (s.at + 1) % len(loop)
		}
		return
	}
	for i := range frame {
		frame[i] = int16(math.MaxInt16 * toneLevel * s.envelope() * math.Sin(2*math.Pi*s.phase))
		s.phase = math.Mod(s.phase+s.m.hz/hal.SampleRate, 1)
		s.at = (s.at + 1) % samples(toneOn+toneOff)
	}
}

// envelope is from 0, off, to 1, on.
func (s *MicrophoneStream) envelope() float64 {
	on, edge := samples(toneOn), samples(toneEdge)
	switch {
	case s.m.steady:
		return 1
	case s.at >= on:
		return 0
	}
	return min(1, float64(s.at)/float64(edge), float64(on-s.at)/float64(edge))
}

func samples(d time.Duration) int { return int(d * hal.SampleRate / time.Second) }
