package sdp

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// offer is what Chromium sent in a video call.
func offer(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/chromium-video.sdp")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n", "\r\n")
}

const otherPrint = "a=fingerprint:sha-256 11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11"

// replaceOnce changes the first place, all the rest stays.
func replaceOnce(t *testing.T, s, old, with string) string {
	t.Helper()
	if !strings.Contains(s, old) {
		t.Fatalf("the test's offer has no %q", old)
	}
	return strings.Replace(s, old, with, 1)
}

func lineOf(t *testing.T, s, prefix string) string {
	t.Helper()
	for line := range strings.SplitSeq(s, "\r\n") {
		if strings.HasPrefix(line, prefix) {
			return line
		}
	}
	t.Fatalf("the test's offer has no line %s…", prefix)
	return ""
}

func TestCheck(t *testing.T) {
	good := offer(t)
	for name, tt := range map[string]struct {
		text  string
		rules Rules
		says  string // "" passes
	}{
		"what Chromium offers":        {good, Rules{Video: true}, ""},
		"video in a voice room":       {good, Rules{}, "voice room"},
		"nothing":                     {"", Rules{Video: true}, "no media section"},
		"no SDP":                      {"hello", Rules{Video: true}, "cannot be read"},
		"half a line":                 {"v=0\r\no=", Rules{Video: true}, "cannot be read"},
		"too large":                   {good + strings.Repeat("a=x\r\n", 4000), Rules{Video: true}, "bytes"},
		"a NUL":                       {good + "a=x\x00\r\n", Rules{Video: true}, "NUL"},
		"two fingerprints":            {replaceOnce(t, good, "a=fingerprint:", otherPrint+"\r\na=fingerprint:"), Rules{Video: true}, "2 distinct"},
		"a second one in the session": {replaceOnce(t, good, "t=0 0\r\n", "t=0 0\r\n"+otherPrint+"\r\n"), Rules{Video: true}, "2 distinct"},
		"a second one, shouted":       {replaceOnce(t, good, "a=fingerprint:", strings.Replace(otherPrint, "fingerprint", "FINGERPRINT", 1)+"\r\na=fingerprint:"), Rules{Video: true}, "2 distinct"},
		"no fingerprint":              {strings.ReplaceAll(good, lineOf(t, good, "a=fingerprint:")+"\r\n", ""), Rules{Video: true}, "0 distinct"},
		"sha-1":                       {strings.ReplaceAll(good, lineOf(t, good, "a=fingerprint:"), "a=fingerprint:sha-1 11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11:11"), Rules{Video: true}, "not sha-256"},
		"the same, in lower case":     {replaceOnce(t, good, lineOf(t, good, "a=fingerprint:"), strings.ToLower(lineOf(t, good, "a=fingerprint:"))), Rules{Video: true}, ""},
		"no BUNDLE":                   {replaceOnce(t, good, lineOf(t, good, "a=group:BUNDLE")+"\r\n", ""), Rules{Video: true}, "no BUNDLE"},
		"two BUNDLE groups":           {replaceOnce(t, good, "a=group:BUNDLE", "a=group:BUNDLE 0\r\na=group:BUNDLE"), Rules{Video: true}, "two BUNDLE"},
		"a section beside BUNDLE":     {replaceOnce(t, good, "a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 1"), Rules{Video: true}, "not in the BUNDLE"},
		"no rtcp-mux":                 {replaceOnce(t, good, "a=rtcp-mux\r\n", ""), Rules{Video: true}, "rtcp-mux"},
		"setup active":                {replaceOnce(t, good, "a=setup:actpass", "a=setup:active"), Rules{Video: true}, "setup:active"},
		"no setup":                    {replaceOnce(t, good, "a=setup:actpass\r\n", ""), Rules{Video: true}, "setup:"},
		"no ICE password":             {replaceOnce(t, good, lineOf(t, good, "a=ice-pwd:")+"\r\n", ""), Rules{Video: true}, "ICE credentials"},
		"a text section":              {replaceOnce(t, good, "m=audio", "m=text"), Rules{Video: true}, `"text"`},
		"41 candidates":               {good + strings.Repeat("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", 41), Rules{Video: true}, "candidates"},
		"a rejected video section":    {replaceOnce(t, good, "m=video 9", "m=video 0"), Rules{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			clean, err := Check(tt.text, tt.rules)
			switch {
			case tt.says == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.says != "" && (err == nil || !errors.Is(err, ErrRules) || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("error = %v, want one that says %q", err, tt.says)
			case err == nil:
				if again, err := Check(clean, tt.rules); err != nil || again != clean {
					t.Errorf("what was cleaned is not clean: %v", err)
				}
			}
		})
	}
}

func TestCheckDropsCandidates(t *testing.T) {
	text := offer(t) + "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\na=candidate:1 1 udp 1 192.0.2.7 9 typ host\r\na=candidate:1 1 tcp 1 192.0.2.8 9 typ host tcptype active\r\n"
	clean, err := Check(text, Rules{Video: true})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(clean, "127.0.0.1 9 typ") || strings.Contains(clean, "192.0.2.8") || !strings.Contains(clean, "192.0.2.7") {
		t.Errorf("candidates were kept or dropped wrongly:\n%s", clean)
	}
}

func TestCheckRestart(t *testing.T) {
	before := offer(t)
	fresh := func(s string) string {
		s = strings.ReplaceAll(s, lineOf(t, s, "a=ice-ufrag:"), "a=ice-ufrag:NEWu")
		return strings.ReplaceAll(s, lineOf(t, s, "a=ice-pwd:"), "a=ice-pwd:newnewnewnewnewnewnewnew")
	}
	for name, tt := range map[string]struct{ text, says string }{
		"new credentials":           {fresh(before), ""},
		"the same again":            {before, "new ICE credentials"},
		"another fingerprint":       {strings.ReplaceAll(fresh(before), lineOf(t, before, "a=fingerprint:"), otherPrint), "fingerprint changed"},
		"a section less":            {strings.Replace(strings.Split(fresh(before), "m=application")[0], "a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 1", 1), "sections changed"},
		"another name of a section": {strings.Replace(strings.Replace(fresh(before), "a=mid:0", "a=mid:9", 1), "BUNDLE 0", "BUNDLE 9", 1), "section 0 changed"},
		"no SDP":                    {"x", "no media section"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := CheckRestart(before, tt.text, Rules{Video: true})
			if tt.says == "" && err != nil || tt.says != "" && (!errors.Is(err, ErrRules) || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("error = %v, want %q", err, tt.says)
			}
		})
	}
}

