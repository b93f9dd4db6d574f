package phonepeer

import (
	"callbox/signaling/key"
	"callbox/signaling/message"
)

// verify reads a text that is said to be a message of the device to the phone with
// thumbprint jkt. reason is "" when it is one: its body may still break the rules.
func verify(device *key.Public, jkt, text string) (m *message.Message, reason string) {
	m, err := message.Parse(text)
	switch {
	case err != nil:
		return nil, "malformed"
	case m.To != key.PhoneAddress(jkt) || m.TKT != jkt:
		return nil, "recipient"
	case m.JWK != nil && *m.JWK != device.JWK():
		return nil, "sender"
	case !m.Verify(device): // and kid is the thumbprint that the phone holds
		return nil, "signature"
	}
	return m, ""
}
