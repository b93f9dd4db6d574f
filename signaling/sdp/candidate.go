package sdp

import (
	"net/netip"
	"strconv"
	"strings"
)

// Usable reports whether a candidate may reach the ICE agent. line is the
// candidate-attribute of RFC 8839, 5.1, with or without "candidate:". What is
// not understood is not usable. Names in .local are left to the agent, which
// resolves or ignores them.
//
// Dropped are TCP, loopback (unless allowed), unspecified, multicast and
// broadcast: candidates that only make the device talk to itself or to everybody.
func Usable(line string, allowLoopback bool) bool {
	line = strings.TrimPrefix(line, "candidate:")
	if strings.ContainsAny(line, "\r\n") {
		return false
	}
	f := strings.Fields(line)
	// foundation component transport priority address port "typ" type …
	if len(f) < 8 || f[6] != "typ" || !strings.EqualFold(f[2], "udp") {
		return false
	}
	port, err := strconv.ParseUint(f[5], 10, 16)
	if err != nil || port == 0 {
		return false
	}
	if strings.HasSuffix(strings.ToLower(f[4]), ".local") {
		return true
	}
	address, err := netip.ParseAddr(f[4])
	return err == nil && usableAddress(address.Unmap(), allowLoopback)
}

func usableAddress(a netip.Addr, allowLoopback bool) bool {
	switch {
	case a.Zone() != "", a.IsUnspecified(), a.IsMulticast():
		return false
	case a.IsLoopback():
		return allowLoopback
	case a.Is4() && a.As4()[0] == 0, a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return false
	}
	return true
}
