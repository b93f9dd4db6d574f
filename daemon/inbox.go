package daemon

import (
	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
	"maps"
	"slices"
)

// signalingEvent turns what signaling has verified into events of the machine.
func (l *loop) signalingEvent(ev signaling.Event) {
	switch ev := ev.(type) {
	case signaling.Offer:
		l.offered(ev)
	case signaling.RingReached:
		if l.concerns(ev.Room) {
			l.step(call.RingReached{Gen: l.cur.gen, Room: call.Room(ev.Room)})
		}
	case signaling.RingDeclined:
		if l.concerns(ev.Room) {
			l.step(call.RingDeclined{Gen: l.cur.gen, Room: call.Room(ev.Room), Cause: ev.Cause})
		}
	case signaling.Cancel:
		if l.concerns(ev.Room) {
			l.step(call.PeerCancelled{Gen: l.cur.gen, Room: call.Room(ev.Room), Cause: ev.Cause})
		}
	case signaling.Bye:
		if l.concerns(ev.Room) {
			l.step(call.PeerBye{Gen: l.cur.gen, Room: call.Room(ev.Room), End: ev.End})
		}
	case signaling.Candidates:
		l.candidates(ev)
	case signaling.Restart:
		l.restart(ev)
	case signaling.PhoneData:
		l.phoneData(ev)
	case signaling.DataAnswered:
		l.dataAnswered(ev)
	case signaling.PhoneInfo:
		if l.isCurrent(ev.Room) {
			l.cur.phone = &ev
			l.publish(control.EventPeerInfo, peerInfo(&ev))
		}
	case signaling.Paired:
		l.phonePaired(ev)
	case signaling.PairingAlarm:
		l.pairingAlarm(ev)
	case signaling.Unanswered:
		if l.concerns(ev.Room) {
			l.cur.log.Warn().Str("type", ev.Type).Msg("the phone did not acknowledge a message")
			l.step(call.PeerSilent{Gen: l.cur.gen, Room: call.Room(ev.Room)})
		}
	}
}

// isCurrent reports whether room is the running call's.
func (l *loop) isCurrent(room signaling.RoomKey) bool {
	return l.cur != nil && l.cur.room() == room && l.state.Phase.Active()
}

// concerns reports whether room is the running call's, or of a phone that it rings.
func (l *loop) concerns(room signaling.RoomKey) bool {
	return l.state.Phase.Active() && (l.isCurrent(room) || l.cur.ringIn(room) != nil)
}

// candidates are for the session, or for a rung phone whose turn may come.
func (l *loop) candidates(ev signaling.Candidates) {
	switch {
	case l.isCurrent(ev.Room) && (l.cur.dial == nil || l.cur.dial.joined):
		l.remoteCandidates(ev)
	case l.concerns(ev.Room):
		r := l.cur.ringIn(ev.Room)
		r.early = append(r.early, ev)
	}
}

func (l *loop) phonePaired(ev signaling.Paired) {
	l.paired()
	l.log.Info().Str("contact", ev.Contact.Name).Str("jkt", ev.Contact.JKT).Bool("fresh", ev.Fresh).Msg("paired")
	l.events.Publish(control.EventPaired, "", control.PairedData{
		Name: ev.Contact.Name, JKT: ev.Contact.JKT, Rights: texts(ev.Contact.Rights), Fresh: ev.Fresh,
	})
}

func (l *loop) pairingAlarm(ev signaling.PairingAlarm) {
	l.log.Error().Str("first", ev.First).Str("second", ev.Second).
		Msg("two phones knew the pairing secret: the first was revoked; pair again where nobody else sees the code")
	// Signaling has suspended it for this process; a restart must not forget that.
	l.keep(l.revoke(ev.First), "cannot revoke the phone that paired first: revoke it with callboxctl contacts revoke")
	l.events.Publish(control.EventPairingAlarm, "", control.AlarmData{First: ev.First, Second: ev.Second})
	l.step(call.Revoked{Phone: ev.First})
}

func texts(rights []signaling.Right) []string {
	list := make([]string, len(rights))
	for i, r := range rights {
		list[i] = string(r)
	}
	return list
}

