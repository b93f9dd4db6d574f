package media

import (
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
)

func TestAskAtMost(t *testing.T) {
	l := connect(t, testEngine(t, func(o *EngineOptions) { o.ReceiveBitrate = 1_234_567 }), true)
	answer := l.phone.RemoteDescription().SDP
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		t.Fatal(err)
	}
	for _, m := range d.MediaDescriptions {
		want := 0
		if m.MediaName.Media == "video" {
			want = 2
		}
		if len(m.Bandwidth) != want {
			t.Errorf("%s has %d lines of bandwidth, want %d", m.MediaName.Media, len(m.Bandwidth), want)
		}
		for _, b := range m.Bandwidth {
			if b.Type == "AS" && b.Bandwidth != 1235 || b.Type == "TIAS" && b.Bandwidth != 1_234_567 {
				t.Errorf("%s:%d", b.Type, b.Bandwidth)
			}
		}
	}
	rejected := "v=0\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n"
	if got := askAtMost(rejected, 1000); strings.Contains(got, "b=") {
		t.Errorf("a rejected section asks for something: %q", got)
	}
}
