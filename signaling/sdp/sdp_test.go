package sdp

import (
	"errors"
	"os"
	"strings"
	"testing"

	"callbox/signaling/message"
)

func chromium(t testing.TB) string {
	t.Helper()
	p, err := os.ReadFile("testdata/chromium.sdp")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(p), "\n", "\r\n")
}

// replaced changes every occurrence; the text must be there.
func replaced(t testing.TB, s string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			t.Fatalf("%q is not in the SDP", pairs[i])
		}
		s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
	}
	return s
}

const (
	fingerprintLine = "a=fingerprint:sha-256 AA:E6:42:44:E5:8F:B8:3C:EE:06:1E:CC:70:66:80:64:08:B9:7D:B2:73:5F:14:C9:28:3D:5B:F6:B9:B2:1D:E8\r\n"
	otherPrint      = "a=fingerprint:sha-256 BB:E6:42:44:E5:8F:B8:3C:EE:06:1E:CC:70:66:80:64:08:B9:7D:B2:73:5F:14:C9:28:3D:5B:F6:B9:B2:1D:E8\r\n"
	hostLine        = "a=candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0\r\n"
)

func TestCheckAccepts(t *testing.T) {
	video := chromium(t)
	for name, tt := range map[string]struct {
		sdp  string
		room message.RoomType
	}{
		"video of Chromium":         {video, message.Video},
		"LF line ends":              {strings.ReplaceAll(video, "\r\n", "\n"), message.Video},
		"fingerprint in lower case": {replaced(t, video, "B9:B2:1D:E8", "b9:b2:1d:e8"), message.Video},
		"same fingerprint twice":    {replaced(t, video, fingerprintLine, fingerprintLine+fingerprintLine), message.Video},
		"40 candidates":             {addCandidates(t, video, 39), message.Video},
		"bundle-only":               {replaced(t, video, "m=video 9 ", "m=video 0 ", "a=mid:1\r\n", "a=mid:1\r\na=bundle-only\r\n"), message.Video},
		"rejected video in voice":   {replaced(t, video, "m=video 9 ", "m=video 0 "), message.Voice},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := Check(tt.sdp, tt.room, false)
			if err != nil {
				t.Fatal(err)
			}
			if len(o.Fingerprint) != fingerprintLength || o.Ufrag != "qPx1" || len(o.Password) < 22 {
				t.Errorf("offer = %+v", o)
			}
			if again, err := Check(o.SDP, tt.room, false); err != nil || again.SDP != o.SDP {
				t.Errorf("what was cleaned is not clean: %v", err)
			}
		})
	}
}

// addCandidates adds n to the one that stands there.
func addCandidates(t *testing.T, s string, n int) string {
	t.Helper()
	at := strings.Index(s, hostLine)
	if at < 0 {
		t.Fatal("no candidate")
	}
	return s[:at] + strings.Repeat(hostLine, n) + s[at:]
}

