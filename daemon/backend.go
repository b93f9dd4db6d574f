package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/hal/devices"
	"callbox/media"
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

// follow is ask for what follows from something that is stored already: f runs in any
// case, also when nobody waits for it any more.
func follow[T any](ctx context.Context, l *loop, f func() T) (T, error) {
	done := make(chan T, 1)
	l.box.put(request(func() { done <- f() }))
	select {
	case v := <-done:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, control.ErrStuck
	}
}

// ask runs f in the loop and waits for it.
func ask[T any](ctx context.Context, l *loop, f func() (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	done := make(chan answer, 1)
	var taken atomic.Bool // by the loop, or given up: what was given up is not done later
	l.box.put(request(func() {
		if taken.CompareAndSwap(false, true) {
			v, err := f()
			done <- answer{v, err}
		}
	}))
	select {
	case a := <-done:
		return a.v, a.err
	case <-ctx.Done():
	}
	if taken.CompareAndSwap(false, true) {
		var none T
		return none, control.ErrStuck
	}
	a := <-done // the loop is at it
	return a.v, a.err
}

// onCall runs f in the loop when the call that is meant is the running one.
func (b *backend) onCall(ctx context.Context, id string, f func(l *loop) error) error {
	_, err := ask(ctx, b.loop, func() (struct{}, error) {
		l := b.loop
		switch {
		case !l.state.Phase.Active():
			return struct{}{}, control.ErrNoCall.With("no call is running").WithRemedy("callboxctl calls shows those that were")
		case !l.isMeant(id):
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

// Answer refuses where the talk could not begin because the light that it needs does not
// work: whoever answers should hear why, and the call rings on.
func (b *backend) Answer(ctx context.Context, roomID string) error {
	rings := func(l *loop) error {
		if l.state.Phase != call.Ringing {
			return control.ErrNotRinging
		}
		return nil
	}
	if err := b.onCall(ctx, roomID, rings); err != nil {
		return err
	}
	var dark error
	off := func() {}
	if b.loop.lit != nil {
		release, err := b.loop.lit()
		if dark = err; err == nil {
			off = release
		}
	}
	err := b.onCall(ctx, roomID, func(l *loop) error {
		if err := rings(l); err != nil {
			return err
		}
		if dark != nil && (l.has.microphone || l.cur.camera) {
			return control.ErrNoDevice.With(fmt.Sprintf("the call cannot be answered without the privacy light (hal.light.required): %v", dark)).
				WithRemedy("callboxctl doctor says what to do; the call rings on")
		}
		l.keepLit(off)
		l.step(call.Answered{Gen: l.state.Generation})
		return nil
	})
	if err != nil {
		off()
	}
	return err
}

// keepLit lets go of the light after litUntilMedia, or with the end of the call.
func (l *loop) keepLit(off func()) {
	once := sync.OnceFunc(off)
	stop := l.clock.AfterFunc(litUntilMedia, once)
	l.cur.darken = func() {
		stop()
		once()
	}
}

// litUntilMedia is for how long the light stays on after an answer by itself: the session
// turns it on, too, in a moment, and it shall not blink.
const litUntilMedia = 2 * time.Second

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
		if on && !l.has.microphone {
			return control.ErrNoDevice.With("the device has no microphone")
		}
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
		case on && !l.has.camera:
			return control.ErrNoDevice.With("the device has no camera")
		case on && !l.cur.cameraAllowed:
			return control.ErrNotAllowed.With(l.cur.offer.Contact.Name + " may not see the camera")
		}
		l.switchCamera(on)
		return nil
	})
}

func (b *backend) SwitchCamera(ctx context.Context, camera string) (shown control.CameraChoice, err error) {
	err = b.onCall(ctx, "", func(l *loop) error {
		if l.cur.offer.RoomType != signaling.Video {
			return control.ErrBadRequest.With("the call is a voice call: it has no picture")
		}
		session := l.cur.leg.session
		if session == nil {
			return control.ErrNoCall.With("the call has no picture yet")
		}
		title, err := session.SwitchCamera(camera)
		if errors.Is(err, media.ErrUnknownCamera) || errors.Is(err, media.ErrNoCamera) {
			return control.ErrNoDevice.With(err.Error())
		}
		shown = control.CameraChoice{Camera: title, Missing: l.absent(session.CameraDevice())}
		l.sendInfo()
		return err
	})
	return shown, err
}

// notThere are the kinds of devices that the running call would use and that are missing.
func (l *loop) notThere() (kinds []string) {
	c := l.cur
	if c.leg.session == nil {
		return nil
	}
	for _, d := range []struct {
		kind devices.Kind
		gone bool
	}{
		{devices.Camera, l.has.camera && c.gone[device{"camera", c.leg.session.CameraDevice()}]},
		{devices.Microphone, l.has.microphone && l.lacksHalf(devices.Microphone)},
		{devices.Speaker, l.has.speaker && l.lacksHalf(devices.Speaker)},
		{devices.Light, c.lacks("light")},
	} {
		if d.gone {
			kinds = append(kinds, string(d.kind))
		}
	}
	return kinds
}

// cameraName is the camera that a call shows.
func cameraName(s mediaSession) string {
	if s == nil {
		return ""
	}
	return s.Camera()
}

// switchCamera turns the device's camera in the running call on or off.
func (l *loop) switchCamera(on bool) {
	l.cur.camera = on
	if session := l.cur.leg.session; session != nil {
		session.SetCamera(on)
	}
	l.sendInfo()
}

func (b *backend) Status(ctx context.Context) (control.Status, error) {
	p := b.parts
	s := control.Status{
		Name: p.cfg.Device.Name, SN: p.sn, Address: "d." + p.sn, Thumbprint: p.key.JKT(),
		Version:            control.ThisVersion().Version,
		ConfigFile:         p.file,
		StateDir:           p.store.Dir(),
		UptimeSeconds:      (p.clock.Now() - b.started).Round(time.Millisecond).Seconds(),
		UpgradeWaitSeconds: p.live.Load().Call.UpgradeWait.Seconds(),
		Devices:            b.chosen(),
		Transports:         p.transports(),
		Contacts:           p.trusting(),
		Pairing:            p.pairing.current(p.clock.Now()),
		Refused:            p.device.Refused(),
	}
	if p.direct != nil {
		for reason, n := range p.direct.Refused() {
			s.Refused[reason] += n
		}
	}
	p.ways.refused(s.Refused)
	return ask(ctx, b.loop, func() (control.Status, error) {
		l := b.loop
		s.Seq = l.events.Seq()
		for reason, n := range l.refused {
			s.Refused[reason] += n
		}
		s.DND = l.showDND()
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
		Microphone: c.mic && l.has.microphone, Camera: c.camera && l.has.camera, Missing: l.notThere(), CameraName: cameraName(c.leg.session), Peer: peerInfo(c.phone),
	}
	if c.dial == nil || c.dial.joined {
		s.Contact, s.Phone = c.offer.Contact.Name, c.offer.Room.Phone
	} else {
		s.Dialing, s.Reached = c.dial.names(), c.dial.reached()
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
		s.Link = linkNow(stats, c.quality.cpu)
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
	t, old, err := b.pairingTerms(r)
	if err != nil {
		return control.PairWindow{}, err
	}
	for _, right := range t.Rights {
		if guarded(right) && b.parts.selfSigned() && !r.Force {
			return control.PairWindow{}, control.ErrBadRequest.With(fmt.Sprintf(
				"the right %s is not given over a certificate that the device made for itself: whoever sits between could have put their own key in; give the device a real certificate (signaling.direct.tls), or use --force", right))
		}
	}
	t.Life = life
	return b.parts.pairing.start(b.parts, t, old)
}

// pairingTerms are what the next phone is paired with, and the contact whose place it
// takes, if any.
func (b *backend) pairingTerms(r control.PairRequest) (t signaling.PairingTerms, old signaling.Contact, err error) {
	if r.Replaces != "" {
		return b.replacement(r)
	}
	if len(r.Rights) == 0 {
		r.Rights = []string{string(signaling.RightCall), string(signaling.RightBeCalled)}
	}
	allowed := []signaling.Right{signaling.RightCall, signaling.RightBeCalled, signaling.RightAuto, signaling.RightUnlock}
	rights := make([]signaling.Right, len(r.Rights))
	for i, text := range r.Rights {
		rights[i] = signaling.Right(text)
		if !slices.Contains(allowed, rights[i]) {
			return t, old, control.ErrBadRequest.With(fmt.Sprintf("there is no right %q; allowed: call, beCalled, auto, unlock", text))
		}
	}
	return signaling.PairingTerms{Rights: rights, Name: r.Name, Force: r.Force}, old, nil
}

func (b *backend) ClosePairing(context.Context) error {
	b.parts.pairing.stop(b.parts)
	return nil
}

func (b *backend) Version() control.Version { return control.ThisVersion() }
