package media

import (
	"sync"
	"time"
)

// meterSlot is the step in which a meter moves.
const (
	meterSlot  = 100 * time.Millisecond
	meterSlots = int64(time.Second / meterSlot)
)

// meter says how much there was in the last second: the sum of the ten full tenths
// of it before the present one. Its zero value is ready; no method allocates.
type meter struct {
	mu    sync.Mutex
	slots [meterSlots + 1]struct {
		at int64 // which tenth of a second this is
		n  uint64
	}
}

// add counts n at a time on a clock that only goes forward.
func (m *meter) add(now time.Duration, n int) {
	at := int64(now / meterSlot)
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.slots[at%(meterSlots+1)]
	if s.at != at {
		s.at, s.n = at, 0
	}
	s.n += uint64(n)
}

// second is what was counted in the second before now.
func (m *meter) second(now time.Duration) uint64 {
	at := int64(now / meterSlot)
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum uint64
	for _, s := range m.slots {
		if s.at < at && s.at >= at-meterSlots {
			sum += s.n
		}
	}
	return sum
}

// newStream is the leap of a sequence number that is not a loss.
const newStream = 1000

// lossMeter says how many packets of a received stream are missing. A packet that
// comes late or is sent again makes up for itself, as in RFC 3550, A.3.
type lossMeter struct {
	mu            sync.Mutex
	begun         bool
	highest       uint16
	expected, got meter
}

func (l *lossMeter) packet(now time.Duration, sequence uint16) {
	l.mu.Lock()
	ahead := int(int16(sequence - l.highest))
	switch {
	case !l.begun, ahead > newStream, ahead < -newStream:
		l.begun, ahead = true, 1
		l.highest = sequence
	case ahead > 0:
		l.highest = sequence
	}
	l.mu.Unlock()
	if ahead > 0 {
		l.expected.add(now, ahead)
	}
	l.got.add(now, 1)
}

// lost is the share of the last second's packets that did not come, from 0 to 1.
func (l *lossMeter) lost(now time.Duration) float64 {
	expected, got := l.expected.second(now), l.got.second(now)
	if got >= expected {
		return 0
	}
	return 1 - float64(got)/float64(expected)
}
