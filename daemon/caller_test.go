package daemon

import (
	"context"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"

	"callbox/daemon/call"
	"callbox/signaling"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// caller is a phone in Go: signed messages over a real WebSocket, and pion.
type caller struct {
	t       *testing.T
	d       *daemon
	phone   *signalingtest.Phone
	ws      *websocket.Conn
	pc      *webrtc.PeerConnection
	socket  *stampedSocket
	got     chan *message.Message
	room    string
	streams chan *stream
}

func newCaller(t *testing.T, d *daemon) *caller {
	t.Helper()
	p := &caller{t: t, d: d, phone: signalingtest.NewPhone(t, d.sn, d.key.JKT()), got: make(chan *message.Message, 100), room: message.NewID(), streams: make(chan *stream, 4)}
	if _, _, err := d.store.Pair(signaling.Contact{
		JKT: p.phone.JKT(), JWK: p.phone.Key.Public().JWK(), Name: "Anna", Rights: []signaling.Right{signaling.RightCall}, Added: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	ws, _, err := websocket.Dial(t.Context(), "ws://"+d.direct.Addr().String()+"/signal", &websocket.DialOptions{Subprotocols: []string{"callbox.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(1 << 20)
	p.ws = ws
	t.Cleanup(func() { _ = ws.CloseNow() })
	_, greeting, err := ws.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hello, err := p.phone.Hello(string(greeting))
	if err != nil {
		t.Fatal(err)
	}
	p.send(hello)
	p.connection()
	return p
}

func (p *caller) send(text string) {
	p.t.Helper()
	if err := p.ws.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// connection makes the WebRTC side on a socket whose packets are time-stamped.
func (p *caller) connection() {
	p.t.Helper()
	p.socket = listenStamped(p.t)
	s := webrtc.SettingEngine{}
	s.SetICEUDPMux(webrtc.NewICEUDPMux(nil, p.socket))
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		p.t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.pc = pc
	p.t.Cleanup(func() { _ = pc.GracefulClose() })
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			p.t.Fatal(err)
		}
	}
	negotiated, id := true, uint16(0)
	if _, err := pc.CreateDataChannel("callbox", &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id}); err != nil {
		p.t.Fatal(err)
	}
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		s := &stream{ssrc: uint32(track.SSRC()), repair: uint32(track.RtxSSRC())}
		p.streams <- s
		s.read(track)
	})
}

// callAndTalk goes from the invite to start.
func (p *caller) callAndTalk(limit float64) {
	t := p.t
	t.Helper()
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	go p.receive()
	invite := p.phone.Invite(p.room, signalingtest.With(signalingtest.Members{"timeLimit": limit}))
	p.send(invite)
	challenge := p.waitFor(message.TypeChallenge).Body.(message.Challenge)
	p.send(p.phone.Offer(p.room, challenge.Nonce, invite, p.pc.LocalDescription().SDP))
	ringing := p.waitFor(message.TypeRinging).Body.(message.Ringing)
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: ringing.SDP}); err != nil {
		t.Fatal(err)
	}
	b := &backend{loop: p.d.loop}
	if err := b.Answer(t.Context(), p.room); err != nil {
		t.Fatal(err)
	}
	p.waitFor(message.TypeStart)
	if phase := p.phase(); phase != call.Talking {
		t.Fatalf("after start the device is %s", phase)
	}
}

func (p *caller) phase() call.Phase {
	phase, err := ask(p.t.Context(), p.d.loop, func() (call.Phase, error) { return p.d.loop.state.Phase, nil })
	if err != nil {
		p.t.Fatal(err)
	}
	return phase
}

// receive reads the device's messages, acknowledges them and takes candidates.
func (p *caller) receive() {
	for {
		_, text, err := p.ws.Read(context.Background())
		if err != nil {
			return
		}
		m, err := p.phone.Read(string(text))
		if err != nil {
			p.t.Errorf("a message of the device does not verify: %v", err)
			return
		}
		if m.Type != message.TypeAck && m.Type != message.TypeChallenge {
			p.send(p.phone.Ack(m.RoomID, m.ID))
		}
		p.got <- m
	}
}

func (p *caller) waitFor(kind message.Type) *message.Message {
	p.t.Helper()
	late := time.After(15 * time.Second)
	for {
		select {
		case m := <-p.got:
			if c, ok := m.Body.(message.Candidates); ok {
				p.take(c)
			}
			if m.Type == kind {
				return m
			}
			if m.Type == message.TypeReject {
				p.t.Fatalf("the device rejects: %+v", m.Body)
			}
		case <-late:
			p.t.Fatalf("no %s within 15 s", kind)
		}
	}
}

func (p *caller) take(c message.Candidates) {
	for _, candidate := range c.Candidates {
		if candidate.Candidate == "" {
			continue
		}
		if err := p.pc.AddICECandidate(webrtc.ICECandidateInit{
			Candidate: candidate.Candidate, SDPMid: candidate.SDPMid, SDPMLineIndex: candidate.SDPMLineIndex,
		}); err != nil {
			p.t.Errorf("candidate %q: %v", candidate.Candidate, err)
		}
	}
}
