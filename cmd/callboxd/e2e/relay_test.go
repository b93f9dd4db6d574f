//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callbox/signaling/message"
)

const relayExample = "../../../docs/examples/relay"

// runNode runs a program of the example and returns the first line that it prints with
// wanted in it.
func runNode(t *testing.T, wanted, script string, environment ...string) string {
	t.Helper()
	cmd := exec.Command("node", script)
	cmd.Dir = relayExample
	cmd.Env = append(os.Environ(), environment...)
	errs := &lockedBuffer{}
	cmd.Stderr = errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot start node: %v; run .ci/setup test", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s says:\n%s", script, errs)
		}
	})
	lines := make(chan string, 16)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	late := time.After(20 * time.Second)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatalf("%s ended:\n%s", script, errs)
			}
			if strings.Contains(line, wanted) {
				return line
			}
		case <-late:
			t.Fatalf("%s never printed %q:\n%s", script, wanted, errs)
		}
	}
}

// TestRelayExample: the example of docs/relay.md as it stands. The device has no other
// transport; a page that uses nothing of the SDK calls it over the maker's channel in a
// room that somebody else has named, and is called by it.
func TestRelayExample(t *testing.T) {
	const secret = "DEVICE_SECRET=of-the-test"
	d := startDevice(t, deviceOptions{tone: 440, quiet: true, noDirect: true, ways: "  relay: {enabled: true}"})
	cloud := runNode(t, "http://", "cloud.mjs", secret, "PORT=0")
	runNode(t, "callboxd: connected", "bridge.mjs", secret, "CLOUD="+strings.TrimSuffix(cloud, "/"), "CALLBOX_CONTROL_SOCKET="+d.socket)
	dkt := ctl[struct {
		Thumbprint string `json:"thumbprint"`
	}](d, "status").Thumbprint
	p := startPhone(t, phoneOptions{tone: 600})
	room := message.NewID()
	p.open(cloud + "?" + url.Values{"sn": {"e2e"}, "dkt": {dkt}, "room": {room}}.Encode())
	press := func(id string) {
		t.Helper()
		eventually(t, 20*time.Second, id+" can be pressed", func() bool {
			return eval[bool](p, fmt.Sprintf(`(() => { const b = document.getElementById(%q); if (b.disabled || b.hidden) return false; b.click(); return true; })()`, id))
		})
	}
	shows := func(state string) {
		t.Helper()
		eventually(t, 20*time.Second, "the page shows "+state, func() bool {
			return strings.HasPrefix(eval[string](p, `document.getElementById("state").textContent`), state)
		})
	}
	moves := func() {
		t.Helper()
		eventually(t, 20*time.Second, "the device's picture moves", func() bool {
			return eval[bool](p, `new Promise((resolve) => {
			  const video = document.getElementById("remote");
			  const before = video.getVideoPlaybackQuality().totalVideoFrames;
			  setTimeout(() => resolve(video.videoWidth > 0 && video.getVideoPlaybackQuality().totalVideoFrames > before + 3), 1000);
			})`)
		})
	}
	eventually(t, 20*time.Second, "the page has a key", func() bool { return eval[string](p, `document.getElementById("jwk").value`) != "" })
	jwk := filepath.Join(t.TempDir(), "anna.json")
	if err := os.WriteFile(jwk, []byte(eval[string](p, `document.getElementById("jwk").value`)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctl[any](d, "contacts", "add", "Anna", "--jwk", jwk, "--rights", "call,beCalled")
	press("connect")
	shows("connected")

	press("call")
	d.waitState("ringing", 15*time.Second)
	if got := d.status().Call.RoomID; got != room {
		t.Errorf("the device speaks of the room %s, want %s", got, room)
	}
	shows("ringing")
	ctl[any](d, "answer")
	d.waitState("talking", 15*time.Second)
	shows("talking")
	moves()
	time.Sleep(3 * time.Second)
	checkShown(t, d, 2)
	press("hangup")
	shows("ended: hangup")
	d.waitState("idle", 10*time.Second)
	if r := d.lastCall(); r.RoomID != room || r.Cause != "hangup" {
		t.Errorf("record = %+v", r)
	}

	d.dial("video", "Anna")
	shows("incoming")
	press("answer")
	d.waitState("talking", 15*time.Second)
	shows("talking")
	moves()
	ctl[any](d, "hangup")
	shows("ended: hangup")

	d.dial("voice", "Anna")
	shows("incoming")
	press("hangup")
	shows("ended: rejected")
	d.waitState("idle", 10*time.Second)
	if r := d.lastCall(); r.Cause != "rejected" {
		t.Errorf("record = %+v", r)
	}

	// Revoked, the phone is not heard any more.
	ctl[any](d, "contacts", "revoke", "Anna")
	before := d.status().Refused["revoked"]
	press("call")
	shows("ended: the device says nothing")
	if d.status().Refused["revoked"] == before || d.status().State != "idle" {
		t.Errorf("a revoked phone: %+v", d.status())
	}
}
