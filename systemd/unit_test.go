package systemd

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const unit = "callbox.service"

// threshold is the largest exposure, in tenths, that systemd-analyze may find.
const threshold = "15"

func read(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// settings are the values of a key in the unit, in order.
func settings(t *testing.T, key string) []string {
	t.Helper()
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^`+key+`=(.*)$`).FindAllStringSubmatch(read(t), -1) {
		out = append(out, m[1])
	}
	return out
}

// installed is a copy of the unit whose programs exist here.
func installed(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatal("needs systemd-analyze, of Debian's package systemd; .ci/setup test installs it")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil { //nolint:gosec // a program can be run
		t.Fatal(err)
	}
	text := regexp.MustCompile(`/usr/bin/callbox(d|ctl)`).ReplaceAllString(read(t), program)
	file := filepath.Join(dir, unit)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// TestExposure: how much the daemon could do if somebody took it over.
func TestExposure(t *testing.T) {
	file := installed(t)
	if out, err := analyze(t, "security", "--offline=true", "--no-pager", "--threshold="+threshold, file); err != nil {
		t.Errorf("the unit is more exposed than %s tenths: %v\n%s", threshold, err, out)
	}
	if out, err := analyze(t, "security", "--offline=true", "--no-pager", "--threshold=5", file); err == nil {
		t.Errorf("systemd-analyze finds nothing at all to say, so that this test tests nothing:\n%s", out)
	}
}

// TestVerify: systemd understands every line.
func TestVerify(t *testing.T) {
	file := installed(t)
	out, err := analyze(t, "verify", "--man=no", "--recursive-errors=no", file)
	if err != nil || strings.Contains(out, unit) {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := strings.Replace(string(text), "WatchdogSec=", "WatchDogSec=", 1)
	if err := os.WriteFile(file, []byte(spoilt), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ := analyze(t, "verify", "--man=no", "--recursive-errors=no", file); !strings.Contains(out, "WatchDogSec") { // systemd 252 says so and ends well
		t.Errorf("a line with a mistake is not seen: %s", out)
	}
}

// TestPromises: what others rely on.
func TestPromises(t *testing.T) {
	for key, want := range map[string][]string{
		"After":                    {"network.target sound.target"},
		"Wants":                    nil,   // network-online.target would make a device without a network wait
		"StartLimitIntervalSec":    {"0"}, // it is started again for ever
		"Type":                     {"notify"},
		"NotifyAccess":             {"main"},
		"ExecStart":                {"/usr/bin/callboxd run"},
		"WatchdogSec":              {"30"},
		"TimeoutStartSec":          {"60"},
		"TimeoutStopSec":           {"15"},
		"RestartSec":               {"5"},
		"StateDirectoryMode":       {"0700"},
		"RuntimeDirectoryMode":     {"0755"}, // the group of the socket comes in
		"UMask":                    {"0077"},
		"TimerSlackNSec":           {"500us"},
		"LoadCredentialEncrypted":  {"callbox.broker-password", "callbox.turn-secret", "callbox.webhook-secret"},
		"WantedBy":                 {"multi-user.target"},
		"ExecReload":               {"/usr/bin/callboxctl reload"},
		"Restart":                  {"on-failure"},
		"RestartPreventExitStatus": {"78"}, // exit_test.go of cmd/callboxd
		"User":                     {"callbox"},
		"Group":                    {"callbox"}, // that of the control socket
		"StateDirectory":           {"callbox"},
		"RuntimeDirectory":         {"callbox"},
		"DevicePolicy":             {"closed"},
		"DeviceAllow":              {"char-13 r", "char-81 rw", "char-116 rw", "char-226 rw", "char-gpiochip rw"},
		"PrivateDevices":           nil,                                                                         // would hide camera and sound card
		"SystemCallFilter":         {"@system-service", "~@privileged @resources @obsolete sched_getscheduler"}, // the last word: sound
		"Environment":              {"GODEBUG=disablethp=1", "GOGC=50"},
		"SupplementaryGroups":      nil, // a group that is missing would keep the daemon from starting
		"DynamicUser":              nil, // its files belong to a user that stays
	} {
		if got := settings(t, key); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for _, key := range []string{"LoadCredential", "SetCredential", "ImportCredential", "SetCredentialEncrypted"} { // with a path: 243 where it is missing
		if got := settings(t, key); got != nil {
			t.Errorf("%s is %q; a credential that may be missing is LoadCredentialEncrypted without a path", key, got)
		}
	}
	sockets, err := filepath.Glob("*.socket")
	if err != nil || len(sockets) > 0 {
		t.Errorf("there are %v (%v): systemctl stop would not last", sockets, err)
	}
}
