package phonepeer

import (
	"time"

	"callbox/signaling/budget"
	"callbox/signaling/message"
)

// receive takes a verified message of this room.
func (s *session) receive(m *message.Message) {
	switch {
	case !s.mail.arrive(m):
		return
	case m.V != message.Version || m.Invalid != nil:
		s.log.Info().Err(m.Invalid).Str("type", string(m.Type)).Msg("the device breaks the protocol")
		s.mail.ack(m.ID, message.Ack{Error: "badRequest"})
		s.apply(evBreach{})
		return
	case m.Body == nil: // a type of a later version
		s.mail.ack(m.ID, message.Ack{})
		return
	}
	if a, ok := m.Body.(message.Ack); ok {
		s.acked(m.Ref, a)
		return
	}
	if !s.sent.answers(m) {
		s.log.Info().Str("type", string(m.Type)).Msg("the device answers what was not asked")
		s.apply(evBreach{})
		return
	}
	if m.Ref != "" && m.Ref == s.sent.offer {
		s.trickle.start()
	}
	switch m.Type {
	case message.TypeChallenge, message.TypeRing: // the offer and the invite answer them
	case message.TypeData: // its ack may be a refusal
	default:
		s.mail.ack(m.ID, message.Ack{})
	}
	s.body(m)
}

func (s *session) body(m *message.Message) {
	switch b := m.Body.(type) {
	case message.Challenge:
		if s.sent.nonce != "" {
			return // each copy of the invite got one: the first counts
		}
		s.sent.challenge, s.sent.nonce = m.ID, b.Nonce
		s.apply(evChallenge{epoch: b.Epoch, servers: b.ICEServers, ringTimeout: seconds(b.RingTimeout)})
	case message.Ringing:
		if b.SDP == "" || s.answerHolds(b.SDP) {
			s.apply(evRinging{sdp: b.SDP, timeout: seconds(b.RingTimeout)})
		}
		s.rings(b.Nonce)
	case message.Accept:
		if s.answerHolds(b.SDP) {
			s.apply(evAccept{sdp: b.SDP, limit: b.TimeLimit})
		}
	case message.Start:
		s.apply(evStart{b.TimeLimit})
	case message.Candidates:
		s.trickle.came(b.Candidates, s.phone.o.Loopback)
	case message.Restarted:
		if s.answerHolds(b.SDP) {
			s.apply(evRestarted{generation: b.Generation, sdp: b.SDP})
		}
	case message.NeedRestart:
		s.apply(evNeedRestart{b.Generation, b.ICEServers})
	case message.Data:
		s.deviceData(m.ID, b)
	case message.Reject:
		s.apply(evReject{endOf(b.Cause, "", "").Cause})
	case message.Cancel:
		s.apply(evCancel{endOf(b.Cause, "", "").Cause})
	case message.Bye:
		s.apply(evBye{endOf(b.Cause, b.Origin, b.Detail)})
	default: // Ring has made the room; the others mean nothing in one
	}
}

func seconds(s float64) time.Duration {
	const longest = 24 * time.Hour // a timer that a float cannot overflow
	return time.Duration(min(s, longest.Seconds()) * float64(time.Second))
}

// acked takes an ack: of the offer, of our last word, or of data.
func (s *session) acked(ref string, a message.Ack) {
	switch ref {
	case "":
	case s.sent.offer:
		s.trickle.start()
	case s.sent.leave:
		s.apply(evLeaveAcked{})
	default:
		s.data.acked(ref, a)
	}
}

// frame takes a text frame of the data channel.
func (s *session) frame(text []byte) {
	if !s.frames.Take(budget.FrameRate, budget.FrameRate, s.phone.o.Clock.Now()) {
		return
	}
	f, err := message.ParseFrame(text)
	if err != nil {
		s.log.Debug().Err(err).Msg("frame ignored")
		return
	}
	switch f := f.(type) {
	case message.AcceptFrame:
		// The channel is open only when the answer came in ringing.
		if s.state.earlySDP != "" && s.mail.arriveOnChannel(f.ID) {
			s.apply(evAccept{sdp: s.state.earlySDP, limit: f.TimeLimit})
		}
	case message.StartFrame:
		if s.mail.arriveOnChannel(f.ID) {
			s.apply(evStart{f.TimeLimit})
		}
	case message.ByeFrame:
		if s.mail.arriveOnChannel(f.ID) {
			s.apply(evBye{endOf(f.Cause, f.Origin, f.Detail)})
		}
	case message.Info:
		if s.state.started {
			s.call.events.add(Info{Mic: f.Mic, Camera: f.Camera, Speaker: f.Speaker, Quality: f.Quality})
		}
	case message.DataFrame:
		if s.state.started && s.mail.arriveOnChannel(f.ID) {
			s.call.events.add(Data{Payload: f.Payload})
			s.sendFrame(message.DataAck{ID: f.ID})
		}
	case message.DataAck:
		s.data.acked(f.ID, message.Ack{Error: f.Error})
	case message.UnknownFrame:
	}
}

// sendFrame sends a frame on the data channel; false when it is not open.
func (s *session) sendFrame(f message.Frame) bool {
	p, err := message.EncodeFrame(f)
	if err != nil {
		s.log.Error().Err(err).Msg("cannot write frame")
		return false
	}
	return s.leg != nil && s.leg.send(p)
}
