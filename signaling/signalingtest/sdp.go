package signalingtest

import (
	"fmt"
	"strings"
)

// SDP is an offer as a browser would write it, in few lines.
type SDP struct {
	Voice        bool     // without video
	Fingerprint  string   // "" for DefaultFingerprint
	Fingerprints []string // further ones, in each m-line
	Ufrag        string   // "" for "uuuu"
	Candidates   []string // candidate-attributes without "a="
}

// DefaultFingerprint stands in an SDP that names none.
const DefaultFingerprint = "AA:E6:42:44:E5:8F:B8:3C:EE:06:1E:CC:70:66:80:64:08:B9:7D:B2:73:5F:14:C9:28:3D:5B:F6:B9:B2:1D:E8"

// OtherFingerprint differs from it in one byte.
const OtherFingerprint = "BB:E6:42:44:E5:8F:B8:3C:EE:06:1E:CC:70:66:80:64:08:B9:7D:B2:73:5F:14:C9:28:3D:5B:F6:B9:B2:1D:E8"

// String writes the offer.
func (s SDP) String() string {
	if s.Fingerprint == "" {
		s.Fingerprint = DefaultFingerprint
	}
	if s.Ufrag == "" {
		s.Ufrag = "uuuu"
	}
	kinds := []string{
		"audio 9 UDP/TLS/RTP/SAVPF 111\na=rtpmap:111 opus/48000/2\na=rtcp-mux\na=sendrecv",
		"video 9 UDP/TLS/RTP/SAVPF 96\na=rtpmap:96 VP8/90000\na=rtcp-mux\na=sendrecv",
		"application 9 UDP/DTLS/SCTP webrtc-datachannel\na=sctp-port:5000",
	}
	if s.Voice {
		kinds = []string{kinds[0], kinds[2]}
	}
	var head, media strings.Builder
	head.WriteString("v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE")
	for mid, kind := range kinds {
		fmt.Fprintf(&head, " %d", mid)
		fmt.Fprintf(&media, "m=%s\na=mid:%d\na=setup:actpass\na=ice-ufrag:%s\na=ice-pwd:%s0123456789abcdefgh\n", kind, mid, s.Ufrag, s.Ufrag)
		for _, f := range append([]string{s.Fingerprint}, s.Fingerprints...) {
			fmt.Fprintf(&media, "a=fingerprint:sha-256 %s\n", f)
		}
		if mid == 0 {
			for _, c := range s.Candidates {
				fmt.Fprintf(&media, "a=%s\n", c)
			}
		}
	}
	return strings.ReplaceAll(head.String()+"\n"+media.String(), "\n", "\r\n")
}
