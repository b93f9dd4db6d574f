package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDoubts: what is no mistake and will not do what was meant.
func TestDoubts(t *testing.T) {
	defer func(was string) { unprivilegedPorts = was }(unprivilegedPorts)
	unprivilegedPorts = filepath.Join(t.TempDir(), "start")
	if err := os.WriteFile(unprivilegedPorts, []byte("1024\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const mqtt = "signaling: {mqtt: {enabled: true, brokers: [mqtts://b.example], user: door, password_file: "
	for name, tt := range map[string]struct{ text, key, want string }{
		"nothing set":                       {"", "", ""},
		"the unit's credential":             {mqtt + "callbox.broker-password}}", "", ""},
		"a credential misspelt":             {mqtt + "callbox.broker-pasword}}", "signaling.mqtt.password_file", "did you mean callbox.broker-password?"},
		"a credential of its own":           {mqtt + "door}}", "signaling.mqtt.password_file", "a drop-in with LoadCredentialEncrypted= asks for it"},
		"a low port":                        {`signaling: {direct: {listen: "127.0.0.1:443"}}`, "signaling.direct.listen", "the daemon's is 443"},
		"a low port, not wanted":            {`signaling: {relay: {enabled: true}, direct: {enabled: false, listen: "127.0.0.1:443"}}`, "", ""},
		"another state directory":           {"device: {state_dir: /data/callbox}", "device.state_dir", "ReadWritePaths=/data/callbox"},
		"one below the usual":               {"device: {state_dir: /var/lib/callbox/a}", "", ""},
		"one that only begins so":           {"device: {state_dir: /var/lib/callbox2}", "device.state_dir", "ReadWritePaths=/var/lib/callbox2"},
		"a socket at home":                  {"control: {socket: /home/anna/c.sock}", "control.socket", "it shuts /home (ProtectHome=)"},
		"a socket elsewhere":                {"control: {socket: /srv/box/c.sock}", "control.socket", "ReadWritePaths=/srv/box"},
		"a socket of the shell":             {"", "", ""},
		"a warning that never comes":        {"call: {max_duration: 10s, warnings: [30s, 5s]}", "call.warnings", "a warning 30s before the end never comes where call.max_duration is 10s"},
		"the usual warnings":                {"call: {max_duration: 10s}", "", ""},
		"a call of nothing":                 {"hal: {camera: {name: none}, microphone: {name: none}, speaker: {name: none}}", "hal", "a call would be of nothing"},
		"an announcement that is missing":   {"call: {announcement: /none.wav}", "call.announcement", "no such file or directory; until then the built-in chime is used"},
		"a font that is missing":            {"hal: {display: {name: auto, font: /none.ttf}}", "hal.display.font", "until then the built-in font is used"},
		"an issuer's keys that are missing": {"signaling: {issuers: [{issuer: \"https://a.example\", jwks: /none.json, rights: [call]}]}", "signaling.issuers[0].jwks", "until then its tokens are refused"},
		"sound alone":                       {"hal: {camera: {name: none}}", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"STATE_DIRECTORY", "CALLBOX_CONTROL_SOCKET"} {
				t.Setenv(variable, "")
			}
			if strings.HasPrefix(name, "a socket of the shell") {
				t.Setenv("CALLBOX_CONTROL_SOCKET", "/srv/box/c.sock")
			}
			file := filepath.Join(t.TempDir(), "c.yaml")
			if err := os.WriteFile(file, []byte(tt.text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, doubts, err := Check(file, Reader{})
			switch {
			case err != nil:
				t.Error(err)
			case tt.key == "" && len(doubts) > 0 || tt.key != "" && len(doubts) != 1:
				t.Errorf("doubts: %v", doubts)
			case tt.key != "" && (doubts[0].Key != tt.key || doubts[0].Line != 1 || !strings.Contains(doubts[0].Text, tt.want)):
				t.Errorf("doubts: %v, want %s %q", doubts, tt.key, tt.want)
			}
		})
	}
}
