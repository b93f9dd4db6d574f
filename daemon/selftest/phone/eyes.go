package phone

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"callbox/daemon/selftest"
	"callbox/hal/virtual"
	"callbox/media/codec/h264"
	"callbox/media/codec/openh264"
	"callbox/media/codec/picture"
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
	stamp uint32 // of the newest packet
	whole bool   // nothing of the frame is missing
	on    bool   // a packet has come

	mu            sync.Mutex
	width, height int
	late          []float64 // ms
}

// shot is one whole picture, encoded.
type shot struct {
	frame []byte
	h264  bool          // else VP8
	came  time.Duration // since the call began
}

func newEyes(decode bool) *eyes {
	e := &eyes{decode: decode, look: make(chan shot, waitingPictures), done: make(chan struct{})}
	go e.run() // ended by close
	return e
}

// take is called for every packet, in the order in which they come.
func (e *eyes) take(p phonepeer.Packet) {
	another := !e.on || p.Header.Timestamp != e.stamp
	if e.on && p.Header.SequenceNumber != e.next {
		e.whole = false // unless this begins a picture: probes between two have numbers, too
	}
	e.on, e.next, e.stamp = true, p.Header.SequenceNumber+1, p.Header.Timestamp
	h264 := strings.EqualFold(p.Codec, webrtc.MimeTypeH264)
	part, begins, err := unpack(p.Payload, h264, another)
	if err != nil {
		e.whole = false
		return
	}
	if begins {
		e.frame, e.whole = e.frame[:0], true
	}
	e.frame = append(e.frame, part...)
	if !p.Header.Marker || !e.whole {
		return
	}
	e.size(e.frame, h264)
	if e.decode {
		select {
		case e.look <- shot{slices.Clone(e.frame), h264, p.At}:
		default: // the next keyframe is soon enough
		}
	}
	e.whole = false
}

// unpack returns what of a picture's stream a payload carries, and whether it begins one.
// VP8 says so itself (RFC 7741, 4.2); in H.264 another picture begins with what stands
// before its slices, or with the slice of its first macroblock (ITU-T H.264, 7.3.3).
func unpack(payload []byte, isH264, another bool) (part []byte, begins bool, err error) {
	if !isH264 {
		var v codecs.VP8Packet
		part, err = v.Unmarshal(payload)
		return part, v.S == 1 && v.PID == 0, err
	}
	part, err = h264.Packet{}.Unmarshal(payload)
	if err != nil || !another || !(h264.Packet{}).IsPartitionHead(payload) {
		return part, false, err
	}
	h264.NALs(part, func(nal []byte) bool {
		slice := h264.Type(nal) >= h264.TypeSlice && h264.Type(nal) <= h264.TypeIDR
		begins = !slice || len(nal) > 1 && nal[1]&0x80 != 0
		return false
	})
	return part, begins, nil
}

// size reads the size of a keyframe: its header (RFC 6386, 9.1), or its parameter set.
func (e *eyes) size(frame []byte, isH264 bool) {
	width, height := 0, 0
	switch {
	case isH264:
		sps, ok := h264.FindSPS(frame)
		if !ok {
			return
		}
		width, height = sps.Width, sps.Height
	case len(frame) < 10 || frame[0]&1 != 0 || frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a:
		return
	default:
		width, height = (int(frame[6])|int(frame[7])<<8)&0x3fff, (int(frame[8])|int(frame[9])<<8)&0x3fff
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.width, e.height = width, height
}

// run reads the time out of pictures.
func (e *eyes) run() {
	defer close(e.done)
	var decoder picture.Decoder // nil before the first picture, or when there is none
	defer func() {
		if decoder != nil {
			_ = decoder.Close() // never fails
		}
	}()
	for p := range e.look {
		if decoder == nil {
			decoder = newDecoder(p.h264)
		}
		if decoder == nil {
			continue // nothing can be read
		}
		img, err := decoder.Decode(p.frame)
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

// newDecoder makes the decoder of a call's codec; nil: there is none here.
func newDecoder(isH264 bool) picture.Decoder {
	if isH264 {
		if d, err := openh264.NewDecoder(); err == nil {
			return d
		}
		return nil
	}
	if d, err := vpx.NewDecoder(); err == nil {
		return d
	}
	return nil
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