func TestCheckRefuses(t *testing.T) {
	video := chromium(t)
	firstPrint := strings.Replace(video, fingerprintLine, otherPrint, 1)
	for name, tt := range map[string]struct {
		sdp  string
		room message.RoomType
	}{
		"two fingerprints":                  {firstPrint, message.Video},
		"a second at the session":           {replaced(t, video, "a=group:", otherPrint+"a=group:"), message.Video},
		"a second in rejected media":        {replaced(t, video, "a=mid:1\r\n", "a=mid:1\r\n"+otherPrint, "m=video 9 ", "m=video 0 "), message.Video},
		"sha-1 beside sha-256":              {replaced(t, video, fingerprintLine, fingerprintLine+"a=fingerprint:sha-1 AA:E6:42:44:E5:8F:B8:3C:EE:06:1E:CC:70:66:80:64:08:B9:7D:B2\r\n"), message.Video},
		"no fingerprint":                    {replaced(t, video, fingerprintLine, ""), message.Video},
		"fingerprint of 31 bytes":           {replaced(t, video, ":1D:E8", ":1D"), message.Video},
		"video in a voice room":             {video, message.Voice},
		"no BUNDLE":                         {replaced(t, video, "a=group:BUNDLE 0 1 2\r\n", ""), message.Video},
		"media outside BUNDLE":              {replaced(t, video, "BUNDLE 0 1 2", "BUNDLE 0 1"), message.Video},
		"two BUNDLE groups":                 {replaced(t, video, "a=group:BUNDLE 0 1 2\r\n", "a=group:BUNDLE 0\r\na=group:BUNDLE 1 2\r\n"), message.Video},
		"one mid twice":                     {replaced(t, video, "a=mid:1", "a=mid:0"), message.Video},
		"no rtcp-mux":                       {replaced(t, video, "a=rtcp-mux\r\n", ""), message.Video},
		"setup active":                      {replaced(t, video, "a=setup:actpass", "a=setup:active"), message.Video},
		"setup passive at the session":      {replaced(t, video, "a=group:", "a=setup:passive\r\na=group:"), message.Video},
		"no setup":                          {replaced(t, video, "a=setup:actpass\r\n", ""), message.Video},
		"two ICE users":                     {strings.Replace(video, "a=ice-ufrag:qPx1", "a=ice-ufrag:qPx2", 1), message.Video},
		"no ICE user":                       {replaced(t, video, "a=ice-ufrag:qPx1\r\n", ""), message.Video},
		"41 candidates":                     {addCandidates(t, video, 40), message.Video},
		"41 candidates, most to be dropped": {replaced(t, video, hostLine, hostLine+strings.Repeat("a=candidate:1 1 tcp 1 192.0.2.7 9 typ host tcptype active\r\n", 40)), message.Video},
		"over 16 KiB":                       {video + strings.Repeat("a=x\r\n", 4000), message.Video},
		"all media rejected":                {replaced(t, video, "m=audio 9 ", "m=audio 0 ", "m=video 9 ", "m=video 0 ", "m=application 9 ", "m=application 0 "), message.Video},
		"unknown media":                     {replaced(t, video, "m=application 9 ", "m=image 9 "), message.Video},
		"nine m-lines":                      {video + strings.Repeat("m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n", 6), message.Video},
		"not SDP":                           {"hello", message.Video},
		"empty":                             {"", message.Video},
	} {
		t.Run(name, func(t *testing.T) {
			if o, err := Check(tt.sdp, tt.room, false); !errors.Is(err, ErrForbidden) {
				t.Errorf("Check = %v, %v; want ErrForbidden", o != nil, err)
			}
		})
	}
}

func TestCheckDropsCandidates(t *testing.T) {
	bad := []string{
		"1 1 udp 1 127.0.0.1 50000 typ host", "1 1 udp 1 ::1 50000 typ host", "1 1 udp 1 0.0.0.0 50000 typ host",
		"1 1 udp 1 224.0.0.251 5353 typ host", "1 1 udp 1 ff02::fb 5353 typ host", "1 1 udp 1 255.255.255.255 9 typ host",
		"1 1 tcp 1 192.0.2.9 9 typ host tcptype active", "1 1 udp 1 ::ffff:127.0.0.1 50000 typ host", "1 1 udp 1 :: 50000 typ host",
		"1 1 udp 1 fe80::1%lo 50000 typ host", "1 1 udp 1 example.org 50000 typ host", "1 1 udp 1 192.0.2.9 0 typ host", "nonsense",
	}
	lines := hostLine + "a=candidate:" + strings.Join(bad, "\r\na=candidate:") + "\r\na=candidate:2 1 udp 1 0b1a6e0c.local 50001 typ host\r\n"
	text := replaced(t, chromium(t), hostLine, lines, "a=group:", "a=candidate:9 1 udp 1 192.0.2.77 1 typ host\r\na=group:")
	o, err := Check(text, message.Video, false)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(o.SDP, "a=candidate:"); n != 2 || !strings.Contains(o.SDP, hostLine) || !strings.Contains(o.SDP, "0b1a6e0c.local") {
		t.Errorf("%d candidates are left, want the host and the .local one:\n%s", n, o.SDP)
	}
	if o.Candidates != len(bad)+3 {
		t.Errorf("%d candidates counted, want all %d", o.Candidates, len(bad)+3)
	}
	for _, loopback := range bad[:2] {
		if !Usable("candidate:"+loopback, true) {
			t.Errorf("%s is dropped although loopback is allowed", loopback)
		}
	}
}

