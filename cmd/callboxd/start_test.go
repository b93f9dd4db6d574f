package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is what the daemon logs.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// configured writes a configuration with these lines below signaling: and media:.
func configured(t *testing.T, signaling, media string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "callbox") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "callbox.yaml")
	text := fmt.Sprintf("device: {state_dir: %[1]s/state}\ncontrol: {socket: %[1]s/control.sock}\nlog: {format: json}\n"+
		"hal:\n  camera: {name: none}\n  microphone: {name: none}\n  speaker: {name: none}\n"+
		"signaling:\n  direct: {enabled: false}\n%[2]smedia:\n  preconnect: network\n%[3]s", dir, signaling, media)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestABadConfigurationStopsTheStart and says which key it is: with the code after which
// systemd does not try again, but where only something that may come is not there.
func TestABadConfigurationStopsTheStart(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	mqtt := func(more string) string {
		return "  mqtt: {enabled: true, brokers: [\"mqtts://127.0.0.1:1\"]" + more + "}\n"
	}
	for name, tt := range map[string]struct {
		signaling, media, says string
		code                   int
	}{
		"no broker's URL":           {"  mqtt: {enabled: true, brokers: [\"broker\"]}\n", "", "signaling.mqtt.brokers[0]", exitConfig},
		"a password that is gone":   {mqtt(", password_file: " + none), "", "signaling.mqtt.password_file", exitFailed},
		"no systemd credential":     {mqtt(", password_file: broker"), "", "the unit asks for callbox.broker-password", exitFailed},
		"an authority that is gone": {mqtt(", ca: " + none), "", "signaling.mqtt.ca", exitFailed},
		"a client without its key":  {mqtt(", client_certificate: " + none + ", client_key: " + none), "", "client_certificate", exitFailed},
		"a TURN secret that is gone": {mqtt(""),
			"  ice: {servers: [{urls: [\"turn:127.0.0.1:1\"]}], turn_secret_file: " + none + "}\n", "turn_secret_file", exitFailed},
		"a secret that is gone, and a mistake": {mqtt(""),
			"  ice: {turn: [\"turn:127.0.0.1:1\"], turn_secret_file: " + none + "}\n", "turn_secret_file", exitConfig},
	} {
		t.Run(name, func(t *testing.T) {
			out := &lines{}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if code := run(ctx, []string{"run", "--config", configured(t, tt.signaling, tt.media)}, out, out); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(out.String(), tt.says) {
				t.Errorf("it says %s, want %q in it", out, tt.says)
			}
		})
	}
}

// TestAnAbsentBrokerStopsNothing: one line tells of it, however often it is tried.
func TestAnAbsentBrokerStopsNothing(t *testing.T) {
	out := &lines{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"run", "--config", configured(t, "  mqtt: {enabled: true, brokers: [\"mqtt://127.0.0.1:1\"]}\n", "")}, out, out)
	}()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(out.String(), "callboxd is ready") || !strings.Contains(out.String(), "mqtt is not connected"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it says %s", out)
		}
	}
	time.Sleep(4 * time.Second) // attempts
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d: %s", code, out)
	}
	if n := strings.Count(out.String(), "mqtt is not connected"); n != 1 {
		t.Errorf("the absence was logged %d times, want once: %s", n, out)
	}
}
