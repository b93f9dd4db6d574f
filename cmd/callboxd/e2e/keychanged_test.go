//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestChangedKey: the device with the serial number that the phone knows has another
// key. The page says so, calls nobody, and rings for nobody; with the old key it is the
// device again, without pairing anew.
func TestChangedKey(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, quiet: true})
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	backup := filepath.Join(d.dir, "door.backup")
	ctl[any](d, "identity", "backup", backup, "--state-dir", d.dir+"/state")
	contacts, err := os.ReadFile(d.dir + "/state/contacts.json")
	if err != nil {
		t.Fatal(err)
	}
	d.restart(func() {
		if err := os.RemoveAll(d.dir + "/state"); err != nil {
			t.Fatal(err)
		}
	})
	// Whoever has the device's place may have its contacts, too.
	d.restart(func() {
		if err := os.WriteFile(d.dir+"/state/contacts.json", contacts, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	p.open(d.page())
	says := func() string {
		return eval[string](p, `document.querySelector('[data-testid=device-state]')?.textContent ?? ""`)
	}
	eventually(t, 20*time.Second, "the page says that the key has changed", func() bool {
		return strings.Contains(says(), "key has changed")
	})
	p.see(t, "home key changed", "link_keyChanged")
	if out := eval[string](p, `window.callbox.callDevice({ roomType: "voice" }).then(() => "it calls", (e) => e.code ?? String(e))`); out != "deviceKeyChanged" {
		t.Errorf("callDevice says %q, want deviceKeyChanged", out)
	}
	d.dial("video", "Anna")
	time.Sleep(3 * time.Second)
	if eval[bool](p, `document.querySelector('[data-testid=incoming]') !== null`) {
		t.Error("the phone rings for a device with another key")
	}
	if s := d.status(); s.State != "dialing" {
		t.Errorf("beside a phone that holds another key the device is %s", s.State)
	}
	ctl[any](d, "hangup")

	d.restart(func() {
		ctl[any](d, "identity", "restore", backup, "--state-dir", d.dir+"/state", "--force")
	})
	p.open(d.page())
	p.call(d, "call-voice")
	ctl[any](d, "hangup")
}
