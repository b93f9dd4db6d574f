package media

import (
	"errors"
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"
)

// Why a session cannot go on.
var (
	// ErrNoWay means that ICE found no way to the phone.
	ErrNoWay = errors.New("no way to the phone was found")
	// ErrPeerClosed means that the phone closed the connection, or that DTLS failed.
	ErrPeerClosed = errors.New("the phone closed the connection")
)

// stateChanged is pion's view of ICE and DTLS together.
func (s *Session) stateChanged(state webrtc.PeerConnectionState) {
	s.log.Debug().Stringer("state", state).Msg("connection state")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case webrtc.PeerConnectionStateConnected:
		if !s.connected && !s.closed {
			s.connected, s.joinedAt = true, s.now()
			s.events.push(Connected{})
			s.startLocked()
		}
	case webrtc.PeerConnectionStateFailed:
		if s.pc.ICEConnectionState() == webrtc.ICEConnectionStateFailed {
			return // iceChanged knows more about it
		}
		s.failLocked(fmt.Errorf("%w, or DTLS failed", ErrPeerClosed))
	case webrtc.PeerConnectionStateClosed:
		s.failLocked(ErrPeerClosed)
	default:
	}
}

// failLocked emits Failed once; mu is held.
func (s *Session) failLocked(err error) {
	if s.failed || s.closed {
		return
	}
	s.failed = true
	s.events.push(Failed{Err: err})
}

// iceChanged follows the way to the phone.
func (s *Session) iceChanged(state webrtc.ICEConnectionState) {
	s.log.Debug().Stringer("state", state).Msg("ICE state")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.searching = state == webrtc.ICEConnectionStateChecking
	switch state {
	case webrtc.ICEConnectionStateChecking:
		s.doubtLocked()
	case webrtc.ICEConnectionStateDisconnected:
		s.loseLocked()
	case webrtc.ICEConnectionStateFailed:
		if !s.connected {
			s.failLocked(ErrNoWay)
			return
		}
		s.loseLocked()
	case webrtc.ICEConnectionStateConnected, webrtc.ICEConnectionStateCompleted:
		// A phone that was sending is back when it is heard; from one that was
		// silent nothing but consent can be had.
		if s.lost && !s.mustHear {
			s.backLocked()
		}
	default:
	}
}

// loseLocked says that the way of a talk is lost, once; mu is held.
func (s *Session) loseLocked() {
	if !s.connected || s.lost {
		return
	}
	s.lost = true
	last, now := s.lastMedia.Load(), int64(s.now())
	s.mustHear = last != 0 && now-last < int64(mediaBefore)
	s.log.Info().Msg("media lost")
	s.events.push(Lost{})
}

// doubtLocked watches a restart; mu is held. The phone may have noticed first that
// the way is lost, and then pion, which looks for a new one, never calls the old one
// disconnected: that is for us to say after the same silence.
func (s *Session) doubtLocked() {
	if !s.connected || s.lost || s.doubtStop != nil {
		return
	}
	last, heard := s.lastMedia.Load(), s.joinedAt
	if last != 0 {
		heard = time.Duration(last - 1)
	}
	s.wg.Add(1)
	s.doubtStop = s.engine.opts.Clock.AfterFunc(max(0, heard+iceDisconnected-s.now()), func() { s.doubted(last) })
}

// doubted is after a silence, unless something came behind the packet last.
func (s *Session) doubted(last int64) {
	defer s.wg.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubtStop = nil
	switch {
	case s.closed || !s.searching:
	case s.lastMedia.Load() != last:
		s.doubtLocked()
	default:
		s.loseLocked()
	}
}

// heard notes a packet of the phone: RTP, or RTCP, both of which SRTP has proven.
func (s *Session) heard() {
	s.lastMedia.Store(int64(s.now()) + 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost && !s.closed {
		s.backLocked()
	}
}

func (s *Session) backLocked() {
	s.lost = false
	s.log.Info().Msg("media back")
	s.events.push(Back{})
}

// deviceBack reports that a device that was told gone works again.
func (s *Session) deviceBack(kind, name string) {
	s.log.Info().Str("kind", kind).Str("device", name).Msg("device is back")
	s.events.push(DeviceBack{Kind: kind, Name: name})
}

// deviceGone reports a device that went away or could not be opened.
func (s *Session) deviceGone(kind, name string, err error) {
	s.log.Warn().Str("kind", kind).Str("device", name).Err(err).Msg("device is gone")
	s.events.push(DeviceGone{Kind: kind, Name: name, Err: err})
}
