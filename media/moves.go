package media

import (
	"net/netip"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// moveAfter is the silence after which the phone's choice of another way is followed. It
// sends sound each 20 ms, or each 400 ms while nobody speaks (RFC 7587, 3.1.3).
const moveAfter = 500 * time.Millisecond

// moves is what is done when one of both ends has another address, and ICE has not been
// restarted (or not yet: signaling, too, needs a moment to come back).
type moves struct {
	// device is called when a socket of ours has left its address and is heard at another.
	device func(from, to netip.AddrPort)
	// nominated is called with each check of the phone that is right, by pion's ICE. True:
	// what it came over is the way from now on.
	nominated func(m *stun.Message, local, remote ice.Candidate, pair *ice.CandidatePair) bool
	gone      func(a netip.Addr) bool // roam.Options.Gone
}

func (s *Session) moves() moves { return moves{s.deviceMoved, s.nominated, s.engine.opts.gone} }

// deviceMoved must not wait. What was sent until the phone knew of the new address is lost,
// and what it asks for still goes to the old one, until it calls that dead.
func (s *Session) deviceMoved(from, to netip.AddrPort) {
	s.log.Info().Stringer("from", from).Stringer("to", to).Msg("the device has another address")
	s.send.moved()
	if s.video != nil {
		s.video.requestKeyframe()
	}
}

// way is a pair of candidates.
type way struct {
	local, remote         string
	localPort, remotePort uint16
}

// wayChanged is called after pion has taken another way.
func (s *Session) wayChanged(p *webrtc.ICECandidatePair) {
	if p != nil && p.Local != nil && p.Remote != nil {
		s.way.Store(&way{p.Local.Address, p.Remote.Address, p.Local.Port, p.Remote.Port})
	}
	s.send.moved()
}

// nominated follows a phone that has changed its address. pion keeps to the way with the
// higher priority, dead as it may be, until it has been silent for half a minute; the new
// one is peer-reflexive and has a lower one. The phone decides (RFC 8445, 8.1.1), among
// ways that have answered.
func (s *Session) nominated(m *stun.Message, local, remote ice.Candidate, pair *ice.CandidatePair) bool {
	now := s.way.Load()
	if now == nil || !m.Contains(stun.AttrUseCandidate) || pair.ResponsesReceived() == 0 {
		return false
	}
	if *now == (way{local.Address(), remote.Address(), uint16(local.Port()), uint16(remote.Port())}) { //nolint:gosec // ports
		return false
	}
	last := s.lastMedia.Load()
	if last == 0 || s.now()-time.Duration(last-1) < moveAfter {
		return false
	}
	s.log.Info().Str("to", remote.String()).Msg("the phone has another address")
	if s.video != nil {
		s.video.requestKeyframe()
	}
	return true
}
