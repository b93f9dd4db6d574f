package daemon

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/call"
	"callbox/daemon/config"
	"callbox/media"
	"callbox/signaling"
)

// iceServers are the STUN and TURN servers of calls. TURN servers without a
// username get credentials that are made for one room and soon expire.
type iceServers struct {
	servers []media.ICEServer
	secret  []byte // that the servers without a username share; nil: none
	life    time.Duration
	wall    func() time.Time
	trusted func() bool // whether wall is right, as far as the kernel knows
	log     zerolog.Logger
	doubted atomic.Bool // it was logged that it may be wrong
}

func newICEServers(o media.ICEOptions, wall func() time.Time, trusted func() bool, log zerolog.Logger) (*iceServers, error) {
	s := &iceServers{servers: o.Servers, life: o.TURNLife, wall: wall, trusted: trusted, log: log}
	if o.TURNSecretFile == "" {
		return s, nil
	}
	var err error
	if s.secret, err = config.ReadSecret(o.TURNSecretFile); err != nil {
		return nil, fmt.Errorf("media.ice.turn_secret_file: %w", err)
	}
	return s, nil
}

// of returns the servers for a room, with fresh credentials.
func (s *iceServers) of(room string) []media.ICEServer {
	list := slices.Clone(s.servers)
	if s.secret == nil {
		return list
	}
	// The server compares with its own clock: with a wrong one here it says no.
	if trusted := s.trusted(); !trusted && s.doubted.CompareAndSwap(false, true) {
		s.log.Warn().Msg("TURN credentials are made by a clock that may be wrong: the server may refuse them")
	} else if trusted {
		s.doubted.Store(false)
	}
	user, password := media.TURNCredentials(s.secret, room, s.wall().Add(s.life))
	for i, one := range list {
		if one.Username == "" && slices.ContainsFunc(one.URLs, isTURN) {
			list[i].Username, list[i].Credential = user, password
		}
	}
	return list
}

func isTURN(url string) bool {
	return strings.HasPrefix(url, "turn:") || strings.HasPrefix(url, "turns:")
}

// forPhone returns what the phone of a room is handed. It gets credentials of the
// same kind as the device's own.
func (s *iceServers) forPhone(room signaling.RoomKey) []signaling.ICEServer {
	var shown []signaling.ICEServer
	for _, one := range s.of(room.ID) {
		shown = append(shown, signaling.ICEServer(one))
	}
	return shown
}

// renewal is how often a relayed call looks whether its credentials are half
// through; 0: they do not expire.
func (s *iceServers) renewal() time.Duration {
	if s.secret == nil {
		return 0
	}
	return s.life / 4
}

// openSession makes a call's media session with its ICE servers.
func openSession(engine *media.Engine, servers *iceServers) func(media.SessionConfig) (mediaSession, error) {
	return func(c media.SessionConfig) (mediaSession, error) {
		c.ICEServers = func() []media.ICEServer { return servers.of(c.Room) }
		return engine.NewSession(c)
	}
}

// keepRelay asks the phone for an ICE restart when the call goes through a relay
// whose credentials are half through: the restart is made with fresh ones at both
// ends. It looks again and again, until the call is over.
func (l *loop) keepRelay() {
	c := l.cur
	gen, n := c.gen, c.leg.n
	if l.renewal == 0 || !l.runsNow(gen, n) {
		return
	}
	if l.state.Phase == call.Talking && l.clock.Now()-c.leg.minted >= 2*l.renewal && relayed(c.leg.session.Stats()) {
		c.log.Debug().Msg("the TURN credentials are renewed")
		l.signaling.NeedRestart(c.room(), c.leg.generation+1)
	}
	c.relayStop = l.clock.AfterFunc(l.renewal, func() {
		l.box.put(request(func() {
			if l.cur.gen == gen {
				l.keepRelay()
			}
		}))
	})
}

// relayed reports whether a relay of either end carries the media. A way that the
// phone was found by, and has not told of, may be its relay, too.
func relayed(s media.Stats) bool {
	return strings.HasPrefix(s.LocalCandidate, "relay ") || strings.HasPrefix(s.RemoteCandidate, "relay ") ||
		strings.HasPrefix(s.RemoteCandidate, "prflx ")
}
