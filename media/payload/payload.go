// Package payload cuts encoded pictures into what RTP packets carry: H.264 (RFC 6184,
// packetization-mode 1) and VP8 (RFC 7741). It allocates nothing: whoever sends has the
// memory, and uses it again.
package payload

import (
	"encoding/binary"

	"callbox/media/codec/h264"
)

// Cutter cuts the pictures of one stream. One goroutine at a time.
type Cutter interface {
	// Cut cuts one picture into payloads of at most size bytes, at least 16. It asks next
	// for memory of exactly so many bytes for each of them, in order, fills it and does not
	// keep it.
	Cut(picture []byte, size int, next func(n int) []byte)
}

// H264 cuts Annex B streams: the parameter sets of a picture go together in one packet,
// NAL units that are too long in fragments. Delimiters and filler data are left out.
type H264 struct{}

// Types of NAL units and payloads beside those of package h264 (ITU-T H.264, table 7-1;
// RFC 6184, table 1).
const (
	typeDelimiter = 9
	typeFiller    = 12
	typeSTAPA     = 24
	typeFUA       = 28
)

// Cut implements Cutter.
func (H264) Cut(picture []byte, size int, next func(n int) []byte) {
	var sps, pps []byte // that were not sent yet
	h264.NALs(picture, func(nal []byte) bool {
		switch t := h264.Type(nal); {
		case t == typeDelimiter || t == typeFiller:
		case t == h264.TypeSPS && sps == nil:
			sps = nal
		case t == h264.TypePPS && pps == nil:
			pps = nal
		default:
			sets(sps, pps, size, next)
			sps, pps = nil, nil
			unit(nal, size, next)
		}
		return true
	})
	sets(sps, pps, size, next)
}

// sets sends what there is of the two, together if they fit (5.7.1).
func sets(sps, pps []byte, size int, next func(n int) []byte) {
	n := 1 + 2 + len(sps) + 2 + len(pps)
	if sps == nil || pps == nil || n > size {
		for _, nal := range [][]byte{sps, pps} {
			if nal != nil {
				unit(nal, size, next)
			}
		}
		return
	}
	const importance = 0x60
	out := next(n)[:0]
	out = append(out, typeSTAPA|max(sps[0]&importance, pps[0]&importance))
	for _, nal := range [...][]byte{sps, pps} {
		out = binary.BigEndian.AppendUint16(out, uint16(len(nal)))
		out = append(out, nal...)
	}
}

// unit sends a NAL unit, in fragments if it is too long (5.8).
func unit(nal []byte, size int, next func(n int) []byte) {
	if len(nal) <= size {
		copy(next(len(nal)), nal)
		return
	}
	const start, end, header = 0x80, 0x40, 2
	flag := byte(start)
	for rest := nal[1:]; len(rest) > 0; flag = 0 {
		n := min(len(rest), size-header)
		if n == len(rest) {
			flag |= end
		}
		out := next(header + n)
		out[0], out[1] = nal[0]&0xe0|typeFUA, flag|h264.Type(nal)
		copy(out[header:], rest[:n])
		rest = rest[n:]
	}
}

// VP8 cuts VP8. Each picture has a number of 15 bits, so that who passes packets on can
// renumber them in place.
type VP8 struct{ number uint16 }

// Cut implements Cutter.
func (v *VP8) Cut(picture []byte, size int, next func(n int) []byte) {
	const extended, start, header = 0x80, 0x10, 4
	flags := byte(extended | start)
	for rest := picture; len(rest) > 0; flags = extended {
		n := min(len(rest), size-header)
		out := next(header + n)
		out[0], out[1], out[2], out[3] = flags, 0x80, 0x80|byte(v.number>>8), byte(v.number)
		copy(out[header:], rest[:n])
		rest = rest[n:]
	}
	v.number = (v.number + 1) & 0x7fff
}
