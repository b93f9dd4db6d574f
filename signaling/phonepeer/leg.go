package phonepeer

import (
	"errors"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"

	"callbox/signaling/message"
)

// leg is one call's media connection. Its methods do not block; what they lead to
// comes as a legEvent. stats may be asked after close, too.
type leg interface {
	// offer makes the first offer; restart one with new ICE credentials.
	offer()
	restart(generation int, servers []message.ICEServer)
	// answer takes the device's answer to the newest offer.
	answer(sdp, ufrag string)
	// addCandidate takes a candidate of the device; an empty one ends the list.
	addCandidate(message.Candidate)
	// open lets media be sent, silence ends that.
	open()
	silence()
	setCamera(on bool)
	setMic(on bool)
	// send sends a text frame on the data channel; false when it is not open.
	send(frame []byte) bool
	// drop loses every packet in both directions, or no more.
	drop(on bool)
	mediaSince(t time.Time) int
	stats() Media
	close()
}

// legOptions is what a leg is made of.
type legOptions struct {
	video, camera, tone, loopback bool
	sound                         func() []byte // nil: silence or the tone
	onPacket                      func(Packet)  // nil: nobody looks
	linger                        time.Duration
	relayOnly                     bool
	codecs                        []string // of pictures; none: all
	servers                       []message.ICEServer
	certificate                   webrtc.Certificate
	log                           zerolog.Logger
	running                       *sync.WaitGroup      // of the leg's goroutines
	since                         func() time.Duration // since the call began
	emit                          func(legEvent)       // does not block
}

// legEvent is what a leg reports.
//
//sumtype:decl
type legEvent interface{ legEvent() }

type (
	legOffer struct {
		generation int
		sdp        string
	}
	legFailed      struct{ err error }
	legCandidate   message.Candidate // ours
	legConnected   struct{}          // ICE and DTLS are done, for the first time
	legLost        struct{}          // ICE is disconnected or has failed
	legFlowing     struct{}          // after legLost: media arrives again
	legChannelOpen struct{}
	legFrame       []byte // a text frame of the data channel
)

func (legOffer) legEvent()       {}
func (legFailed) legEvent()      {}
func (legCandidate) legEvent()   {}
func (legConnected) legEvent()   {}
func (legLost) legEvent()        {}
func (legFlowing) legEvent()     {}
func (legChannelOpen) legEvent() {}
func (legFrame) legEvent()       {}

// errClosed means that a leg was closed before it was done.
var errClosed = errors.New("the connection is closed")

// peerLeg is the leg of pion. One goroutine of it (work) carries out what takes time.
type peerLeg struct {
	o      legOptions
	work   *loop
	net    *lossyNet
	sender *sender
	counts counters

	mu      sync.Mutex
	pc      *webrtc.PeerConnection
	channel *webrtc.DataChannel
	closed  bool
	ufrag   string // of our newest candidate
	wasUp   bool

	settling sync.Once
	settled  chan struct{} // closed when the connection has come up wholly, or will not

	// work's own.
	remote string // ufrag of the device's newest answer
	early  []message.Candidate
}

func newPeerLeg(o legOptions) *peerLeg {
	l := &peerLeg{o: o, work: newLoop(nil), settled: make(chan struct{})}
	l.net = newLossyNet(o)
	l.sender = newSender(o)
	o.running.Go(l.work.run)
	return l
}

// fail reports what the call cannot do without.
func (l *peerLeg) fail(err error) { l.o.emit(legFailed{err}) }

func (l *peerLeg) offer() {
	l.work.post(func() {
		if err := l.build(); err != nil {
			l.fail(err)
			return
		}
		l.describe(0, nil)
	})
}

func (l *peerLeg) restart(generation int, servers []message.ICEServer) {
	l.work.post(func() {
		if l.pc == nil {
			return
		}
		if err := l.pc.SetConfiguration(webrtc.Configuration{ICEServers: pionServers(servers), ICETransportPolicy: l.o.policy()}); err != nil {
			l.o.log.Info().Err(err).Msg("cannot use the ICE servers of the device")
		}
		l.describe(generation, &webrtc.OfferOptions{ICERestart: true})
	})
}

// describe makes an offer and reports it.
func (l *peerLeg) describe(generation int, o *webrtc.OfferOptions) {
	offer, err := l.pc.CreateOffer(o)
	if err == nil {
		err = l.pc.SetLocalDescription(offer)
	}
	switch {
	case err == nil:
		l.o.emit(legOffer{generation, offer.SDP})
	case generation == 0:
		l.fail(err)
	default: // a talk that still flows is not harmed; a lost one runs out
		l.o.log.Info().Err(err).Msg("cannot restart ICE")
	}
}

func (l *peerLeg) answer(sdp, ufrag string) {
	l.work.post(func() {
		if l.pc == nil {
			return
		}
		if err := l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
			if l.remote == "" {
				l.fail(err)
				return
			}
			l.o.log.Info().Err(err).Msg("cannot take the answer to a restart")
			return
		}
		l.remote = ufrag
		early := l.early
		l.early = nil
		for _, c := range early {
			l.add(c)
		}
	})
}

func (l *peerLeg) addCandidate(c message.Candidate) { l.work.post(func() { l.add(c) }) }

func (l *peerLeg) add(c message.Candidate) {
	if l.pc == nil {
		return
	}
	if of := candidateUfrag(c); l.remote == "" || of != "" && of != l.remote {
		if len(l.early) < maxEarly { // for an answer that is still under way
			l.early = append(l.early, c)
		}
		return
	}
	if c.Candidate == "" {
		return // pion needs no end of the list
	}
	init := webrtc.ICECandidateInit(c)
	if err := l.pc.AddICECandidate(init); err != nil {
		l.o.log.Debug().Err(err).Msg("candidate not taken") // one useless candidate harms nobody
	}
}

func (l *peerLeg) open()             { l.sender.open() }
func (l *peerLeg) silence()          { l.sender.close() }
func (l *peerLeg) setCamera(on bool) { l.sender.camera.Store(on) }
func (l *peerLeg) setMic(on bool)    { l.sender.mic.Store(on) }
func (l *peerLeg) drop(on bool)      { l.net.lose.Store(on) }

func (l *peerLeg) send(frame []byte) bool {
	l.mu.Lock()
	channel := l.channel
	l.mu.Unlock()
	return channel != nil && channel.ReadyState() == webrtc.DataChannelStateOpen && channel.SendText(string(frame)) == nil
}

func (l *peerLeg) stats() Media {
	m := l.counts.stats()
	m.SoundSent, m.PicturesSent, m.Way = l.sender.sound.Load(), l.sender.pictures.Load(), l.way()
	return m
}

// settle waits for a connection that is just coming up. Between the end of DTLS and
// the start of RTP, pion's Close leaves a goroutine of pion/srtp behind for ever: it
// hands over a stream that nobody takes. The data channel starts after RTP.
func (l *peerLeg) settle() {
	if l.remote == "" {
		return
	}
	select {
	case <-l.settled:
	case <-time.After(settleTime):
	}
}

func (l *peerLeg) isSettled() { l.settling.Do(func() { close(l.settled) }) }

// close ends the connection; its goroutines are gone when legOptions.running says so.
func (l *peerLeg) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.sender.close()
	l.work.post(func() {
		if l.pc == nil {
			return
		}
		l.settle()
		if err := l.pc.GracefulClose(); err != nil {
			l.o.log.Debug().Err(err).Msg("closing the connection")
		}
	})
	l.work.close()
}
