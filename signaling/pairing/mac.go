// Package pairing makes a phone a contact: the window in which that is possible,
// the link that a person scans, and the MACs by which both sides prove that they
// hold its secret.
package pairing

import (
	"crypto/hmac"
	"crypto/sha256"

	"callbox/signaling/base64url"
)

// The labels keep a MAC of one side from being played back as the other's.
const (
	phoneLabel  = "callbox/1 pair phone"
	deviceLabel = "callbox/1 pair device"
)

// PhoneMAC is the phone's proof: name is the phone's. Thumbprints are their
// ASCII text.
func PhoneMAC(secret []byte, jkt, dkt, name string) string {
	return mac(secret, phoneLabel, jkt, dkt, name)
}

// DeviceMAC is the device's proof: name is the device's.
func DeviceMAC(secret []byte, jkt, dkt, name string) string {
	return mac(secret, deviceLabel, jkt, dkt, name)
}

func mac(secret []byte, label, jkt, dkt, name string) string {
	h := hmac.New(sha256.New, secret)
	for i, part := range []string{label, jkt, dkt, name} {
		if i > 0 {
			h.Write([]byte{0})
		}
		h.Write([]byte(part))
	}
	return base64url.Encode(h.Sum(nil))
}

// equal compares in constant time.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
