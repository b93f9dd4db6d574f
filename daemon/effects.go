package daemon

import (
	"context"
	"errors"
	"time"

	"callbox/daemon/call"
	"callbox/daemon/store"
	"callbox/media"
	"callbox/signaling"
)

const (
	// answerTimeout bounds making an SDP answer: pion needs some 10 ms on a PC, a
	// small board with a slow random source has been seen to need seconds.
	answerTimeout = 10 * time.Second
	// byeLinger lets the copy of bye on the data channel leave before the session
	// closes: a little over one retransmission on a bad link.
	byeLinger = 250 * time.Millisecond
)

func mediaContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), answerTimeout)
}

func isBadOffer(err error) bool { return errors.Is(err, media.ErrBadOffer) }

// carryOut does what the machine ordered. It is the only place where a call
// touches the rest of the daemon, and nothing here blocks.
func (l *loop) carryOut(e call.Effect) {
	switch e := e.(type) {
	case call.BeginRecord:
		l.beginRecord()
	case call.Ring:
		l.publish("ringing", map[string]any{
			"contact": l.cur.offer.Contact.Name, "roomType": l.cur.offer.RoomType,
			"query": l.cur.offer.Query, "isCaller": false,
		})
	case call.OpenMedia:
		l.openMedia()
	case call.SendRinging:
		sdp := ""
		if e.WithSDP {
			sdp = l.cur.answer
		}
		l.signaling.Ringing(l.cur.room(), sdp, l.state.Rules.Ring)
		l.answerSent(e.WithSDP)
	case call.SendAccept:
		l.cur.record.Answered = l.wall()
		l.publish("hangOnVoip", nil)
		l.sendFrame(l.signaling.Accept(l.cur.room(), l.cur.answer, signaling.Limit(e.Limit)))
		l.answerSent(true)
	case call.AcceptMedia:
		l.cur.session.Accept(media.Limit(e.Limit))
	case call.SendStart:
		l.sendFrame(l.signaling.Start(l.cur.room(), signaling.Limit(e.Limit)))
		l.sendInfo()
	case call.Talk:
		l.publish("startVoip", map[string]any{"timeLimit": l.limitSeconds()})
	case call.StartTimer:
		l.startTimer(e)
	case call.StopTimer:
		if stop := l.cur.timers[e.Timer]; stop != nil {
			stop()
			delete(l.cur.timers, e.Timer)
		}
	case call.SendNeedRestart:
		l.signaling.NeedRestart(l.cur.room(), l.cur.generation+1)
	case call.Reconnect:
		l.publish(map[bool]string{true: "reconnected", false: "reconnecting"}[e.Back], nil)
	case call.ShutMedia:
		if l.cur.session != nil {
			l.cur.session.Shut()
		}
	case call.SendReject:
		l.signaling.Reject(l.cur.room(), e.Cause)
	case call.SendBye:
		l.sendFrame(l.signaling.Bye(l.cur.room(), e.End))
	case call.Finish:
		l.finish(e)
	case call.CloseMedia:
		l.closeMedia()
	case call.Refuse:
		l.turnAway(l.offer, e.Cause)
	}
}

func (l *loop) beginRecord() {
	now := l.wall()
	l.cur = &current{
		gen: l.state.Generation, offer: l.offer, began: l.clock.Now(),
		log:    l.log.With().Str("room_id", l.offer.Room.ID).Str("contact", l.offer.Contact.Name).Logger(),
		timers: map[call.Timer]func() bool{},
		record: newRecord(l.offer, now),
		mic:    true, camera: l.offer.RoomType == signaling.Video && l.offer.EnableListenerCamera,
	}
	if limit := l.state.Rules.Limit; limit.Set {
		l.cur.record.LimitSeconds = limit.Duration.Seconds()
	}
	l.keep(l.records.Begin(l.cur.record), "cannot write the call record")
}

func newRecord(o signaling.Offer, now time.Time) store.Record {
	return store.Record{
		RoomID: o.Room.ID, Peer: o.Room.Phone, Contact: o.Contact.Name,
		RoomType: o.RoomType, Direction: store.Incoming, Started: now,
	}
}

// openMedia makes the session in the background: certificates and SDP take some
// 10 ms. It waits for the last call's session, because a camera serves one.
func (l *loop) openMedia() {
	c := l.cur
	cfg := media.SessionConfig{
		Room:  c.offer.Room.ID,
		Video: c.offer.RoomType == signaling.Video,
		Emit:  func(ev media.Event) { l.box.put(fromMedia{gen: c.gen, event: ev}) },
	}
	before := l.away
	session, err := l.open(cfg)
	if err != nil {
		l.box.put(mediaOpened{gen: c.gen, err: err})
		return
	}
	c.session = session
	session.SetCamera(c.camera)
	prepare := l.settings.preconnect == media.PreconnectMedia
	l.async(func() {
		if before != nil {
			<-before
		}
		ctx, cancel := mediaContext()
		defer cancel()
		answer, err := session.Answer(ctx, c.offer.SDP)
		if err == nil && prepare {
			session.Prepare()
		}
		l.box.put(mediaOpened{gen: c.gen, answer: answer, err: err})
	})
}

