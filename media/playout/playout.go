// Package playout puts incoming Opus packets in order and decides when they are
// heard: late enough that most have come, early enough for a conversation.
//
// RTP time is in samples at 48 kHz (RFC 7587, 4.1), sound is mono int16 at 48 kHz
// pulled in frames of 10 ms (480 samples), arrival times are on clock.Boot. A
// Buffer serves one track of one sender; its methods may be called from different
// goroutines (network and sound device).
//
// How it decides. Every packet has a relative transit time: arrival minus RTP
// time. The spread between the quickest and the 95th percentile over the last
// seconds is the jitter; the target delay follows it, up at once, down slowly.
// When the buffered sound stays above the target, silence or concealable sound is
// shortened by dropping a frame; when it runs dry, the gap is concealed (PLC), or
// repaired from the in-band FEC of the next packet when that is already there.
package playout

import (
	"sync"
	"time"
)

const (
	frameSamples = 480 // of one Pull: 10 ms at 48 kHz
	sampleRate   = 48000
	frameTime    = 10 * time.Millisecond

	// minDelay is one Opus packet: less would starve on every scheduling hiccup.
	minDelay = 20 * time.Millisecond
	// maxDelay bounds what a bad network may add to a conversation; ITU-T G.114
	// calls 150 ms one way good and 400 ms the end of usable.
	maxDelay = 200 * time.Millisecond
	// maxPackets bounds memory and delay: 2 s of the usual packets (20 ms), lost
	// ones counted.
	maxPackets = 100
	// maxPacketSamples is the longest Opus packet, 120 ms (RFC 6716, 2.1.4).
	maxPacketSamples = 5760
	// maxConcealed is for how long a gap is filled before it becomes silence:
	// Opus fades PLC out by itself within about 100 ms.
	maxConcealed = 10 // frames
	// shrinkEvery is how often a frame may be dropped to catch up: at most 4 %.
	shrinkEvery = 25 // frames
	// resync is a jump of RTP time that no network explains: the sender restarted.
	resync = 2 * sampleRate
)

// Decoder turns packets into sound; media/codec/opus has one. pcm has room for
// what is asked; each returns the number of samples that were written.
type Decoder interface {
	// Decode decodes a packet that has arrived.
	Decode(packet []byte, pcm []int16) (samples int, err error)
	// DecodeFEC decodes the lost packet before next from next's in-band FEC;
	// len(pcm) is the lost packet's duration.
	DecodeFEC(next []byte, pcm []int16) (samples int, err error)
	// Conceal makes up len(pcm) samples after a loss (PLC).
	Conceal(pcm []int16) (samples int, err error)
}

// Stats are counters since New.
type Stats struct {
	Packets   uint64        // pushed, duplicates and late ones included
	Late      uint64        // came after their time
	Lost      uint64        // packets that never came in time
	Repaired  uint64        // of those, rebuilt from in-band FEC
	Played    uint64        // frames of 10 ms that came from packets
	Concealed uint64        // frames of 10 ms that were made up
	Dropped   uint64        // frames of 10 ms left out to catch up
	Delay     time.Duration // target delay now
}

// packet is one Opus packet that waits to be played.
type packet struct {
	seq     uint16
	time    uint32 // RTP
	payload []byte
}

// Buffer is the jitter buffer of one track.
type Buffer struct {
	mu      sync.Mutex
	decoder Decoder
	jitter  jitter
	stats   Stats

	packets []packet // in order of seq, at most maxPackets
	free    [][]byte // payloads to use again: Push does not allocate for long

	started bool
	nextSeq uint16
	lastDur int // samples of the last packet played

	ready     [maxPacketSamples + frameSamples]int16 // decoded, not pulled yet
	readyLen  int
	concealed int  // frames in a row
	since     int  // frames since one was dropped
	dry       bool // ran dry since the last packet

	newestSeq  uint16 // of what was pushed
	newestTime uint32
}