// mediaEvent turns what the session reports into events of the machine.
func (l *loop) mediaEvent(gen uint64, n int, ev media.Event) {
	if l.cur == nil || l.cur.gen != gen || l.cur.leg.n != n {
		return
	}
	leg := l.cur.leg
	switch ev := ev.(type) {
	case media.LocalCandidates:
		leg.local = append(leg.local, ev.Candidates...)
		leg.localEnd = leg.localEnd || ev.End
		l.flushLocal()
	case media.Connected:
		l.cur.log.Debug().Msg("media connected")
	case media.Started:
		// What follows from the talk's beginning needs its time; when the machine does
		// not let it begin, because the call has ended meanwhile, there was none.
		leg.talking, leg.startedAt, leg.deadline = true, ev.At, ev.Deadline
		l.step(call.MediaStarted{Gen: gen, Leg: n})
		if l.state.Phase != call.Talking {
			leg.talking, leg.startedAt, leg.deadline = false, 0, 0
		}
	case media.Lost:
		l.step(call.MediaLost{Gen: gen, Leg: n})
	case media.Back:
		l.step(call.MediaBack{Gen: gen, Leg: n})
	case media.Failed:
		if !l.state.Phase.Active() {
			return // the phone closes its end, too
		}
		l.cur.log.Warn().Err(ev.Err).Msg("media failed")
		leg.failure = ev.Err
		l.step(call.MediaFailed{Gen: gen, Leg: n, Cause: cause.JoinFailed})
	case media.Data:
		if l.state.Phase.Active() {
			l.sendFrame(l.signaling.ReceiveFrame(l.cur.room(), ev.Text))
		}
	case media.DataOpen:
		leg.dataOpen = true
		l.sendInfo()
	case media.DeadlineReached:
		l.step(call.MediaDeadline{Gen: gen, Leg: n})
	case media.DeviceGone:
		l.deviceGone(ev)
	case media.DeviceBack:
		l.deviceBack(ev)
	}
}

func (l *loop) deviceGone(ev media.DeviceGone) {
	l.cur.log.Warn().Str("kind", ev.Kind).Str("name", ev.Name).Err(ev.Err).Msg("device lost; the call goes on")
	l.cur.gone[device{ev.Kind, ev.Name}] = true
	data := control.DeviceData{Kind: ev.Kind, Name: ev.Name}
	if ev.Err != nil {
		data.Error = ev.Err.Error()
	}
	l.cur.noteLost(store.Lost{Kind: ev.Kind, Name: ev.Name, Error: data.Error})
	l.publishDevice(control.EventDeviceLost, data)
	l.sendInfo()
}

// noteLost keeps for the call's record what is gone or back, each device once. The list is
// made anew: that of the last checkpoint may not have been written yet.
func (c *current) noteLost(d store.Lost) {
	known := false
	c.record.Lost = slices.Clone(c.record.Lost)
	for i := range c.record.Lost {
		if one := &c.record.Lost[i]; sameDevice(device{one.Kind, one.Name}, device{d.Kind, d.Name}, d.Back) {
			one.Back, known = d.Back, true
		}
	}
	if !known && !d.Back {
		c.record.Lost = append(c.record.Lost, d)
	}
}

// sameDevice says whether what is told of b is told of a, too. Of cameras a call may have
// several; of what else is back there is one, whatever it is called now: another may have
// taken its place.
func sameDevice(a, b device, back bool) bool {
	return a == b || back && a.kind == b.kind && a.kind != "camera"
}

func (l *loop) deviceBack(ev media.DeviceBack) {
	l.cur.log.Info().Str("kind", ev.Kind).Str("name", ev.Name).Msg("device is back")
	back := device{ev.Kind, ev.Name}
	maps.DeleteFunc(l.cur.gone, func(d device, _ bool) bool { return sameDevice(d, back, true) })
	l.cur.noteLost(store.Lost{Kind: ev.Kind, Name: ev.Name, Back: true})
	l.publishDevice(control.EventDeviceBack, control.DeviceData{Kind: ev.Kind, Name: ev.Name})
	l.sendInfo()
}
