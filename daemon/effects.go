package daemon

import (
	"errors"
	"time"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/media"
	"callbox/media/tone"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// carryOut does what the machine ordered. It is the only place where a call
// touches the rest of the daemon, and nothing here blocks.
func (l *loop) carryOut(e call.Effect) {
	switch e := e.(type) {
	case call.BeginRecord:
		l.cur = l.beginning.call
		l.publish(control.EventJoinedRoomByCaller, nil)
	case call.Ring:
		o := l.cur.offer
		l.publish(control.EventRinging, control.RingingData{
			Contact: o.Contact.Name, Phone: o.Room.Phone, RoomType: string(o.RoomType), Query: o.Query, Payload: o.Payload,
		})
	case call.Announce:
		l.announce()
	case call.StopAnnouncing:
		l.cur.announcing()
	case call.SendRing, call.Alert, call.RingTaken, call.CancelRing, call.RingOver, call.Join:
		l.carryOutRing(e)
	case call.OpenMedia:
		l.openMedia()
	case call.SendRinging:
		sdp := ""
		if e.WithSDP {
			sdp = l.cur.leg.answer
		}
		l.signaling.Ringing(l.cur.room(), sdp, l.state.Rules.Ring)
		l.answerSent(e.WithSDP)
	case call.SendAccept:
		l.cur.record.Answered = l.wall()
		l.publish(control.EventHangOnVoip, control.AnsweredData{Contact: l.cur.offer.Contact.Name, Phone: l.cur.offer.Room.Phone})
		l.sendFrame(l.signaling.Accept(l.cur.room(), l.cur.leg.answer, signaling.Limit(e.Limit)))
		l.answerSent(true)
	case call.AcceptMedia:
		l.cur.leg.session.Accept(media.Limit(e.Limit))
	case call.SendStart:
		l.sendFrame(l.signaling.Start(l.cur.room(), signaling.Limit(e.Limit)))
		l.sendInfo()
	case call.Talk:
		l.openAccount()
		l.keepRelay()
		l.publish(control.EventStartVoip, control.StartData{TimeLimit: l.cur.record.LimitSeconds})
	case call.Tick:
		l.publish(control.EventCalling, control.TalkData{KeepTime: l.keepTime()})
		l.lookAtLink()
		l.sendInfo()
	case call.Warn:
		l.warn(e.Left)
	case call.StartTimer:
		l.startTimer(e)
	case call.StopTimer:
		l.stopTimer(e.Timer)
	case call.StopTimers:
		for timer := range l.cur.timers {
			l.stopTimer(timer)
		}
	case call.SendNeedRestart:
		l.signaling.NeedRestart(l.cur.room(), l.cur.leg.generation+1)
	case call.Reconnect:
		if !e.Back {
			l.cur.quality.sum.Reconnects++
		}
		l.publish(map[bool]string{true: control.EventReconnected, false: control.EventReconnecting}[e.Back], nil)
	case call.ShutMedia:
		if session := l.cur.leg.session; session != nil {
			session.Shut()
		}
	case call.SendReject:
		l.signaling.Reject(l.cur.room(), e.Cause)
	case call.SendBye:
		l.sendFrame(l.signaling.Bye(l.cur.room(), e.End))
	case call.Finish:
		l.finish(e)
	case call.DropMedia:
		l.dropMedia()
	case call.CloseMedia:
		l.closeMedia()
	case call.Refuse:
		l.turnAway(l.next, e.Cause)
	}
}

// startTimer starts a timer of the machine. Those of the talk count from the
// moment at which media could flow, not from when the loop got to hear of it.
func (l *loop) startTimer(e call.StartTimer) {
	gen, after := l.cur.gen, e.After
	switch e.Timer {
	case call.LimitTimer, call.WarningTimer:
		after = l.cur.leg.startedAt + e.After - l.clock.Now()
	case call.TickTimer:
		after -= (l.clock.Now() - l.cur.leg.startedAt) % e.After // the next whole second
	case call.RingTimer, call.ConnectTimer, call.ReconnectTimer:
	}
	l.cur.timers[e.Timer] = l.clock.AfterFunc(after, func() {
		l.box.put(timerFired{gen: gen, timer: e.Timer, n: e.N})
	})
}

func (l *loop) stopTimer(t call.Timer) {
	if stop := l.cur.timers[t]; stop != nil {
		stop()
		delete(l.cur.timers, t)
	}
}

// warn tells people on both sides that the limit is near: the phone counts by
// itself, from the limit that start has told it.
func (l *loop) warn(left time.Duration) {
	l.publish(control.EventLimitWarning, control.LimitData{SecondsLeft: int(left.Round(time.Second) / time.Second)})
	l.cur.leg.session.Play(l.warning(left))
}

// warning is the tone for a warning: the last ones sound more urgent.
func (l *loop) warning(left time.Duration) []int16 {
	if left <= urgent {
		return tone.Warning10()
	}
	return tone.Warning30()
}

// urgent is how much is left when a warning is a last one.
const urgent = 10 * time.Second

// finish closes the record and publishes the end: first the event of the cause,
// then endVoip, then finishVoip with the time that was talked.
func (l *loop) finish(e call.Finish) {
	c := l.cur
	outgoing := c.dial != nil
	c.relayStop()
	c.darken()
	l.tones.last = l.lastSound(e)
	c.record.Ended = l.wall()
	c.record.Cause, c.record.Origin, c.record.Detail = e.End.Cause, e.End.Origin, e.End.Detail
	c.record.TalkSeconds = l.talked().Round(time.Millisecond).Seconds()
	c.record.RingSeconds = l.ringSeconds()
	c.record.By = store.Side(e.By)
	c.record.Link = l.talkLink()
	told := control.NewEndData(e.End, outgoing, e.By == call.ByDevice, l.keepTime())
	if e.End.Cause == cause.JoinFailed && c.leg.failure != nil {
		c.record.Failure, told.ErrMsg = c.leg.failure.Error(), c.leg.failure.Error()
		if errors.Is(c.leg.failure, media.ErrLight) {
			told.Message = "The call was answered, but the privacy light, which must be on, could not be turned on."
		}
	}
	l.records.end(c.record, l.closeAccount())
	l.count(e.End)
	l.forgetData()

	l.publish(e.End.Cause.Event(outgoing), told)
	end := control.EndVoipData{
		KeepTime: l.keepTime(), CallerName: c.people(), ListenerName: l.settings.deviceName,
		RoomType: string(c.offer.RoomType), BusinessType: control.PhoneToDevice,
	}
	if outgoing {
		end.CallerName, end.ListenerName = end.ListenerName, end.CallerName
		end.IsCaller, end.BusinessType = true, control.DeviceToPhone
	}
	l.publish(control.EventEndVoip, end)
	l.publish(control.EventFinishVoip, control.TalkData{KeepTime: l.keepTime()})
	l.signaling.End(c.room())
}

// keepTime is the talk time in the plug-in's unit: whole seconds.
func (l *loop) keepTime() int { return int(l.talked() / time.Second) }

// publish publishes an event of the current call.
func (l *loop) publish(name string, data any) { l.events.PublishIn(name, l.cur.eventRoom(), data) }

// sendFrame sends a copy of a signed message on the data channel, if there is
// one; the signed message goes its own way in any case.
func (l *loop) sendFrame(frame []byte) {
	leg := l.cur.leg
	if len(frame) == 0 || !leg.dataOpen || leg.session == nil {
		return
	}
	if err := leg.session.SendData(frame); err != nil {
		l.cur.log.Debug().Err(err).Msg("cannot send on the data channel")
	}
}

// keep logs what must not stop a call.
func (l *loop) keep(err error, what string) {
	if err == nil {
		return
	}
	log := &l.log
	if l.state.Phase.Active() && l.cur != nil {
		log = &l.cur.log
	}
	log.Error().Err(err).Msg(what)
}
