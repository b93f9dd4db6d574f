package media

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"

	"callbox/media/gate"
	"callbox/media/report"
)

// ErrNotOpen means that the data channel is not open (yet, or any more).
var ErrNotOpen = errors.New("data channel is not open")

// ErrBadOffer means that the phone's SDP cannot be used; the phone is at fault.
var ErrBadOffer = errors.New("the phone's offer cannot be used")

// SessionConfig is what a session is made for.
type SessionConfig struct {
	Room  string // for the log
	Name  string // who the call is with, for a display that writes over the pictures
	Video bool   // a video room: else there is no video in either direction
	// ICEServers returns the STUN and TURN servers. It is asked at the start and
	// before each restart, so that credentials are fresh. nil: none.
	ICEServers func() []ICEServer
	// Emit gets the session's events, from one goroutine of it; it may block
	// briefly. After Close has returned there are none. It must not call Close.
	Emit func(Event)
}

// Session is one call's WebRTC leg. Its methods may be called from any goroutine.
type Session struct {
	engine *Engine
	cfg    SessionConfig
	log    zerolog.Logger
	gate   *gate.Gate
	pc     *webrtc.PeerConnection
	data   *webrtc.DataChannel
	events *emitter

	ctx    context.Context //nolint:containedctx // the life of the session's goroutines, ended by Close
	cancel context.CancelFunc

	send     *sending
	video    *videoSender // nil when the session sends no video
	sound    *soundDevice
	audio    *audioSender // nil without a microphone
	count    counters
	pli      throttle
	together lipSync

	negotiating sync.Mutex // one description at a time

	mu         sync.Mutex
	generation int
	answered   bool
	remote     map[string]bool // ICE user fragments of the phone's description
	kept       []Candidate     // remote ones that came before their description
	batch      []Candidate     // local ones that wait to be told
	batchStop  func() bool

	wg         sync.WaitGroup
	prepared   bool
	accepted   bool
	limit      Limit
	connected  bool
	joinedAt   time.Duration // when it was connected
	started    bool
	deadlineOn time.Duration // when the limit ends the talk; 0: it has none, or has not started
	lost       bool
	searching  bool        // ICE looks for a way
	doubtStop  func() bool // of the wait whether a restart finds one
	mustHear   bool        // Back needs media of the phone
	failed     bool
	lights     int  // devices that hold the light
	lightTold  bool // that it is gone
	closed     bool
	over       atomic.Bool // shut: read without mu by the sound
	alarmStop  func() bool
	closeOnce  sync.Once
	closeErr   error
	way        atomic.Pointer[way]
	lastMedia  atomic.Int64 // clock time of the phone's last packet, +1; 0: none
	lastVideo  atomic.Int64 // the same of its pictures
	startedNow chan struct{}
}

