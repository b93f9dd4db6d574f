package store

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"callbox/signaling"
)

const (
	maxGroups = 16
	maxHours  = 32
	aDay      = 24 * 60 * 60 // seconds; no day on which the clocks change needs more talk
)

// checkContact keeps out what must never be trusted, on the way in and out.
func (s *Store) checkContact(c signaling.Contact) error {
	if got := thumbprint(c.JWK); got != c.JKT {
		return fmt.Errorf("its key has the thumbprint %s, not %q", got, c.JKT)
	}
	if err := checkName(c.Name); err != nil {
		return err
	}
	for _, r := range c.Rights {
		switch r {
		case signaling.RightCall, signaling.RightBeCalled, signaling.RightAuto, signaling.RightUnlock:
		default:
			return fmt.Errorf("%q is no right; allowed: call, beCalled, auto, unlock", r)
		}
	}
	if !(c.MaxSeconds >= 0 && c.MaxSeconds <= 1<<31) {
		return fmt.Errorf("its longest call is %v s; allowed: 0 (no limit of its own) to 2147483648", c.MaxSeconds)
	}
	if !(c.DaySeconds >= 0 && c.DaySeconds <= aDay) {
		return fmt.Errorf("its talk a day is %v s; allowed: 0 (no limit of its own) to %d", c.DaySeconds, aDay)
	}
	if err := checkGroups(c.Groups); err != nil {
		return err
	}
	if len(c.Hours) > maxHours {
		return fmt.Errorf("it has %d lines of hours; allowed: 0 to %d", len(c.Hours), maxHours)
	}
	for _, line := range c.Hours {
		if err := s.checkHour(line); err != nil {
			return fmt.Errorf("its hours %q: %w", line, err)
		}
	}
	return nil
}

// checkGroups takes the names as they are: whether the configuration knows them is
// its matter, and may change.
func checkGroups(groups []string) error {
	if len(groups) > maxGroups {
		return fmt.Errorf("it is in %d groups; allowed: 0 to %d", len(groups), maxGroups)
	}
	for i, name := range groups {
		if err := checkName(name); err != nil {
			return fmt.Errorf("its group %d: %w", i+1, err)
		}
		if slices.Contains(groups[:i], name) {
			return fmt.Errorf("it is in the group %q twice", name)
		}
	}
	return nil
}

func (s *Store) checkHour(line string) error {
	if line == "" || !utf8.ValidString(line) || utf8.RuneCountInString(line) > maxName {
		return fmt.Errorf("allowed: 1 to %d characters", maxName)
	}
	if s.checkHours == nil {
		return nil
	}
	return s.checkHours(line)
}

// thumbprint is RFC 7638's for a P-256 key, as base64url.
func thumbprint(k signaling.JWK) string {
	text, _ := json.Marshal(struct { // strings always marshal; the order is the RFC's
		Crv string `json:"crv"`
		Kty string `json:"kty"`
		X   string `json:"x"`
		Y   string `json:"y"`
	}{k.Crv, k.Kty, k.X, k.Y})
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
