package media

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// TestDeviceMoves: the address that the media leaves from is taken away. It goes on from
// another, without a restart, and begins there with a keyframe.
func TestDeviceMoves(t *testing.T) {
	var lost atomic.Bool
	e := testEngine(t, func(o *EngineOptions) {
		o.gone = func(a netip.Addr) bool { return lost.Load() && !a.IsUnspecified() }
	})
	l := connect(t, e, true)
	l.session.Accept(Limit{})
	l.eventually("media flows", func() bool { return l.video.Load() > 5 && l.audio.Load() > 10 })
	before := l.session.Stats().KeyframesSent
	from := remotes(t, l.phone)
	lost.Store(true)
	l.eventually("the phone knows another address", func() bool { return remotes(t, l.phone) > from })
	sound, pictures := l.audio.Load(), l.video.Load()
	l.eventually("media flows from there, beginning with a keyframe", func() bool {
		return l.audio.Load() > sound+10 && l.video.Load() > pictures+10 && l.session.Stats().KeyframesSent > before
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ev := range l.events {
		if _, ok := ev.(Lost); ok {
			t.Error("the way was called lost")
		}
	}
}

// remotes is how many peer-reflexive addresses of the device a phone knows.
func remotes(t *testing.T, pc *webrtc.PeerConnection) int {
	t.Helper()
	n := 0
	for _, s := range pc.GetStats() {
		if c, ok := s.(webrtc.ICECandidateStats); ok && c.Type == webrtc.StatsTypeRemoteCandidate && c.CandidateType == webrtc.ICECandidateTypePrflx {
			n++
		}
	}
	return n
}

// TestPhoneMoves: which checks of a phone make its way ours.
func TestPhoneMoves(t *testing.T) {
	local := candidate(t, "10.0.0.2", 1000)
	here, there := candidate(t, "10.0.0.1", 2000), candidate(t, "10.0.0.9", 2000)
	type check struct {
		remote   ice.Candidate
		use      bool
		answered bool
		silence  time.Duration
	}
	for name, tt := range map[string]struct {
		check
		want bool
	}{
		"it uses another way, and this one is silent": {check{there, true, true, moveAfter}, true},
		"it only tries another":                       {check{there, false, true, moveAfter}, false},
		"the other has not answered":                  {check{there, true, false, moveAfter}, false},
		"it is heard over this way":                   {check{there, true, true, moveAfter - 1}, false},
		"it uses this way, for a while":               {check{here, true, true, time.Hour}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newTalk(t, bubbleEngine(t, nil), true)
				pair := &ice.CandidatePair{Local: local, Remote: tt.remote}
				if tt.answered {
					pair.UpdateRoundTripTime(time.Millisecond)
				}
				m := &stun.Message{}
				if tt.use {
					m.Add(stun.AttrUseCandidate, nil)
				}
				if l.nominated(m, local, tt.remote, pair) {
					t.Error("followed before anything was connected")
				}
				l.wayChanged(&webrtc.ICECandidatePair{
					Local:  &webrtc.ICECandidate{Address: local.Address(), Port: 1000},
					Remote: &webrtc.ICECandidate{Address: here.Address(), Port: 2000},
				})
				if l.nominated(m, local, tt.remote, pair) {
					t.Error("followed although the phone has never been heard")
				}
				l.connect()
				l.heard()
				time.Sleep(tt.silence)
				if got := l.nominated(m, local, tt.remote, pair); got != tt.want {
					t.Errorf("followed: %v, want %v", got, tt.want)
				}
				if got := l.video.keys.take(l.now()); got != tt.want {
					t.Errorf("a keyframe is due: %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func candidate(t *testing.T, address string, port int) ice.Candidate {
	t.Helper()
	c, err := ice.NewCandidateHost(&ice.CandidateHostConfig{Network: "udp", Address: address, Port: port, Component: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
