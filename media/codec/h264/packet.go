package h264

import (
	"encoding/binary"
	"errors"
)

// Packet turns RTP payloads of packetization-mode 1 (RFC 6184, 5.4) back into an
// Annex B stream. It keeps nothing between packets, so that what a sender never ends
// does not grow: the fragments of a NAL unit are joined by whoever joins the results.
type Packet struct{}

// Types of payloads (table 1).
const (
	typeSTAPA = 24
	typeFUA   = 28
)

var errPacket = errors.New("cannot use a packet of H.264")

// Unmarshal returns the part of the stream that a payload carries.
func (Packet) Unmarshal(p []byte) ([]byte, error) {
	if len(p) < 2 {
		return nil, errPacket
	}
	switch t := Type(p); {
	case t >= 1 && t <= 23:
		return annexB(make([]byte, 0, len(p)+4), p), nil
	case t == typeSTAPA:
		out := make([]byte, 0, len(p)+16)
		for p = p[1:]; len(p) > 2; {
			n := int(binary.BigEndian.Uint16(p))
			if n == 0 || len(p) < 2+n {
				return nil, errPacket
			}
			out = annexB(out, p[2:2+n])
			p = p[2+n:]
		}
		return out, nil
	case t == typeFUA && len(p) > 2:
		if p[1]&0x80 == 0 { // not the first fragment
			return p[2:], nil
		}
		out := append(make([]byte, 0, len(p)+3), 0, 0, 0, 1, p[0]&0xe0|p[1]&0x1f)
		return append(out, p[2:]...), nil
	}
	return nil, errPacket
}

func annexB(out, nal []byte) []byte { return append(append(out, 0, 0, 0, 1), nal...) }

// IsPartitionHead reports whether a payload does not continue a NAL unit.
func (Packet) IsPartitionHead(p []byte) bool {
	return len(p) >= 2 && (Type(p) != typeFUA || p[1]&0x80 != 0)
}

// IsPartitionTail reports whether a packet is the last of its picture.
func (Packet) IsPartitionTail(marker bool, _ []byte) bool { return marker }
