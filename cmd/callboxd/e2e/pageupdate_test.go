//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
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

// update puts another build there: one with a line more in its style sheet.
func (h *hosted) update(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	sum := func(p []byte) []byte {
		s := sha256.Sum256(p)
		return []byte("sha256-" + base64.StdEncoding.EncodeToString(s[:]))
	}
	style, worker := h.files["style.css"].Data, h.files["sw.js"].Data
	newStyle := append(bytes.Clone(style), "\n:root { --build: second }\n"...)
	newWorker := bytes.Replace(worker, sum(style), sum(newStyle), 1)
	newWorker = regexp.MustCompile(`version:"\w{16}"`).ReplaceAll(newWorker, []byte(`version:"2222222222222222"`))
	if bytes.Equal(newWorker, worker) || bytes.Count(newWorker, []byte("2222222222222222")) != 1 {
		t.Fatal("the service worker does not name its files")
	}
	h.files["style.css"].Data, h.files["sw.js"].Data = newStyle, newWorker
}

// TestPageUpdate: a page that was kept goes on as it was when a newer build is there,
// lets it in while nothing is going on, and what was kept of the old one is removed.
func TestPageUpdate(t *testing.T) {
	built, err := callpage.Page()
	if err != nil {
		t.Fatal(err)
	}
	h := &hosted{files: fstest.MapFS{}}
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
	defer server.Close()
	p := startPhone(t, phoneOptions{tone: 600})
	p.open(server.URL + "/")
	p.shell()
	p.open(server.URL + "/")
	p.waitVisible("no-device", 10*time.Second)
	// "?" while the page is being loaded anew.
	build := func() string {
		ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
		defer cancel()
		v, err := chromedp.Run(ctx, chromedp.Evaluate[string](`getComputedStyle(document.documentElement).getPropertyValue("--build").trim()`))
		if err != nil {
			return "?"
		}
		return v
	}
	before := eval[[]string](p, `caches.keys()`)
	h.update(t)
	if got := build(); got != "" {
		t.Fatalf("the page is of the build %q before it was updated", got)
	}
	// The browser looks for a newer worker with each visit.
	p.open(server.URL + "/")
	eventually(t, 15*time.Second, "the newer page is there", func() bool { return build() == "second" })
	after := eval[[]string](p, `caches.keys()`)
	if len(before) != 1 || len(after) != 1 || after[0] != "callbox / 2222222222222222" || after[0] == before[0] {
		t.Errorf("kept were %q, and are %q", before, after)
	}
}