// New returns an empty buffer that decodes with d.
func New(d Decoder) *Buffer {
	return &Buffer{decoder: d, lastDur: 2 * frameSamples}
}

// Push adds a packet. The payload is copied. Duplicates and packets whose time
// has passed are counted and left out.
func (b *Buffer) Push(seq uint16, timestamp uint32, payload []byte, arrival time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Packets++
	if len(payload) == 0 {
		return // padding only: nothing to hear
	}
	if b.jumped(timestamp) {
		b.restart()
	}
	b.noteGap(seq, timestamp)
	b.jitter.add(timestamp, arrival)
	if b.started && before(seq, b.nextSeq) {
		b.stats.Late++
		return
	}
	at := len(b.packets)
	for at > 0 && before(seq, b.packets[at-1].seq) {
		at--
	}
	if at > 0 && b.packets[at-1].seq == seq {
		return
	}
	b.packets = append(b.packets, packet{})
	copy(b.packets[at+1:], b.packets[at:])
	b.packets[at] = packet{seq: seq, time: timestamp, payload: append(b.buffer(), payload...)}
	// What is far behind the newest packet is not worth waiting through.
	for len(b.packets) > maxPackets || b.packets[len(b.packets)-1].seq-b.packets[0].seq >= maxPackets {
		b.dropFirst()
	}
}

func (b *Buffer) dropFirst() {
	b.recycle(b.packets[0].payload)
	copy(b.packets, b.packets[1:])
	b.packets = b.packets[:len(b.packets)-1]
}

// noteGap raises the target delay when the buffer ran dry because this packet was
// late, and not because the sender paused (DTX), which its RTP time would show.
func (b *Buffer) noteGap(seq uint16, timestamp uint32) {
	ahead := seq - b.newestSeq
	if b.jitter.any && int16(ahead) <= 0 {
		return
	}
	if b.dry && timestamp-b.newestTime == uint32(ahead)*uint32(b.lastDur) {
		b.jitter.starved()
	}
	b.dry = false
	b.newestSeq, b.newestTime = seq, timestamp
}

// Pull fills pcm, 480 samples, with the next 10 ms.
func (b *Buffer) Pull(pcm []int16) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.since++
	if !b.started && !b.start() {
		clear(pcm)
		return
	}
	b.shrink()
	for b.readyLen < frameSamples {
		if !b.decode() {
			break
		}
	}
	if b.readyLen < frameSamples {
		b.conceal(pcm)
		return
	}
	b.concealed = 0
	b.stats.Played++
	copy(pcm, b.ready[:frameSamples])
	b.consume(frameSamples)
}

// Stats returns the counters.
func (b *Buffer) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stats
	s.Delay = b.jitter.target()
	return s
}

// start begins to play once the target delay is buffered.
func (b *Buffer) start() bool {
	if len(b.packets) == 0 || b.buffered() < b.jitter.target() {
		return false
	}
	b.started = true
	b.nextSeq = b.packets[0].seq
	return true
}

// buffered is how much sound waits. Missing packets count, for they take their
// time; pauses of the sender (DTX), which only RTP time shows, do not.
func (b *Buffer) buffered() time.Duration {
	samples := b.readyLen
	if n := len(b.packets); n > 0 {
		samples += (int(b.packets[n-1].seq-b.packets[0].seq) + 1) * b.lastDur
	}
	return samplesTime(samples)
}

// decode puts the next packet, or what stands for it, into ready. It reports
// false when there is nothing to go on with.
func (b *Buffer) decode() bool {
	if len(b.packets) == 0 {
		return false
	}
	room := b.ready[b.readyLen:]
	p := b.packets[0]
	if p.seq != b.nextSeq {
		return b.bridge(p, room)
	}
	n, err := b.decoder.Decode(p.payload, room[:min(len(room), maxPacketSamples)])
	b.dropFirst()
	b.nextSeq++
	if err != nil || n <= 0 { // damaged: heard as a loss
		b.stats.Lost++
		n = b.lastDur
		if got, err := b.decoder.Conceal(room[:n]); err != nil || got < n {
			clear(room[:n])
		}
	}
	b.lastDur = n
	b.readyLen += n
	return true
}

