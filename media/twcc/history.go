package twcc

import (
	"cmp"
	"slices"
	"time"

	"github.com/pion/rtcp"

	"callbox/media/rate"
)

const (
	// kept is how many packets can wait for their report: 4 s of 2.5 Mbit/s.
	kept = 1 << 10
	// lostAfter is how long a packet that is missing in a report may still be found in
	// a later one: ways that reorder deliver it late.
	lostAfter = 400 * time.Millisecond
)

// The state of a packet.
type state uint8

const (
	free    state = iota // there is none, or all is said of it
	sent                 // nothing is known of it
	missing              // a report did not have it
)

type packet struct {
	state  state
	number uint16
	sent   time.Duration
	missed time.Duration // when it was first missing
	size   int
	probe  int
	again  bool // on the stream for retransmissions (RFC 4588)
}

// history knows what was sent and not yet reported.
type history struct {
	next    uint16
	packets [kept]packet

	base    int64 // of the receiver's clock, in units of 64 ms, unwrapped
	last    uint32
	started bool
}

// sent notes a packet. Some phones do not report those of the stream for
// retransmissions: again says that it is one, and that it is not lost when no report has
// it.
func (h *history) sent(at time.Duration, size, probe int, again bool) {
	h.packets[h.next%kept] = packet{state: sent, number: h.next, sent: at, size: size, probe: probe, again: again}
	h.next++
}

// report returns what a report says that was not known, in the order of sending.
func (h *history) report(now time.Duration, r *rtcp.TransportLayerCC) []rate.Packet {
	var out []rate.Packet
	arrived := h.reference(r.ReferenceTime)
	number, deltas := r.BaseSequenceNumber, r.RecvDeltas
	left := int(r.PacketStatusCount)
	status := func(symbol uint16) {
		if left == 0 {
			return
		}
		left--
		n := number
		number++
		known := symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta
		if known {
			if len(deltas) == 0 {
				left = 0 // it says less than it promised
				return
			}
			arrived += time.Duration(deltas[0].Delta) * time.Microsecond
			deltas = deltas[1:]
		}
		p := &h.packets[n%kept]
		if p.state == free || p.number != n {
			return
		}
		switch {
		case known:
			out = append(out, rate.Packet{Sent: p.sent, Arrived: arrived, Size: p.size, Probe: p.probe})
			p.state = free
		case symbol == rtcp.TypeTCCPacketNotReceived && p.state == sent:
			p.state, p.missed = missing, now
		}
	}
	for _, c := range r.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				status(c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			for _, symbol := range c.SymbolList {
				status(symbol)
			}
		}
	}
	for i := range h.packets {
		if p := &h.packets[i]; p.state == missing && now-p.missed >= lostAfter {
			p.state = free
			if !p.again {
				out = append(out, rate.Packet{Sent: p.sent, Size: p.size, Probe: p.probe, Lost: true})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b rate.Packet) int { return cmp.Compare(a.Sent, b.Sent) })
	return out
}

// reference is the time of a report on the receiver's clock: 24 bits of 64 ms, which
// begin anew every 12 days, and may start anywhere.
func (h *history) reference(r uint32) time.Duration {
	const bits = 24
	if !h.started {
		h.started, h.base, h.last = true, int64(r), r
	}
	step := int32(r-h.last) << (32 - bits) >> (32 - bits) // signed, of 24 bits
	h.base += int64(step)
	h.last = r
	return time.Duration(h.base) * 64 * time.Millisecond
}
