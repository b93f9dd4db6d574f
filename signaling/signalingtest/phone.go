// Package signalingtest is a phone for tests: it builds each message of the
// protocol right, or wrong on purpose, and reads what the device says. It speaks
// strings, so that the same attacks go against a Device in memory and against a
// running daemon over a socket.
package signalingtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"testing"

	"callbox/signaling/base64url"
	"callbox/signaling/cause"
	"callbox/signaling/hello"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/pairing"
)

// Phone is one phone's key and what it knows of one device.
type Phone struct {
	Key    *key.Private
	SN     string // of the device
	DKT    string // thumbprint of the device's key
	t      testing.TB
	device *key.Public // once the device has shown it
}

// NewPhone returns a phone with a fresh key that knows the device by its serial
// number and its key's thumbprint.
func NewPhone(t testing.TB, sn, dkt string) *Phone {
	t.Helper()
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	return &Phone{Key: k, SN: sn, DKT: dkt, t: t}
}

// Address is the phone's address.
func (p *Phone) Address() string { return key.PhoneAddress(p.Key.JKT()) }

// JKT is the thumbprint of the phone's key.
func (p *Phone) JKT() string { return p.Key.JKT() }

// Members are members of a payload or of a header.
type Members map[string]any

// Draft is a message before it is signed. Everything in it may be changed.
type Draft struct {
	Header  Members
	Payload Members
	// Sign returns the signature over the signing input; 64 bytes of ES256.
	Sign func(input []byte) []byte
	// Text changes the signed text at the very end.
	Text func(signed string) string
}

// Change makes a message wrong, or special.
type Change func(*Draft)

// With sets members of the payload.
func With(members Members) Change { return func(d *Draft) { maps.Copy(d.Payload, members) } }

// Without leaves a member of the payload out.
func Without(name string) Change { return func(d *Draft) { delete(d.Payload, name) } }

// WithHeader sets members of the protected header.
func WithHeader(members Members) Change { return func(d *Draft) { maps.Copy(d.Header, members) } }

// SignedBy signs with another key; header and payload stay.
func SignedBy(k *key.Private) Change {
	return func(d *Draft) { d.Sign = es256(k) }
}

// Unsigned leaves the signature out.
func Unsigned() Change { return func(d *Draft) { d.Sign = func([]byte) []byte { return nil } } }

// Signature replaces the way to sign.
func Signature(sign func(input []byte) []byte) Change { return func(d *Draft) { d.Sign = sign } }

// Text changes the signed text.
func Text(change func(signed string) string) Change { return func(d *Draft) { d.Text = change } }

func es256(k *key.Private) func([]byte) []byte {
	return func(input []byte) []byte {
		signature, err := k.Sign(input)
		if err != nil {
			panic(fmt.Errorf("cannot sign a test's message: %w", err))
		}
		return signature
	}
}

// Message builds a message of the phone.
func (p *Phone) Message(kind message.Type, room string, members Members, changes ...Change) string {
	p.t.Helper()
	d := &Draft{
		Header: Members{"alg": "ES256", "typ": message.Typ, "kid": p.JKT()},
		Payload: Members{
			"v": message.Version, "t": string(kind), "id": message.NewID(), "from": p.Address(),
			"to": key.DeviceAddress(p.SN), "tkt": p.DKT, "roomId": room,
		},
		Sign: es256(p.Key),
		Text: func(signed string) string { return signed },
	}
	maps.Copy(d.Payload, members)
	for _, change := range changes {
		change(d)
	}
	input := p.encode(d.Header) + "." + p.encode(d.Payload)
	return d.Text(input + "." + base64url.Encode(d.Sign([]byte(input))))
}

func (p *Phone) encode(members Members) string {
	text, err := json.Marshal(members)
	if err != nil {
		p.t.Fatal(err)
	}
	return base64url.Encode(text)
}

// own is what messages before a verified offer carry.
func (p *Phone) own(members Members) Members {
	members["jwk"] = p.Key.Public().JWK()
	return members
}

// Invite asks for a video call.
func (p *Phone) Invite(room string, changes ...Change) string {
	p.t.Helper()
	return p.Message(message.TypeInvite, room, p.own(Members{"roomType": "video"}), changes...)
}

// Offer answers a challenge.
func (p *Phone) Offer(room, nonce, invite, sdp string, changes ...Change) string {
	p.t.Helper()
	return p.Message(message.TypeOffer, room, p.own(Members{"nonce": nonce, "invite": invite, "sdp": sdp}), changes...)
}

// ReadRing reads a ring of the device as Read does.
func (p *Phone) ReadRing(text string) (*message.Message, message.Ring, error) {
	m, err := p.Read(text)
	if err != nil {
		return nil, message.Ring{}, err
	}
	b, ok := m.Body.(message.Ring)
	if !ok || m.JWK == nil {
		return nil, message.Ring{}, fmt.Errorf("cannot answer %s as a ring: %w", m.Type, ErrDevice)
	}
	return m, b, nil
}

