package capture

import (
	"io"
	"sync"

	"callbox/hal"
)

// What the ring holds: 200 ms, in the frames of hal.
const (
	ringFrames  = 20
	ringSamples = ringFrames * hal.FrameSamples
)

// Ring carries captured sound from the driver's thread to the encoder. Write
// never waits and never allocates; when nobody reads, the oldest sound goes.
type Ring struct {
	mu     sync.Mutex
	buf    [ringSamples]int16
	read   int64 // samples, since the beginning of the call
	wrote  int64
	closed bool
	signal chan struct{}
}

// NewRing returns an empty ring.
func NewRing() *Ring { return &Ring{signal: make(chan struct{}, 1)} }

// Write appends one frame of hal.FrameSamples samples.
func (r *Ring) Write(pcm []int16) {
	r.mu.Lock()
	for i, v := range pcm {
		r.buf[(r.wrote+int64(i))%ringSamples] = v
	}
	r.wrote += int64(len(pcm))
	if r.wrote-r.read > ringSamples {
		r.read = r.wrote - ringSamples
	}
	r.mu.Unlock()
	select {
	case r.signal <- struct{}{}:
	default:
	}
}

// Read waits for len(pcm) samples and returns the position of the first of them,
// in samples since the beginning: it leaps where sound was lost. One goroutine at
// a time. It returns io.EOF after Close.
func (r *Ring) Read(pcm []int16) (position int64, err error) {
	for {
		r.mu.Lock()
		if r.closed {
			r.mu.Unlock()
			return 0, io.EOF
		}
		if r.wrote-r.read >= int64(len(pcm)) {
			position = r.read
			for i := range pcm {
				pcm[i] = r.buf[(position+int64(i))%ringSamples]
			}
			r.read += int64(len(pcm))
			r.mu.Unlock()
			return position, nil
		}
		r.mu.Unlock()
		<-r.signal
	}
}

// Close wakes Read. It may be called twice.
func (r *Ring) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	select {
	case r.signal <- struct{}{}:
	default:
	}
}
