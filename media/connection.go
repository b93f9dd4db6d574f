package media

import (
	"errors"
	"fmt"

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
			s.connected = true
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
	switch state {
	case webrtc.ICEConnectionStateDisconnected:
		if s.connected && !s.lost {
			s.lost = true
			last, now := s.lastMedia.Load(), int64(s.now())
			s.mustHear = last != 0 && now-last < int64(mediaBefore)
			s.log.Info().Msg("media lost")
			s.events.push(Lost{})
		}
	case webrtc.ICEConnectionStateFailed:
		if !s.connected {
			s.failLocked(ErrNoWay)
		}
	case webrtc.ICEConnectionStateConnected, webrtc.ICEConnectionStateCompleted:
		// A phone that was sending is back when it is heard; from one that was
		// silent nothing but consent can be had.
		if s.lost && !s.mustHear {
			s.backLocked()
		}
	default:
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
