package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLoadFiles: what the daemon would not start with is a problem, at its key; what is
// switched off is not looked at.
func TestLoadFiles(t *testing.T) {
	dir := t.TempDir()
	none, full, empty := filepath.Join(dir, "none"), filepath.Join(dir, "full"), filepath.Join(dir, "empty")
	for file, text := range map[string]string{full: "secret\n", empty: "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mqtt := "signaling:\n  mqtt:\n    enabled: %t\n    brokers: [mqtts://b.example]\n    user: door\n    password_file: %s\n"
	for name, tt := range map[string]struct {
		text, key string // of the only problem; "" for none
		line      int
	}{
		"a password that is there":        {fmt.Sprintf(mqtt, true, full), "", 0},
		"a password that is missing":      {fmt.Sprintf(mqtt, true, none), "signaling.mqtt.password_file", 6},
		"an empty password":               {fmt.Sprintf(mqtt, true, empty), "signaling.mqtt.password_file", 6},
		"a missing one, switched off":     {fmt.Sprintf(mqtt, false, none), "", 0},
		"a credential of systemd":         {fmt.Sprintf(mqtt, true, "broker-password"), "", 0},
		"sound that is missing":           {"hal: {microphone: {name: virtual, file: " + none + "}}\n", "hal.microphone.file", 1},
		"sound that is none":              {"hal: {microphone: {name: virtual, file: " + full + "}}\n", "hal.microphone.file", 1},
		"authorities that are missing":    {fmt.Sprintf(mqtt, true, full) + "    ca: " + none + "\n", "signaling.mqtt.ca", 7},
		"authorities that are none":       {fmt.Sprintf(mqtt, true, full) + "    ca: " + full + "\n", "signaling.mqtt.ca", 7},
		"a certificate that is missing":   {"signaling:\n  direct:\n    tls:\n      certificate: " + none + "\n      key: " + none + "\n", "signaling.direct.tls.certificate", 4},
		"a TURN secret that is missing":   {"media:\n  ice:\n    servers:\n      - urls: [turn:t.example]\n    turn_secret_file: " + none + "\n", "media.ice.turn_secret_file", 5},
		"a secret of the maker's backend": {"signaling:\n  push:\n    webhook:\n      url: https://b.example/hook\n      secret_file: " + none + "\n", "signaling.push.webhook.secret_file", 5},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "a.yaml")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(file); err != nil {
				t.Fatalf("Load = %v", err)
			}
			_, err := LoadFiles(file)
			var problems Problems
			switch {
			case tt.key == "" && err != nil:
				t.Errorf("LoadFiles = %v", err)
			case tt.key == "":
			case !errors.As(err, &problems) || len(problems) != 1 || problems[0].Key != tt.key || problems[0].Line != tt.line:
				t.Errorf("LoadFiles = %v, want one problem of %s in line %d", err, tt.key, tt.line)
			}
		})
	}
}

// TestAllAtOnce: a mistake in the text hides no file that cannot be used, and a name that
// is a mistake itself is told once.
func TestAllAtOnce(t *testing.T) {
	dir := t.TempDir()
	none, file := filepath.Join(dir, "none"), filepath.Join(dir, "a.yaml")
	text := "call: {rng_timeout: 5s}\nsignaling:\n  mqtt:\n    enabled: true\n    brokers: [mqtts://b.example]\n    user: door\n    password_file: " + none +
		"\n    ca: [" + none + "]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadFiles(file)
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("LoadFiles = %v", err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%s %d", p.Key, p.Line))
	}
	if want := []string{"call.rng_timeout 1", "signaling.mqtt.password_file 7", "signaling.mqtt.ca 8"}; !slices.Equal(got, want) {
		t.Errorf("problems are of %v, want %v: %v", got, want, err)
	}
}

// TestAFileOfAnother: who looks as somebody else is told so.
func TestAFileOfAnother(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o000); err != nil {
		t.Fatal(err)
	}
	c := Default()
	c.Media.ICE.TURNSecretFile = secret
	if os.Geteuid() == 0 { // who may read everything: for this thread not
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		const nobody = 65534
		if err := unix.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Setfsuid(0) }()
	}
	said := ""
	checkFiles(c, Reader{}, func(key, text string) { said += key + ": " + text })
	if !strings.Contains(said, "as root, or as the daemon's user") {
		t.Errorf("said %q", said)
	}
}

// TestYAMLMistakes: in plain words, without a column that nobody knows.
func TestYAMLMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"device:\n\tname: x\n":            "a.yaml:2: is not YAML: found character that cannot start any token; is there a tab?",
		"device:\n  name: x\n sn: door\n": "the mistake is here or in the lines around",
	} {
		_, err := load("a.yaml", []byte(text), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("load(%q) = %v, want %q", text, err, want)
		}
	}
}

// TestAPageWithoutASlash: the error shows what stands in the file, and what is missing.
func TestAPageWithoutASlash(t *testing.T) {
	_, err := load("a.yaml", []byte("signaling:\n  page: https://calls.example.com/door\n"), nil)
	if err == nil || !strings.Contains(err.Error(), `"https://calls.example.com/door"`) || !strings.Contains(err.Error(), "ends with /") {
		t.Errorf("load = %v", err)
	}
	_, err = load("a.yaml", []byte("signaling:\n  page: https://me:secret@calls.example.com/door?token=secret\n"), nil)
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("load = %v: a secret is shown", err)
	}
}
