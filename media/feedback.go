package media

import (
	"errors"
	"io"
	"net"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// maxBadReads is how many reads in a row may fail until a track is given up: a
// malformed packet is one failed read, a closed transport fails for ever.
const maxBadReads = 100

// readLoop calls read until its source ends, and use for each packet of n bytes.
func readLoop(read func(p []byte) (int, error), use func(p []byte)) {
	buf := make([]byte, 1<<11) // pion's MTU is 1460
	for bad := 0; bad < maxBadReads; {
		n, err := read(buf)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			bad++
		default:
			bad = 0
			use(buf[:n])
		}
	}
}

// readFeedback reads what the phone says of one of our tracks, until the end.
// Reading also drives pion's retransmissions. A sender that pion has stopped has no
// track any more, but kind stays.
func (s *Session) readFeedback(sender *webrtc.RTPSender, kind webrtc.RTPCodecType) {
	var ssrc webrtc.SSRC
	if e := sender.GetParameters().Encodings; len(e) > 0 {
		ssrc = e[0].SSRC
	}
	note := func(r rtcp.ReceptionReport) {
		s.count.audioReported.Store(uint32(r.FractionLost))
		s.count.audioJitterReported.Store(r.Jitter)
	}
	if kind == webrtc.RTPCodecTypeVideo {
		note = func(r rtcp.ReceptionReport) { s.count.videoReported.Store(uint32(r.FractionLost)) }
	}
	readLoop(func(p []byte) (int, error) {
		n, _, err := sender.Read(p)
		return n, err
	}, func(p []byte) {
		s.heard()
		packets, err := rtcp.Unmarshal(p)
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				if s.video != nil {
					s.video.requestKeyframe()
				}
			case *rtcp.ReceiverReport:
				noteReport(p.Reports, ssrc, note)
			case *rtcp.SenderReport: // of a phone that sends, too
				noteReport(p.Reports, ssrc, note)
			}
		}
	})
}

// soundLoss is the share of our sound that does not arrive, 0 to 1: of all our packets of
// late, or of the sound in the phone's last receiver report, whichever is more. A phone that
// reports pictures only, and a voice call with it, know the second alone.
func (s *Session) soundLoss() float64 {
	return max(s.send.loss(), float64(s.count.audioReported.Load())/256)
}

// noteReport notes what the phone reports of one of our tracks (RFC 3550, 6.4.1).
func noteReport(reports []rtcp.ReceptionReport, ssrc webrtc.SSRC, note func(rtcp.ReceptionReport)) {
	for _, r := range reports {
		if r.SSRC == uint32(ssrc) {
			note(r)
		}
	}
}

// readReports reads the phone's reports on its own track: pion's receiver reports
// need them, and they say what its clock is.
func (s *Session) readReports(r *webrtc.RTPReceiver, kind webrtc.RTPCodecType) {
	readLoop(func(p []byte) (int, error) {
		n, _, err := r.Read(p)
		return n, err
	}, func(p []byte) {
		s.heard()
		s.reported(kind, p)
	})
}

// reported takes what the phone says of one of its own tracks.
func (s *Session) reported(kind webrtc.RTPCodecType, p []byte) {
	packets, err := rtcp.Unmarshal(p)
	if err != nil {
		return
	}
	for _, p := range packets {
		if report, ok := p.(*rtcp.SenderReport); ok {
			s.together.report(kind, report)
		}
	}
}
