package phonepeer

import (
	"fmt"
	"net"
	"strings"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"

	"callbox/signaling/message"
)

// api returns the pion API of one call.
func (l *peerLeg) api() (*webrtc.API, error) {
	m := &webrtc.MediaEngine{}
	if err := register(m, l.o.codecs); err != nil {
		return nil, err
	}
	logs := &logging.DefaultLoggerFactory{Writer: pionLog{l.o.log}, DefaultLogLevel: logging.LogLevelWarn, ScopeLevels: map[string]logging.LogLevel{}}
	// What a browser does and the device's congestion control lives on.
	r := &interceptor.Registry{}
	for _, configure := range []func() error{
		func() error {
			return webrtc.ConfigureNackWithOptions(m, r, []nack.GeneratorOption{nack.WithGeneratorLoggerFactory(logs)}, nack.WithResponderLoggerFactory(logs))
		},
		func() error {
			return webrtc.ConfigureRTCPReportsWithOptions(r, []report.ReceiverOption{report.WithReceiverLoggerFactory(logs)}, report.WithSenderLoggerFactory(logs))
		},
		func() error { return webrtc.ConfigureTWCCSenderWithOptions(m, r, twcc.WithLoggerFactory(logs)) },
	} {
		if err := configure(); err != nil {
			return nil, fmt.Errorf("cannot set up RTP: %w", err)
		}
	}
	s := webrtc.SettingEngine{LoggerFactory: logs}
	s.SetNet(l.net)
	// A peer-reflexive way is as good as any: pion would wait a second for a better one.
	s.SetPrflxAcceptanceMinWait(0)
	s.SetHostAcceptanceMinWait(0)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	if l.o.loopback {
		s.SetIncludeLoopbackCandidate(true)
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
		s.SetIPFilter(net.IP.IsLoopback)
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(s)), nil
}

// pionLog takes what pion warns of: the network's daily business.
type pionLog struct{ log zerolog.Logger }

func (w pionLog) Write(p []byte) (int, error) {
	w.log.Debug().Msg(strings.TrimSpace(string(p)))
	return len(p), nil
}

// build makes the connection with its tracks, its data channel and its callbacks.
func (l *peerLeg) build() error {
	api, err := l.api()
	if err != nil {
		return err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{
		ICEServers: pionServers(l.o.servers), ICETransportPolicy: l.o.policy(),
		Certificates: []webrtc.Certificate{l.o.certificate}, BundlePolicy: webrtc.BundlePolicyMaxBundle,
	})
	if err != nil {
		return fmt.Errorf("cannot make a peer connection: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pc = pc // close ends it from here on
	if l.closed {
		return errClosed
	}
	tracks, err := l.sender.tracks()
	if err != nil {
		return fmt.Errorf("cannot make the tracks: %w", err)
	}
	for _, track := range tracks {
		t, err := pc.AddTransceiverFromTrack(track)
		if err != nil {
			return fmt.Errorf("cannot add a track: %w", err)
		}
		sender := t.Sender()
		l.o.running.Go(func() { readFeedback(sender) })
	}
	ordered, negotiated, id := true, true, uint16(0)
	l.channel, err = pc.CreateDataChannel("callbox", &webrtc.DataChannelInit{Ordered: &ordered, Negotiated: &negotiated, ID: &id})
	if err != nil {
		return fmt.Errorf("cannot make the data channel: %w", err)
	}
	l.channel.OnOpen(func() {
		l.isSettled()
		l.o.emit(legChannelOpen{})
	})
	l.channel.OnMessage(func(m webrtc.DataChannelMessage) {
		if m.IsString && len(m.Data) <= message.MaxFrame {
			l.o.emit(legFrame(m.Data))
		}
	})
	pc.OnDataChannel(func(d *webrtc.DataChannel) {
		d.OnOpen(func() { _ = d.Close() }) // only "callbox" is known
	})
	pc.OnICECandidate(l.found)
	pc.OnICEConnectionStateChange(l.iceChanged)
	pc.OnConnectionStateChange(l.stateChanged)
	pc.OnTrack(l.receive)
	return nil
}

// policy is relay for a phone that tells no address of its own.
func (o *legOptions) policy() webrtc.ICETransportPolicy {
	if o.relayOnly {
		return webrtc.ICETransportPolicyRelay
	}
	return webrtc.ICETransportPolicyAll
}

func pionServers(list []message.ICEServer) []webrtc.ICEServer {
	servers := make([]webrtc.ICEServer, 0, len(list))
	for _, s := range list {
		servers = append(servers, webrtc.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
	}
	return servers
}

// readFeedback reads RTCP, so that pion answers it; it ends with the connection.
func readFeedback(s *webrtc.RTPSender) {
	buffer := make([]byte, 1500)
	for {
		if _, _, err := s.Read(buffer); err != nil {
			return
		}
	}
}

// found reports a candidate of ours; nil is the last of its generation.
func (l *peerLeg) found(c *webrtc.ICECandidate) {
	var out message.Candidate
	if c != nil {
		init := c.ToJSON()
		out.Candidate, out.SDPMid, out.SDPMLineIndex = init.Candidate, init.SDPMid, init.SDPMLineIndex
	}
	// pion gathers from the restart of its agent on, before there is an offer: only the
	// candidate itself knows which credentials are its.
	l.mu.Lock()
	if c != nil {
		l.ufrag = candidateUfrag(out)
	}
	ufrag := l.ufrag
	l.mu.Unlock()
	out.UsernameFragment = &ufrag
	l.o.emit(legCandidate(out))
}

// stateChanged is pion's view of ICE and DTLS together.
func (l *peerLeg) stateChanged(state webrtc.PeerConnectionState) {
	switch state {
	case webrtc.PeerConnectionStateConnected:
		l.mu.Lock()
		first := !l.wasUp
		l.wasUp = true
		l.mu.Unlock()
		if first {
			l.way() // while there is one
			l.o.emit(legConnected{})
		}
	case webrtc.PeerConnectionStateDisconnected, webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		l.isSettled()
	default:
	}
}

// iceChanged follows the way to the device. It counts as back when media flows, which
// is more than that ICE is connected.
func (l *peerLeg) iceChanged(state webrtc.ICEConnectionState) {
	switch state {
	case webrtc.ICEConnectionStateDisconnected, webrtc.ICEConnectionStateFailed:
		l.net.await.Store(true)
		l.o.emit(legLost{})
	default:
	}
}

// candidateUfrag is the fragment that a candidate belongs to, "" when it does not say.
func candidateUfrag(c message.Candidate) string {
	if c.UsernameFragment != nil {
		return *c.UsernameFragment
	}
	fields := strings.Fields(c.Candidate)
	for i := 8; i+1 < len(fields); i += 2 { // extensions: RFC 8839, 5.1
		if fields[i] == "ufrag" {
			return fields[i+1]
		}
	}
	return ""
}
