//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/chromedp"

	callpage "callbox/signaling/phone"
)

// hosted are the page's files on a host that is no device, and can be updated.
type hosted struct {
	mu    sync.Mutex
	files fstest.MapFS
}

func (h *hosted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	http.FileServerFS(h.files).ServeHTTP(w, r)
}

// update puts another build there: one with a line more in its style sheet, which names it.
func (h *hosted) update(t *testing.T, build string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	sum := func(p []byte) []byte {
		s := sha256.Sum256(p)
		return []byte("sha256-" + base64.StdEncoding.EncodeToString(s[:]))
	}
	style, worker := h.files["style.css"].Data, h.files["sw.js"].Data
	newStyle := append(bytes.Clone(style), "\n:root { --build: "+build+" }\n"...)
	newWorker := bytes.Replace(worker, sum(style), sum(newStyle), 1)
	version := []byte(fmt.Sprintf("%-16.16s", build))
	newWorker = regexp.MustCompile(`version:"[^"]{16}"`).ReplaceAll(newWorker, fmt.Appendf(nil, "version:%q", version))
	if bytes.Equal(newWorker, worker) || bytes.Count(newWorker, version) != 1 {
		t.Fatal("the service worker does not name its files")
	}
	h.files["style.css"].Data, h.files["sw.js"].Data = newStyle, newWorker
}

// startHosted serves the built page.
func startHosted(t *testing.T) (h *hosted, page string) {
	t.Helper()
	built, err := callpage.Page()
	if err != nil {
		t.Fatal(err)
	}
	h = &hosted{files: fstest.MapFS{}}
	err = fs.WalkDir(built, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(built, name)
		h.files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil || h.files["sw.js"] == nil {
		t.Fatalf("the page is not built: %v", err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return h, server.URL + "/"
}

// build is the build of the page that is shown, "" the first; "?" while it is being
// loaded anew.
func (p *phone) build() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[string](`getComputedStyle(document.documentElement).getPropertyValue("--build").trim()`))
	if err != nil {
		return "?"
	}
	return v
}

// waits lets the browser look for the build that has just been put there, and wants it
// to wait: the page goes on as it is.
func (p *phone) waits(t *testing.T) {
	t.Helper()
	before := p.build()
	eval[bool](p, `(window.loaded = true)`)
	eval[bool](p, `navigator.serviceWorker.getRegistration().then((r) => r.update()).then(() => true)`)
	eventually(t, pageSoon, "the newer build is fetched", func() bool {
		return eval[bool](p, `navigator.serviceWorker.getRegistration().then((r) => Boolean(r.waiting))`)
	})
	time.Sleep(2 * time.Second)
	if now := p.build(); now != before || !eval[bool](p, `window.loaded === true`) {
		t.Fatalf("the page was loaded anew: it was of the build %q, and is of %q", before, now)
	}
	if !eval[bool](p, `navigator.serviceWorker.getRegistration().then((r) => Boolean(r.waiting))`) {
		t.Error("the newer build does not wait any more")
	}
}

// isOf waits until the page that is shown is of a build.
func (p *phone) isOf(build string) {
	p.t.Helper()
	eventually(p.t, 15*time.Second, "the page is of the build "+build, func() bool { return p.build() == build })
}

// TestPageUpdate: a newer page is let in while nothing is going on, and what was kept of
// the old one is removed. It waits while a device rings, while the end of the call is
// shown, and while the person is asked whether to pair.
func TestPageUpdate(t *testing.T) {
	h, page := startHosted(t)
	p := startPhone(t, phoneOptions{tone: 600})
	p.open(page)
	p.shell()
	p.open(page)
	p.waitVisible("no-device", 10*time.Second)
	before := eval[[]string](p, `caches.keys()`)
	h.update(t, "second")
	if got := p.build(); got != "" {
		t.Fatalf("the page is of the build %q before it was updated", got)
	}
	// The browser looks for a newer worker with each visit.
	p.open(page)
	p.isOf("second")
	after := eval[[]string](p, `caches.keys()`)
	if len(before) != 1 || len(after) != 1 || after[0] != "callbox / second          " || after[0] == before[0] {
		t.Errorf("kept were %q, and are %q", before, after)
	}

	d := startDevice(t, deviceOptions{tone: 440, origin: strings.TrimSuffix(page, "/"), noDisplay: true})
	p.pairOn(page, d, "Anna")
	p.waitIncoming(d.dial("voice", "Anna").RoomID)
	h.update(t, "third")
	p.waits(t)
	ctl[any](d, "hangup")
	p.click("done") // who called stands there
	p.isOf("third")

	window := ctl[struct {
		URL string `json:"url"`
	}](d, "pair", "--name", "Anna", "--force")
	p.home()
	eval[bool](p, fmt.Sprintf(`(location.hash = new URL(%q).hash, true)`, window.URL))
	p.waitVisible("pair-confirm", pageSoon)
	h.update(t, "fourth")
	p.waits(t)
	p.click("pair-cancel")
	p.isOf("fourth")
}
