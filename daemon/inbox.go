package daemon

import (
	"encoding/json"
	"fmt"
	"slices"

	"callbox/daemon/call"
	"callbox/daemon/policy"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// signalingEvent turns what signaling has verified into events of the machine.
func (l *loop) signalingEvent(ev signaling.Event) {
	switch ev := ev.(type) {
	case signaling.Offer:
		l.offered(ev)
	case signaling.Cancel:
		if l.isCurrent(ev.Room) {
			l.step(call.PeerCancelled{Gen: l.cur.gen, Cause: ev.Cause})
		}
	case signaling.Bye:
		if l.isCurrent(ev.Room) {
			l.step(call.PeerBye{Gen: l.cur.gen, End: ev.End})
		}
	case signaling.Candidates:
		if l.isCurrent(ev.Room) {
			l.remoteCandidates(ev)
		}
	case signaling.Restart:
		l.restart(ev)
	case signaling.PhoneData:
		l.phoneData(ev)
	case signaling.PhoneInfo:
		if l.isCurrent(ev.Room) {
			l.cur.phone = ev
			l.publish("peerInfo", map[string]any{
				"mic": ev.Mic, "camera": ev.Camera, "speaker": ev.Speaker, "quality": ev.Quality,
			})
		}
	case signaling.Paired:
		l.paired()
		l.log.Info().Str("contact", ev.Contact.Name).Str("jkt", ev.Contact.JKT).Bool("fresh", ev.Fresh).Msg("paired")
		l.events.Publish("paired", "", map[string]any{"name": ev.Contact.Name, "jkt": ev.Contact.JKT, "rights": ev.Contact.Rights, "fresh": ev.Fresh})
	case signaling.PairingAlarm:
		l.log.Error().Str("first", ev.First).Str("second", ev.Second).
			Msg("two phones knew the pairing secret: the first was revoked; pair again where nobody else sees the code")
		// Signaling has suspended it for this process; a restart must not forget that.
		l.keep(l.revoke(ev.First), "cannot revoke the phone that paired first: revoke it with callboxctl contacts revoke")
		l.events.Publish("pairingAlarm", "", map[string]any{"first": ev.First, "second": ev.Second})
		l.step(call.Revoked{Phone: ev.First})
	case signaling.RingReached, signaling.RingDeclined, signaling.DataAnswered:
		// Of what this loop does not begin: calls and data of the device.
	case signaling.Unanswered:
		if l.isCurrent(ev.Room) {
			l.cur.log.Warn().Str("type", ev.Type).Msg("the phone did not acknowledge a message")
			l.step(call.PeerSilent{Gen: l.cur.gen})
		}
	}
}

// isCurrent reports whether room is the running call's.
func (l *loop) isCurrent(room signaling.RoomKey) bool {
	return l.cur != nil && l.cur.room() == room && l.state.Phase.Active()
}

// offered asks policy and then the machine.
func (l *loop) offered(o signaling.Offer) {
	rights := make([]string, len(o.Contact.Rights))
	for i, r := range o.Contact.Rights {
		rights[i] = string(r)
	}
	decision := policy.Decide(policy.Request{
		Rights:  rights,
		Wish:    policy.Limit(o.TimeLimit),
		Contact: secondsLimit(o.Contact.MaxSeconds),
		Config:  policy.Limit(l.settings.limit),
		Auto:    l.settings.answerAuto,
	})
	l.log.Debug().Str("room_id", o.Room.ID).Str("contact", o.Contact.Name).
		Bool("allowed", decision.Allowed).Str("rule", decision.Rule).Msg("policy")
	if l.stopping {
		l.turnAway(o, cause.Aborted)
		return
	}
	if !decision.Allowed {
		l.turnAway(o, decision.Cause)
		return
	}
	l.offer = o
	l.step(call.Offered{
		Room: call.Room{ID: o.Room.ID, Phone: o.Room.Phone},
		Rules: call.Rules{
			Limit:      call.Limit(decision.Limit),
			Ring:       l.settings.ring,
			Connect:    l.settings.connect,
			Reconnect:  l.settings.reconnect,
			Preconnect: l.settings.preconnect != media.PreconnectOff,
			Auto:       decision.Auto,
		},
	})
}

// turnAway refuses a caller without touching the call that runs.
func (l *loop) turnAway(o signaling.Offer, c cause.Cause) {
	l.signaling.Reject(o.Room, c)
	l.signaling.End(o.Room)
	l.refused[string(c)]++
	now := l.wall()
	record := newRecord(o, now)
	record.Ended, record.Cause = now, c
	l.keep(l.records.Begin(record), "cannot write the call record")
	l.keep(l.records.End(record), "cannot write the call record")
	l.log.Info().Str("room_id", o.Room.ID).Str("contact", o.Contact.Name).Str("cause", string(c)).Msg("call refused")
	l.events.Publish("refused", o.Room.ID, map[string]any{"contact": o.Contact.Name, "cause": c})
}

// remoteCandidates hands the phone's candidates to the session, or keeps them
// until there is one.
func (l *loop) remoteCandidates(ev signaling.Candidates) {
	for _, raw := range ev.Candidates {
		var c media.Candidate
		if err := json.Unmarshal(raw, &c); err != nil {
			l.cur.log.Debug().Err(err).Msg("a candidate was skipped")
			continue
		}
		l.cur.remote = append(l.cur.remote, c)
	}
	l.flushRemote()
}

func (l *loop) flushRemote() {
	if l.cur.session == nil || len(l.cur.remote) == 0 {
		return
	}
	candidates := l.cur.remote
	l.cur.remote = nil
	if err := l.cur.session.AddCandidates(candidates); err != nil {
		l.cur.log.Debug().Err(err).Msg("candidates were not used")
	}
}

// restart lets the session make a new answer. A room that is not running gets
// told so: the phone may believe in a call that a crash has ended.
func (l *loop) restart(ev signaling.Restart) {
	if !l.isCurrent(ev.Room) || l.cur.session == nil {
		l.signaling.Bye(ev.Room, cause.End{Cause: cause.Aborted, Detail: cause.UnknownRoom})
		return
	}
	gen, session := l.cur.gen, l.cur.session
	l.async(func() {
		ctx, cancel := mediaContext()
		defer cancel()
		answer, err := session.Restart(ctx, ev.Generation, ev.SDP)
		l.box.put(mediaRestarted{gen: gen, generation: ev.Generation, answer: answer, err: err})
	})
}

func (l *loop) mediaRestarted(it mediaRestarted) {
	if !l.runsNow(it.gen) {
		return
	}
	if it.err != nil {
		l.cur.log.Warn().Err(it.err).Msg("ICE restart failed")
		return // the phone tries again; the reconnect timer decides
	}
	l.cur.generation = it.generation
	l.signaling.Restarted(l.cur.room(), it.generation, it.answer)
}

// phoneData publishes the maker's own message. Somebody must listen: an "open the
// door" that nobody hears must not look done.
func (l *loop) phoneData(ev signaling.PhoneData) {
	answer := ""
	switch {
	case !l.isCurrent(ev.Room):
		answer = "badRequest"
	case ev.Right != "" && !slices.Contains(l.cur.offer.Contact.Rights, ev.Right):
		answer = "forbidden"
		l.refused["right"]++
	case l.events.Subscribers() == 0:
		answer = "noHandler"
	}
	if frame := l.signaling.AnswerData(ev.Room, ev.ID, answer); frame != nil {
		l.sendFrame(frame)
	}
	if answer != "" {
		return
	}
	name := "data"
	if ev.Right == signaling.RightUnlock {
		name = "unlock"
	}
	l.publish(name, map[string]any{"id": ev.ID, "payload": json.RawMessage(payloadOrNull(ev.Payload)), "contact": l.cur.offer.Contact.Name})
}

func payloadOrNull(p []byte) []byte {
	if len(p) == 0 {
		return []byte("null")
	}
	return p
}

// mediaEvent turns what the session reports into events of the machine.
func (l *loop) mediaEvent(gen uint64, ev media.Event) {
	if l.cur == nil || l.cur.gen != gen {
		return
	}
	switch ev := ev.(type) {
	case media.LocalCandidates:
		l.cur.local = append(l.cur.local, ev.Candidates...)
		l.cur.localEnd = l.cur.localEnd || ev.End
		l.flushLocal()
	case media.Connected:
		l.cur.log.Debug().Msg("media connected")
	case media.Started:
		l.cur.talking, l.cur.startedAt, l.cur.deadline = true, ev.At, ev.Deadline
		l.step(call.MediaStarted{Gen: gen})
	case media.Lost:
		l.step(call.MediaLost{Gen: gen})
	case media.Back:
		l.step(call.MediaBack{Gen: gen})
	case media.Failed:
		if !l.state.Phase.Active() {
			return // the phone closes its end, too
		}
		l.cur.log.Warn().Err(ev.Err).Msg("media failed")
		l.step(call.MediaFailed{Gen: gen, Cause: cause.JoinFailed})
	case media.Data:
		if l.state.Phase.Active() {
			l.sendFrame(l.signaling.ReceiveFrame(l.cur.room(), ev.Text))
		}
	case media.DataOpen:
		l.cur.dataOpen = true
		l.sendInfo()
	case media.DeadlineReached:
		l.step(call.MediaDeadline{Gen: gen})
	case media.DeviceGone:
		l.cur.log.Warn().Str("kind", ev.Kind).Str("name", ev.Name).Err(ev.Err).Msg("device lost; the call goes on")
		l.publish("deviceLost", map[string]any{"kind": ev.Kind, "name": ev.Name, "error": fmt.Sprint(ev.Err)})
		l.sendInfo()
	}
}

// flushLocal sends our candidates once the phone has the SDP they belong to.
func (l *loop) flushLocal() {
	c := l.cur
	if !c.answerSent || !l.state.Phase.Active() || (len(c.local) == 0 && !c.localEnd) {
		return
	}
	candidates := make([][]byte, 0, len(c.local))
	for _, candidate := range c.local {
		raw, err := json.Marshal(candidate)
		if err != nil {
			l.keep(err, "cannot write a candidate")
			continue
		}
		candidates = append(candidates, raw)
	}
	l.signaling.Candidates(c.room(), candidates, c.localEnd)
	c.local, c.localEnd = nil, false
}

// mediaOpened takes the SDP answer; when the call has ended, closeMedia has put the
// session away already.
func (l *loop) mediaOpened(it mediaOpened) {
	if !l.runsNow(it.gen) {
		return
	}
	if it.err != nil {
		l.cur.log.Warn().Err(it.err).Msg("cannot answer the phone's offer")
		failed := cause.JoinFailed
		if isBadOffer(it.err) {
			failed = cause.BadRequest
		}
		l.step(call.MediaFailed{Gen: it.gen, Cause: failed})
		return
	}
	l.cur.answer = it.answer
	l.flushRemote()
	l.step(call.MediaAnswered{Gen: it.gen})
}
