// Package message holds the messages of callbox/1: their types, their strict
// parser and their signer, and the frames of the data channel.
//
// A message is one compact JWS of at most MaxMessage bytes. Parse checks what
// can be checked without a key: sizes, the JWS's form, I-JSON (RFC 7493), the
// envelope and the values of the body. Whoever parses decides whose key must
// have signed and calls Verify.
package message

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/base64url"
	"callbox/signaling/jws"
	"callbox/signaling/key"
)

// Version is the protocol version that this package speaks.
const Version = 1

// Typ is the JWS type of a message.
const Typ = "callbox-msg+jws"

// Limits, all checked before any cryptography.
const (
	MaxMessage    = 32 << 10 // bytes of JWS text
	MaxSDP        = 16 << 10 // bytes
	MaxCandidates = 40       // in a message; also a side and generation, SDP and trickle together
	MaxName       = 64       // code points
	MaxQuery      = 1 << 10  // bytes
	MaxPayload    = 4 << 10  // bytes of JSON
	MaxToken      = 4 << 10  // bytes of a call token's JWS text
	maxRoom       = 128      // bytes
	maxWord       = 64       // bytes of a type, a cause, a MAC …
	idBytes       = 16
	maxIDBytes    = 48
	maxNonce      = 256  // characters
	maxURL        = 1024 // characters
	maxPushKey    = 128  // characters of a key in base64url
)

var (
	// ErrMalformed means that a text is no message: its JWS, its JSON or its
	// envelope breaks the rules. It is dropped, unanswered.
	ErrMalformed = errors.New("malformed message")
	// ErrTooLarge means that a message or a part of it is over its limit. It is
	// dropped, unanswered.
	ErrTooLarge = errors.New("message too large")
	// ErrBadRequest means that a value breaks the rules; an allowed sender is told.
	ErrBadRequest = errors.New("bad request")
)

// Type is a message's type, the member t.
type Type string

// The types.
const (
	TypeInvite      Type = "invite"
	TypeChallenge   Type = "challenge"
	TypeOffer       Type = "offer"
	TypeRinging     Type = "ringing"
	TypeAccept      Type = "accept"
	TypeStart       Type = "start"
	TypeCandidates  Type = "candidates"
	TypeRestart     Type = "restart"
	TypeRestarted   Type = "restarted"
	TypeNeedRestart Type = "needRestart"
	TypeData        Type = "data"
	TypeRing        Type = "ring"
	TypeReject      Type = "reject"
	TypeCancel      Type = "cancel"
	TypeBye         Type = "bye"
	TypePair        Type = "pair"
	TypePaired      Type = "paired"
	TypePing        Type = "ping"
	TypePong        Type = "pong"
	TypeAck         Type = "ack"
	TypePush        Type = "push"
	TypePushed      Type = "pushed"
)

// Envelope is what every message carries.
type Envelope struct {
	V      int      `json:"v"`
	Type   Type     `json:"t"`
	ID     string   `json:"id"`
	From   string   `json:"from"`
	To     string   `json:"to"`
	TKT    string   `json:"tkt"` // thumbprint of the recipient's key
	RoomID string   `json:"roomId"`
	Ref    string   `json:"ref,omitzero"` // id of the message answered
	JWK    *key.JWK `json:"jwk,omitzero"` // the sender's key
}

// wireEnvelope knows the older name of roomId as well.
type wireEnvelope struct {
	Envelope
	GroupID string `json:"groupId"`
}

// Message is a parsed message. Nothing in it is trusted before Verify.
type Message struct {
	Envelope
	// Body is nil when Type is unknown here, and when Invalid is not nil.
	Body Body
	// Invalid says which value of the body breaks the rules: ErrBadRequest.
	Invalid error
	// Text is the message as it came.
	Text string

	jws *jws.JWS
}

