package mqtt

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"callbox/signaling/jws"
	"callbox/signaling/key"
	"callbox/signaling/message"
)

// StatusTyp is the JWS type of a presence.
const StatusTyp = "callbox-status+jws"

// State is what a device says of itself.
type State string

// The states.
const (
	Idle State = "idle" // it may be called
	Busy State = "busy" // it is in a call
	DND  State = "dnd"  // do-not-disturb is on
	// Offline is the word of the unsigned last will: anybody could have said it.
	Offline State = "offline"
)

// Presence is the retained status of a device. It is advice: only an answer to an
// invite says that the device is there.
type Presence struct {
	V        int     `json:"v"`
	From     string  `json:"from"`
	State    State   `json:"state"`
	Epoch    uint64  `json:"epoch"`
	Nonce    string  `json:"nonce"`
	Versions []int   `json:"versions"`
	JWK      key.JWK `json:"jwk"`
}

// ErrPresence means that a text is no presence of the device.
var ErrPresence = errors.New("not a presence of this device")

// SignPresence writes a presence of the device with key k; V, Versions and JWK are
// filled in.
func SignPresence(k *key.Private, p Presence) (string, error) {
	p.V, p.Versions, p.JWK = message.Version, []int{message.Version}, k.Public().JWK()
	payload, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("cannot write presence: %w", err)
	}
	return jws.Sign(k, StatusTyp, payload)
}

// ParsePresence reads a presence and verifies that the device at this address, with
// the key of thumbprint dkt, has signed it. Errors: ErrPresence.
func ParsePresence(text, address, dkt string) (*Presence, error) {
	fail := func(why any) (*Presence, error) {
		return nil, fmt.Errorf("cannot take presence: %v: %w", why, ErrPresence)
	}
	if len(text) > message.MaxMessage {
		return fail("too large")
	}
	j, err := jws.Parse(text, StatusTyp)
	if err != nil {
		return fail(err)
	}
	var p Presence
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return fail(err)
	}
	k, err := key.ParsePublic(p.JWK)
	switch {
	case err != nil:
		return fail(err)
	case k.JKT() != dkt || !j.Verify(k):
		return fail("it is by another key")
	case p.V != message.Version || p.From != address:
		return fail("it is of another device or version")
	case p.State != Idle && p.State != Busy && p.State != DND:
		return fail("unknown state")
	}
	return &p, nil
}

// will is what the broker says in the device's place once it is gone.
func will(epoch uint64) []byte {
	return fmt.Appendf(nil, `{"state":%q,"epoch":%d}`, Offline, epoch)
}
