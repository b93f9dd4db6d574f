package phonepeer

import (
	"time"

	"github.com/rs/zerolog"

	"callbox/signaling/budget"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/sdp"
)

// session is one room: it carries out what step decides and tells it what happens.
// It belongs to the phone's loop. After the call it is the room's memory.
type session struct {
	phone *Phone
	room  string
	wish  wish
	log   zerolog.Logger
	mail  *mail
	begun time.Duration

	state  state
	queue  []event // that apply has not come to
	busy   bool    // apply is running
	held   []event // that came too early
	timers [timerCount]*timer
	leg    leg   // nil before the offer and after the end
	call   *Call // nil after the end
	sent   letters

	trickle     trickle
	fingerprint string // of the device's DTLS
	frames      budget.Bucket
	info        infoSender
	data        dataState
}

// wish is what an invite asks for.
type wish struct {
	invite   message.Invite
	tone     bool
	sound    func() []byte // nil: as tone says
	onPacket func(Packet)
	linger   time.Duration
	ring     string // id of the ring that it answers, "" for a call of ours
}

// video reports whether this is a video room.
func (w *wish) video() bool { return w.invite.RoomType == message.Video }

// newSession makes a room and its call, whose invite is on its way when it returns.
// ring is the device's that it answers, nil for a call of ours; busy rejects it.
func (p *Phone) newSession(room string, w wish, ring *message.Message, busy bool) *Call {
	now := p.o.Clock.Now()
	s := &session{
		phone: p, room: room, wish: w, begun: now,
		log:    p.log.With().Str("room_id", room).Logger(),
		mail:   newMail(p.loop, p.o.Key, p.to, room, p.carrier, p.up),
		frames: budget.Full(budget.FrameRate, now),
		data:   dataState{waiting: map[string]*dataWait{}},
	}
	if ring != nil {
		s.wish.ring = ring.ID
		s.mail.arrive(ring)
	}
	s.trickle = trickle{loop: p.loop, send: s.sendCandidates, add: func(c message.Candidate) {
		if s.leg != nil {
			s.leg.addCandidate(c)
		}
	}}
	s.info = infoSender{loop: p.loop, send: s.sendFrame, want: message.Info{Mic: true, Camera: s.ownCamera(), Speaker: true, Quality: 4}}
	c := &Call{phone: p, session: s, Room: room, RoomType: w.invite.RoomType, events: newEvents(), joined: make(chan struct{})}
	s.call = c
	p.rooms[room] = s
	var effects []effect
	s.state, effects = begin(ring != nil, w.invite.TimeLimit, busy)
	s.busy = true
	s.run(effects)
	s.busy = false
	s.drain()
	return c
}

// ownCamera reports whether this phone's camera is on from the start. Caller is who
// began the call.
func (s *session) ownCamera() bool {
	enabled := s.wish.invite.EnableCallerCamera
	if s.wish.ring != "" {
		enabled = nil
	}
	return s.wish.video() && (enabled == nil || *enabled)
}

// apply hands an event to the machine and carries out what follows. What an effect
// leads to waits until the effects before it are done.
func (s *session) apply(ev event) {
	s.queue = append(s.queue, ev)
	if !s.busy {
		s.drain()
	}
}

func (s *session) drain() {
	s.busy = true
	for len(s.queue) > 0 {
		ev := s.queue[0]
		s.queue = s.queue[1:]
		s.one(ev)
	}
	s.busy = false
}

func (s *session) one(ev event) {
	if early(s.state, ev) {
		if len(s.held) < maxSeen {
			s.held = append(s.held, ev)
		}
		return
	}
	before := s.state.phase
	next, effects := step(s.state, ev, s.phone.o.Clock.Now())
	s.state = next
	s.run(effects)
	if next.phase != before {
		s.log.Debug().Stringer("from", before).Stringer("to", next.phase).Msg("phone's call")
		s.queue = append(s.held, s.queue...)
		s.held = nil
	}
}

func (s *session) run(effects []effect) {
	for _, e := range effects {
		s.do(e)
	}
}

func (s *session) do(e effect) {
	switch e := e.(type) {
	case doInvite:
		s.invite()
	case doMakeOffer:
		s.makeOffer(e.servers)
	case doSendOffer:
		s.offer(e.sdp)
	case doAnswer:
		s.takeAnswer(e.sdp)
	case doOpenMedia:
		s.mark(&s.call.times.Accepted)
		s.leg.open()
	case doSilence:
		if s.leg != nil {
			s.leg.silence()
		}
	case doRestart:
		s.mail.drop(s.sent.restart)
		s.trickle.restart()
		s.leg.restart(e.generation, e.servers)
	case doLeave:
		s.leave(e)
	case doTimer:
		s.timers[e.name].cancel()
		s.timers[e.name] = s.phone.loop.after(e.d, func() { s.apply(evTimer{e.name}) })
	case doClear:
		s.timers[e.name].cancel()
	case doJoined:
		s.joined()
	case doTell:
		s.tell(e.ev)
	case doEnd:
		s.end()
	}
}

