package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFiles: what the daemon would not start with is found without it, all at once.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(dir, "none")
	everything := func(secret, pem string) string {
		return fmt.Sprintf(`
signaling:
  direct:
    tls: {certificate: %[2]s, key: %[2]s}
  mqtt:
    enabled: true
    brokers: ["mqtts://broker.example.com"]
    password_file: %[1]s
    ca: %[2]s
  push:
    webhook: {url: "https://backend.example.com/ring", secret_file: %[1]s}
media:
  ice:
    servers: [{urls: ["turn:turn.example.com"]}]
    turn_secret_file: %[1]s
`, secret, pem)
	}
	for name, tt := range map[string]struct {
		text string
		want []string // keys
	}{
		"nothing is named":   {"", nil},
		"all are missing":    {everything(none, none), []string{"signaling.mqtt.password_file", "signaling.mqtt", "signaling.direct.tls", "signaling.push.webhook.secret_file", "media.ice.turn_secret_file"}},
		"secrets are there":  {everything(secret, secret), []string{"signaling.mqtt", "signaling.direct.tls"}},
		"a credential":       {"signaling:\n  mqtt: {enabled: true, brokers: [\"mqtts://b\"], password_file: broker}", nil},
		"of what is not on":  {"signaling:\n  mqtt: {brokers: [\"mqtts://b\"], password_file: " + none + "}", nil},
		"an empty secret":    {"signaling:\n  mqtt: {enabled: true, brokers: [\"mqtts://b\"], password_file: /dev/null}", []string{"signaling.mqtt.password_file"}},
		"a secret directory": {"signaling:\n  mqtt: {enabled: true, brokers: [\"mqtts://b\"], password_file: " + dir + "}", []string{"signaling.mqtt.password_file"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load("f", []byte(tt.text), nil)
			if err != nil {
				t.Fatal(err)
			}
			var problems Problems
			if err := c.Files("f"); !errors.As(err, &problems) && err != nil {
				t.Fatal(err)
			}
			if len(problems) != len(tt.want) {
				t.Fatalf("problems:\n%v", problems)
			}
			for i, p := range problems {
				if p.Key != tt.want[i] || p.Source != "f" {
					t.Errorf("problem %d: %v, want one of %s", i, p, tt.want[i])
				}
			}
		})
	}
}

// TestFilesOfOthers: what this user may not open is no mistake of the configuration.
func TestFilesOfOthers(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("correct horse"), 0); err != nil {
		t.Fatal(err)
	}
	c, err := load("f", []byte("signaling:\n  mqtt: {enabled: true, brokers: [\"mqtts://b\"], password_file: "+secret+"}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // who may open everything: for this thread not
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		const nobody = 65534
		if err := unix.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Setfsuid(0) }()
	}
	if err := c.Files("f"); !errors.Is(err, fs.ErrPermission) || errors.As(err, new(Problems)) {
		t.Errorf("error = %v", err)
	}
}
