package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/hal"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// backend answers the local API. What concerns the call is asked of the loop;
// the rest needs no loop.
type backend struct {
	loop    *loop
	parts   *parts
	started time.Duration // on the boot clock
}

var _ control.Backend = (*backend)(nil)

// ask runs f in the loop and waits for it.
func ask[T any](ctx context.Context, l *loop, f func() (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	done := make(chan answer, 1)
	l.box.put(request(func() {
		v, err := f()
		done <- answer{v, err}
	}))
	select {
	case a := <-done:
		return a.v, a.err
	case <-ctx.Done():
		var none T
		return none, control.ErrStuck
	}
}

// onCall runs f in the loop when the call that is meant is the running one.
func (b *backend) onCall(ctx context.Context, id string, f func(l *loop) error) error {
	_, err := ask(ctx, b.loop, func() (struct{}, error) {
		l := b.loop
		if !l.isMeant(id) {
			return struct{}{}, control.ErrNoCall
		}
		return struct{}{}, f(l)
	})
	return err
}

// isMeant reports whether id is the running call: by its room or its group; "" is
// whichever it is.
func (l *loop) isMeant(id string) bool {
	return l.state.Phase.Active() && (id == "" || id == l.cur.room().ID || id == l.cur.group)
}

func (b *backend) Answer(ctx context.Context, roomID string) error {
	return b.onCall(ctx, roomID, func(l *loop) error {
		if l.state.Phase != call.Ringing {
			return control.ErrNotRinging
		}
		l.step(call.Answered{Gen: l.state.Generation})
		return nil
	})
}

func (b *backend) Reject(ctx context.Context, roomID string) error {
	return b.onCall(ctx, roomID, func(l *loop) error {
		if l.state.Phase != call.Ringing {
			return control.ErrNotRinging
		}
		l.step(call.Declined{Gen: l.state.Generation})
		return nil
	})
}

func (b *backend) HangUp(ctx context.Context, roomID string) error {
	return b.onCall(ctx, roomID, func(l *loop) error {
		l.step(call.LocalHangUp{Gen: l.state.Generation, Origin: cause.Manual})
		return nil
	})
}

func (b *backend) SetMicrophone(ctx context.Context, on bool) error {
	return b.onCall(ctx, "", func(l *loop) error {
		l.cur.mic = on
		if session := l.cur.leg.session; session != nil {
			session.SetMicrophone(on)
		}
		l.sendInfo()
		return nil
	})
}

func (b *backend) SetCamera(ctx context.Context, on bool) error {
	return b.onCall(ctx, "", func(l *loop) error {
		switch {
		case l.cur.offer.RoomType != signaling.Video:
			return control.ErrBadRequest.With("the call is a voice call: it has no picture")
		case on && !l.cur.cameraAllowed:
			return control.ErrNotAllowed.With(l.cur.offer.Contact.Name + " may not see the camera")
		}
		l.cur.camera = on
		if session := l.cur.leg.session; session != nil {
			session.SetCamera(on)
		}
		l.sendInfo()
		return nil
	})
}

func (b *backend) Status(ctx context.Context) (control.Status, error) {
	p := b.parts
	s := control.Status{
		Name: p.cfg.Device.Name, SN: p.sn, Address: "d." + p.sn, Thumbprint: p.key.JKT(),
		Version:       control.ThisVersion().Version,
		UptimeSeconds: (p.clock.Now() - b.started).Round(time.Millisecond).Seconds(),
		Devices:       []control.Device{},
		Transports:    p.transports(),
		Contacts:      p.contacts(),
		Pairing:       p.pairing.current(),
		Refused:       p.device.Refused(),
	}
	for _, d := range p.devices.Report {
		s.Devices = append(s.Devices, control.Device{Kind: string(d.Kind), Name: deviceName(d.Chosen), Wanted: d.Wanted, Virtual: d.Virtual, Reason: d.Reason})
	}
	if p.direct != nil {
		for reason, n := range p.direct.Refused() {
			s.Refused[reason] += n
		}
	}
	return ask(ctx, b.loop, func() (control.Status, error) {
		l := b.loop
		s.Seq = l.events.Seq()
		for reason, n := range l.refused {
			s.Refused[reason] += n
		}
		s.State = string(call.Idle)
		if l.state.Phase.Active() {
			s.State = string(l.state.Phase)
			s.Call = l.callStatus()
		}
		return s, nil
	})
}

// callStatus describes the running call.
func (l *loop) callStatus() *control.Call {
	c := l.cur
	s := &control.Call{
		RoomID: c.offer.Room.ID, GroupID: c.group, Direction: string(c.record.Direction),
		RoomType: string(c.offer.RoomType), State: string(l.state.Phase),
		Since: c.record.Started, TalkSeconds: l.keepTime(), LimitSeconds: c.record.LimitSeconds,
		Microphone: c.mic, Camera: c.camera, Peer: peerInfo(c.phone),
	}
	if c.dial == nil || c.dial.joined {
		s.Contact, s.Phone = c.offer.Contact.Name, c.offer.Room.Phone
	} else {
		s.Dialing = c.dial.names()
	}
	if c.leg.deadline > 0 {
		s.Deadline = c.leg.deadline.Seconds()
		s.RemainingSeconds = math.Max(0, (c.leg.deadline - l.clock.Now()).Seconds())
	}
	if c.leg.session == nil {
		return s
	}
	stats := c.leg.session.Stats()
	if raw, err := json.Marshal(stats); err == nil {
		s.Media = raw
	}
	if c.leg.talking {
		s.Link = &control.Link{
			SendBitrate: float64(stats.BitrateUp), ReceiveBitrate: float64(stats.BitrateDown),
			SendLoss: stats.LossUp, ReceiveLoss: stats.LossDown, RTTMilliseconds: stats.RTTMilliseconds,
		}
	}
	return s
}

// The life of a pairing window, and what it may be set to.
const (
	pairingLife    = 5 * time.Minute
	pairingLongest = time.Hour
)

func (b *backend) OpenPairing(_ context.Context, r control.PairRequest) (control.PairWindow, error) {
	life := pairingLife
	if r.Seconds != 0 {
		life = time.Duration(r.Seconds * float64(time.Second))
	}
	if life < time.Second || life > pairingLongest {
		return control.PairWindow{}, control.ErrBadRequest.With(fmt.Sprintf("cannot open a window for %v; allowed: 1s to %v", life, pairingLongest))
	}
	if len(r.Rights) == 0 {
		r.Rights = []string{string(signaling.RightCall), string(signaling.RightBeCalled)}
	}
	allowed := []signaling.Right{signaling.RightCall, signaling.RightBeCalled, signaling.RightAuto, signaling.RightUnlock}
	rights := make([]signaling.Right, len(r.Rights))
	for i, text := range r.Rights {
		rights[i] = signaling.Right(text)
		if !slices.Contains(allowed, rights[i]) {
			return control.PairWindow{}, control.ErrBadRequest.With(fmt.Sprintf("there is no right %q; allowed: call, beCalled, auto, unlock", text))
		}
		if (rights[i] == signaling.RightAuto || rights[i] == signaling.RightUnlock) && b.parts.selfSigned() && !r.Force {
			return control.PairWindow{}, control.ErrBadRequest.With(fmt.Sprintf(
				"the right %s is not given over a certificate that the device made for itself: whoever sits between could have put their own key in; give the device a real certificate (signaling.direct.tls), or use --force", text))
		}
	}
	return b.parts.pairing.start(b.parts, signaling.PairingTerms{Rights: rights, Name: r.Name, Life: life, Force: r.Force})
}

func (b *backend) ClosePairing(context.Context) error {
	b.parts.pairing.stop(b.parts)
	return nil
}

func (b *backend) Contacts(context.Context) ([]control.Contact, error) {
	stored := b.parts.store.List()
	contacts := make([]control.Contact, len(stored))
	for i, c := range stored {
		contacts[i] = shown(c)
	}
	return contacts, nil
}

func (b *backend) Revoke(ctx context.Context, nameOrThumbprint string) (control.Contact, error) {
	contact, err := b.parts.store.Revoke(nameOrThumbprint)
	if errors.Is(err, store.ErrNotFound) {
		return control.Contact{}, control.ErrNoContact.With(err.Error())
	}
	if err != nil {
		return control.Contact{}, err
	}
	return ask(ctx, b.loop, func() (control.Contact, error) {
		// The machine first: its bye still needs the room that Revoke forgets.
		b.loop.step(call.Revoked{Phone: contact.JKT})
		b.parts.device.Revoke(contact.JKT)
		b.loop.events.Publish("revoked", "", map[string]any{"name": contact.Name, "jkt": contact.JKT})
		return shown(contact), nil
	})
}

func shown(c signaling.Contact) control.Contact {
	rights := make([]string, len(c.Rights))
	for i, r := range c.Rights {
		rights[i] = string(r)
	}
	return control.Contact{
		Name: c.Name, Thumbprint: c.JKT, Rights: rights, EffectiveRights: rights, Groups: c.Groups,
		MaxSeconds: c.MaxSeconds, DaySeconds: c.DaySeconds, Hours: c.Hours, Camera: c.Camera,
		Added: c.Added, SelfSigned: c.SelfSigned, Revoked: c.Revoked, RevokedTime: c.RevokedTime,
	}
}

func (b *backend) Calls(_ context.Context, q control.CallQuery) ([]control.Record, error) {
	records := []control.Record{}
	behind := q.After == ""
	for _, r := range b.parts.store.Records(store.Query{}) {
		record := recordOf(r)
		if behind && chosen(record, q) && len(records) < q.Limit {
			records = append(records, record)
		}
		behind = behind || record.ID == q.After
	}
	return records, nil
}

// chosen reports whether q asks for r.
func chosen(r control.Record, q control.CallQuery) bool {
	running := r.Cause == "" && q.Cause == control.Running
	return !r.Started.Before(q.Since) && (q.Until.IsZero() || r.Started.Before(q.Until)) &&
		(q.Contact == "" || q.Contact == r.Contact || q.Contact == r.Phone) &&
		(q.Cause == "" || q.Cause == r.Cause || running)
}

func recordOf(r store.Record) control.Record {
	return control.Record{
		ID: r.RoomID + "." + r.Peer, RoomID: r.RoomID, GroupID: r.RoomID, Contact: r.Contact, Phone: r.Peer, RoomType: string(r.RoomType),
		Direction: string(r.Direction), Started: r.Started, Answered: r.Answered, Ended: r.Ended,
		RingSeconds: r.RingSeconds, TalkSeconds: r.TalkSeconds, LimitSeconds: r.LimitSeconds,
		Cause: r.Cause, Origin: r.Origin, Detail: r.Detail,
	}
}

func (b *backend) Version() control.Version { return control.ThisVersion() }

// deviceName is what the API calls a chosen device: "" when there is none.
func deviceName(chosen string) string {
	if chosen == hal.NameNone {
		return ""
	}
	return chosen
}

// transports describes the ways on which phones reach the device.
func (p *parts) transports() []control.Transport {
	if p.direct == nil {
		return []control.Transport{{Name: "direct", Detail: "off: signaling.direct.enabled is false"}}
	}
	t := control.Transport{Name: "direct", Up: true, URLs: p.direct.URLs(), Phones: p.direct.Phones()}
	if p.direct.SelfSigned() {
		t.Detail = "certificate made by the device: a browser warns once"
	}
	return []control.Transport{t}
}

// selfSigned reports whether somebody between phone and device could replace the
// page that pairs.
func (p *parts) selfSigned() bool { return p.direct != nil && p.direct.SelfSigned() }

// contacts is how many phones are trusted.
func (p *parts) contacts() int {
	n := 0
	for _, c := range p.store.List() {
		if !c.Revoked {
			n++
		}
	}
	return n
}
