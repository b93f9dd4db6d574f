package media

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// receive takes a track of the phone. What comes before the start is read, so
// that the connection lives, and thrown away: it is neither decoded nor played.
func (s *Session) receive(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	use := func(*rtp.Packet) {}
	missing := &s.count.audioMissing
	if track.Kind() == webrtc.RTPCodecTypeVideo {
		missing = &s.count.videoMissing
	}
	switch {
	case strings.EqualFold(track.Codec().MimeType, webrtc.MimeTypeOpus) && s.sound.hasSpeaker():
		use = func(p *rtp.Packet) {
			s.sound.push(p, s.now())
		}
	case track.Kind() == webrtc.RTPCodecTypeVideo && s.cfg.Video && s.engine.opts.Display != nil:
		v := newVideoReceiver(s, track)
		s.goFunc(v.run)
		use = v.push
	}
	s.goFunc(func() { s.readReports(receiver, track.Kind()) })
	s.goFunc(func() {
		readLoop(func(p []byte) (int, error) {
			n, _, err := track.Read(p)
			return n, err
		}, func(p []byte) {
			s.heard()
			if track.Kind() == webrtc.RTPCodecTypeVideo {
				s.lastVideo.Store(s.lastMedia.Load())
			}
			if !s.running() {
				return
			}
			if now := s.now(); len(p) >= rtpHeaderSize {
				s.count.down.add(now, len(p))
				missing.packet(now, binary.BigEndian.Uint16(p[2:]))
				if track.Kind() == webrtc.RTPCodecTypeAudio {
					s.count.audioJitter.packet(now, binary.BigEndian.Uint32(p[4:]), opusClock)
				}
			}
			packet := &rtp.Packet{}
			if packet.Unmarshal(append([]byte(nil), p...)) == nil {
				use(packet)
			}
		})
	})
}

// frozen reports whether the phone's pictures stand still against its will, when they do:
// one that has turned its camera off sends sound and no pictures.
func (s *Session) frozen() bool {
	return time.Duration(s.lastMedia.Load()-s.lastVideo.Load()) < freezeLast
}

// running reports whether media flows: started and not shut.
func (s *Session) running() bool {
	select {
	case <-s.startedNow:
	default:
		return false
	}
	return !s.over.Load()
}

// now is the time on the engine's clock.
func (s *Session) now() time.Duration { return s.engine.opts.Clock.Now() }
