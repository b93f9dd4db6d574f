package phonepeer

import (
	"net"
	"strconv"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Packet is one of the device's sound or picture, for who looks into it.
type Packet struct {
	Video   bool
	Codec   string // as webrtc.MimeTypeH264
	Header  *rtp.Header
	Payload []byte        // valid until the function returns
	At      time.Duration // counts as Times
}

// Way is between which addresses media flows.
type Way struct {
	Local, Remote string        // kind, protocol, address:port; "": not connected
	RoundTrip     time.Duration // of the newest connectivity check; 0: not measured
}

// way reads the selected candidate pair.
func (l *peerLeg) way() Way {
	l.mu.Lock()
	pc, closed := l.pc, l.closed
	l.mu.Unlock()
	if pc == nil || closed || pc.SCTP() == nil || pc.SCTP().Transport() == nil {
		return l.counts.lastWay()
	}
	ice := pc.SCTP().Transport().ICETransport()
	pair, err := ice.GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return l.counts.lastWay()
	}
	w := Way{Local: candidateText(pair.Local), Remote: candidateText(pair.Remote)}
	if s, ok := ice.GetSelectedCandidatePairStats(); ok {
		w.RoundTrip = time.Duration(s.CurrentRoundTripTime * float64(time.Second))
	}
	l.counts.keepWay(w)
	return w
}

func candidateText(c *webrtc.ICECandidate) string {
	if c == nil {
		return ""
	}
	return c.Typ.String() + " " + c.Protocol.String() + " " + net.JoinHostPort(c.Address, strconv.Itoa(int(c.Port)))
}