func TestCheckRestart(t *testing.T) {
	video := chromium(t)
	before, err := Check(video, message.Video, false)
	if err != nil {
		t.Fatal(err)
	}
	fresh := replaced(t, video, "a=ice-ufrag:qPx1", "a=ice-ufrag:zzzz", "a=ice-pwd:", "a=ice-pwd:new", "IN IP4 192.0.2.7", "IN IP4 198.51.100.9", " 2 IN IP4", " 3 IN IP4")
	for name, tt := range map[string]struct {
		sdp string
		ok  bool
	}{
		"new ICE credentials":     {fresh, true},
		"video rejected since":    {replaced(t, fresh, "m=video 9 ", "m=video 0 "), true},
		"another fingerprint":     {replaced(t, fresh, fingerprintLine, otherPrint), false},
		"two fingerprints":        {strings.Replace(fresh, fingerprintLine, otherPrint, 1), false},
		"the same credentials":    {video, false},
		"only another ufrag":      {replaced(t, video, "a=ice-ufrag:qPx1", "a=ice-ufrag:zzzz"), false},
		"one m-line more":         {fresh + "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n", false},
		"another direction":       {strings.Replace(fresh, "a=sendrecv", "a=recvonly", 1), false},
		"another kind":            {replaced(t, fresh, "m=application 9 ", "m=audio 9 ", "a=sctp-port", "a=rtcp-mux\r\na=sctp-port"), false},
		"loopback candidate only": {replaced(t, fresh, " 192.0.2.7 50000 ", " 127.0.0.1 50000 "), true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := CheckRestart(before, tt.sdp, message.Video, false)
			if tt.ok != (err == nil) || err != nil && !errors.Is(err, ErrForbidden) {
				t.Errorf("CheckRestart = %v", err)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	video := chromium(f)
	f.Add(video, true)
	f.Add(strings.Replace(video, fingerprintLine, otherPrint, 1), true)
	f.Add(strings.Replace(video, "m=video 9 ", "m=video 0 ", 1), false)
	f.Add("v=0\ro=- 1 1 IN IP4 0\rs=-\rt=0 0\r", false)
	f.Fuzz(func(t *testing.T, text string, isVideo bool) {
		room := message.Voice
		if isVideo {
			room = message.Video
		}
		o, err := Check(text, room, false)
		if err != nil {
			if !errors.Is(err, ErrForbidden) {
				t.Errorf("error = %v, want ErrForbidden", err)
			}
			return
		}
		prints := map[string]bool{}
		for line := range strings.FieldsFuncSeq(o.SDP, func(c rune) bool { return c == '\r' || c == '\n' }) {
			if c, ok := strings.CutPrefix(line, "a=candidate:"); ok && !Usable(c, false) {
				t.Errorf("a forbidden candidate came through: %q", line)
			}
			if p, ok := strings.CutPrefix(line, "a=fingerprint:"); ok {
				prints[strings.ToUpper(strings.Join(strings.Fields(p), " "))] = true
			}
			if room == message.Voice && strings.HasPrefix(line, "m=video") && !strings.HasPrefix(line, "m=video 0") {
				t.Errorf("video came through into a voice room: %q", line)
			}
		}
		if len(prints) != 1 {
			t.Errorf("%d fingerprints came through", len(prints))
		}
	})
}

// FuzzCheckRestart: whatever a phone offers in a restart, the keys of the call stay.
func FuzzCheckRestart(f *testing.F) {
	first := chromium(f)
	before, err := Check(first, message.Video, false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first)
	f.Add(strings.ReplaceAll(first, "qPx1", "vvvv"))
	f.Add(strings.ReplaceAll(strings.ReplaceAll(first, "qPx1", "vvvv"), fingerprintLine, otherPrint))
	f.Add("v=0\ro=- 1 1 IN IP4 0\rs=-\rt=0 0\r")
	f.Fuzz(func(t *testing.T, text string) {
		next, err := CheckRestart(before, text, message.Video, false)
		if err != nil {
			if !errors.Is(err, ErrForbidden) {
				t.Errorf("error = %v, want ErrForbidden", err)
			}
			return
		}
		if next.Fingerprint != before.Fingerprint {
			t.Errorf("the fingerprint became %s", next.Fingerprint)
		}
	})
}
