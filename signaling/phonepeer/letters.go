package phonepeer

import (
	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// letters are the ids of what a call has sent.
type letters struct {
	invite, inviteText string
	challenge, nonce   string // what the offer answers
	offer              string
	restart            string
	leave              string
	closing            bool
}

// close stops what is still being sent, but for the last word. The device has no
// answer for what else belongs to an ended room.
func (l *letters) close(m *mail) {
	l.closing = true
	m.keep(l.leave)
}

// invite asks to call, or answers the device's ring.
func (s *session) invite() {
	id, text, err := s.mail.post(draft{ref: s.wish.ring, withKey: true, life: firstLife, expired: func() {
		s.apply(evUnanswered{message.TypeInvite})
	}}, s.wish.invite)
	if err != nil {
		s.refuse(err)
		return
	}
	s.sent.invite, s.sent.inviteText = id, text
	if s.wish.ring != "" {
		s.mail.answered(s.wish.ring, text)
	}
}

// refuse ends a call because something of ours cannot be signed.
func (s *session) refuse(err error) {
	s.log.Error().Err(err).Msg("cannot sign")
	s.apply(evMediaFails{})
}

// offer is the proof and the offer. The challenge's duplicates get it.
func (s *session) offer(sdp string) {
	id, text, err := s.mail.post(draft{ref: s.sent.challenge, withKey: true, life: firstLife, expired: func() {
		s.apply(evUnanswered{message.TypeOffer})
	}}, message.Offer{Nonce: s.sent.nonce, Invite: s.sent.inviteText, SDP: sdp})
	if err != nil {
		s.refuse(err)
		return
	}
	s.sent.offer = id
	s.mail.answered(s.sent.challenge, text)
	s.mark(&s.call.times.Offered)
}

func (s *session) restart(generation int, sdp string) {
	if s.sent.closing {
		return
	}
	s.mail.drop(s.sent.restart)
	id, _, err := s.mail.post(draft{life: restLife}, message.Restart{Generation: generation, SDP: sdp})
	if err != nil {
		s.refuse(err)
		return
	}
	s.sent.restart = id
}

func (s *session) sendCandidates(list []message.Candidate) {
	if _, _, err := s.mail.post(draft{life: restLife}, message.Candidates{Candidates: list}); err != nil {
		s.log.Error().Err(err).Msg("cannot sign")
	}
}

// leave tells the device of an end of ours. It goes on being sent after this call's
// last event: the device should hear of it.
func (s *session) leave(e doLeave) {
	s.trickle.stop()
	s.sent.close(s.mail)
	s.sent.leave = message.NewID()
	d := draft{id: s.sent.leave, life: restLife, withKey: !s.state.accepted}
	var body message.Body
	switch e.kind {
	case message.TypeCancel:
		body = message.Cancel{Cause: e.end.Cause}
	case message.TypeReject:
		d.ref = s.wish.ring
		body = message.Reject{Cause: e.end.Cause}
	default:
		body = message.Bye{Cause: e.end.Cause, Origin: e.end.Origin, Detail: e.end.Detail}
		s.sendFrame(message.ByeFrame{ID: d.id, Cause: e.end.Cause, Origin: e.end.Origin, Detail: e.end.Detail})
	}
	_, text, err := s.mail.post(d, body)
	if err != nil {
		s.log.Error().Err(err).Msg("cannot sign")
		return
	}
	if e.kind == message.TypeReject {
		s.mail.answered(s.wish.ring, text)
	}
}

// answers reports whether a message refers to the one of ours that it must answer.
func (l *letters) answers(m *message.Message) bool {
	toInvite, toOffer := m.Ref != "" && m.Ref == l.invite, m.Ref != "" && m.Ref == l.offer
	switch m.Type {
	case message.TypeChallenge:
		return toInvite
	case message.TypeRinging, message.TypeAccept:
		return toOffer
	case message.TypeReject:
		return toInvite || toOffer
	default:
		return true
	}
}

// endOf keeps what the registry knows: a word of a later version still ends the call.
func endOf(c cause.Cause, o cause.Origin, d cause.Detail) cause.End {
	end := cause.End{Cause: c}
	if !c.Valid() {
		end.Cause = cause.Aborted
	}
	if end.Cause == cause.Hangup && o.Valid() {
		end.Origin = o
	}
	if end.Cause == cause.Aborted && d.Valid() {
		end.Detail = d
	}
	return end
}
