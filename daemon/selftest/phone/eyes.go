package phone

import (
	"slices"
	"sync"
	"time"

	"github.com/pion/rtp/codecs"

	"callbox/daemon/selftest"
	"callbox/hal/virtual"
	"callbox/media/codec/vpx"
	"callbox/signaling/phonepeer"
)

// waitingPictures is how many pictures may wait to be looked at; more are left out.
const waitingPictures = 8

// eyes put the packets of the device's pictures together. They decode only pictures that
// have the time in them, those of the virtual camera: on a real device that would take
// the processor from what is measured.
type eyes struct {
	decode bool
	begun  time.Duration // of the call, on the boot clock
	look   chan shot
	done   chan struct{}

	// The track's goroutine's own.
	frame []byte
	next  uint16
	whole bool // nothing of the frame is missing
	on    bool // a packet has come

	mu            sync.Mutex
	width, height int
	late          []float64 // ms
}

// shot is one whole picture, encoded.
type shot struct {
	frame []byte
	came  time.Duration // since the call began
}

func newEyes(decode bool) *eyes {
	e := &eyes{decode: decode, look: make(chan shot, waitingPictures), done: make(chan struct{})}
	go e.run() // ended by close
	return e
}

// take is called for every packet, in the order in which they come.
func (e *eyes) take(p phonepeer.Packet) {
	var v codecs.VP8Packet
	part, err := v.Unmarshal(p.Payload)
	if err != nil {
		e.whole = false
		return
	}
	if e.on && p.Header.SequenceNumber != e.next {
		e.whole = false
	}
	e.on, e.next = true, p.Header.SequenceNumber+1
	if v.S == 1 && v.PID == 0 { // RFC 7741, 4.2
		e.frame, e.whole = e.frame[:0], true
	}
	e.frame = append(e.frame, part...)
	if !p.Header.Marker || !e.whole {
		return
	}
	e.size(e.frame)
	if e.decode {
		select {
		case e.look <- shot{slices.Clone(e.frame), p.At}:
		default: // the next keyframe is soon enough
		}
	}
	e.whole = false
}

// size reads the header of a keyframe (RFC 6386, 9.1).
func (e *eyes) size(frame []byte) {
	if len(frame) < 10 || frame[0]&1 != 0 || frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.width = (int(frame[6]) | int(frame[7])<<8) & 0x3fff
	e.height = (int(frame[8]) | int(frame[9])<<8) & 0x3fff
}

// run reads the time out of pictures.
func (e *eyes) run() {
	defer close(e.done)
	d, err := vpx.NewDecoder()
	if err != nil {
		for range e.look { // nothing can be read
		}
		return
	}
	defer func() { _ = d.Close() }() // never fails
	for p := range e.look {
		img, err := d.Decode(p.frame)
		if err != nil || img == nil {
			continue // until the next keyframe
		}
		if stamp, ok := virtual.ReadStamp(img); ok {
			e.mu.Lock()
			if late := (e.begun + p.came - stamp).Seconds() * 1e3; late >= 0 && late < 10_000 {
				e.late = append(e.late, late)
			}
			e.mu.Unlock()
		}
	}
}

// begin says when the call began.
func (e *eyes) begin(begun time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.begun = begun
}

// close ends the looking and waits for it; nothing may be taken any more.
func (e *eyes) close() {
	close(e.look)
	<-e.done
}

// latency is how late the pictures were; nil: none had the time in it.
func (e *eyes) latency() *selftest.Spread {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.late) == 0 {
		return nil
	}
	list := slices.Sorted(slices.Values(e.late))
	at := func(q float64) float64 { return tenth(list[int(q*float64(len(list)-1))]) }
	return &selftest.Spread{Count: len(list), Median: at(0.5), P95: at(0.95), Most: at(1)}
}
