package key

import (
	"fmt"
	"strings"

	"callbox/signaling/base64url"
)

const (
	devicePrefix = "d."
	phonePrefix  = "p."

	maxSN      = 48 // characters
	defaultSN  = 16 // characters of the thumbprint that stand in for a serial number
	jktBytes   = 32
	jktLetters = 43
)

// DeviceAddress is the address of the device with serial number sn.
func DeviceAddress(sn string) string { return devicePrefix + sn }

// PhoneAddress is the address of the phone whose key has thumbprint jkt.
func PhoneAddress(jkt string) string { return phonePrefix + jkt }

// PhoneOf returns the thumbprint in a phone's address.
func PhoneOf(address string) (jkt string, ok bool) {
	jkt, ok = strings.CutPrefix(address, phonePrefix)
	return jkt, ok && ValidJKT(jkt)
}

// DefaultSN is the serial number of a device that was given none. Cloned images
// share a machine id, but not a key.
func DefaultSN(jkt string) string { return jkt[:defaultSN] }

// CheckSN says what is wrong with a serial number, nil when nothing is.
func CheckSN(sn string) error {
	if sn == "" || len(sn) > maxSN {
		return fmt.Errorf("cannot use serial number %q: it must have 1 to %d characters", sn, maxSN)
	}
	for _, c := range sn {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return fmt.Errorf("cannot use serial number %q: allowed are A-Z a-z 0-9 _ -", sn)
		}
	}
	return nil
}

// ValidJKT reports whether s has the form of a thumbprint.
func ValidJKT(s string) bool {
	if len(s) != jktLetters {
		return false
	}
	p, err := base64url.Decode(s)
	return err == nil && len(p) == jktBytes
}
