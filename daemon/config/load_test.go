package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/media/options"
)

// TestMessages pins every message: what is refused, where, and what is said.
func TestMessages(t *testing.T) {
	for name, tt := range map[string]struct {
		yaml string
		env  []string
		want string // lines; the file is called f
	}{
		"unknown key with a near one": {
			"call:\n  ring_timout: 5s\n", nil,
			`f:2:3: call.ring_timout: unknown key "ring_timout" (did you mean "ring_timeout"?); allowed here: answer, ring_timeout, connect_timeout, reconnect_timeout, max_duration, announcement, tones, dial_mode, warnings, upgrade_wait`,
		},
		"too much grain": {
			"hal:\n  camera:\n    grain: 17\n", nil,
			`f:3:12: hal.camera.grain: 17 is out of range; allowed: 0 to 16 steps`,
		},
		"a least rate above the most": {
			"media:\n  video_bitrate: 100kbit\n  video_bitrate_min: 200kbit\n", nil,
			`f:3:22: media.video_bitrate_min: 200kbit is out of range; allowed: 10kbit to 100kbit`,
		},
		"unknown key with two letters swapped": {
			"device:\n  naem: Door\n", nil,
			`f:2:3: device.naem: unknown key "naem" (did you mean "name"?); allowed here: sn, name, state_dir`,
		},
		"unknown key that lives elsewhere": {
			"device:\n  ring_timeout: 5s\n", nil,
			`f:2:3: device.ring_timeout: unknown key "ring_timeout" (did you mean call.ring_timeout?); allowed here: sn, name, state_dir`,
		},
		"unknown key like no other": {
			"control:\n  colour: red\n", nil,
			`f:2:3: control.colour: unknown key "colour"; allowed here: socket, group`,
		},
		"unknown section": {
			"hall:\n  camera: {}\n", nil,
			`f:1:1: hall: unknown key "hall" (did you mean "hal"?); allowed here: device, signaling, call, policy, records, media, hal, control, log`,
		},
		"keys are not case-blind": {
			"Call: {}\n", nil,
			`f:1:1: Call: unknown key "Call" (did you mean "call"?); allowed here: device, signaling, call, policy, records, media, hal, control, log`,
		},
		"a dotted key is no nesting": {
			"call.answer: auto\n", nil,
			`f:1:1: call.answer: unknown key "call.answer" (did you mean call.answer?); allowed here: device, signaling, call, policy, records, media, hal, control, log`,
		},
		"a mapping as a key": {
			"? {a: b}\n: 1\n", nil,
			`f:1:3: has a mapping as a key; allowed here: device, signaling, call, policy, records, media, hal, control, log`,
		},
		"a key given twice": {
			"log:\n  level: warn\n  level: info\n", nil,
			`f:3:3: log.level: is given twice; the first is in line 2`,
		},
		"a duration without a unit": {
			"call:\n  ring_timeout: 90\n", nil,
			`f:2:17: call.ring_timeout: "90" has no unit; write it like 90s, 1m30s, 2h or 90d`,
		},
		"a duration in words": {
			"call:\n  ring_timeout: soon\n", nil,
			`f:2:17: call.ring_timeout: "soon" is not a duration; write it like 90s, 1m30s, 2h or 90d`,
		},
		"a duration out of range": {
			"call:\n  ring_timeout: 10ms\n  connect_timeout: 1h\n  reconnect_timeout: 6m\n  upgrade_wait: 2h\n", nil,
			"f:2:17: call.ring_timeout: 10ms is out of range; allowed: 1s to 10m0s\n" +
				"f:3:20: call.connect_timeout: 1h0m0s is out of range; allowed: 1s to 2m0s\n" +
				"f:4:22: call.reconnect_timeout: 6m0s is out of range; allowed: 1s to 5m0s\n" +
				"f:5:17: call.upgrade_wait: 2h0m0s is out of range; allowed: 0s to 1h0m0s",
		},
		"a limit without a unit": {
			"call: {max_duration: 600}\n", nil,
			`f:1:22: call.max_duration: "600" has no unit; write it like 90s, 1m30s, 2h or 90d, or the word none`,
		},
		"a limit of nothing": {
			"call: {max_duration: 0s}\n", nil,
			`f:1:22: call.max_duration: 0s is out of range; allowed: 1s to 596523h14m8s, or the word none`,
		},
		"an unknown word": {
			"call: {answer: always}\nlog: {level: loud, format: xml}\nmedia: {preconnect: all}\n", nil,
			`f:1:16: call.answer: "always" is unknown; allowed: ring, auto` + "\n" +
				`f:2:14: log.level: "loud" is unknown; allowed: debug, info, warn, error` + "\n" +
				`f:2:28: log.format: "xml" is unknown; allowed: auto, console, json` + "\n" +
				`f:3:21: media.preconnect: cannot use preconnect "all"; allowed: off, network, media`,
		},
		"a number where text belongs": {
			"device:\n  sn: 12345\n  name: true\n", nil,
			`f:2:7: device.sn: is the number 12345; needs text, so write it in quotes: "12345"` + "\n" +
				`f:3:9: device.name: is the truth value true; needs text, so write it in quotes: "true"`,
		},
		"a word where a truth value belongs": {
			"signaling: {direct: {enabled: on}}\n", nil,
			`f:1:31: signaling.direct.enabled: is the text "on"; needs true or false`,
		},
		"a quoted number": {
			"hal: {camera: {frame_rate: \"30\"}}\n", nil,
			`f:1:28: hal.camera.frame_rate: is the text "30"; needs a number`,
		},
		"an empty value": {
			"device:\n  sn:\n", nil,
			`f:2:6: device.sn: is empty; needs text`,
		},
		"a scalar where a section belongs": {
			"call: fast\n", nil,
			`f:1:7: call: is the text "fast"; needs a mapping of: answer, ring_timeout, connect_timeout, reconnect_timeout, max_duration, announcement, tones, dial_mode, warnings, upgrade_wait`,
		},
		"a list as the whole": {
			"- call\n", nil,
			`f:1:1: is a list; needs a mapping of: device, signaling, call, policy, records, media, hal, control, log`,
		},
		"a scalar where a list belongs": {
			"signaling: {direct: {origins: https://a}}\n", nil,
			`f:1:31: signaling.direct.origins: is the text "https://a"; needs a list`,
		},
		"a list where a scalar belongs": {
			"device: {sn: [a]}\n", nil,
			`f:1:14: device.sn: is a list; needs text`,
		},
		"a bad item does not move the others": {
			"signaling:\n  direct:\n    origins: [1, 'ftp://x']\n", nil,
			`f:3:15: signaling.direct.origins[0]: is the number 1; needs text, so write it in quotes: "1"` + "\n" +
				`f:3:18: signaling.direct.origins[1]: "ftp://x" is no web origin; allowed: https://host or https://host:port, nothing behind it`,
		},
		"anchors and aliases": {
			"device:\n  sn: &x abc\n  name: *x\n", nil,
			"f:2:7: device.sn: uses a YAML anchor or alias, which this file does not have; write the value itself\n" +
				"f:3:9: device.name: uses a YAML anchor or alias, which this file does not have; write the value itself",
		},
		"no YAML": {
			"call:\n  a: [\n", nil,
			`f:2: is not YAML: did not find expected node content; the mistake is here or in the lines around: look at indentation, colons and quotes`,
		},
		"two documents": {
			"log: {level: info}\n---\nlog: {level: warn}\n", nil,
			`f:2:1: a second document begins here; the configuration is one document`,
		},
		"sn and names": {
			"device:\n  sn: a b\n  name: \"a\\u202eb\"\n  state_dir: var\n", nil,
			`f:2:7: device.sn: "a b" cannot be in an address; allowed: 1 to 48 of A-Z a-z 0-9 _ -` + "\n" +
				`f:3:9: device.name: "a\u202eb" has control or format characters; allowed: what can be seen` + "\n" +
				`f:4:14: device.state_dir: "var" is no absolute path; allowed: a directory such as /var/lib/callbox`,
		},
		"an empty name": {
			"device: {name: ''}\n", nil,
			`f:1:16: device.name: is empty or too long; allowed: 1 to 64 characters`,
		},
		"direct": {
			"signaling:\n  direct:\n    enabled: false\n    listen: '8443'\n    tls: {certificate: c.pem}\n    names: ['a b']\n", nil,
			`f:3:14: signaling.direct.enabled: is false, so that no phone can reach the device; enable this transport, or signaling.mqtt or signaling.relay` + "\n" +
				`f:4:13: signaling.direct.listen: "8443" is no address to listen on; allowed: :8443, 127.0.0.1:8443, [::1]:8443` + "\n" +
				`f:5:10: signaling.direct.tls.key: is missing; allowed: certificate and key both, or neither (the device then makes its own)` + "\n" +
				`f:6:13: signaling.direct.names[0]: "a b" is no host name or address; allowed: door.example.com, 192.0.2.7`,
		},
		"a key without a certificate": {
			"signaling: {direct: {tls: {key: k.pem}}}\n", nil,
			`f:1:27: signaling.direct.tls.certificate: is missing; allowed: certificate and key both, or neither (the device then makes its own)`,
		},
		"media": {
			"media:\n  video_bitrate: 800\n  audio_bitrate: 5kbit\n  ice:\n    servers:\n      - urls: ['http://x']\n      - urls: ['turn:x:1']\n      - username: a\n", nil,
			`f:2:18: media.video_bitrate: cannot use bitrate "800": write it like 800kbit or 2Mbit` + "\n" +
				`f:3:18: media.audio_bitrate: 5kbit is out of range; allowed: 6kbit to 510kbit` + "\n" +
				`f:6:16: media.ice.servers[0].urls[0]: "http://x" is no STUN or TURN URL; allowed: stun:host:port, turn:host:port, stuns:, turns: (RFC 7064, 7065)` + "\n" +
				`f:7:9: media.ice.servers[1]: has a TURN URL but no username or credential; needs both, or media.ice.turn_secret_file and neither` + "\n" +
				`f:8:9: media.ice.servers[2].urls: is missing; needs a list such as ["stun:stun.example.com:3478"]`,
		},
		"hardware": {
			"hal:\n  camera: {name: '', size: 1280*720, frame_rate: 0}\n  microphone: {name: none, tone: 5, file: a.wav}\n  display: {name: hdmi/1, record: x.y4m, font: a.ttf}\n", nil,
			`f:2:18: hal.camera.name: is empty; allowed: auto, none, virtual, or a name that callboxctl status lists` + "\n" +
				`f:2:28: hal.camera.size: cannot use size "1280*720": write it like 1280x720` + "\n" +
				`f:2:50: hal.camera.frame_rate: 0 is out of range; allowed: 1 to 120 pictures a second` + "\n" +
				`f:3:34: hal.microphone.tone: 5 is out of range; allowed: 20 to 20000 Hz` + "\n" +
				`f:3:43: hal.microphone.file: only the virtual device uses a file, and the name is "none"; allowed: name virtual or auto, or no file` + "\n" +
				`f:4:19: hal.display.name: "hdmi/1" is no name of a connector; allowed: none, auto, virtual, or a name that callboxctl devices lists, such as HDMI-A-1` + "\n" +
				`f:4:35: hal.display.record: only the virtual device uses a file, and the name is "hdmi/1"; allowed: name virtual, or no file` + "\n" +
				`f:4:48: hal.display.font: "a.ttf" is no absolute path; allowed: a font file such as /usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf, or empty for the built-in font`,
		},
		"a socket path": {
			"control: {socket: control.sock}\n", nil,
			`f:1:19: control.socket: "control.sock" is no absolute path of at most 107 bytes, the longest that a Unix socket can have`,
		},
		"calls": {
			"call:\n  announcement: a.wav\n  dial_mode: both\n  warnings: [30s, 0s, 30s, 5, soon]\n", nil,
			`f:2:17: call.announcement: "a.wav" is no absolute path; allowed: a WAV file such as /usr/share/callbox/announcement.wav, or empty for the built-in chime` + "\n" +
				`f:3:14: call.dial_mode: "both" is unknown; allowed: together, in_turn` + "\n" +
				`f:4:13: call.warnings: are 5; allowed: at most 4` + "\n" +
				`f:4:19: call.warnings[1]: 0s is out of range; allowed: 1s to 1h0m0s` + "\n" +
				`f:4:23: call.warnings[2]: 30s is there twice` + "\n" +
				`f:4:28: call.warnings[3]: "5" has no unit; write it like 90s, 1m30s, 2h or 90d` + "\n" +
				`f:4:31: call.warnings[4]: "soon" is not a duration; write it like 90s, 1m30s, 2h or 90d`,
		},
		"policy": {
			"policy:\n  time_zone: Mars/Olympus\n  untrusted_clock: maybe\n" +
				"  default: {rights: [call, fly, call], answer: never, longest_call: 1ms, talk_a_day: 2d, hours: [], camera: on}\n" +
				"  do_not_disturb: [22-7, 'Sat 10:00-10:00']\n  attempts_an_hour: 0\n", nil,
			`f:2:14: policy.time_zone: "Mars/Olympus" is no time zone that this system knows; allowed: a name such as Europe/Berlin or Asia/Shanghai (package tzdata), or empty for the system's` + "\n" +
				`f:3:20: policy.untrusted_clock: "maybe" is unknown; allowed: deny, allow` + "\n" +
				`f:4:28: policy.default.rights[1]: "fly" is unknown; allowed: call, beCalled, auto, unlock` + "\n" +
				`f:4:33: policy.default.rights[2]: "call" is there twice` + "\n" +
				`f:4:48: policy.default.answer: "never" is unknown; allowed: ring, auto` + "\n" +
				`f:4:69: policy.default.longest_call: 1ms is out of range; allowed: 1s to 596523h14m8s, or the word none` + "\n" +
				`f:4:86: policy.default.talk_a_day: 48h0m0s is out of range; allowed: 1s to 24h0m0s, or the word none` + "\n" +
				`f:4:97: policy.default.hours: is an empty list; allowed: a list such as ["Mon-Fri 08:00-20:00"], ["00:00-24:00"] for all times, or leave the key out` + "\n" +
				`f:4:109: policy.default.camera: is the text "on"; needs true or false` + "\n" +
				`f:5:20: policy.do_not_disturb[0]: "22-7" is no window of time: "22" is no time of day; write it like Mon-Fri 08:00-20:00, Sat,Sun 10:00-18:00 or 22:00-07:00` + "\n" +
				`f:5:26: policy.do_not_disturb[1]: "Sat 10:00-10:00" is no window of time: it begins when it ends; the whole day is 00:00-24:00; write it like Mon-Fri 08:00-20:00, Sat,Sun 10:00-18:00 or 22:00-07:00` + "\n" +
				`f:6:21: policy.attempts_an_hour: 0 is out of range; allowed: 1 to 1000`,
		},
		"groups": {
			"policy:\n  groups:\n    - {name: family, answer: soon, rights: [1]}\n    - {name: family, longest_call: 5, hours: [Mon]}\n" +
				"    - {rights: [call], collor: 1}\n    - {name: 'a,b', camera: maybe}\n    - family\n", nil,
			`f:3:30: policy.groups[0].answer: "soon" is unknown; allowed: ring, auto` + "\n" +
				`f:3:45: policy.groups[0].rights[0]: "1" is unknown; allowed: call, beCalled, auto, unlock` + "\n" +
				`f:4:14: policy.groups[1].name: "family" is the name of policy.groups[0] already; each group needs a name of its own` + "\n" +
				`f:4:36: policy.groups[1].longest_call: "5" has no unit; write it like 90s, 1m30s, 2h or 90d, or the word none` + "\n" +
				`f:4:47: policy.groups[1].hours[0]: "Mon" is no window of time: it has no begin and end; write it like Mon-Fri 08:00-20:00, Sat,Sun 10:00-18:00 or 22:00-07:00` + "\n" +
				`f:5:7: policy.groups[2].name: is missing or too long; allowed: 1 to 64 characters` + "\n" +
				`f:5:24: policy.groups[2].collor: unknown key "collor"; allowed here: name, rights, answer, longest_call, talk_a_day, hours, camera, through_dnd` + "\n" +
				`f:6:14: policy.groups[3].name: "a,b" has a comma, space at an end, or control or format characters; allowed: what can be seen, no comma` + "\n" +
				`f:6:29: policy.groups[3].camera: is the text "maybe"; needs true or false` + "\n" +
				`f:7:7: policy.groups[4]: is the text "family"; needs a mapping of: name, rights, answer, longest_call, talk_a_day, hours, camera, through_dnd`,
		},
		"groups as a mapping": {
			"policy: {groups: {family: {rights: [call]}}}\n", nil,
			`f:1:18: policy.groups: is a mapping; needs a list`,
		},
		"records": {
			"records: {keep: 0, keep_for: 5s, people: all, people_in_bugreport: some}\n", nil,
			`f:1:17: records.keep: 0 is out of range; allowed: 1 to 100000` + "\n" +
				`f:1:30: records.keep_for: 5s is out of range; allowed: 1h to 36500d, or 0s for no limit` + "\n" +
				`f:1:42: records.people: "all" is unknown; allowed: full, thumbprint, none` + "\n" +
				`f:1:68: records.people_in_bugreport: "some" is unknown; allowed: full, thumbprint, none`,
		},
		"a group of the system": {
			"control: {group: 'a b'}\n", nil,
			`f:1:18: control.group: "a b" is no name of a group; allowed: a name such as callbox, or empty`,
		},
		"lists in the environment": {
			"", []string{"CALLBOX_POLICY_DO_NOT_DISTURB=Sat,Sun 13:00-15:00,22:00-07:00", "CALLBOX_CALL_WARNINGS=1m,5", "CALLBOX_POLICY_GROUPS=a"},
			`CALLBOX_CALL_WARNINGS: call.warnings[1]: "5" has no unit; write it like 90s, 1m30s, 2h or 90d` + "\n" +
				`CALLBOX_POLICY_DO_NOT_DISTURB: policy.do_not_disturb[0]: "Sat,Sun 13:00-15:00,22:00-07:00" is no window of time: "15:00,22:00-07:00" is no time of day; write it like Mon-Fri 08:00-20:00, Sat,Sun 10:00-18:00 or 22:00-07:00` + "\n" +
				`CALLBOX_POLICY_GROUPS: policy.groups: is a list of mappings, which no environment variable can hold; write it in the file`,
		},
		"the environment": {
			"", []string{
				"CALLBOX_CALL_RING_TIMEOUT=90", "CALLBOX_SIGNALING_DIRECT_ENABLED=yes", "CALLBOX_HAL_CAMERA_FRAME_RATE=fast",
				"CALLBOX_CALL_RINGTIMEOUT=1s", "CALLBOX_LOG_COLOURS=1", "CALLBOX_MEDIA_ICE_SERVERS=a", "CALLBOX_DEVICE_SN=a b",
				"CALLBOX_SOCKET=/x", "CALLBOX_DEVICE_NAME=", // other programs', and not set
			},
			`CALLBOX_CALL_RINGTIMEOUT: no key has this environment variable (did you mean CALLBOX_CALL_RING_TIMEOUT?); allowed: CALLBOX_SECTION_KEY of a known key` + "\n" +
				`CALLBOX_CALL_RING_TIMEOUT: call.ring_timeout: "90" has no unit; write it like 90s, 1m30s, 2h or 90d` + "\n" +
				`CALLBOX_DEVICE_SN: device.sn: "a b" cannot be in an address; allowed: 1 to 48 of A-Z a-z 0-9 _ -` + "\n" +
				`CALLBOX_HAL_CAMERA_FRAME_RATE: hal.camera.frame_rate: is the text "fast"; needs a number` + "\n" +
				`CALLBOX_LOG_COLOURS: no key has this environment variable (did you mean CALLBOX_LOG_LEVEL?); allowed: CALLBOX_SECTION_KEY of a known key` + "\n" +
				`CALLBOX_MEDIA_ICE_SERVERS: media.ice.servers: is a list of mappings, which no environment variable can hold; write it in the file` + "\n" +
				`CALLBOX_SIGNALING_DIRECT_ENABLED: signaling.direct.enabled: is the text "yes"; needs true or false`,
		},
		"all at once": {
			"media:\n  camra: 1\ncall:\n  ring_timeout: 5\n  max_duration: 1ms\n", []string{"CALLBOX_LOG_LEVEL=x"},
			`f:2:3: media.camra: unknown key "camra"; allowed here: preconnect, video_codecs, encoder, video_bitrate, video_bitrate_min, receive_bitrate, audio_bitrate, sound, ice` + "\n" +
				`f:4:17: call.ring_timeout: "5" has no unit; write it like 90s, 1m30s, 2h or 90d` + "\n" +
				`f:5:17: call.max_duration: 1ms is out of range; allowed: 1s to 596523h14m8s, or the word none` + "\n" +
				`CALLBOX_LOG_LEVEL: log.level: "x" is unknown; allowed: debug, info, warn, error`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load("f", []byte(tt.yaml), tt.env)
			var p Problems
			if !errors.As(err, &p) || c != nil {
				t.Fatalf("load = %v, %v; want Problems", c, err)
			}
			if got := p.Error(); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestValues(t *testing.T) {
	c, err := load("f", []byte(`
device: {sn: door-1, name: Front door, state_dir: /var/lib/x}
signaling:
  direct:
    listen: 127.0.0.1:9000
    origins: [https://calls.example.com]
call: {answer: auto, ring_timeout: 1m30s, max_duration: none}
media:
  video_bitrate: 2Mbit
  ice:
    servers:
      - {urls: ["turn:turn.example.com:3478"], username: u, credential: c}
hal:
  camera: {name: virtual, size: 640x480, frame_rate: 15}
  display: # everything below is commented out
log: {level: debug}
`), []string{"CALLBOX_DEVICE_SN=door-2", "CALLBOX_SIGNALING_DIRECT_NAMES=a.example.com, b.example.com", "CALLBOX_CALL_CONNECT_TIMEOUT=5s"})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Device = Device{SN: "door-2", Name: "Front door", StateDir: "/var/lib/x"}
	want.Signaling.Direct.Listen = "127.0.0.1:9000"
	want.Signaling.Direct.Origins = []string{"https://calls.example.com"}
	want.Signaling.Direct.Names = []string{"a.example.com", "b.example.com"}
	want.Call.Answer = AnswerAuto
	want.Call.RingTimeout = 90 * time.Second
	want.Call.ConnectTimeout = 5 * time.Second
	want.Call.MaxDuration = Duration{}
	want.Media.VideoBitrate = 2_000_000
	want.Media.ICE.Servers = []options.ICEServer{{URLs: []string{"turn:turn.example.com:3478"}, Username: "u", Credential: "c"}}
	want.HAL.Camera.Name, want.HAL.Camera.FrameRate = "virtual", 15
	want.HAL.Camera.Size.Width, want.HAL.Camera.Size.Height = 640, 480
	want.Log.Level = LevelDebug
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestDefaultsAreValidAndComplete(t *testing.T) {
	c, err := load("f", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("got  %+v\nwant %+v", c, Default())
	}
	d := Default()
	for name, same := range map[string]bool{
		"ring 60s": d.Call.RingTimeout == time.Minute, "connect 20s": d.Call.ConnectTimeout == 20*time.Second,
		"reconnect 30s": d.Call.ReconnectTimeout == 30*time.Second, "limit 1h": d.Call.MaxDuration == Duration{true, time.Hour},
		"answer ring": d.Call.Answer == "ring", "socket": d.Control.Socket == "/run/callbox/control.sock",
		"state": d.Device.StateDir == "/var/lib/callbox", "listen": d.Signaling.Direct.Listen == ":8443",
		"info": d.Log.Level == "info", "auto": d.Log.Format == "auto",
		"nobody": reflect.DeepEqual(d.Policy, Policy{UntrustedClock: "deny", AttemptsAnHour: 60}), "together": d.Call.DialMode == "together",
		"warnings": slices.Equal(d.Call.Warnings, []time.Duration{30 * time.Second, 10 * time.Second}), "chime": d.Call.Announcement == "",
		"records": d.Records == Records{Keep: 1000, People: "full", PeopleInBugreport: "thumbprint"}, "group": d.Control.Group == "callbox",
	} {
		if !same {
			t.Errorf("the default is not %s: %+v", name, d)
		}
	}
}

func TestStateDirectory(t *testing.T) {
	for name, tt := range map[string]struct {
		yaml string
		env  []string
		want string
	}{
		"default":                {"", nil, "/var/lib/callbox"},
		"systemd's":              {"", []string{"STATE_DIRECTORY=/var/lib/a:/var/lib/b"}, "/var/lib/a"},
		"file wins over systemd": {"device: {state_dir: /x}", []string{"STATE_DIRECTORY=/var/lib/a"}, "/x"},
		"environment wins over all": {"device: {state_dir: /x}",
			[]string{"STATE_DIRECTORY=/var/lib/a", "CALLBOX_DEVICE_STATE_DIR=/y"}, "/y"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load("f", []byte(tt.yaml), tt.env)
			if err != nil || c.Device.StateDir != tt.want {
				t.Errorf("got %+v, %v; want %s", c, err, tt.want)
			}
		})
	}
}

func TestLoadFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "missing.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file that was named: %v", err)
	}
	path := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(path, []byte("log: {level: warn}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CALLBOX_DEVICE_NAME", "Door")
	c, err := Load(path)
	if err != nil || c.Log.Level != LevelWarn || c.Device.Name != "Door" {
		t.Errorf("Load = %+v, %v", c, err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("#", maxFile+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a huge file: %v", err)
	}
}
