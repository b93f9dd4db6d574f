package phone

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"callbox/daemon/selftest"
	"callbox/media/codec/opus"
	"callbox/signaling/phonepeer"
)

// keptSound is how much of the device's sound is listened to: the end of the talk.
const keptSound = time.Minute

// soundBitrate is that of what the phone sends, in bit/s.
const soundBitrate = 32_000

// speech is what the phone says, as Opus frames.
func speech() ([][]byte, error) {
	e, err := opus.NewEncoder(soundBitrate)
	if err != nil {
		return nil, err
	}
	defer func() { _ = e.Close() }() // never fails
	pcm := selftest.Speech()
	var frames [][]byte
	for ; len(pcm) >= opus.FrameSamples; pcm = pcm[opus.FrameSamples:] {
		frame, err := e.Encode(pcm[:opus.FrameSamples])
		if err != nil {
			return nil, fmt.Errorf("cannot encode what the phone says: %w", err)
		}
		if len(frame) == 0 { // discontinuous: there is nothing to say
			frame = []byte{0xf8, 0xff, 0xfe} // silence: RFC 6716, 3.1
		}
		frames = append(frames, slices.Clone(frame))
	}
	return frames, nil
}

// ears keep the packets of the device's sound.
type ears struct {
	mu      sync.Mutex
	kept    []heard // of the last keptSound
	last    int64
	came    time.Duration // when that one did
	longest time.Duration // gap
}

// longestPause is for how long an Opus encoder sends nothing of silence: 20 frames (libopus,
// MAX_CONSECUTIVE_DTX).
const longestPause = 400 * time.Millisecond

// heard is one packet.
type heard struct {
	at     int64 // RTP time, unwrapped
	came   time.Duration
	packet []byte
}

func (e *ears) take(p phonepeer.Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := int64(p.Header.Timestamp)
	if len(e.kept) > 0 {
		at = e.last + int64(int32(p.Header.Timestamp-uint32(e.last)))
		e.longest = max(e.longest, p.At-e.came-pauseOf(at-e.last))
	}
	e.last, e.came = at, p.At
	e.kept = append(e.kept, heard{at, p.At, slices.Clone(p.Payload)})
	old := 0
	for old < len(e.kept) && e.kept[old].came < p.At-keptSound {
		old++
	}
	e.kept = slices.Delete(e.kept, 0, old)
}

// pauseOf is for how long nothing was to be sent between two packets whose RTP times lie so
// far apart: what is left out counts as silence when an encoder leaves out as much.
func pauseOf(samples int64) time.Duration {
	pause := time.Duration(samples)*time.Second/selftest.SampleRate - opus.FrameDuration
	if pause > longestPause {
		return 0
	}
	return max(0, pause)
}

// gap is the longest time without sound, up to the end of the talk, but for pauses.
func (e *ears) gap(end time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.kept) == 0 {
		return 0
	}
	return max(e.longest, end-e.came-longestPause)
}

// listen decodes what came. came is when its first packet did; what is missing is
// silence.
func (e *ears) listen() (pcm []int16, came time.Duration, err error) {
	e.mu.Lock()
	kept := slices.Clone(e.kept)
	e.mu.Unlock()
	if len(kept) == 0 {
		return nil, 0, nil
	}
	d, err := opus.NewDecoder()
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = d.Close() }() // never fails
	came = kept[0].came
	slices.SortFunc(kept, func(a, b heard) int { return cmp.Compare(a.at, b.at) })
	first := kept[0].at
	const most = int64(2 * keptSound / time.Second * selftest.SampleRate) // a sender whose clock jumps
	var frame [opus.MaxSamples]int16
	for _, h := range kept {
		n, err := d.Decode(h.packet, frame[:])
		begin := h.at - first
		if err != nil || begin+int64(n) > most {
			continue // a packet that is none is the device's fault, and silent
		}
		if missing := begin + int64(n) - int64(len(pcm)); missing > 0 {
			pcm = append(pcm, make([]int16, missing)...)
		}
		copy(pcm[begin:], frame[:n])
	}
	return pcm, came, nil
}
