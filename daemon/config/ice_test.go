package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestICE(t *testing.T) {
	const turn = "media: {ice: {servers: [{urls: ['turn:t:3478']}], "
	for name, tt := range map[string]struct{ yaml, want string }{
		"a secret for servers without a name": {turn + "turn_secret_file: /etc/s, turn_life: 10s, relay_only: true}}", ""},
		"a systemd credential":                {turn + "turn_secret_file: turn-secret}}", ""},
		"neither path nor name":               {turn + "turn_secret_file: ../s}}", "media.ice.turn_secret_file: \"../s\" is neither"},
		"half a name":                         {"media: {ice: {servers: [{urls: ['turn:t'], username: u}], turn_secret_file: /s}}", "needs both, or media.ice.turn_secret_file and neither"},
		"a secret that nobody needs":          {"media: {ice: {servers: [{urls: ['stun:s']}], turn_secret_file: /s}}", "is of no use"},
		"too long a life":                     {"media: {ice: {turn_life: 11m}}", "media.ice.turn_life: 11m0s is out of range"},
		"too short a life":                    {"media: {ice: {turn_life: 9s}}", "media.ice.turn_life: 9s is out of range"},
		"relay only without a relay":          {"media: {ice: {servers: [{urls: ['stun:s']}], relay_only: true}}", "no call could connect"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load("f", []byte(tt.yaml), nil)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("load = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestReadSecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for name, tt := range map[string]struct{ named, want, err string }{
		"a file":       {write("file", "s e c\n"), "s e c", ""},
		"a credential": {filepath.Base(write("cred", "abc\r\n\n")), "abc", ""},
		"empty":        {write("empty", "\n"), "", "it is empty"},
		"too large":    {write("large", strings.Repeat("x", 9000)), "", "larger than"},
		"missing":      {filepath.Join(dir, "none"), "", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadSecret(tt.named)
			if string(got) != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("ReadSecret = %q, %v; want %q, %q", got, err, tt.want, tt.err)
			}
		})
	}
	for name, remedy := range map[string]string{
		"callbox.turn-secret": "make it with: systemd-creds encrypt --name=callbox.turn-secret - /etc/credstore.encrypted/callbox.turn-secret, and restart callbox",
		"another":             "the unit asks for callbox.broker-password, callbox.turn-secret, callbox.webhook-secret: name one of these, or a file by its absolute path",
	} {
		for _, passed := range []string{"", dir} {
			t.Setenv("CREDENTIALS_DIRECTORY", passed)
			if _, err := ReadSecret(name); err == nil || !strings.HasSuffix(err.Error(), "systemd has not passed it; "+remedy) {
				t.Errorf("%s, credentials in %q: %v", name, passed, err)
			}
		}
	}
}
