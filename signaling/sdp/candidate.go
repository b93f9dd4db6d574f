package sdp

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxCandidate bounds one candidate line; the longest seen have about 200 bytes.
const maxCandidate = 512

// Candidate reports whether a candidate (RFC 8839, 5.1; the candidate member of an
// RTCIceCandidateInit) may be handed on: UDP, to an address that a phone can have.
// "" is the end of candidates and passes. Names under .local (mDNS) pass, to be
// resolved on the local network or ignored; other names do not.
func Candidate(line string, r Rules) bool {
	if line == "" {
		return true
	}
	line, ok := strings.CutPrefix(strings.TrimPrefix(line, "a="), "candidate:")
	if !ok || len(line) > maxCandidate || strings.ContainsAny(line, "\r\n\x00") {
		return false
	}
	// foundation component transport priority address port "typ" type …
	words := strings.Fields(line)
	if len(words) < 8 || words[6] != "typ" || !strings.EqualFold(words[2], "udp") {
		return false
	}
	if _, err := strconv.ParseUint(words[3], 10, 32); err != nil {
		return false
	}
	if port, err := strconv.ParseUint(words[5], 10, 16); err != nil || port == 0 {
		return false
	}
	switch words[7] {
	case "host", "srflx", "prflx", "relay":
	default:
		return false
	}
	if name, ok := strings.CutSuffix(words[4], ".local"); ok {
		return words[7] == "host" && validName(name)
	}
	address, err := netip.ParseAddr(words[4])
	return err == nil && address.Zone() == "" && usable(address, r)
}

// usable leaves out addresses at which nobody, everybody or the device itself
// would be reached.
func usable(a netip.Addr, r Rules) bool {
	a = a.Unmap()
	switch {
	case a.IsUnspecified(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return false
	case a.Is4() && a.As4()[0] == 0: // "this network", RFC 1122
		return false
	case a.IsLoopback():
		return r.Loopback
	}
	return true
}

// validName accepts the names that browsers make up for mDNS: a UUID.
func validName(name string) bool {
	if name == "" || len(name) > 63 {
		return false
	}
	for _, c := range name {
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
