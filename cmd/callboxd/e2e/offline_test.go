//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
)

// shell waits until the page's files are kept, and returns them.
func (p *phone) shell() []string {
	p.t.Helper()
	return eval[[]string](p, `navigator.serviceWorker.ready.then(() => caches.keys())
	  .then((names) => Promise.all(names.map((name) => caches.open(name).then((c) => c.keys()))))
	  .then((all) => all.flat().map((r) => new URL(r.url).pathname).sort())`)
}

// linkState waits until the page says that of its device's connection.
func (p *phone) linkState(want string, within time.Duration) {
	p.t.Helper()
	eventually(p.t, within, "the page says that the device is "+want, func() bool {
		return eval[string](p, `document.querySelector("[data-testid=device-state]")?.dataset.link ?? ""`) == want
	})
}

// TestOffline: the page opens while the device is away, says so, and goes on by itself
// when the device is back. What it keeps for that are its own files and nothing else.
func TestOffline(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	address := d.page()
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	kept := p.shell()
	p.open(address) // now the worker answers for the page
	for _, other := range []string{"nothing.txt", "signal", "sw.js", "?roomId=a"} {
		eval[bool](p, `fetch("`+other+`").then(() => true, () => true)`)
	}
	if now := p.shell(); !slices.Equal(now, kept) || !slices.Contains(now, "/") || slices.Contains(now, "/sw.js") {
		t.Errorf("kept are %q, and then %q", kept, now)
	}
	d.restart(func() {
		if _, err := http.Get(address); err == nil {
			t.Fatal("the device still serves the page")
		}
		p.open(address)
		p.home()
		p.linkState("down", 15*time.Second)
		if said := eval[string](p, `document.querySelector("[data-testid=device-state]").textContent`); said != "Not reachable" {
			t.Errorf("the page says %q", said)
		}
		p.see(t, "home offline", "link_down", "voiceCall")
		p.watchToasts()
		p.click("call-voice")
		p.saysToast(t, "cannot be reached")
		p.click("done")
	})
	p.linkState("up", 20*time.Second)
	p.wantTalk(t, d)
}

// TestInstallable: Chromium finds nothing that keeps the page from being installed.
func TestInstallable(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	p := startPhone(t, phoneOptions{tone: 600})
	p.open(d.page())
	p.shell()
	p.open(d.page())
	manifest := call(p, page.GetAppManifest, page.GetAppManifestParams{})
	if len(manifest.Errors) > 0 || !strings.HasSuffix(manifest.URL, "/manifest.webmanifest") {
		t.Errorf("manifest %s: %+v", manifest.URL, manifest.Errors)
	}
	for _, e := range call(p, page.GetInstallabilityErrors, cdp.Empty{}).InstallabilityErrors {
		t.Errorf("not installable: %+v", e)
	}
	if got := eval[string](p, `fetch("sw.js").then((r) => r.headers.get("content-type") + " " + r.headers.get("cache-control") + " " + r.headers.get("content-security-policy"))`); !strings.HasPrefix(got, "text/javascript; charset=utf-8 no-cache default-src 'none';") || !strings.Contains(got, "worker-src 'self';") {
		t.Errorf("the service worker comes with %s", got)
	}
	var m struct {
		Icons []struct {
			Src, Sizes, Purpose string
		}
	}
	if err := json.Unmarshal([]byte(manifest.Data), &m); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"apple-touch-icon.png": "180x180"}
	for _, icon := range m.Icons {
		if strings.HasSuffix(icon.Src, ".png") {
			want[icon.Src] = icon.Sizes
		}
	}
	if len(want) != 4 {
		t.Errorf("the manifest has the icons %+v", m.Icons)
	}
	for src, size := range want {
		got := eval[string](p, `fetch("`+src+`").then((r) => r.blob()).then(createImageBitmap).then((i) => i.width + "x" + i.height)`)
		if got != size {
			t.Errorf("%s is %s, want %s", src, got, size)
		}
	}
}

// TestUntrustedCertificate: a browser starts no service worker on a certificate that
// the device has made itself. The page says what that means, and calls all the same.
func TestUntrustedCertificate(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440, listen: "0.0.0.0:" + freePort(t, "0.0.0.0")})
	p := startPhone(t, phoneOptions{tone: 600})
	p.run(10*time.Second, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
		return err
	}))
	p.pair(d, "Anna")
	if !strings.HasPrefix(eval[string](p, `location.href`), "https://") {
		t.Fatal("the page is not on https")
	}
	p.waitVisible("wake-why", 10*time.Second)
	if why := eval[string](p, `document.querySelector("[data-testid=wake-why]").textContent`); !strings.Contains(why, "a certificate that they trust") {
		t.Errorf("the page says %q", why)
	}
	p.see(t, "wake untrusted certificate", "error_pushCertificate")
	p.wantTalk(t, d)
}
