package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"callbox/hal"
	"callbox/media/options"
)

// sn is what PROTOCOL section 1 allows in a device's address.
var sn = regexp.MustCompile(`^[A-Za-z0-9_-]{1,48}$`)

// report notes a problem of the value at path.
type report func(path, text string)

// check finds values out of range and combinations that cannot work.
func check(c *Config, r report) {
	checkDevice(c.Device, r)
	checkDirect(c, r)
	checkPage(c.Signaling.Page, r)
	checkMQTT(c.Signaling.MQTT, r)
	checkIssuers(c, r)
	checkPush(c.Signaling.Push, r)
	checkCall(c.Call, r)
	checkPolicy(c.Policy, r)
	checkRecords(c.Records, r)
	checkMedia(c.Media, r)
	checkHAL(c.HAL, r)
	checkControl(c.Control, r)
}

func checkDevice(d Device, r report) {
	if d.SN != "" && !sn.MatchString(d.SN) {
		r("device.sn", fmt.Sprintf("%q cannot be in an address; allowed: 1 to 48 of A-Z a-z 0-9 _ -", d.SN))
	}
	switch {
	case d.Name == "" || utf8.RuneCountInString(d.Name) > 64:
		r("device.name", "is empty or too long; allowed: 1 to 64 characters")
	case strings.ContainsFunc(d.Name, unprintable):
		r("device.name", fmt.Sprintf("%q has control or format characters; allowed: what can be seen", d.Name))
	}
	if !filepath.IsAbs(d.StateDir) {
		r("device.state_dir", fmt.Sprintf("%q is no absolute path; allowed: a directory such as /var/lib/callbox", d.StateDir))
	}
}

func unprintable(c rune) bool {
	return c == utf8.RuneError || unicode.Is(unicode.Cc, c) || unicode.Is(unicode.Cf, c)
}

func checkDirect(c *Config, r report) {
	const at = "signaling.direct."
	d := c.Signaling.Direct
	if !d.Enabled && !c.Signaling.MQTT.Enabled && !c.Signaling.Relay.Enabled {
		r(at+"enabled", "is false, so that no phone can reach the device; enable this transport, or signaling.mqtt or signaling.relay")
	}
	host, port, err := net.SplitHostPort(d.Listen)
	if n, errPort := strconv.ParseUint(port, 10, 16); err != nil || errPort != nil || n > 65535 ||
		(host != "" && host != "localhost" && !isAddr(host)) {
		r(at+"listen", fmt.Sprintf("%q is no address to listen on; allowed: :8443, 127.0.0.1:8443, [::1]:8443", d.Listen))
	}
	if (d.TLS.Certificate == "") != (d.TLS.Key == "") {
		missing := "key"
		if d.TLS.Certificate == "" {
			missing = "certificate"
		}
		r(at+"tls."+missing, "is missing; allowed: certificate and key both, or neither (the device then makes its own)")
	}
	for i, name := range d.Names {
		if !isAddr(name) && !hostName.MatchString(name) {
			r(fmt.Sprintf("%snames[%d]", at, i), fmt.Sprintf("%q is no host name or address; allowed: door.example.com, 192.0.2.7", name))
		}
	}
	for i, o := range d.Origins {
		u, err := url.Parse(o)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.Scheme+"://"+u.Host != o {
			r(fmt.Sprintf("%sorigins[%d]", at, i), fmt.Sprintf("%q is no web origin; allowed: https://host or https://host:port, nothing behind it", o))
		}
	}
}

// checkPage: a browser gives camera and keys to https and to this machine only.
func checkPage(page string, r report) {
	if page == "" {
		return
	}
	u, err := url.Parse(page)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		(u.Path != "" && !strings.HasSuffix(u.Path, "/")) || (u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname()))) {
		r("signaling.page", fmt.Sprintf("%q is no address of a call page: it ends with /, and nothing but a path is behind the host; allowed: https://call.example.com/, https://example.com/phone/, or http on 127.0.0.1", shownPage(page)))
	}
}

// shownPage is the address as it stands in the file, without what may be a secret.
func shownPage(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return origin(page)
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && addr.IsLoopback())
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