// NewSession makes a session; nothing is sent and no device is open yet.
func (e *Engine) NewSession(cfg SessionConfig) (*Session, error) {
	if cfg.Emit == nil {
		return nil, errors.New("cannot make a media session without Emit")
	}
	s := &Session{
		engine: e, cfg: cfg, gate: gate.New(e.opts.Clock),
		log:        e.opts.Log.With().Str("room_id", cfg.Room).Logger(),
		pli:        throttle{every: pliInterval, clock: e.opts.Clock},
		startedNow: make(chan struct{}),
	}
	s.send = newSending(s)
	reporter := report.New(report.Options{
		Clock:    e.opts.Clock,
		Sound:    func(at time.Duration) (uint32, bool) { return s.audio.captured(at) },
		Pictures: func(at time.Duration) (uint32, bool) { return s.video.captured(at) },
	})
	api, err := newAPI(e.opts.Options, e.codecs, s.gate, s.send.recorder, reporter, s.moves(), s.log)
	if err != nil {
		return nil, fmt.Errorf("cannot make a media session: %w", err)
	}
	if s.pc, err = api.NewPeerConnection(s.iceConfiguration()); err != nil {
		return nil, fmt.Errorf("cannot make a media session: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.build(); err != nil {
		s.cancel()
		return nil, errors.Join(fmt.Errorf("cannot make a media session: %w", err), s.pc.GracefulClose())
	}
	if err := e.add(s); err != nil {
		s.cancel()
		return nil, errors.Join(fmt.Errorf("cannot make a media session: %w", err), s.pc.GracefulClose())
	}
	s.events = newEmitter(cfg.Emit)
	s.goFunc(s.sound.run)
	if s.video != nil {
		s.goFunc(s.video.run)
		s.goFunc(s.send.run)
	}
	if s.audio != nil {
		s.goFunc(s.audio.run)
	}
	return s, nil
}

// build gives the connection its tracks, its data channel and its callbacks.
func (s *Session) build() error {
	if s.cfg.Video && s.engine.opts.Camera != nil {
		v, err := newVideoSender(s)
		if err != nil {
			return err
		}
		s.video = v
	}
	s.sound = newSoundDevice(s)
	if s.sound.hasMicrophone() {
		a, err := newAudioSender(s)
		if err != nil {
			return err
		}
		s.audio = a
	}
	ordered, negotiated, id := true, true, uint16(0)
	var err error
	if s.data, err = s.pc.CreateDataChannel("callbox", &webrtc.DataChannelInit{Ordered: &ordered, Negotiated: &negotiated, ID: &id}); err != nil {
		return err
	}
	s.data.OnOpen(func() { s.events.push(DataOpen{}) })
	s.data.OnMessage(func(m webrtc.DataChannelMessage) {
		if m.IsString && len(m.Data) <= maxDataFrame {
			s.events.pushData(Data{Text: m.Data})
		}
	})
	s.pc.OnDataChannel(func(d *webrtc.DataChannel) {
		// There is one channel and no other (PROTOCOL: others are closed).
		d.OnOpen(func() { _ = d.Close() })
	})
	s.pc.OnICECandidate(s.localCandidate)
	s.pc.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(s.wayChanged)
	s.pc.OnICEConnectionStateChange(s.iceChanged)
	s.pc.OnConnectionStateChange(s.stateChanged)
	s.pc.OnTrack(s.receive)
	return nil
}

// goFunc starts a goroutine of the session, which Close waits for; not any more
// when the session is closed.
func (s *Session) goFunc(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.wg.Go(f)
	}
}

// Prepare opens the camera and the encoder while it still rings (preconnect
// "media"), with the light. Nothing is sent.
func (s *Session) Prepare() {
	s.mu.Lock()
	s.prepared = true
	s.mu.Unlock()
	s.wantDevices()
}

// Accept says that a person has answered: as soon as the session is connected
// too, and the light is on where it is required, it emits Started, arms the lock
// and lets media flow, a keyframe first.
func (s *Session) Accept(limit Limit) {
	s.mu.Lock()
	if !s.accepted {
		s.accepted, s.limit = true, limit
		s.startLocked()
	}
	s.mu.Unlock()
	s.wantDevices()
}

// wantDevices opens what the session's state asks for, and closes the rest.
func (s *Session) wantDevices() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wantDevicesLocked()
}

func (s *Session) wantDevicesLocked() {
	over := s.closed || s.failed || s.over.Load()
	s.sound.wanted.set(s.accepted && !over)
	if s.video != nil {
		s.video.wanted.set((s.accepted || s.prepared) && s.video.on && !over)
	}
}

