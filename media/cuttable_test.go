package media

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

// cuttableSocket is a UDP socket on loopback whose packets can be lost, all of them
// and both ways, as when a phone leaves the reach of its network.
type cuttableSocket struct {
	net.PacketConn
	cut  atomic.Bool
	sent atomic.Int64              // RTP packets that the phone has sent
	last atomic.Pointer[time.Time] // when it has sent anything at all
}

func (s *cuttableSocket) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.PacketConn.ReadFrom(p)
		if err != nil || !s.cut.Load() {
			return n, from, err
		}
	}
}

func (s *cuttableSocket) WriteTo(p []byte, to net.Addr) (int, error) {
	if s.cut.Load() {
		return len(p), nil
	}
	// SRTP begins with 128 to 191 (RFC 7983); in RTCP 192 to 223 follows (RFC 5761).
	if len(p) > 12 && p[0]>>6 == 2 && p[1]>>5 != 6 {
		s.sent.Add(1)
	}
	now := time.Now()
	s.last.Store(&now)
	return s.PacketConn.WriteTo(p, to)
}

// cuttablePhone is a phone on such a socket, in a call with a session. It sends the
// tracks that it is given while talking is set, and nothing else: no RTCP.
type cuttablePhone struct {
	t       *testing.T
	session *Session
	pc      *webrtc.PeerConnection
	socket  *cuttableSocket
	talking atomic.Bool
	heard   atomic.Int64 // RTP packets of the device

	mu     sync.Mutex
	events []Event
	more   chan struct{}
}

// newCuttablePhone makes both ends of a call.
func newCuttablePhone(t *testing.T, e *Engine, video bool) *cuttablePhone {
	t.Helper()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	p := &cuttablePhone{t: t, socket: &cuttableSocket{PacketConn: udp}, more: make(chan struct{}, 1)}
	p.talking.Store(true)
	if p.session, err = e.NewSession(SessionConfig{Room: "r", Video: video, Emit: p.emit}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.session.Close(); err != nil {
			t.Errorf("Session.Close: %v", err)
		}
	})
	s := webrtc.SettingEngine{}
	mux := webrtc.NewICEUDPMux(nil, p.socket)
	t.Cleanup(func() { mux.Close() })
	s.SetICEUDPMux(mux)
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	p.pc, err = webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(&interceptor.Registry{})).
		NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.pc.GracefulClose() })
	p.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for buffer := make([]byte, 1500); ; p.heard.Add(1) {
			if _, _, err := track.Read(buffer); err != nil {
				return
			}
		}
	})
	return p
}

// answer lets the session answer the phone's offer.
func (p *cuttablePhone) answer() string {
	p.t.Helper()
	answer, err := p.session.Answer(p.t.Context(), p.offer(nil))
	if err != nil {
		p.t.Fatal(err)
	}
	return answer
}

// send lets the phone send what next returns, each time that is over.
func (p *cuttablePhone) send(codec webrtc.RTPCodecCapability, every time.Duration, next func() []byte) {
	p.t.Helper()
	track, err := webrtc.NewTrackLocalStaticSample(codec, codec.MimeType[:5], "phone")
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.pc.AddTransceiverFromTrack(track); err != nil {
		p.t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if p.talking.Load() {
				_ = track.WriteSample(media.Sample{Data: next(), Duration: every}) // until it is closed
			}
		}
	}()
	p.t.Cleanup(func() { close(stop); <-done })
}

// offer makes an offer with the phone's candidates in it.
func (p *cuttablePhone) offer(o *webrtc.OfferOptions) string {
	p.t.Helper()
	offer, err := p.pc.CreateOffer(o)
	if err != nil {
		p.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		p.t.Fatal(err)
	}
	<-gathered
	return p.pc.LocalDescription().SDP
}

func (p *cuttablePhone) take(answer string) {
	p.t.Helper()
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		p.t.Fatal(err)
	}
}

// emit gets the session's events; its candidates go to the phone at once, however
// the media is cut: signaling has a way of its own.
func (p *cuttablePhone) emit(ev Event) {
	if c, ok := ev.(LocalCandidates); ok {
		for _, candidate := range c.Candidates {
			_ = p.pc.AddICECandidate(webrtc.ICECandidateInit{ // a phone that is closing takes none
				Candidate: candidate.Candidate, SDPMid: candidate.SDPMid, SDPMLineIndex: candidate.SDPMLineIndex, UsernameFragment: candidate.UsernameFragment,
			})
		}
	}
	p.mu.Lock()
	p.events = append(p.events, ev)
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// story is what has happened to the connection, in order.
func (p *cuttablePhone) story() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var story []string
	for _, ev := range p.events {
		switch ev.(type) {
		case Connected:
			story = append(story, "connected")
		case Lost:
			story = append(story, "lost")
		case Back:
			story = append(story, "back")
		case Failed:
			story = append(story, "failed")
		default:
		}
	}
	return story
}

// eventually waits for what takes its time in real sockets.
func (p *cuttablePhone) eventually(within time.Duration, what string, ok func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("not within %v: %s; the connection's story is %v, the phone has heard %d packets, %+v", within, what, p.story(), p.heard.Load(), p.session.Stats())
		}
	}
}
