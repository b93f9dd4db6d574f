// Package hello is the handshake of a direct connection: the device speaks first
// and the phone proves its key over the device's nonce. Nothing is sent to an
// address before that.
package hello

import (
	"errors"
	"fmt"

	"callbox/signaling/key"
	"callbox/signaling/message"
)

// ErrRefused means that a hello is not the answer to ours: the connection is to
// be closed (1008).
var ErrRefused = errors.New("hello refused")

// Greeting is the device's side of one connection's handshake.
type Greeting struct {
	text      string
	id, nonce string
	sn, dkt   string
}

// Greet makes the hello of the device with key k for one connection.
func Greet(k *key.Private, sn string, epoch uint64) (*Greeting, error) {
	g := &Greeting{id: message.NewID(), nonce: message.NewID(), sn: sn, dkt: k.JKT()}
	var err error
	g.text, err = message.SignDeviceHello(k, message.DeviceHello{
		ID: g.id, From: key.DeviceAddress(sn), Nonce: g.nonce, SN: sn, Epoch: epoch, Versions: []int{message.Version},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot greet: %w", err)
	}
	return g, nil
}

// Text is what to send first.
func (g *Greeting) Text() string { return g.text }

// Verify reads the phone's answer and returns the thumbprint of its key, which
// the phone has proved to hold now. Errors: ErrRefused.
func (g *Greeting) Verify(answer string) (jkt string, err error) {
	h, err := message.ParsePhoneHello(answer)
	if err != nil {
		return "", fmt.Errorf("cannot accept the phone's hello: %w: %w", err, ErrRefused)
	}
	for _, c := range []struct {
		member string
		ok     bool
	}{
		{"to", h.To == key.DeviceAddress(g.sn)}, {"tkt", h.TKT == g.dkt}, {"ref", h.Ref == g.id}, {"nonce", h.Nonce == g.nonce},
	} {
		if !c.ok {
			return "", fmt.Errorf("cannot accept the phone's hello: %s is not of this connection: %w", c.member, ErrRefused)
		}
	}
	jkt, _ = key.PhoneOf(h.From)
	return jkt, nil
}

// Answer is the phone's side: it checks that the device's hello is by the key
// with thumbprint dkt and returns what to send back. Errors: ErrRefused.
func Answer(k *key.Private, dkt, greeting string) (text string, device *message.DeviceHello, err error) {
	h, err := message.ParseDeviceHello(greeting)
	if err != nil {
		return "", nil, fmt.Errorf("cannot accept the device's hello: %w: %w", err, ErrRefused)
	}
	public, err := key.ParsePublic(h.JWK)
	if err != nil || public.JKT() != dkt {
		return "", nil, fmt.Errorf("cannot accept the device's hello: it is by another key: %w", ErrRefused)
	}
	text, err = message.SignPhoneHello(k, message.PhoneHello{
		ID: message.NewID(), To: h.From, TKT: dkt, Ref: h.ID, Nonce: h.Nonce,
	})
	if err != nil {
		return "", nil, fmt.Errorf("cannot answer the device's hello: %w", err)
	}
	return text, h, nil
}
