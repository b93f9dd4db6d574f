package media

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"
)

// Answer takes the phone's offer and returns ours to it. It does not wait for
// candidates: they come as LocalCandidates. The SDP rules of the protocol have
// been checked by signaling.
func (s *Session) Answer(ctx context.Context, offer string) (answer string, err error) {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	s.mu.Lock()
	again := s.answered
	s.mu.Unlock()
	if again {
		return "", errors.New("cannot answer an offer twice: use Restart")
	}
	return s.answer(ctx, 0, offer)
}

// Restart takes an offer with new ICE credentials. The media goes on meanwhile.
func (s *Session) Restart(ctx context.Context, generation int, offer string) (answer string, err error) {
	s.negotiating.Lock()
	defer s.negotiating.Unlock()
	s.mu.Lock()
	first := !s.answered
	s.mu.Unlock()
	if first {
		return "", errors.New("cannot restart a session that has no answer yet")
	}
	if err := s.pc.SetConfiguration(s.iceConfiguration()); err != nil {
		return "", fmt.Errorf("cannot renew the ICE servers: %w", err)
	}
	return s.answer(ctx, generation, offer)
}

func (s *Session) answer(ctx context.Context, generation int, offer string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("cannot answer the phone's offer: %w", err)
	}
	remote := ufrags(offer)
	restricted, err := restrictOffer(offer, s.directions(), s.engine.codecs)
	if err != nil {
		return "", err
	}
	s.newGeneration(generation)
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: restricted}); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadOffer, err)
	}
	if err := s.chooseCodec(); err != nil {
		return "", fmt.Errorf("cannot answer the phone's offer: %w", err)
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("cannot answer the phone's offer: %w", err)
	}
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("cannot answer the phone's offer: %w", err)
	}
	s.mu.Lock()
	first := !s.answered
	s.answered, s.remote = true, remote
	kept := s.kept
	s.kept = nil
	s.mu.Unlock()
	if first {
		s.watchSenders()
	}
	// What came too early: for this description, or still for a later one.
	if err := s.AddCandidates(kept); err != nil {
		s.log.Debug().Err(err).Msg("kept candidates")
	}
	return askAtMost(answer.SDP, s.engine.opts.ReceiveBitrate), nil
}

// chooseCodec brings the codecs of the answer into our order, by which the phone sends
// (RFC 3264, 6.1), and takes the first of them for our pictures.
func (s *Session) chooseCodec() error {
	for _, t := range s.pc.GetTransceivers() {
		if t.Kind() != webrtc.RTPCodecTypeVideo || t.Receiver() == nil {
			continue
		}
		theirs := t.Receiver().GetParameters().Codecs
		if s.video != nil && t.Sender() != nil && t.Sender().Track() == s.video.track {
			s.video.use(preferred(s.engine.codecs, theirs))
		}
		if ours := sorted(s.engine.codecs, theirs); len(ours) > 0 {
			if err := t.SetCodecPreferences(ours); err != nil {
				return err
			}
		}
	}
	return nil
}

// directions is what the device can send and receive in this room.
func (s *Session) directions() map[string]direction {
	return map[string]direction{
		"audio": {send: s.audio != nil, receive: s.sound.hasSpeaker()},
		"video": {send: s.video != nil, receive: s.cfg.Video && s.engine.opts.Display != nil},
	}
}

// watchSenders reads what the phone says of the tracks that were taken.
func (s *Session) watchSenders() {
	for _, t := range s.pc.GetTransceivers() {
		if sender := t.Sender(); t.Mid() != "" && sender != nil && sender.Track() != nil {
			s.goFunc(func() { s.readFeedback(sender, t.Kind()) })
		}
	}
}

// AddCandidates takes candidates of the phone. Those that come before their
// description are kept. TCP candidates are ignored; so is what makes no sense to
// pion, with an error after the others have been added.
func (s *Session) AddCandidates(list []Candidate) error {
	var errs []error
	for _, c := range list {
		s.mu.Lock()
		early := !s.answered
		if c.UsernameFragment != nil && *c.UsernameFragment != "" && !s.remote[*c.UsernameFragment] {
			early = true
		}
		if early {
			if len(s.kept) < maxCandidates {
				s.kept = append(s.kept, c)
			}
			s.mu.Unlock()
			continue
		}
		s.mu.Unlock()
		if overTCP(c.Candidate) {
			continue
		}
		if err := s.pc.AddICECandidate(webrtc.ICECandidateInit(c)); err != nil {
			errs = append(errs, fmt.Errorf("cannot add the candidate %q: %w", c.Candidate, err))
		}
	}
	return errors.Join(errs...)
}

// overTCP reads the transport, the third word of a candidate (RFC 8839, 5.1).
func overTCP(candidate string) bool {
	words := strings.Fields(candidate)
	return len(words) > 2 && strings.EqualFold(words[2], "tcp")
}

// localCandidate collects one of our candidates; nil is the last.
func (s *Session) localCandidate(c *webrtc.ICECandidate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if c == nil {
		s.tellLocked(true)
		return
	}
	s.batch = append(s.batch, Candidate(c.ToJSON()))
	if s.batchStop == nil {
		s.wg.Add(1)
		s.batchStop = s.engine.opts.Clock.AfterFunc(candidateBatch, func() {
			defer s.wg.Done()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.batchStop = nil
			s.tellLocked(false)
		})
	}
}

// newGeneration ends the batch of the credentials before.
func (s *Session) newGeneration(generation int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tellLocked(false)
	s.generation = generation
}

// tellLocked emits what is in the batch; mu is held.
func (s *Session) tellLocked(end bool) {
	if s.batchStop != nil && s.batchStop() {
		s.wg.Done()
	}
	s.batchStop = nil
	if len(s.batch) > 0 || end {
		s.events.push(LocalCandidates{Generation: s.generation, Candidates: s.batch, End: end})
		s.batch = nil
	}
}
