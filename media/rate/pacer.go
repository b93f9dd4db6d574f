package rate

import "time"

// Item is a packet that waits, with what its owner wants back.
type Item[T any] struct {
	Size  int
	Probe int // of the probe that it is sent in; 0: none
	Value T
}

// Pacer lets packets out at a rate, in order. The zero value sends nothing until
// SetRate.
type Pacer[T any] struct {
	rate   Rate
	queue  []Item[T]
	head   int           // of the queue; those before it have gone
	queued int           // bytes
	free   time.Duration // when the next may go

	probe Probe
	left  int // bytes of the probe that are to be sent
	begun time.Duration
	sent  int // bytes of it
}

// SetRate changes the rate.
func (p *Pacer[T]) SetRate(r Rate) { p.rate = r }

// Push queues a packet.
func (p *Pacer[T]) Push(size int, v T) {
	if p.head > len(p.queue)/2 { // the memory is used again
		n := copy(p.queue, p.queue[p.head:])
		clear(p.queue[n:])
		p.queue, p.head = p.queue[:n], 0
	}
	p.queue = append(p.queue, Item[T]{Size: size, Value: v})
	p.queued += size
}

// Begin sends a probe from now on: what is queued, and padding that Next asks for.
func (p *Pacer[T]) Begin(now time.Duration, probe Probe) {
	p.probe, p.left, p.begun, p.sent = probe, probe.Bytes, now, 0
}

// Backlog is how long what is queued will take.
func (p *Pacer[T]) Backlog() time.Duration {
	if p.queued == 0 {
		return 0
	}
	return p.rate.time(float64(p.queued))
}

// Drop forgets what is queued, and calls gone with each packet.
func (p *Pacer[T]) Drop(gone func(T)) {
	for _, item := range p.queue[p.head:] {
		gone(item.Value)
	}
	clear(p.queue)
	p.queue, p.head, p.queued = p.queue[:0], 0, 0
}

// Next returns the packet that is to go now. pad > 0: a packet of so many bytes of
// padding is to go instead. Neither: wait is the time until one may, 0 when nothing is
// queued.
func (p *Pacer[T]) Next(now time.Duration) (item Item[T], pad int, ok bool, wait time.Duration) {
	if p.left > 0 {
		due := p.begun + p.probe.Rate.time(float64(p.sent))
		if now < due {
			return item, 0, false, due - now
		}
		if p.head == len(p.queue) {
			pad = min(padPacket, max(p.left, 100))
			p.left -= pad
			p.sent += pad
			p.free = max(p.free, now) + p.rate.time(float64(pad))
			return Item[T]{Size: pad, Probe: p.probe.ID}, pad, true, 0
		}
		item = p.pop()
		item.Probe = p.probe.ID
		p.left -= item.Size
		p.sent += item.Size
		return item, 0, true, 0
	}
	if p.head == len(p.queue) || p.rate <= 0 {
		return item, 0, false, 0
	}
	if now < p.free {
		return item, 0, false, p.free - now
	}
	item = p.pop()
	// A burst may make up for a timer that was late, not for idle time.
	p.free = max(p.free, now-pacerLate) + p.rate.time(float64(item.Size))
	return item, 0, true, 0
}

// padPacket is what padding makes of a packet: its length is one byte (RFC 3550, 5.1).
const padPacket = 255

// pacerLate is by how much a timer may be late until its time is lost.
const pacerLate = 5 * time.Millisecond

func (p *Pacer[T]) pop() Item[T] {
	item := p.queue[p.head]
	p.queue[p.head] = Item[T]{}
	p.head++
	p.queued -= item.Size
	return item
}
