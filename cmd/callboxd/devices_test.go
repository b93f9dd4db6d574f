package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"callbox/daemon/control"
)

// TestDevices: what callboxctl doctor reads when no daemon runs.
func TestDevices(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`
hal:
  camera: {name: usb-none}
  more_cameras: [{name: virtual}]
  microphone: {name: none}
  speaker: {name: virtual}
# A secret that nobody has made yet is no reason not to look.
media: {ice: {turn_secret_file: /nonexistent/secret, servers: [{urls: ["turn:turn.example:3478"]}]}}
`)
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"devices", "--config", file}, &out, &errs); code != exitOK {
		t.Fatalf("%d: %s", code, &errs)
	}
	var findings []control.Finding
	if err := json.Unmarshal(out.Bytes(), &findings); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	var got []string
	for _, f := range findings {
		got = append(got, f.Name+" "+f.State)
	}
	want := []string{"camera problem", "camera warning", "microphone off", "speaker warning", "display off"}
	if len(got) != len(want) {
		t.Fatalf("it finds %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("it finds %s, want %s", got[i], want[i])
		}
	}
	write("hal: {camera: 1}")
	if code := run(t.Context(), []string{"devices", "--config", file}, &out, &errs); code != exitConfig {
		t.Errorf("a configuration with mistakes: %d", code)
	}
}
