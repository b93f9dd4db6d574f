package gate

import "encoding/binary"

// kind is what a packet is, as far as the gate cares.
type kind int

const (
	kindMedia   kind = iota // RTP, RTCP, and all that is unknown
	kindControl             // STUN, DTLS, TURN without media in it
	kindSealed              // application data of DTLS or TLS
)

// The first byte tells the protocols on one port apart (RFC 7983, 7).
const (
	stunLast     = 3  // 0..3: STUN, and TURN's own messages
	dtlsFirst    = 20 // 20..63: DTLS, and TLS records
	dtlsLast     = 63
	channelFirst = 64 // 64..79: TURN ChannelData (RFC 8656, 12.4)
	channelLast  = 79

	recordApplicationData = 23 // of TLS and DTLS
)

// Parts of a STUN message (RFC 8489, 5 and 14; RFC 8656, 18).
const (
	stunHeader         = 20
	stunCookie         = 0x2112A442
	stunSendIndication = 0x0016
	stunDataIndication = 0x0017
	attributeData      = 0x0013
)

// classify says what p is. What it cannot make sense of is media: the gate fails
// towards silence.
func classify(p []byte) kind {
	return classifyDepth(p, 0)
}

func classifyDepth(p []byte, depth int) kind {
	if len(p) == 0 {
		return kindControl // an empty datagram carries nothing
	}
	if depth > 2 {
		return kindMedia // a relay inside a relay inside a relay
	}
	switch b := p[0]; {
	case b <= stunLast:
		return classifySTUN(p, depth)
	case b == recordApplicationData:
		return kindSealed
	case b >= dtlsFirst && b <= dtlsLast:
		return kindControl
	case b >= channelFirst && b <= channelLast:
		const header = 4
		if len(p) < header {
			return kindMedia
		}
		n := int(binary.BigEndian.Uint16(p[2:]))
		if len(p) < header+n {
			return kindMedia
		}
		return classifyDepth(p[header:header+n], depth+1)
	default:
		return kindMedia
	}
}

// classifySTUN looks for what a TURN client sends through its relay.
func classifySTUN(p []byte, depth int) kind {
	if len(p) < stunHeader || binary.BigEndian.Uint32(p[4:]) != stunCookie {
		// Nothing of ours is older than RFC 5389; mDNS has its own sockets.
		return kindMedia
	}
	if typ := binary.BigEndian.Uint16(p); typ != stunSendIndication && typ != stunDataIndication {
		return kindControl
	}
	rest := p[stunHeader:]
	for len(rest) >= 4 {
		typ, n := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		rest = rest[4:]
		if n > len(rest) {
			return kindMedia
		}
		if typ == attributeData {
			return classifyDepth(rest[:n], depth+1)
		}
		rest = rest[min((n+3)&^3, len(rest)):]
	}
	if len(rest) != 0 {
		return kindMedia
	}
	return kindControl
}