// mark notes when something first happened.
func (s *session) mark(at *time.Duration) {
	s.call.mu.Lock()
	defer s.call.mu.Unlock()
	if *at == 0 {
		*at = max(1, s.phone.since(s.begun))
	}
}

func (s *session) joined() {
	s.mark(&s.call.times.Challenged)
	close(s.call.joined)
	if !s.state.callee {
		return
	}
	select {
	case s.phone.incoming <- &Incoming{Call: s.call, TimeLimit: s.wish.invite.TimeLimit, Query: s.wish.invite.Query}:
	default:
		s.log.Warn().Msg("nobody takes the device's calls")
	}
}

func (s *session) tell(ev Event) {
	t := &s.call.times
	switch ev.(type) {
	case Ringing:
		s.mark(&t.Ringing)
	case Started:
		s.mark(&t.Started)
		s.info.start()
	case Lost:
		s.info.set(func(i *message.Info) { i.Quality = 0 })
	case Back:
		s.info.set(func(i *message.Info) { i.Quality = 4 })
	default:
	}
	s.call.events.add(ev)
}

// makeOffer makes the connection and its first offer.
func (s *session) makeOffer(servers []message.ICEServer) {
	begun, loop := s.begun, s.phone.loop
	s.leg = s.phone.makeLeg(legOptions{
		video: s.wish.video(), camera: s.info.want.Camera, tone: s.wish.tone, sound: s.wish.sound, onPacket: s.wish.onPacket,
		linger: s.wish.linger, loopback: s.phone.o.Loopback, relayOnly: s.phone.o.RelayOnly, codecs: s.phone.o.VideoCodecs, servers: servers,
		log: s.log, running: &s.phone.legs, since: func() time.Duration { return s.phone.since(begun) },
		emit: func(ev legEvent) { loop.post(func() { s.legEvent(ev) }) },
	})
	s.call.setLeg(s.leg)
	s.leg.offer()
}

// legEvent is what the connection reports.
func (s *session) legEvent(ev legEvent) {
	if s.leg == nil {
		return
	}
	switch ev := ev.(type) {
	case legOffer:
		switch ev.generation {
		case 0:
			s.apply(evOffer{ev.sdp})
		case s.state.generation:
			s.restart(ev.generation, ev.sdp)
		default: // a newer one is under way
		}
	case legFailed:
		s.log.Info().Err(ev.err).Msg("the phone's connection failed")
		s.apply(evMediaFails{})
	case legCandidate:
		s.trickle.found(message.Candidate(ev))
	case legConnected:
		s.mark(&s.call.times.Connected)
		s.call.events.add(Connected{})
	case legLost:
		s.apply(evLost{})
	case legFlowing:
		s.apply(evFlowing{})
	case legChannelOpen:
		s.channelOpen()
	case legFrame:
		s.frame(ev)
	}
}

// takeAnswer hands the device's answer to the connection. It was checked when it came.
func (s *session) takeAnswer(text string) {
	a, err := sdp.CheckAnswer(text, s.wish.invite.RoomType, s.fingerprint, s.phone.o.Loopback)
	if err != nil {
		s.apply(evBreach{})
		return
	}
	s.leg.answer(a.SDP, a.Ufrag)
}

// answerHolds checks an SDP of the device; a breach ends the call.
func (s *session) answerHolds(text string) bool {
	a, err := sdp.CheckAnswer(text, s.wish.invite.RoomType, s.fingerprint, s.phone.o.Loopback)
	if err != nil {
		s.log.Info().Err(err).Msg("answer refused")
		s.apply(evBreach{})
		return false
	}
	s.fingerprint = a.Fingerprint
	return true
}

// linkUp says that the device has said hello again.
func (s *session) linkUp(epoch uint64) {
	s.mail.linkUp()
	s.apply(evEpoch{epoch})
	s.apply(evLinkUp{})
}

// shut ends the call because the phone is closed.
func (s *session) shut(quiet bool, end cause.End) {
	if quiet && s.leg != nil {
		s.leg.drop(true)
	}
	s.apply(evUnload{end})
	s.mail.close()
}

// end is the last of a call; the room goes on acknowledging what is late.
func (s *session) end() {
	for _, t := range s.timers {
		t.cancel()
	}
	s.trickle.stop()
	s.info.stop()
	s.data.stop()
	s.sent.close(s.mail)
	if s.leg != nil {
		s.leg.close()
	}
	s.mark(&s.call.times.Ended)
	s.log.Info().Str("cause", string(s.state.end.Cause)).Str("detail", string(s.state.end.Detail)).Bool("by_device", s.state.byDevice).
		Msg("phone's call ended")
	s.call.events.add(Ended{End: s.state.end, ByDevice: s.state.byDevice, Talk: s.state.talk})
	if !s.state.joined {
		close(s.call.joined)
	}
	s.leg, s.call, s.queue, s.held, s.wish.invite = nil, nil, nil, nil, message.Invite{RoomType: s.wish.invite.RoomType}
	s.phone.forget(s)
}
