package virtual

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"callbox/hal"
	"callbox/hal/wav"
)

// recorderFrames is how much sound waits for a slow disk: two seconds.
const recorderFrames = 200

// Speaker swallows sound, and records it when it has a file: all calls one after
// the other, from the start of the daemon.
type Speaker struct {
	path string

	mu      sync.Mutex
	begun   bool // the file is ours already: append
	samples atomic.Int64
}

// NewSpeaker makes a speaker that records into the WAV file at path, whose older
// content is lost with the first call; with "" it records nothing.
func NewSpeaker(path string) *Speaker { return &Speaker{path: path} }

// Samples returns how many samples the speaker has swallowed in all calls.
func (s *Speaker) Samples() int64 { return s.samples.Load() }

// Open starts a stream.
func (s *Speaker) Open() (*SpeakerStream, error) {
	out := &SpeakerStream{speaker: s}
	if s.path == "" {
		return out, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var w *wav.Writer
	err := fs.ErrNotExist
	if s.begun {
		w, err = wav.Append(s.path)
	}
	if errors.Is(err, fs.ErrNotExist) { // the first call, or somebody took the file away
		w, err = wav.Create(s.path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use hal.speaker.record: %w", err)
	}
	s.begun = true
	out.frames = make(chan recorded, recorderFrames)
	out.done = make(chan error, 1)
	go func() { out.done <- record(w, out.frames) }()
	return out, nil
}

// recorded is a frame on its way to the file, and how many before it found no
// place.
type recorded struct {
	samples [hal.FrameSamples]int16
	lost    int
}

// SpeakerStream takes the sound of one call. One goroutine at a time.
type SpeakerStream struct {
	speaker *Speaker
	frames  chan recorded // nil when nothing is recorded
	lost    int
	done    chan error

	closeOnce sync.Once
	closeErr  error
}

// Write takes one frame of hal.FrameSamples samples. It never blocks: what a
// slow disk cannot take becomes silence in the file.
func (s *SpeakerStream) Write(frame []int16) {
	s.speaker.samples.Add(int64(len(frame)))
	if s.frames == nil {
		return
	}
	r := recorded{lost: s.lost}
	copy(r.samples[:], frame)
	select {
	case s.frames <- r:
		s.lost = 0
	default:
		s.lost++
	}
}

// Close writes what is left. It may be called twice, not while Write runs.
func (s *SpeakerStream) Close() error {
	s.closeOnce.Do(func() {
		if s.frames != nil {
			close(s.frames)
			s.closeErr = <-s.done
		}
	})
	return s.closeErr
}

// record writes frames until the channel is closed; the file is whole after each
// second.
func record(w *wav.Writer, frames <-chan recorded) error {
	var failed error
	n := 0
	for f := range frames {
		if failed != nil {
			continue // the disk is full: the call goes on
		}
		for range f.lost {
			w.Write(make([]int16, hal.FrameSamples))
		}
		w.Write(f.samples[:])
		if n++; n%(hal.SampleRate/hal.FrameSamples) == 0 {
			failed = w.Flush()
		}
	}
	return errors.Join(failed, w.Close())
}
