//go:build device

package e2e

import (
	"hash/crc32"
	"image"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"callbox/media/codec/opus"
	"callbox/media/codec/vpx"
	"callbox/signaling/phonepeer"
)

// beepHz is the tone of a person at the phone, who beeps.
const beepHz = 997

// beeps says how long it is from beep to beep, and how long one is.
type beeps struct{ every, long time.Duration }

var (
	fastBeeps = beeps{500 * time.Millisecond, 240 * time.Millisecond} // to hear soon
	slowBeeps = beeps{2 * time.Second, 200 * time.Millisecond}        // to tell late ones apart
)

// person is who has the phone: it beeps into it, and hears and sees what comes.
type person struct {
	every int      // frames of 20 ms from beep to beep
	beep  [][]byte // Opus packets of one

	mu       sync.Mutex
	said     int         // frames
	spoken   []time.Time // when each beep began
	sound    *opus.Decoder
	pcm      [opus.MaxSamples]int16
	lastTone uint32             // RTP time of the last tone
	tones    []time.Time        // when a tone was heard, of each packet
	heard    []time.Time        // when a beep was heard to begin
	frames   map[uint32]*pieces // of pictures that are not whole, by their RTP time
	newest   uint32             // RTP time of the last whole one
	pictures *vpx.Decoder
	seen     []sight
	failed   error // of a decoder, the last
}

// sight is a picture that was seen.
type sight struct {
	at    time.Time
	shows shows
	sum   uint32 // of its pixels
}

// shows is what a picture shows.
type shows string

const (
	somethingElse shows = "something else"
	cameraPicture shows = "the camera's picture" // colour bars
	slatePicture  shows = "the slate"            // grey on grey
)

// newPerson beeps so, in steps of 20 ms.
func newPerson(t *testing.T, b beeps) *person {
	t.Helper()
	p := &person{every: int(b.every / opus.FrameDuration), frames: map[uint32]*pieces{}}
	enc, err := opus.NewEncoder(48000)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	for n := range int(b.long / opus.FrameDuration) {
		pcm := make([]int16, opus.FrameSamples)
		for i := range pcm {
			pcm[i] = int16(10000 * math.Sin(2*math.Pi*beepHz*float64(n*opus.FrameSamples+i)/opus.SampleRate))
		}
		packet, err := enc.Encode(pcm)
		if err != nil {
			t.Fatal(err)
		}
		p.beep = append(p.beep, slices.Clone(packet))
	}
	if p.sound, err = opus.NewDecoder(); err != nil {
		t.Fatal(err)
	}
	if p.pictures, err = vpx.NewDecoder(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.failed != nil {
			t.Logf("what came could not always be decoded: %v", p.failed)
		}
		_ = p.sound.Close()
		_ = p.pictures.Close()
	})
	return p
}

// speak gives the next 20 ms of what the phone hears.
func (p *person) speak() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.said % p.every
	p.said++
	if n == 0 {
		p.spoken = append(p.spoken, time.Now())
	}
	if n < len(p.beep) {
		return p.beep[n]
	}
	return []byte{0xf8, 0xff, 0xfe} // silence
}

// perceive takes what comes.
func (p *person) perceive(got phonepeer.Packet) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	packet := &rtp.Packet{Header: *got.Header, Payload: got.Payload}
	if !got.Video {
		p.hear(packet, now)
		return
	}
	p.see(packet, now)
}

// pieces are the packets of a picture, by their sequence numbers.
type pieces struct {
	parts       map[uint16][]byte
	first, last uint16
	begun, over bool
}

// whole is the picture, nil while parts are missing. Packets without media have numbers,
// too, but never within a picture.
func (f *pieces) whole() (picture []byte) {
	if !f.begun || !f.over || len(f.parts) != int(f.last-f.first)+1 {
		return nil
	}
	for n := f.first; n != f.last+1; n++ {
		picture = append(picture, f.parts[n]...)
	}
	return picture
}

// see takes a packet of a picture (RFC 7741, 4.2), which may come late.
func (p *person) see(packet *rtp.Packet, now time.Time) {
	if len(p.seen) > 0 && int32(packet.Timestamp-p.newest) <= 0 {
		return
	}
	var vp8 codecs.VP8Packet
	part, err := vp8.Unmarshal(packet.Payload)
	if err != nil {
		p.failed = err
		return
	}
	f := p.frames[packet.Timestamp]
	if f == nil {
		f = &pieces{parts: map[uint16][]byte{}}
		p.frames[packet.Timestamp] = f
	}
	f.parts[packet.SequenceNumber] = slices.Clone(part)
	if vp8.S == 1 && vp8.PID == 0 {
		f.first, f.begun = packet.SequenceNumber, true
	}
	if packet.Marker {
		f.last, f.over = packet.SequenceNumber, true
	}
	picture := f.whole()
	if picture == nil {
		return
	}
	p.newest = packet.Timestamp
	maps.DeleteFunc(p.frames, func(at uint32, _ *pieces) bool { return int32(at-p.newest) <= 0 })
	m, err := p.pictures.Decode(picture)
	if err != nil {
		p.failed = err
	}
	if m != nil {
		p.seen = append(p.seen, sight{now, showing(m), crc32.ChecksumIEEE(m.Y)})
	}
}

func (p *person) hear(packet *rtp.Packet, now time.Time) {
	n, err := p.sound.Decode(packet.Payload, p.pcm[:])
	if err != nil {
		p.failed = err
		return
	}
	const window, loud, pause = 240, 1500, opus.SampleRate * 15 / 100
	tone := false
	for at := 0; at+window <= n; at += window {
		if math.Sqrt(goertzel(p.pcm[at:at+window], beepHz))*2/window < loud {
			continue
		}
		when := packet.Timestamp + uint32(at)
		if len(p.tones) == 0 && !tone || when-p.lastTone > pause {
			p.heard = append(p.heard, now.Add(time.Duration(at-n)*time.Second/opus.SampleRate))
		}
		p.lastTone, tone = when, true
	}
	if tone {
		p.tones = append(p.tones, now)
	}
}

// showing says what a picture shows.
func showing(m *image.YCbCr) shows {
	colour, bright := 0.0, byte(0)
	for i := range m.Cb {
		colour += math.Abs(float64(m.Cb[i])-128) + math.Abs(float64(m.Cr[i])-128)
	}
	for y := range m.Rect.Dy() {
		bright = max(bright, slices.Max(m.Y[y*m.YStride:][:m.Rect.Dx()]))
	}
	colour /= float64(len(m.Cb))
	switch ground := m.Y[0]; {
	case colour > 30:
		return cameraPicture
	case colour < 6 && ground > 36 && ground < 60 && bright > 130 && bright < 170:
		return slatePicture
	}
	return somethingElse
}

// firstTone is when a tone was heard first after some time; false: not yet.
func (p *person) firstTone(after time.Time) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.tones {
		if at.After(after) {
			return at, true
		}
	}
	return time.Time{}, false
}

// first is when a picture showed this first after some time; false: not yet.
func (p *person) first(what shows, after time.Time) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.seen {
		if s.shows == what && s.at.After(after) {
			return s.at, true
		}
	}
	return time.Time{}, false
}

// different is how many different pictures have shown this after some time.
func (p *person) different(what shows, after time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	sums := map[uint32]bool{}
	for _, s := range p.seen {
		if s.shows == what && s.at.After(after) {
			sums[s.sum] = true
		}
	}
	return len(sums)
}

// beeps are when the person began to beep, and heard one begin.
func (p *person) beeps() (spoken, heard []time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.spoken), slices.Clone(p.heard)
}
