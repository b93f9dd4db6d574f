// Package playout is the jitter buffer for received sound: it puts Opus packets
// in order, decides when each is heard, and makes up for those that are missing.
//
// It is pure: no goroutine, no clock. Packets go in with their time of arrival,
// sound comes out in frames of 10 ms, and taking a frame is what moves time on.
// The delay between the two follows the jitter of the network, from MinDelay to
// MaxDelay. RTP time is in samples at 48 kHz (RFC 7587, 4.1).
//
// The ready-made interceptor/pkg/jitterbuffer counts packets instead of time,
// stalls after a lost one and serves all streams from one buffer.
package playout

import "time"

// The bounds of the delay that the buffer adds, and the shape of a pulled frame.
const (
	MinDelay     = 20 * time.Millisecond
	MaxDelay     = 200 * time.Millisecond
	FrameSamples = 480 // 10 ms, mono

	maxPacketSamples = 5760 // 120 ms, the longest Opus packet
	perMillisecond   = 48
	slack            = 15 * perMillisecond // above the wanted delay before it is cut
	maxSlots         = 64
	maxPayload       = 1500
	resyncAfter      = 2 * 48000 // a leap of RTP time that is a new stream
	// starveAfter is for how long everything may come too late before the way is taken to
	// have become longer for good: a burst comes at once.
	starveAfter = 100 * perMillisecond
)

// Decoder turns packets into mono samples at 48 kHz; opus.Decoder is one.
type Decoder interface {
	// Decode decodes a packet into pcm, which holds 5760 samples.
	Decode(packet []byte, pcm []int16) (int, error)
	// DecodeFEC fills pcm with what was lost before packet.
	DecodeFEC(packet []byte, pcm []int16) (int, error)
	// Conceal fills pcm with a likely continuation.
	Conceal(pcm []int16) (int, error)
}

// Stats are the counters of a Buffer.
type Stats struct {
	Played    uint64 // packets decoded
	Lost      uint64 // packets that never came, or too late
	Corrected uint64 // of them, made up from the next packet
	Concealed uint64 // frames of 10 ms that were made up without it
	Skipped   uint64 // frames of about 10 ms that were cut out to shorten the delay
	Delay     time.Duration
	Wanted    time.Duration
}

// slot is a packet that waits.
type slot struct {
	used bool
	seq  int64 // unwrapped
	ts   int64 // unwrapped, in samples
	n    int
	data [maxPayload]byte
}

// Buffer serves one track. It is not safe for use by several goroutines.
type Buffer struct {
	dec   Decoder
	slots [maxSlots]slot
	jit   jitter
	stats Stats

	seqs, times unwrapper

	started bool  // sound has begun
	next    int64 // RTP time at the end of what was decoded
	lastSeq int64 // of the packet decoded last
	length  int   // its samples
	silence bool  // it announced silence (DTX)
	held    int   // samples of concealment since the last packet
	debt    int   // samples by which the delay is to grow

	starved  bool  // all that came was for a time that is past
	starving int64 // since then, on the clock of arrivals

	pcm   [2 * maxPacketSamples]int16 // decoded, not yet pulled: pcm[from:to]
	from  int
	to    int
	spare [maxPacketSamples]int16
}

// New returns an empty buffer over a decoder, which stays the caller's.
func New(dec Decoder) *Buffer { return &Buffer{dec: dec} }

// Stats returns the counters.
func (b *Buffer) Stats() Stats {
	s := b.stats
	s.Delay = samples(b.jit.current)
	s.Wanted = samples(b.jit.wanted())
	return s
}

// Ahead is how long it takes from now until a sample with that RTP time is pulled; false
// while nothing is played.
func (b *Buffer) Ahead(timestamp uint32) (time.Duration, bool) {
	return samples(int64(int32(timestamp - uint32(b.position())))), b.started
}

