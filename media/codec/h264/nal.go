// Package h264 reads what a call must know of H.264 (ITU-T H.264) without decoding
// it: NAL units, sizes, levels, and the packets of RTP (RFC 6184).
package h264

import "bytes"

// Types of NAL units (table 7-1).
const (
	TypeSlice = 1
	TypeIDR   = 5
	TypeSEI   = 6
	TypeSPS   = 7
	TypePPS   = 8
)

// NALs calls use with each NAL unit of an Annex B stream, without its start code,
// until use returns false. Bytes before the first start code are passed over.
func NALs(stream []byte, use func(nal []byte) bool) {
	begin, _ := startCode(stream)
	for begin < len(stream) {
		rest := stream[begin:]
		next, at := startCode(rest)
		if nal := bytes.TrimRight(rest[:at], "\x00"); len(nal) > 0 && !use(nal) {
			return
		}
		begin += next
	}
}

// startCode returns where the first start code ends and where it begins; the length
// of p for both when there is none.
func startCode(p []byte) (end, begin int) {
	i := bytes.Index(p, []byte{0, 0, 1})
	if i < 0 {
		return len(p), len(p)
	}
	return i + 3, i
}

// Type is the type of a NAL unit.
func Type(nal []byte) byte { return nal[0] & 0x1f }

// Contents is what a picture is made of.
type Contents struct {
	Key   bool // an IDR picture
	Slice bool // any picture at all
	SPS   []byte
	PPS   []byte
}

// AppendSets appends the parameter sets to dst (Annex B), for keyframes that come without.
func (c Contents) AppendSets(dst []byte) []byte {
	for _, nal := range [][]byte{c.SPS, c.PPS} {
		if nal != nil {
			dst = append(append(dst, 0, 0, 0, 1), nal...)
		}
	}
	return dst
}

// Look looks into one access unit. SPS and PPS are the last of it and lie in au.
func Look(au []byte) (c Contents) {
	NALs(au, func(nal []byte) bool {
		switch Type(nal) {
		case TypeIDR:
			c.Key, c.Slice = true, true
		case TypeSPS:
			c.SPS = nal
		case TypePPS:
			c.PPS = nal
		case TypeSlice, 2, 3, 4: // partitions of a slice, too
			c.Slice = true
		}
		return true
	})
	return c
}

// FindSPS reads the first SPS of an access unit, which stands before the picture; false:
// there is none, or none that can be read.
func FindSPS(au []byte) (s SPS, ok bool) {
	NALs(au, func(nal []byte) bool {
		if Type(nal) == TypeSPS {
			var err error
			s, err = ParseSPS(nal)
			ok = err == nil
			return false
		}
		return Type(nal) != TypeSlice && Type(nal) != TypeIDR
	})
	return s, ok
}