// bridge deals with a gap before p whose time to be heard is now: the packet
// before p is rebuilt from p, earlier ones are made up.
func (b *Buffer) bridge(p packet, room []int16) bool {
	missing := int(p.seq - b.nextSeq)
	b.stats.Lost++
	b.nextSeq++
	n := min(b.lastDur, len(room))
	if missing == 1 {
		if got, err := b.decoder.DecodeFEC(p.payload, room[:n]); err == nil && got == n {
			b.stats.Repaired++
			b.readyLen += n
			return true
		}
	}
	if missing > maxPackets { // a jump: go on where the packets are
		b.nextSeq = p.seq
		return true
	}
	if got, err := b.decoder.Conceal(room[:n]); err != nil || got < n {
		clear(room[:n])
	}
	b.stats.Concealed += uint64(n / frameSamples)
	b.readyLen += n
	return true
}

// conceal fills pcm when the buffer has run dry, and starts over when it stays so:
// the sender may be silent (DTX) or gone.
func (b *Buffer) conceal(pcm []int16) {
	have := copy(pcm, b.ready[:b.readyLen])
	b.consume(have)
	rest := pcm[have:]
	b.concealed++
	if b.concealed > maxConcealed {
		clear(rest)
		b.started = false
		return
	}
	b.dry = true
	b.stats.Concealed++
	if got, err := b.decoder.Conceal(rest); err != nil || got < len(rest) {
		clear(rest)
	}
}

// shrink leaves a frame out when more is buffered than the target wants.
func (b *Buffer) shrink() {
	if b.since < shrinkEvery || b.buffered() < b.jitter.target()+2*minDelay {
		return
	}
	for b.readyLen < 2*frameSamples {
		if !b.decode() {
			return
		}
	}
	b.since = 0
	b.stats.Dropped++
	crossfade(b.ready[:frameSamples], b.ready[frameSamples:2*frameSamples])
	b.consume(frameSamples)
}

// crossfade fades from a to c, in place in c, so that leaving a frame out makes
// no click.
func crossfade(a, c []int16) {
	for i := range c {
		c[i] = int16((int32(a[i])*int32(len(c)-i) + int32(c[i])*int32(i)) / int32(len(c)))
	}
}

func (b *Buffer) consume(n int) {
	copy(b.ready[:], b.ready[n:b.readyLen])
	b.readyLen -= n
}

// jumped reports whether a timestamp belongs to another stream than the one
// before.
func (b *Buffer) jumped(timestamp uint32) bool {
	if !b.jitter.any {
		return false
	}
	d := int32(timestamp - b.jitter.last)
	// A quiet sender may stay away for long (DTX): forward jumps are told apart
	// by arrival, in jitter; backward ones cannot be explained.
	return d < -resync
}

func (b *Buffer) restart() {
	for _, p := range b.packets {
		b.recycle(p.payload)
	}
	b.packets = b.packets[:0]
	b.started, b.readyLen, b.concealed = false, 0, 0
	b.jitter = jitter{}
}

func (b *Buffer) buffer() []byte {
	if n := len(b.free); n > 0 {
		p := b.free[n-1]
		b.free = b.free[:n-1]
		return p
	}
	return make([]byte, 0, 256)
}

func (b *Buffer) recycle(p []byte) { b.free = append(b.free, p[:0]) }

// before reports whether sequence number a comes before b (RFC 1982).
func before(a, b uint16) bool { return int16(a-b) < 0 }

func samplesTime(n int) time.Duration {
	return time.Duration(n) * time.Second / sampleRate
}
