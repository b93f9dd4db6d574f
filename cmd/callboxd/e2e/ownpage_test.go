//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// pageInGuide is the page in docs/own-page.md.
var pageInGuide = regexp.MustCompile("(?s)```html\n(.*?)```")

// TestOwnPage: the page that the guide shows has at most 30 lines, pairs, calls,
// hangs up, and answers when the device calls.
func TestOwnPage(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/own-page.md")
	if err != nil {
		t.Fatal(err)
	}
	found := pageInGuide.FindSubmatch(guide)
	if found == nil {
		t.Fatal("docs/own-page.md shows no page")
	}
	page := string(found[1])
	lines := 0
	for line := range strings.Lines(page) {
		if strings.TrimSpace(line) != "" {
			lines++
		}
	}
	if lines > 30 {
		t.Errorf("the page has %d lines that are not empty, want at most 30", lines)
	}

	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob(filepath.Join(pageFiles, "*.js"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%s has no scripts: %v; run make phone", pageFiles, err)
	}
	for _, script := range scripts {
		content, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(script)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)

	d := startDevice(t, deviceOptions{tone: 440, origin: server.URL, noDisplay: true})
	p := startPhone(t, phoneOptions{tone: 600})
	press := func(want string) {
		t.Helper()
		eventually(t, 15*time.Second, "the button says "+want, func() bool {
			return eval[string](p, `document.getElementById("act").textContent`) == want
		})
		p.run(5*time.Second, chromedp.Click(chromedp.CSS("#act")))
	}
	said := func(want string) {
		t.Helper()
		eventually(t, 10*time.Second, "the page says "+want, func() bool {
			return strings.HasPrefix(eval[string](p, `document.getElementById("said").textContent`), want)
		})
	}
	shown := func() {
		t.Helper()
		eventually(t, 10*time.Second, "the picture is shown", func() bool {
			return eval[int](p, `document.getElementById("picture").videoWidth`) > 0
		})
	}
	window := ctl[struct {
		URL string `json:"url"`
	}](d, "pair", "--name", "Anna")
	_, fragment, _ := strings.Cut(window.URL, "#")
	p.open(server.URL + "/#" + fragment)
	press("Pair")

	press("Call")
	d.waitState("ringing", 15*time.Second)
	room := d.status().Call.RoomID
	ctl[any](d, "answer")
	d.waitState("talking", 15*time.Second)
	said("calling ")
	shown()
	press("Hang up")
	d.waitState("idle", 5*time.Second)
	if r := d.lastCall(); r.RoomID != room || r.Cause != "hangup" || r.Origin != "manual" || r.TalkSeconds < 0.5 {
		t.Errorf("record = %+v", r)
	}
	said("finishVoip ")

	eval[bool](p, `(document.getElementById("picture").srcObject = null, true)`) // the first call's
	again := d.dial("video", "Anna").RoomID
	press("Answer")
	d.waitState("talking", 15*time.Second)
	said("calling ")
	shown()
	ctl[any](d, "hangup")
	said("finishVoip ")
	if r := d.lastCall(); r.RoomID != again || r.Cause != "hangup" || r.Origin != "manual" {
		t.Errorf("record of the device's call = %+v", r)
	}
}