// Parse reads one message. Errors: ErrTooLarge, ErrMalformed.
func Parse(text string) (*Message, error) {
	j, err := open(text)
	if err != nil {
		return nil, err
	}
	var e wireEnvelope
	if err := unmarshal(j.Payload, &e); err != nil {
		return nil, fmt.Errorf("cannot read envelope: %w: %w", err, ErrMalformed)
	}
	switch {
	case e.RoomID == "":
		e.RoomID = e.GroupID
	case e.GroupID != "" && e.GroupID != e.RoomID:
		return nil, fmt.Errorf("cannot use roomId %q beside groupId %q: %w", e.RoomID, e.GroupID, ErrMalformed)
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	m := &Message{Envelope: e.Envelope, Text: text, jws: j}
	m.Body, err = parseBody(e.Type, j.Payload)
	if errors.Is(err, ErrBadRequest) {
		m.Invalid = err
		return m, nil
	}
	return m, err
}

// open reads the JWS around a message or a hello.
func open(text string) (*jws.JWS, error) {
	if len(text) > MaxMessage {
		return nil, fmt.Errorf("cannot read message of %d bytes: %w", len(text), ErrTooLarge)
	}
	j, err := jws.Parse(text, Typ)
	if err != nil {
		return nil, fmt.Errorf("cannot read message: %w: %w", err, ErrMalformed)
	}
	return j, nil
}

func (e *Envelope) check() error {
	for _, c := range []struct {
		member string
		ok     bool
	}{
		{"t", e.Type != "" && len(e.Type) <= maxWord},
		{"id", validID(e.ID)},
		{"from", e.From != "" && len(e.From) <= maxWord},
		{"to", e.To != "" && len(e.To) <= maxWord},
		{"tkt", key.ValidJKT(e.TKT)},
		{"roomId", ValidRoom(e.RoomID)},
		{"ref", e.Ref == "" || validID(e.Ref)},
	} {
		if !c.ok {
			return fmt.Errorf("cannot use envelope: member %s: %w", c.member, ErrMalformed)
		}
	}
	return nil
}

// Token returns the call token of an invite, or of the invite inside an offer, and
// the room type that it must be for, each "" when there is none. It reads them also
// when Invalid says that another value is wrong: who may call comes before what it
// asks for.
func (m *Message) Token() (token string, t RoomType) {
	var b struct {
		Token    jsontext.Value `json:"token"`
		RoomType jsontext.Value `json:"roomType"`
		Invite   jsontext.Value `json:"invite"`
	}
	if m.Type != TypeInvite && m.Type != TypeOffer || json.Unmarshal(m.jws.Payload, &b) != nil {
		return "", ""
	}
	if m.Type == TypeInvite {
		return stringOf(b.Token), RoomType(stringOf(b.RoomType))
	}
	invite, err := Parse(stringOf(b.Invite))
	if err != nil || invite.Type != TypeInvite {
		return "", ""
	}
	return invite.Token()
}

// KID is the thumbprint of the key that is said to have signed.
func (m *Message) KID() string { return m.jws.KID }

// Verify reports whether k signed the message and kid names k.
func (m *Message) Verify(k *key.Public) bool { return m.jws.Verify(k) }

// InputHash is the SHA-256 of the JWS signing input.
func (m *Message) InputHash() [sha256.Size]byte { return m.jws.InputHash() }

// Hash is the SHA-256 of the whole text: equal for the same bytes only.
func (m *Message) Hash() [sha256.Size]byte { return sha256.Sum256([]byte(m.Text)) }

// Check reports whether the values of b keep the rules that a receiver applies.
// Errors: ErrTooLarge, ErrBadRequest.
func Check(b Body) error { return b.check() }

// Sign writes a message by k. V and Type are filled in; ID too, when it is "".
// It returns the text and the id.
func Sign(k *key.Private, e Envelope, b Body) (text, id string, err error) {
	e.V, e.Type = Version, b.Type()
	if e.ID == "" {
		e.ID = NewID()
	}
	payload, err := join(e, b)
	if err != nil {
		return "", "", err
	}
	text, err = jws.Sign(k, Typ, payload)
	if err != nil {
		return "", "", err
	}
	if len(text) > MaxMessage {
		return "", "", fmt.Errorf("cannot send %s of %d bytes: %w", b.Type(), len(text), ErrTooLarge)
	}
	return text, e.ID, nil
}

// join writes the members of both structs as one object.
func join(first, second any) ([]byte, error) {
	a, err := json.Marshal(first)
	if err != nil {
		return nil, fmt.Errorf("cannot write message: %w", err)
	}
	b, err := json.Marshal(second)
	if err != nil {
		return nil, fmt.Errorf("cannot write message: %w", err)
	}
	if len(b) > len("{}") {
		a = append(append(a[:len(a)-1], ','), b[1:]...)
	}
	return a, nil
}

// NewID returns the 128 random bits that name a message or a room, or that are a
// nonce: 22 characters.
func NewID() string {
	p := make([]byte, idBytes)
	_, _ = rand.Read(p) // never fails
	return base64url.Encode(p)
}

// ValidRoom reports whether s may name a room: 1 to 128 of A-Z a-z 0-9 . _ -.
func ValidRoom(s string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	other := strings.ContainsFunc(s, func(c rune) bool { return !strings.ContainsRune(allowed, c) })
	return s != "" && len(s) <= maxRoom && !other
}

// ValidID reports whether s may name a message: 16 to 48 bytes in base64url.
func ValidID(s string) bool { return validID(s) }

func validID(s string) bool {
	p, err := base64url.Decode(s)
	return err == nil && len(p) >= idBytes && len(p) <= maxIDBytes
}

var errNull = errors.New("null where a value belongs")

// strict refuses null for every value that is not optional by its own type.
var strict = json.WithUnmarshalers(json.JoinUnmarshalers(
	notNull[string](), notNull[Type](), notNull[bool](), notNull[int](), notNull[float64](), notNull[uint64](),
	notNull[Limit](), notNull[RoomType](), notNull[Right](), notNull[key.JWK](), notNull[Candidate](),
	notNull[[]Candidate](), notNull[[]Right](), notNull[[]int](), notNull[[]string](), notNull[[]ICEServer](),
))

// stringOf is the string that v is; "" for anything else.
func stringOf(v jsontext.Value) string {
	s := ""
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// unmarshal reads I-JSON: names match exactly, none stands twice, the text is
// UTF-8; null is not a string, a number or a boolean.
func unmarshal(p []byte, v any) error { return json.Unmarshal(p, v, strict) }

func notNull[T any]() *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(dec *jsontext.Decoder, _ *T) error {
		if dec.PeekKind() == 'n' {
			return errNull
		}
		return errors.ErrUnsupported // go on in the usual way
	})
}
