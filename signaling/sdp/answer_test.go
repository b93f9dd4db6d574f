package sdp

import (
	"errors"
	"strings"
	"testing"

	"callbox/signaling/message"
)

func TestCheckAnswer(t *testing.T) {
	answer := replaced(t, chromium(t), "a=setup:actpass", "a=setup:active")
	passive := replaced(t, answer, "a=setup:active", "a=setup:passive")
	first, err := CheckAnswer(answer, message.Video, "", false)
	if err != nil {
		t.Fatal(err)
	}
	if first.Ufrag != "qPx1" || first.Candidates != 1 || len(first.Fingerprint) != fingerprintLength {
		t.Errorf("answer = %+v", first)
	}
	if again, err := CheckAnswer(passive, message.Video, first.Fingerprint, false); err != nil || again.Fingerprint != first.Fingerprint {
		t.Errorf("the same fingerprint: %v", err)
	}
	loopback := replaced(t, answer, "192.0.2.7", "127.0.0.1")
	for allowed, want := range map[bool]bool{true: true, false: false} {
		if a, err := CheckAnswer(loopback, message.Video, "", allowed); err != nil || strings.Contains(a.SDP, "127.0.0.1 50000") != want {
			t.Errorf("loopback, allowed %v: %v", allowed, err)
		}
	}
	for name, tt := range map[string]struct {
		sdp         string
		room        message.RoomType
		fingerprint string
	}{
		"an offer":            {chromium(t), message.Video, ""},
		"two roles":           {answer + "a=setup:actpass\r\n", message.Video, ""},
		"video in voice":      {answer, message.Voice, ""},
		"another fingerprint": {replaced(t, answer, fingerprintLine, otherPrint), message.Video, first.Fingerprint},
		"two fingerprints":    {strings.Replace(answer, fingerprintLine, otherPrint, 1), message.Video, ""},
		"41 candidates":       {addCandidates(t, answer, 40), message.Video, ""},
		"nothing":             {"", message.Video, ""},
	} {
		if _, err := CheckAnswer(tt.sdp, tt.room, tt.fingerprint, false); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v, want ErrForbidden", name, err)
		}
	}
}

// FuzzCheckAnswer: a phone that holds a call's fingerprint takes no other.
func FuzzCheckAnswer(f *testing.F) {
	answer := strings.ReplaceAll(chromium(f), "a=setup:actpass", "a=setup:active")
	first, err := CheckAnswer(answer, message.Video, "", false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer)
	f.Add(strings.ReplaceAll(answer, "active", "passive"))
	f.Add(strings.ReplaceAll(answer, fingerprintLine, otherPrint))
	f.Add("v=0\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := CheckAnswer(text, message.Video, first.Fingerprint, false)
		if err != nil {
			if !errors.Is(err, ErrForbidden) {
				t.Errorf("error = %v, want ErrForbidden", err)
			}
			return
		}
		if a.Fingerprint != first.Fingerprint || a.Candidates > message.MaxCandidates {
			t.Errorf("taken: %s, %d candidates", a.Fingerprint, a.Candidates)
		}
	})
}
