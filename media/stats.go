package media

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

// counters are counted where things happen.
type counters struct {
	videoFramesSent, videoBytesSent, keyframesSent atomic.Uint64
	audioPacketsSent                               atomic.Uint64
	videoFramesReceived, videoFramesDecoded        atomic.Uint64

	videoSize, sentSize atomic.Uint64 // width in the upper half, height in the lower
	picturesLeftOut     atomic.Uint64 // because packets waited
	up, down            meter         // bytes of RTP
	pictures            meter         // sent
	camera              cameraCounts
	freezes             freezes
	shown               atomic.Pointer[videoCodec] // of the picture on the display; nil before the first
	encoder             atomic.Pointer[string]     // of the picture that was sent last, the same

	// What the phone reported lost of each of our tracks, in 256ths, and what is
	// missing of each of its.
	audioReported, videoReported atomic.Uint32
	audioMissing, videoMissing   lossMeter

	audioJitter         jitterMeter   // of the phone's sound
	audioJitterReported atomic.Uint32 // of ours, as the phone last reported it, in ticks of opusClock
}

// Stats returns the counters as they are now.
func (s *Session) Stats() Stats {
	heard, echo, underruns := s.sound.stats()
	bad, late := s.count.camera.sum()
	now, size, sent := s.now(), s.count.videoSize.Load(), s.count.sentSize.Load()
	out := Stats{
		VideoFramesSent:     s.count.videoFramesSent.Load(),
		VideoBytesSent:      s.count.videoBytesSent.Load(),
		KeyframesSent:       s.count.keyframesSent.Load(),
		AudioPacketsSent:    s.count.audioPacketsSent.Load(),
		AudioPacketsLost:    heard.Lost,
		AudioPacketsPlayed:  heard.Played,
		AudioConcealed:      heard.Concealed,
		AudioDelay:          heard.Delay.Seconds() * 1000,
		AudioWanted:         heard.Wanted.Seconds() * 1000,
		AudioUnderruns:      underruns,
		EchoDelay:           echo.Delay.Seconds() * 1000,
		EchoReturnLoss:      echo.ReturnLoss,
		VideoFramesReceived: s.count.videoFramesReceived.Load(),
		VideoFramesDecoded:  s.count.videoFramesDecoded.Load(),
		VideoFreezes:        s.count.freezes.count.Load(),
		VideoCodec:          s.video.codecName(),
		BitrateUp:           8 * s.count.up.second(now),
		BitrateDown:         8 * s.count.down.second(now),
		LossUp:              float64(max(s.count.audioReported.Load(), s.count.videoReported.Load())) / 256,
		LossDown:            max(s.count.audioMissing.lost(now), s.count.videoMissing.lost(now)),
		JitterUp:            float64(s.count.audioJitterReported.Load()) / opusClock * 1000,
		JitterDown:          s.count.audioJitter.milliseconds(),
		VideoWidth:          int(size >> 32),
		VideoHeight:         int(size & math.MaxUint32),
		VideoFrameRate:      float64(s.count.pictures.second(now)),
		VideoSentWidth:      int(sent >> 32),
		VideoSentHeight:     int(sent & math.MaxUint32),
		VideoLeftOut:        s.count.picturesLeftOut.Load(),
		CameraFramesBad:     bad,
		CameraFramesLate:    late,
	}
	if shown := s.count.shown.Load(); shown != nil {
		out.VideoReceivedCodec = string(shown.name)
	}
	if name := s.count.encoder.Load(); name != nil {
		out.VideoEncoder = *name
	}
	out.TargetUp, out.QueueUp = s.send.state()
	s.mu.Lock()
	connected := s.connected
	s.mu.Unlock()
	if !connected {
		return out // pion does not guard its transport while it starts
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
