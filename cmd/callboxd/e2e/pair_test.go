//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/signaling/pairing"
	"callbox/signaling/phonepeer"
)

// TestRenewedPairing: an offer of codes that is renewed shows a new code whenever one
// runs out. The new one pairs, which ends the offer; the old one does not.
func TestRenewedPairing(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	p := startPhone(t, phoneOptions{tone: 600})
	cmd := exec.Command(filepath.Join(binaries, "callboxctl"), "--socket", d.socket, "--json", "pair", "--renew", "--for", "4s", "--name", "Anna")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	windows := make(chan control.PairWindow, 10)
	go func() {
		defer close(exited)
		defer cmd.Wait() // its state is looked at
		for lines := json.NewDecoder(out); ; {
			var w control.PairWindow
			if lines.Decode(&w) != nil {
				return
			}
			windows <- w
		}
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	next := func() (w control.PairWindow, link pairing.Link) {
		t.Helper()
		select {
		case w = <-windows:
		case <-time.After(10 * time.Second):
			t.Fatal("no code within 10 s")
		}
		link, err := pairing.ParseLink(w.URL)
		if err != nil {
			t.Fatal(err)
		}
		return w, link
	}

	first, firstLink := next()
	second, secondLink := next()
	if first.URL == second.URL || firstLink.Secret == secondLink.Secret || firstLink.DKT != secondLink.DKT {
		t.Fatalf("the codes are %q and %q, want two of the same device", first.URL, second.URL)
	}
	if off := second.Expires.Sub(first.Expires) - 4*time.Second; off < 0 || off > 2*time.Second {
		t.Errorf("the second code lives until %v after the first, want 4s", off+4*time.Second)
	}
	p.open(first.URL)
	p.click("pair-confirm")
	eventually(t, 10*time.Second, "the old code is refused", func() bool { return d.status().Refused["pairing"] > 0 })
	if contacts := ctl[[]any](d, "contacts"); len(contacts) > 0 {
		t.Errorf("a code that has run out has paired %v", contacts)
	}

	// A browser on a busy machine may need longer than such a code lives.
	quick, err := phonepeer.New(phonepeer.Options{Name: "Anna", Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = quick.Close() })
	third, _ := next()
	for time.Until(third.Expires) < 3*time.Second { // one with nearly all its time
		third, _ = next()
	}
	if _, err := quick.Pair(t.Context(), third.URL); err != nil {
		t.Errorf("the third code does not pair: %v", err)
	}
	select {
	case <-exited:
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("callboxctl pair ended with %v", cmd.ProcessState)
		}
	case <-time.After(10 * time.Second):
		t.Error("codes are offered on after the pairing")
	}
	if contacts := ctl[[]control.Contact](d, "contacts"); len(contacts) != 1 || contacts[0].Name != "Anna" {
		t.Errorf("contacts = %+v", contacts)
	}
}

// TestPastedLink: a page without an address bar pairs by a link that is pasted.
func TestPastedLink(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	p := startPhone(t, phoneOptions{tone: 600})
	window := ctl[control.PairWindow](d, "pair", "--name", "Anna")
	p.open(d.page())
	p.waitVisible("paste-link", 10*time.Second)
	p.screenshot("no device")
	p.watchToasts()
	p.paste("https://example.com/")
	p.saysToast(t, "cannot be read")
	p.paste("  " + window.URL + "\n")
	p.click("pair-confirm")
	p.home()
	if left := eval[string](p, `location.href`); strings.Contains(left, "pair=") {
		t.Errorf("the pairing secret stays in the address bar: %s", left)
	}
}

// paste puts a text into the field for links and goes on.
func (p *phone) paste(text string) {
	p.t.Helper()
	eval[bool](p, fmt.Sprintf(`(document.querySelector("[data-testid=paste-link]").value = %q, true)`, text))
	p.click("paste-confirm")
}
