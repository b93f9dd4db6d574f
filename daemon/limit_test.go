package daemon

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"callbox/daemon/call"
	"callbox/daemon/config"
	"callbox/daemon/store"
	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// TestTheLimitHoldsWhenTheLoopIsStuck: a phone calls with a limit of 1.5 s over real
// sockets. Once it talks, the daemon's loop is blocked for good, and the phone
// asks for retransmissions and keyframes without pause. What arrives at the
// phone's socket is judged by the kernel's time stamps: no media packet after the
// deadline. When the loop is freed, it ends the call as the limit's end.
func TestTheLimitHoldsWhenTheLoopIsStuck(t *testing.T) {
	d := runDaemon(t)
	p := newCaller(t, d)
	p.callAndTalk(1.5)

	deadline, err := ask(t.Context(), d.loop, func() (time.Duration, error) { return d.loop.cur.deadline, nil })
	if err != nil || deadline == 0 {
		t.Fatalf("the talk has no deadline: %v", err)
	}
	free := make(chan struct{})
	d.loop.box.put(request(func() { <-free }))
	p.askForMore(t)
	time.Sleep(deadline - bootNow() + time.Second)

	before, after, last := p.socket.media(deadline)
	t.Logf("%d media packets in the last 500 ms before the deadline, the last one %v before it; %d after it", before, deadline-last, after)
	if before < 10 {
		t.Errorf("only %d media packets in the last 500 ms before the deadline: was there a talk?", before)
	}
	if after > 0 {
		t.Errorf("%d media packets left after the deadline", after)
	}
	close(free)
	bye := p.waitFor(message.TypeBye)
	if end := bye.Body.(message.Bye); end.Cause != "hangup" || end.Origin != "timeLimit" {
		t.Errorf("bye = %+v", end)
	}
	p.phase() // the loop has carried out what follows the bye
	if records := d.store.Records(store.Query{Limit: 1}); len(records) != 1 || records[0].Cause != "hangup" || records[0].Origin != "timeLimit" {
		t.Errorf("records = %+v", records)
	}
}

// runDaemon runs a whole daemon in this process, with virtual devices.
func runDaemon(t *testing.T) *daemon {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Device.SN, cfg.Device.Name, cfg.Device.StateDir = "limit", "Front door", filepath.Join(dir, "state")
	cfg.Control.Socket = filepath.Join(dir, "control.sock")
	cfg.Signaling.Direct.Listen = "127.0.0.1:0"
	cfg.Media.ICE.Loopback = true
	cfg.HAL.Camera.Name, cfg.HAL.Microphone.Name, cfg.HAL.Speaker.Name = "virtual", "virtual", "virtual"
	cfg.HAL.Camera.Size.Width, cfg.HAL.Camera.Size.Height, cfg.HAL.Camera.FrameRate = 320, 180, 30
	d, err := newDaemon(cfg, zerolog.Nop(), clock.Boot())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the daemon: %v", err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); d.direct.Addr() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the daemon does not listen")
		}
	}
	return d
}

// caller is a phone in Go: signed messages over a real WebSocket, and pion.
type caller struct {
	t      *testing.T
	d      *daemon
	phone  *signalingtest.Phone
	ws     *websocket.Conn
	pc     *webrtc.PeerConnection
	socket *stampedSocket
	got    chan *message.Message
	room   string
	ssrcs  chan uint32
}

func newCaller(t *testing.T, d *daemon) *caller {
	t.Helper()
	p := &caller{t: t, d: d, phone: signalingtest.NewPhone(t, d.sn, d.key.JKT()), got: make(chan *message.Message, 100), room: message.NewID(), ssrcs: make(chan uint32, 4)}
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
		p.ssrcs <- uint32(track.SSRC())
		buffer := make([]byte, 1500)
		for {
			if _, _, err := track.Read(buffer); err != nil {
				return
			}
		}
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

// askForMore asks for retransmissions and keyframes until the test ends.
func (p *caller) askForMore(t *testing.T) {
	stop, done := make(chan struct{}), make(chan struct{})
	var streams []uint32
	for len(streams) < 2 {
		select {
		case ssrc := <-p.ssrcs:
			streams = append(streams, ssrc)
		case <-time.After(time.Second):
			t.Fatalf("media of %d streams came, want 2", len(streams))
		}
	}
	go func() {
		defer close(done)
		for seq := uint16(0); ; seq += 17 {
			select {
			case <-stop:
				return
			case <-time.After(3 * time.Millisecond):
			}
			for _, ssrc := range streams {
				_ = p.pc.WriteRTCP([]rtcp.Packet{ // fails once the device has closed
					&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: seq, LostPackets: 0xffff}}},
					&rtcp.PictureLossIndication{MediaSSRC: ssrc},
				})
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}

// stampedSocket is a UDP socket on loopback that notes when the kernel got each
// packet.
type stampedSocket struct {
	*net.UDPConn
	offset time.Duration // from the wall clock to the boot clock

	mu      sync.Mutex
	arrived []time.Duration // of media packets, on the boot clock
}

func listenStamped(t *testing.T) *stampedSocket {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			t.Errorf("cannot have packets time-stamped: %v", err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	var wall unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &wall) // cannot fail on Linux
	return &stampedSocket{UDPConn: c, offset: bootNow() - time.Duration(wall.Nano())}
}

func bootNow() time.Duration {
	var boot unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) // cannot fail on Linux
	return time.Duration(boot.Nano())
}

// ReadFrom notes media packets: SRTP and SRTCP begin with 128 to 191 (RFC 7983).
func (s *stampedSocket) ReadFrom(p []byte) (int, net.Addr, error) {
	oob := make([]byte, 64)
	n, oobn, _, from, err := s.ReadMsgUDP(p, oob)
	if err != nil {
		return n, from, err
	}
	if n > 0 && p[0] >= 128 && p[0] <= 191 {
		if messages, err := syscall.ParseSocketControlMessage(oob[:oobn]); err == nil {
			for _, m := range messages {
				if m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
					wall := time.Duration(binary.NativeEndian.Uint64(m.Data))*time.Second + time.Duration(binary.NativeEndian.Uint64(m.Data[8:]))
					s.mu.Lock()
					s.arrived = append(s.arrived, wall+s.offset)
					s.mu.Unlock()
				}
			}
		}
	}
	return n, from, nil
}

// media counts the media packets of the last 500 ms before the deadline and after
// it, and tells when the last one before it came.
func (s *stampedSocket) media(deadline time.Duration) (before, after int, last time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.arrived {
		switch {
		case at > deadline:
			after++
		case at > deadline-500*time.Millisecond:
			before++
			last = max(last, at)
		}
	}
	return before, after, last
}