// Answer is the invite with which a phone answers a ring by itself: of the ring's
// type, without a limit of its own. Offer answers the challenge to it, Reject
// declines.
func (p *Phone) Answer(ring *message.Message, changes ...Change) string {
	p.t.Helper()
	b, ok := ring.Body.(message.Ring)
	if !ok {
		p.t.Fatalf("cannot answer %s: it is no ring", ring.Type)
	}
	return p.Message(message.TypeInvite, ring.RoomID, p.own(Members{"ref": ring.ID, "roomType": string(b.RoomType)}), changes...)
}

// Reject declines a ring, before or after its challenge.
func (p *Phone) Reject(room string, c cause.Cause, changes ...Change) string {
	p.t.Helper()
	return p.Message(message.TypeReject, room, p.own(Members{"cause": string(c)}), changes...)
}

// Candidates sends ICE candidates; "" ends the list.
func (p *Phone) Candidates(room string, lines []string, changes ...Change) string {
	p.t.Helper()
	list := []Members{}
	for _, line := range lines {
		list = append(list, Members{"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0})
	}
	return p.Message(message.TypeCandidates, room, Members{"candidates": list}, changes...)
}

// Restart offers new ICE credentials.
func (p *Phone) Restart(room string, generation int, sdp string, changes ...Change) string {
	p.t.Helper()
	return p.Message(message.TypeRestart, room, Members{"generation": generation, "sdp": sdp}, changes...)
}

// Data is the maker's message while it rings; right may be "".
func (p *Phone) Data(room, nonce string, at float64, right string, changes ...Change) string {
	p.t.Helper()
	members := Members{"nonce": nonce, "at": at, "payload": "hello"}
	if right != "" {
		members["right"] = right
	}
	return p.Message(message.TypeData, room, members, changes...)
}

// Cancel gives up.
func (p *Phone) Cancel(room string, changes ...Change) string {
	p.t.Helper()
	return p.Message(message.TypeCancel, room, Members{"cause": "cancelled"}, changes...)
}

// Bye hangs up.
func (p *Phone) Bye(room string, changes ...Change) string {
	p.t.Helper()
	return p.Message(message.TypeBye, room, Members{"cause": "hangup", "origin": "manual"}, changes...)
}

// Ack acknowledges a message of the device.
func (p *Phone) Ack(room, ref string, changes ...Change) string {
	p.t.Helper()
	return p.Message(message.TypeAck, room, Members{"ref": ref}, changes...)
}

// Ping asks whether the device is there.
func (p *Phone) Ping(room string, changes ...Change) string {
	p.t.Helper()
	return p.Message(message.TypePing, room, p.own(Members{"nonce": message.NewID()}), changes...)
}

// Pair asks to become a contact, with the secret of a window.
func (p *Phone) Pair(room string, secret []byte, name string, changes ...Change) string {
	p.t.Helper()
	return p.Message(message.TypePair, room, p.own(Members{
		"name": name, "mac": pairing.PhoneMAC(secret, p.JKT(), p.DKT, name),
	}), changes...)
}

// Hello answers the device's hello on a direct connection.
func (p *Phone) Hello(greeting string) (string, error) {
	text, h, err := hello.Answer(p.Key, p.DKT, greeting)
	if err != nil {
		return "", err
	}
	p.device, err = key.ParsePublic(h.JWK)
	return text, err
}

// ErrDevice means that a text is not a message of the device to this phone.
var ErrDevice = errors.New("not a message of the device")

// Read reads and verifies a message of the device as a phone does: key, sender
// and recipient. The device's key is taken from its first message.
func (p *Phone) Read(text string) (*message.Message, error) {
	m, err := message.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("cannot read: %w: %w", err, ErrDevice)
	}
	if p.device == nil && m.JWK != nil {
		if p.device, err = key.ParsePublic(*m.JWK); err != nil || p.device.JKT() != p.DKT {
			return nil, fmt.Errorf("cannot take the key of the message: %w", ErrDevice)
		}
	}
	switch {
	case p.device == nil:
		return nil, fmt.Errorf("cannot verify %s: the device has not shown its key: %w", m.Type, ErrDevice)
	case !m.Verify(p.device):
		return nil, fmt.Errorf("cannot verify %s: %w", m.Type, ErrDevice)
	case m.From != key.DeviceAddress(p.SN) || m.To != p.Address() || m.TKT != p.JKT():
		return nil, fmt.Errorf("cannot accept %s from %s to %s: %w", m.Type, m.From, m.To, ErrDevice)
	case m.Invalid != nil:
		return nil, fmt.Errorf("cannot accept %s: %w: %w", m.Type, m.Invalid, ErrDevice)
	}
	return m, nil
}

// Learn tells the phone the device's key, as a pairing before the test did.
func (p *Phone) Learn(device *key.Public) { p.device = device }