func TestCandidate(t *testing.T) {
	for line, want := range map[string]bool{
		"": true,
		"candidate:1 1 udp 2122260223 192.168.1.5 50000 typ host generation 0":          true,
		"a=candidate:1 1 UDP 2122260223 192.168.1.5 50000 typ host":                     true,
		"candidate:1 1 udp 1 203.0.113.9 50000 typ srflx raddr 0.0.0.0 rport 0":         true,
		"candidate:1 1 udp 1 203.0.113.9 50000 typ relay raddr 1.2.3.4 rport 5":         true,
		"candidate:1 1 udp 1 2001:db8::1 50000 typ host":                                true,
		"candidate:1 1 udp 1 0a1b2c3d-aaaa-bbbb-cccc-0123456789ab.local 50000 typ host": true,
		"candidate:1 1 udp 1 evil.example 50000 typ host":                               false,
		"candidate:1 1 udp 1 evil.example.local 50000 typ host":                         false,
		"candidate:1 1 udp 1 127.0.0.1 50000 typ host":                                  false,
		"candidate:1 1 udp 1 ::1 50000 typ host":                                        false,
		"candidate:1 1 udp 1 ::ffff:127.0.0.1 50000 typ host":                           false,
		"candidate:1 1 udp 1 0.0.0.0 50000 typ host":                                    false,
		"candidate:1 1 udp 1 0.1.2.3 50000 typ host":                                    false,
		"candidate:1 1 udp 1 224.0.0.251 5353 typ host":                                 false,
		"candidate:1 1 udp 1 ff02::fb 5353 typ host":                                    false,
		"candidate:1 1 udp 1 255.255.255.255 9 typ host":                                false,
		"candidate:1 1 udp 1 fe80::1%eth0 9 typ host":                                   false,
		"candidate:1 1 tcp 1 192.168.1.5 9 typ host tcptype active":                     false,
		"candidate:1 1 udp 1 192.168.1.5 0 typ host":                                    false,
		"candidate:1 1 udp 1 192.168.1.5 70000 typ host":                                false,
		"candidate:1 1 udp x 192.168.1.5 9 typ host":                                    false,
		"candidate:1 1 udp 1 192.168.1.5 9 typ magic":                                   false,
		"candidate:1 1 udp 1 192.168.1.5 9 host":                                        false,
		"candidate:":                                                                    false,
		"192.168.1.5":                                                                   false,
		"candidate:1 1 udp 1 192.168.1.5 9 typ host\r\na=fingerprint:sha-256 11":        false,
		"candidate:1 1 udp 1 192.168.1.5 9 typ host " + strings.Repeat("x", 600):        false,
	} {
		if got := Candidate(line, Rules{}); got != want {
			t.Errorf("Candidate(%q) = %v", line, got)
		}
	}
	if !Candidate("candidate:1 1 udp 1 127.0.0.1 50000 typ host", Rules{Loopback: true}) {
		t.Error("loopback is refused although it is allowed")
	}
}

// FuzzCheck: whatever passes keeps the rules when it is read again.
func FuzzCheck(f *testing.F) {
	good := offer(f)
	f.Add(good, true)
	f.Add(strings.Split(good, "m=video")[0], false)
	f.Add(good+"a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n", true)
	f.Fuzz(func(t *testing.T, text string, video bool) {
		r := Rules{Video: video}
		clean, err := Check(text, r)
		if err != nil {
			if !errors.Is(err, ErrRules) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if n := strings.Count(strings.ToLower(clean), "a=fingerprint:"); n == 0 {
			t.Fatal("no fingerprint, and it passed")
		}
		if strings.Contains(clean, " 127.0.0.1 ") && strings.Contains(clean, "a=candidate:1 1 udp 1 127.0.0.1 ") {
			t.Fatal("a loopback candidate passed")
		}
		if _, err := Check(clean, r); err != nil {
			t.Fatalf("what passed does not pass again: %v\n%q", err, clean)
		}
	})
}
