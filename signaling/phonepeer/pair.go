package phonepeer

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"callbox/signaling/base64url"
	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/pairing"
)

// Pair makes this phone a contact of the device of a pairing link: the whole URL with
// #pair=, or its fragment. It uses a connection of its own and takes at most 10 s. A
// device that the phone knows keeps its entry and may get further endpoints; a phone
// knows one device. Errors: pairing.ErrLink, ErrUnreachable, ErrPairingRefused,
// ErrBreach, ErrKeyChanged, ErrUnsupported, ErrArgument, ctx's.
func (p *Phone) Pair(ctx context.Context, link string) (Device, error) {
	l, err := pairing.ParseLink(link)
	if err != nil {
		return Device{}, err
	}
	if known, ok := p.Device(); ok && known.DKT != l.DKT {
		return Device{}, badArgument("link", "the phone knows another device; make a new phone")
	}
	endpoints := l.Endpoints
	if u, err := url.Parse(link); err == nil && u.Host != "" { // the page's own device, after what it says itself
		endpoints = append(slices.Clone(endpoints), u.Scheme+"://"+u.Host)
	}
	paired, err := p.exchange(ctx, l, socketURLs(endpoints))
	if err != nil {
		return Device{}, fmt.Errorf("cannot pair: %w", err)
	}
	d := Device{SN: l.SN, DKT: l.DKT, Name: paired.Name, Endpoints: endpoints, Rights: paired.Rights}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.device != nil {
		d.SN = p.device.SN
		d.Endpoints = append(slices.Clone(endpoints), p.device.Endpoints...)
	}
	p.device = &d
	return d, nil
}

// exchange is one pairing: pair and paired, each with its MAC.
func (p *Phone) exchange(ctx context.Context, l pairing.Link, urls []string) (*message.Paired, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, firstLife, ErrUnreachable)
	defer cancel()
	secret, err := base64url.Decode(l.Secret)
	if err != nil {
		return nil, err
	}
	d := newDialer(p.o.Key, address{l.SN, l.DKT}, p.o.InsecureTLS)
	defer d.http.CloseIdleConnections()
	w, err := d.dial(ctx, urls)
	if err != nil {
		return nil, err
	}
	x := &pairExchange{phone: p, link: l, secret: secret, wire: w, room: message.NewID()}
	var running sync.WaitGroup
	running.Go(w.write)
	defer running.Wait()
	defer w.end() // after the last ack
	texts := make(chan string, maxQueue)
	running.Go(func() { //nolint:contextcheck // the connection ends after its last ack, not with ctx
		defer close(texts)
		for {
			text, ok := w.read()
			if !ok {
				return
			}
			select {
			case texts <- text:
			case <-w.ended:
				return
			}
		}
	})
	return x.run(ctx, texts)
}

// pairExchange is a pairing under way.
type pairExchange struct {
	phone    *Phone
	link     pairing.Link
	secret   []byte
	wire     *wire
	room, id string
}

// run sends pair until it is answered.
func (x *pairExchange) run(ctx context.Context, texts <-chan string) (*message.Paired, error) {
	k := x.phone.o.Key
	jwk := k.Public().JWK()
	text, id, err := message.Sign(k, x.envelope("", &jwk), message.Pair{
		Name: x.phone.o.Name, MAC: pairing.PhoneMAC(x.secret, k.JKT(), x.link.DKT, x.phone.o.Name),
	})
	if err != nil {
		return nil, err
	}
	x.id = id
	for n := 0; ; n++ {
		x.wire.send(text)
		paired, err := x.wait(ctx, texts, pause(n))
		if paired != nil || err != nil {
			return paired, err
		}
	}
}

// wait takes messages for d at most; both results are nil when no answer came.
func (x *pairExchange) wait(ctx context.Context, texts <-chan string, d time.Duration) (*message.Paired, error) {
	again := time.NewTimer(d)
	defer again.Stop()
	for {
		select {
		case text, ok := <-texts:
			if !ok {
				return nil, fmt.Errorf("the connection ended: %w", ErrUnreachable)
			}
			m, reason := verify(x.wire.device, x.phone.o.Key.JKT(), text)
			if reason != "" {
				x.phone.drop(reason)
				continue
			}
			if m.From != key.DeviceAddress(x.link.SN) || m.RoomID != x.room || m.Ref != x.id {
				continue
			}
			if m.Type == message.TypePaired || m.Type == message.TypeReject {
				return x.judge(m)
			}
		case <-again.C:
			return nil, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// judge takes the answer.
func (x *pairExchange) judge(m *message.Message) (*message.Paired, error) {
	k := x.phone.o.Key
	if ack, _, err := message.Sign(k, x.envelope(m.ID, nil), message.Ack{}); err == nil {
		x.wire.send(ack)
	}
	switch b := m.Body.(type) {
	case message.Paired:
		if m.V == message.Version && hmac.Equal([]byte(b.MAC), []byte(pairing.DeviceMAC(x.secret, k.JKT(), x.link.DKT, b.Name))) {
			return &b, nil
		}
		return nil, fmt.Errorf("%w: its answer does not prove that it knows the secret", ErrBreach)
	case message.Reject:
		if b.Cause == cause.Forbidden {
			return nil, ErrPairingRefused
		}
		return nil, fmt.Errorf("%w: %s", ErrPairingRefused, b.Cause)
	default:
		return nil, errors.Join(ErrBreach, m.Invalid)
	}
}

func (x *pairExchange) envelope(ref string, jwk *key.JWK) message.Envelope {
	return message.Envelope{
		From: key.PhoneAddress(x.phone.o.Key.JKT()), To: key.DeviceAddress(x.link.SN), TKT: x.link.DKT, RoomID: x.room, Ref: ref, JWK: jwk,
	}
}
