//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"callbox/daemon/control"
	"callbox/media"
)

// vp8Phone takes the other codecs out of what the page offers.
const vp8Phone = `(() => {
	const createOffer = RTCPeerConnection.prototype.createOffer;
	RTCPeerConnection.prototype.createOffer = function (...a) {
		const codecs = RTCRtpReceiver.getCapabilities("video").codecs.filter((c) => /\/(vp8|rtx)$/i.test(c.mimeType));
		for (const t of this.getTransceivers()) if (t.receiver.track.kind === "video") t.setCodecPreferences(codecs);
		return createOffer.apply(this, a);
	};
})()`

// usedCodecs are the codecs of the pictures that the phone gets and sends, by its own
// statistics.
func (p *phone) usedCodecs() (in, out string) {
	p.t.Helper()
	used := eval[map[string]string](p, `(async () => {
		const report = await window.peers[window.peers.length - 1].getStats(), out = {};
		for (const s of report.values())
			if (s.kind === "video" && /^(in|out)bound-rtp$/.test(s.type)) {
				const c = report.get(s.codecId);
				out[s.type] = c ? c.mimeType + " " + (c.sdpFmtpLine ?? "") : "";
			}
		return out;
	})()`)
	return used["inbound-rtp"], used["outbound-rtp"]
}

// TestCodecs calls with Chromium and asks it what it got and sent.
func TestCodecs(t *testing.T) {
	for name, tt := range map[string]struct {
		media  string // of the configuration
		phone  string // script in the page
		hidden bool   // the device has no OpenH264
		want   string

		encoder string
	}{
		"H.264":                  {want: "video/H264 ", encoder: "openh264"},
		"a phone with VP8 only":  {phone: vp8Phone, want: "video/VP8 "},
		"libavcodec's encoder":   {media: "  encoder: libx264", want: "video/H264 ", encoder: "libx264"}, // in the place of hardware
		"VP8 preferred":          {media: "  video_codecs: [vp8, h264]", want: "video/VP8 "},
		"the library is missing": {hidden: true, want: "video/VP8 "},
	} {
		t.Run(name, func(t *testing.T) {
			hide := ""
			if tt.hidden {
				hide = openH264(t)
			}
			deviceTone, phoneTone := twoTones()
			d := startDevice(t, deviceOptions{tone: deviceTone, media: tt.media, hide: hide})
			p := startPhone(t, phoneOptions{tone: phoneTone})
			p.pair(d, "Anna")
			eval[any](p, keepPeers)
			if tt.phone != "" {
				eval[any](p, tt.phone)
			}
			p.call(d, "call-video")
			checkCall(t, d, p, deviceTone, phoneTone)
			in, out := p.usedCodecs()
			if !strings.HasPrefix(in, tt.want) || !strings.HasPrefix(out, tt.want) {
				t.Errorf("the phone gets %q and sends %q, want %q", in, out, tt.want)
			}
			if tt.encoder != "" {
				chosen := ctl[control.Devices](d, "devices").Chosen
				if i := slices.IndexFunc(chosen, func(d control.Device) bool { return d.Kind == "encoder" }); i < 0 || chosen[i].Name != tt.encoder {
					t.Errorf("callboxctl devices says %+v; want the encoder %s", chosen, tt.encoder)
				}
				var stats media.Stats
				if err := json.Unmarshal(d.status().Call.Media, &stats); err != nil || stats.VideoEncoder != tt.encoder {
					t.Errorf("the pictures are encoded by %q, want %s (%v)", stats.VideoEncoder, tt.encoder, err)
				}
			}
			t.Logf("the phone gets %q and sends %q", in, out)
			p.click("hang-up")
			if told := strings.Count(d.log.String(), "a video codec is missing"); tt.hidden != (told == 1) {
				t.Errorf("the log tells %d times that a codec is missing", told)
			}
			if out, err := d.tryCtl("doctor"); tt.hidden != strings.Contains(string(out), "OpenH264 is not installed") {
				t.Errorf("doctor says %s, %v", out, err)
			}
		})
	}
}

// openH264 is where the library is.
func openH264(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("hiding the library needs root")
	}
	found, err := filepath.Glob("/usr/lib/*/libopenh264.so.[78]")
	if err != nil || len(found) == 0 {
		t.Fatalf("OpenH264 is not there: run .ci/setup build (%v)", err)
	}
	return found[0]
}

// keepPeers lets the tests ask the page's connections, whichever the page makes.
const keepPeers = `(() => {
	const Real = window.RTCPeerConnection;
	window.peers = [];
	window.RTCPeerConnection = class extends Real { constructor(...a) { super(...a); window.peers.push(this); } };
})()`