// Push takes a packet: sequence number and timestamp as on the wire, arrival on
// any clock that only goes forward. It copies payload.
func (b *Buffer) Push(seq uint16, timestamp uint32, payload []byte, arrival time.Duration) {
	if len(payload) == 0 || len(payload) > maxPayload {
		return // padding, or nothing that Opus could have made
	}
	s := b.seqs.next(int64(seq), 1<<16)
	ts := b.times.next(int64(timestamp), 1<<32)
	at := int64(arrival * perMillisecond / time.Millisecond)
	if b.started && (ts > b.next+resyncAfter || ts < b.next-resyncAfter || s > b.lastSeq && b.starves(ts, at)) {
		b.restart()
		s, ts = b.seqs.next(int64(seq), 1<<16), b.times.next(int64(timestamp), 1<<32)
	}
	delay, known := b.jit.arrived(ts, at)
	if b.started && known {
		// How long before its turn it came, plus how late it was itself: what the
		// buffer adds to the fastest packet.
		b.jit.current = ts - b.position() + delay
		if lack := b.jit.wanted() - b.jit.current; lack > 0 {
			b.debt = int(lack)
		} else {
			b.debt = 0
		}
	}
	if b.started && s <= b.lastSeq {
		return // its place was filled, or a duplicate
	}
	b.insert(s, ts, payload)
}

// starves reports whether everything has come after its time for so long that waiting
// longer for each packet, up to MaxDelay, is not enough: the way has another length.
func (b *Buffer) starves(ts, arrival int64) bool {
	if ts+int64(b.length) > b.next || b.newest() > b.next {
		b.starved = false
		return false
	}
	if !b.starved {
		b.starved, b.starving = true, arrival
	}
	return arrival-b.starving >= starveAfter
}

// insert puts a packet into a free slot; into that of the oldest when none is.
func (b *Buffer) insert(seq, ts int64, payload []byte) {
	at := -1
	for i := range b.slots {
		p := &b.slots[i]
		switch {
		case p.used && p.seq == seq:
			return
		case !p.used:
			at = i
		}
	}
	if at < 0 {
		at = 0
		for i := range b.slots {
			if b.slots[i].seq < b.slots[at].seq {
				at = i
			}
		}
		if b.slots[at].seq > seq {
			return
		}
	}
	p := &b.slots[at]
	p.used, p.seq, p.ts = true, seq, ts
	p.n = copy(p.data[:], payload)
}

// first returns the waiting packet that is to be heard first, nil for none.
func (b *Buffer) first() *slot {
	var f *slot
	for i := range b.slots {
		if p := &b.slots[i]; p.used && (f == nil || p.seq < f.seq) {
			f = p
		}
	}
	return f
}

// newest returns the RTP time of the newest waiting packet.
func (b *Buffer) newest() int64 {
	ts := b.next
	for i := range b.slots {
		if p := &b.slots[i]; p.used && p.ts > ts {
			ts = p.ts
		}
	}
	return ts
}

// position is the RTP time of the next sample to be pulled.
func (b *Buffer) position() int64 { return b.next - int64(b.to-b.from) }

// restart forgets the stream, not the counters.
func (b *Buffer) restart() {
	for i := range b.slots {
		b.slots[i].used = false
	}
	b.started, b.silence, b.held, b.debt, b.starved = false, false, 0, 0, false
	b.from, b.to = 0, 0
	b.seqs, b.times = unwrapper{}, unwrapper{}
	b.jit.restart()
}

func samples(n int64) time.Duration { return time.Duration(n) * time.Millisecond / perMillisecond }

// unwrapper continues a counter of a few bits over its end.
type unwrapper struct {
	last int64
	set  bool
}

func (u *unwrapper) next(v, size int64) int64 {
	if !u.set {
		u.last, u.set = v, true
		return v
	}
	d := (v - u.last) & (size - 1)
	if d >= size/2 {
		d -= size
	}
	n := u.last + d
	if d > 0 {
		u.last = n
	}
	return n
}