// startLocked begins the talk when it can begin; mu is held.
func (s *Session) startLocked() {
	if s.started || !s.accepted || !s.connected || s.failed || s.over.Load() || s.closed || !s.litLocked() {
		return
	}
	s.started = true
	at := s.engine.opts.Clock.Now()
	ev := Started{At: at}
	if s.limit.Set {
		ev.Deadline = at + s.limit.Duration
		s.deadlineOn = ev.Deadline
		s.wg.Add(1)
		s.alarmStop = s.engine.opts.Clock.AfterFunc(s.limit.Duration, s.deadline)
	}
	s.gate.Open(s.limit.Set, ev.Deadline)
	s.log.Info().Float64("limit_s", s.limit.Duration.Seconds()).Bool("limited", s.limit.Set).Msg("media started")
	s.events.push(ev)
	close(s.startedNow)
	if s.video != nil {
		s.video.start()
	}
}

// deadlineAt is when the limit ends the talk, on the engine's clock; 0: it has none, or
// has not started.
func (s *Session) deadlineAt() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deadlineOn
}

// deadline runs when the limit is reached. The gate looks at the clock by itself
// and is shut already; this stops the devices and tells it.
func (s *Session) deadline() {
	defer s.wg.Done()
	s.Shut()
	at := s.engine.opts.Clock.Now()
	s.log.Info().Msg("media stopped at the limit")
	s.events.push(DeadlineReached{At: at})
}

// SetMicrophone turns the sending of sound off and on; off sends silence.
func (s *Session) SetMicrophone(on bool) { s.sound.microphone.Store(on) }

// SetSpeaker turns the playing of the phone's sound off and on; tones are played
// either way.
func (s *Session) SetSpeaker(on bool) { s.sound.speaker.Store(on) }

// SetCamera turns the camera off, which closes it and puts its light out, and on.
func (s *Session) SetCamera(on bool) {
	if s.video == nil {
		return
	}
	s.mu.Lock()
	s.video.on = on
	s.startLocked() // without a camera there may be no light to wait for
	s.mu.Unlock()
	s.wantDevices()
}

// SendData sends one text frame on the data channel. Error: ErrNotOpen.
func (s *Session) SendData(text []byte) error {
	if s.data.ReadyState() != webrtc.DataChannelStateOpen {
		return fmt.Errorf("cannot send data: %w", ErrNotOpen)
	}
	if err := s.data.SendText(string(text)); err != nil {
		return fmt.Errorf("cannot send data: %w: %w", ErrNotOpen, err)
	}
	return nil
}

// Shut stops all media for good: when it has returned no media packet leaves any
// more. Devices are closed meanwhile; the data channel goes on.
func (s *Session) Shut() {
	s.gate.Shut()
	if s.over.CompareAndSwap(false, true) && s.frozen() {
		s.count.freezes.end(s.now())
	}
	s.wantDevices()
}

// Close shuts the gate, ends everything and waits; no event comes after it. It
// may be called often, not from within Emit.
func (s *Session) Close() error {
	s.closeOnce.Do(func() {
		s.Shut()
		s.flush()
		s.mu.Lock()
		s.closed = true
		stops := []func() bool{s.alarmStop, s.batchStop, s.doubtStop}
		s.alarmStop, s.batchStop, s.doubtStop = nil, nil, nil
		s.mu.Unlock()
		s.events.drop()
		s.cancel()
		for _, stop := range stops {
			if stop != nil && stop() {
				s.wg.Done()
			}
		}
		if err := s.pc.GracefulClose(); err != nil {
			s.closeErr = fmt.Errorf("cannot close the media session cleanly: %w", err)
		}
		s.wg.Wait()
		s.events.wait()
		s.engine.remove(s)
	})
	return s.closeErr
}

// flush gives a last message on the data channel the time to arrive.
func (s *Session) flush() {
	if s.data.ReadyState() != webrtc.DataChannelStateOpen || s.data.BufferedAmount() == 0 {
		return
	}
	sent := make(chan struct{}, 1)
	s.data.OnBufferedAmountLow(func() {
		select {
		case sent <- struct{}{}:
		default:
		}
	})
	if s.data.BufferedAmount() == 0 { // in between
		return
	}
	t := time.NewTimer(flushData)
	defer t.Stop()
	select {
	case <-sent:
	case <-t.C:
	}
}