// answerSent lets our candidates follow the SDP that they belong to.
func (l *loop) answerSent(sent bool) {
	l.cur.answerSent = l.cur.answerSent || sent
	l.flushLocal()
}

// startTimer starts a timer of the machine. The limit counts from the moment at
// which media could flow, not from when the loop got to hear of it.
func (l *loop) startTimer(e call.StartTimer) {
	gen, after := l.cur.gen, e.After
	if e.Timer == call.LimitTimer {
		after = l.cur.startedAt + e.After - l.clock.Now()
	}
	l.cur.timers[e.Timer] = l.clock.AfterFunc(after, func() {
		l.box.put(timerFired{gen: gen, timer: e.Timer})
	})
}

// finish closes the record and publishes the end: first the event of the cause,
// then endVoip, then finishVoip with the time that was talked.
func (l *loop) finish(e call.Finish) {
	c := l.cur
	c.record.Ended = l.wall()
	c.record.Cause, c.record.Origin, c.record.Detail = e.End.Cause, e.End.Origin, e.End.Detail
	keepTime := int(l.talked() / time.Second)
	c.record.TalkSeconds = l.talked().Round(time.Millisecond).Seconds()
	c.record.RingSeconds = l.ringSeconds()
	l.keep(l.records.End(c.record), "cannot write the call record")

	status := "endByListener" // the phone called, the device is the listener
	if e.By == call.ByPhone {
		status = "endByCaller"
	}
	data := map[string]any{"cause": e.End.Cause, "keepTime": keepTime, "status": status}
	if e.End.Origin != "" {
		data["origin"] = e.End.Origin
	}
	if e.End.Detail != "" {
		data["detail"] = e.End.Detail
	}
	l.publish(e.End.Cause.Event(false), data)
	l.publish("endVoip", map[string]any{
		"keepTime": keepTime, "callerName": c.offer.Contact.Name, "listenerName": l.settings.deviceName,
		"roomType": c.offer.RoomType, "isCaller": false,
	})
	l.publish("finishVoip", map[string]any{"keepTime": keepTime})
	l.signaling.End(c.room())
}

// closeMedia puts the session away in the background.
func (l *loop) closeMedia() {
	c := l.cur
	if c.session == nil {
		l.box.put(mediaClosed{gen: c.gen})
		return
	}
	before, away := l.away, make(chan struct{})
	l.away = away
	linger := make(chan struct{})
	if c.dataOpen {
		l.clock.AfterFunc(byeLinger, func() { close(linger) })
	} else {
		close(linger)
	}
	l.async(func() {
		defer close(away)
		<-linger
		if before != nil {
			<-before
		}
		if err := c.session.Close(); err != nil {
			c.log.Warn().Err(err).Msg("cannot close the media session")
		}
		l.box.put(mediaClosed{gen: c.gen})
	})
}

// sendFrame sends a copy of a signed message on the data channel, if there is
// one; the signed message goes its own way in any case.
func (l *loop) sendFrame(frame []byte) {
	if len(frame) == 0 || !l.cur.dataOpen || l.cur.session == nil {
		return
	}
	if err := l.cur.session.SendData(frame); err != nil {
		l.cur.log.Debug().Err(err).Msg("cannot send on the data channel")
	}
}

// publish publishes an event of the current call.
func (l *loop) publish(name string, data map[string]any) {
	l.events.Publish(name, l.cur.offer.Room.ID, data)
}

// keep logs what must not stop a call.
func (l *loop) keep(err error, what string) {
	if err != nil {
		l.log.Error().Err(err).Msg(what)
	}
}

// talked is for how long media has been allowed to flow.
func (l *loop) talked() time.Duration {
	if !l.cur.talking {
		return 0
	}
	talked := l.clock.Now() - l.cur.startedAt
	if l.cur.deadline > 0 {
		talked = min(talked, l.cur.deadline-l.cur.startedAt)
	}
	return talked
}

func (l *loop) ringSeconds() float64 {
	end := l.clock.Now()
	if l.cur.talking {
		end = l.cur.startedAt
	}
	return (end - l.cur.began).Round(time.Millisecond).Seconds()
}

func (l *loop) limitSeconds() float64 { return l.cur.record.LimitSeconds }