func isAddr(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func checkCall(c Call, r report) {
	between := func(key string, d, low, high time.Duration) {
		if d < low || d > high {
			r("call."+key, fmt.Sprintf("%s is out of range; allowed: %s to %s", d, low, high))
		}
	}
	between("ring_timeout", c.RingTimeout, time.Second, 10*time.Minute)
	between("connect_timeout", c.ConnectTimeout, time.Second, 2*time.Minute)
	between("reconnect_timeout", c.ReconnectTimeout, time.Second, 5*time.Minute)
	between("upgrade_wait", c.UpgradeWait, 0, time.Hour)
	if d := c.MaxDuration; d.Set && (d.Value < time.Second || d.Value > 1<<31*time.Second) {
		r("call.max_duration", fmt.Sprintf("%s is out of range; allowed: 1s to %s, or the word none", d.Value, 1<<31*time.Second))
	}
	if f := c.Announcement; f != "" && !filepath.IsAbs(f) {
		r("call.announcement", fmt.Sprintf("%q is no absolute path; allowed: a WAV file such as /usr/share/callbox/announcement.wav, or empty for the built-in chime", f))
	}
	checkWarnings(c.Warnings, r)
}

func checkMedia(m options.Media, r report) {
	rate := func(key string, b, low, high options.Bitrate) {
		if b < low || b > high {
			r("media."+key, fmt.Sprintf("%s is out of range; allowed: %s to %s", rateText(b), rateText(low), rateText(high)))
		}
	}
	if len(m.VideoCodecs) == 0 {
		r("media.video_codecs", "is empty; allowed: h264 and vp8, the preferred first")
	}
	seen := map[options.VideoCodec]bool{}
	for i, c := range m.VideoCodecs {
		if seen[c] {
			r(fmt.Sprintf("media.video_codecs[%d]", i), fmt.Sprintf("%q is in the list twice", c))
		}
		seen[c] = true
	}
	rate("video_bitrate", m.VideoBitrate, 50_000, 20_000_000)
	rate("video_bitrate_min", m.VideoBitrateMin, 10_000, m.VideoBitrate)
	rate("receive_bitrate", m.ReceiveBitrate, 50_000, 20_000_000)
	rate("audio_bitrate", m.AudioBitrate, 6_000, 510_000) // RFC 6716, 2.1.1
	checkICE(m.ICE, r)
}

func rateText(b options.Bitrate) string {
	text, _ := b.MarshalText() // never fails
	return string(text)
}

func checkHAL(h hal.Options, r report) {
	checkButtons(h.Buttons, r)
	checkLight(h.Light, r)
	for key, name := range map[string]string{
		"hal.camera.name": h.Camera.Name, "hal.microphone.name": h.Microphone.Name, "hal.speaker.name": h.Speaker.Name,
		"hal.display.name": h.Display.Name,
	} {
		if name == "" {
			r(key, "is empty; allowed: auto, none, virtual, or a name that callboxctl status lists")
		}
	}
	checkDisplay(h.Display, r)
	checkMoreCameras(h, r)
	if f := h.Camera.FrameRate; !(f >= 1 && f <= 120) { // NaN too
		r("hal.camera.frame_rate", fmt.Sprintf("%v is out of range; allowed: 1 to 120 pictures a second", f))
	}
	if g := h.Camera.Grain; g < 0 || g > hal.MostGrain {
		r("hal.camera.grain", fmt.Sprintf("%d is out of range; allowed: 0 to %d steps", g, hal.MostGrain))
	}
	if f := h.Microphone.Tone; !(f >= 20 && f <= 20000) {
		r("hal.microphone.tone", fmt.Sprintf("%v is out of range; allowed: 20 to 20000 Hz", f))
	}
	virtual := func(key, file, name string, allowed ...string) {
		if file == "" {
			return
		}
		for _, a := range allowed {
			if a == name {
				return
			}
		}
		r(key, fmt.Sprintf("only the virtual device uses a file, and the name is %q; allowed: name %s, or no file", name, strings.Join(allowed, " or ")))
	}
	virtual("hal.microphone.file", h.Microphone.File, h.Microphone.Name, hal.NameVirtual, hal.NameAuto)
	virtual("hal.speaker.record", h.Speaker.Record, h.Speaker.Name, hal.NameVirtual, hal.NameAuto)
	virtual("hal.display.record", h.Display.Record, h.Display.Name, hal.NameVirtual)
}

// checkDisplay finds settings that no screen could have.
func checkDisplay(d hal.DisplayOptions, r report) {
	if strings.ContainsFunc(d.Name, func(c rune) bool { return c == '/' || c == ' ' || unprintable(c) }) {
		r("hal.display.name", fmt.Sprintf("%q is no name of a connector; allowed: none, auto, virtual, or a name that callboxctl devices lists, such as HDMI-A-1", d.Name))
	}
	if f := d.Font; f != "" && !filepath.IsAbs(f) {
		r("hal.display.font", fmt.Sprintf("%q is no absolute path; allowed: a font file such as /usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf, or empty for the built-in font", f))
	}
	for key, set := range map[string]bool{"rotate": d.Rotate != 0, "font": d.Font != ""} {
		if set && (d.Name == hal.NameNone || d.Name == hal.NameVirtual) {
			r("hal.display."+key, fmt.Sprintf("is for a real screen only, and the name is %q; allowed: name auto or that of a connector, or no %s", d.Name, key))
		}
	}
}
