package media

import (
	"fmt"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

// counters are counted where things happen.
type counters struct {
	videoFramesSent, videoBytesSent, keyframesSent atomic.Uint64
	audioPacketsSent                               atomic.Uint64
	videoFramesReceived, videoFramesDecoded        atomic.Uint64
}

// Stats returns the counters as they are now.
func (s *Session) Stats() Stats {
	heard := s.sound.stats()
	out := Stats{
		VideoFramesSent:     s.count.videoFramesSent.Load(),
		VideoBytesSent:      s.count.videoBytesSent.Load(),
		KeyframesSent:       s.count.keyframesSent.Load(),
		AudioPacketsSent:    s.count.audioPacketsSent.Load(),
		AudioPacketsLost:    heard.Lost,
		AudioPacketsPlayed:  heard.Played,
		AudioConcealed:      heard.Concealed,
		VideoFramesReceived: s.count.videoFramesReceived.Load(),
		VideoFramesDecoded:  s.count.videoFramesDecoded.Load(),
	}
	ice := s.pc.SCTP().Transport().ICETransport()
	if pair, err := ice.GetSelectedCandidatePair(); err == nil && pair != nil {
		out.LocalCandidate, out.RemoteCandidate = candidateText(pair.Local), candidateText(pair.Remote)
	}
	if pair, ok := ice.GetSelectedCandidatePairStats(); ok {
		out.RTTMilliseconds = pair.CurrentRoundTripTime * 1000
	}
	return out
}

// candidateText is type, protocol, address:port.
func candidateText(c *webrtc.ICECandidate) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%v %v %s:%d", c.Typ, c.Protocol, c.Address, c.Port)
}
