//go:build e2e || device

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// phone is a headless Chromium of its own, with a camera that shows time stamps
// and a microphone that beeps.
type phone struct {
	t   testing.TB
	ctx context.Context
	log *lockedBuffer

	closeTab func() // of a second tab
}

type phoneOptions struct {
	tone     float64 // of the microphone, in Hz
	language string  // default en
	width    int     // of the window; default 390x844
	height   int
	touched  bool // the browser lets a page sound only after somebody has touched it
	cameras  int  // default 1; more are the browser's own, without time stamps

	flags []chromedp.ExecAllocatorOption // more of the browser
}

// chromium is Debian's.
const chromium = "/usr/bin/chromium"

func startPhone(t testing.TB, o phoneOptions) *phone {
	t.Helper()
	dir := t.TempDir()
	video, audio := filepath.Join(dir, "camera.y4m"), filepath.Join(dir, "microphone.wav")
	writeCamera(t, video)
	writeTone(t, audio, o.tone)
	if o.language == "" {
		o.language = "en"
	}
	if o.width == 0 {
		o.width, o.height = 390, 844
	}
	autoplay := "no-user-gesture-required"
	if o.touched {
		autoplay = "document-user-activation-required"
	}
	options := append([]chromedp.ExecAllocatorOption{},
		chromedp.ExecPath(chromium),
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.WindowSize(o.width, o.height),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("lang", o.language),
		chromedp.Flag("accept-lang", o.language),
		chromedp.Flag("no-sandbox", os.Geteuid() == 0),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("autoplay-policy", autoplay),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-audio-capture", audio),
		chromedp.Flag("allow-loopback-in-peer-connection", true),
	)
	if o.cameras > 1 {
		options = append(options, chromedp.Flag("use-fake-device-for-media-stream", fmt.Sprintf("device-count=%d", o.cameras)))
	} else {
		options = append(options, chromedp.Flag("use-file-for-fake-video-capture", video))
	}
	options = append(options, o.flags...)
	p := &phone{t: t, log: &lockedBuffer{}}
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	keep := func(format string, args ...any) { fmt.Fprintf(p.log, format+"\n", args...) }
	ctx, stop := chromedp.NewContext(allocator,
		chromedp.WithErrorf(keep), chromedp.WithListener(p.listen))
	p.ctx = ctx
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("cannot start Chromium: %v; run .ci/setup test", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			p.screenshot(fmt.Sprintf("failed %g Hz", o.tone)) // there may be other phones
			t.Logf("console of the phone:\n%s\nit shows: %s\nevents: %s", p.log, p.trySay(`document.documentElement.dataset.view + ": " + document.body.innerText.slice(0, 500)`), p.tryEvents())
		}
		stop()
		stopAllocator()
	})
	return p
}

// listen keeps what the page writes to its console.
func (p *phone) listen(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		words := make([]string, len(ev.Args))
		for i, a := range ev.Args {
			words[i] = string(a.Value)
		}
		fmt.Fprintf(p.log, "%s: %s\n", ev.Type, strings.Join(words, " "))
	case *runtime.EventExceptionThrown:
		fmt.Fprintf(p.log, "exception: %+v\n", ev.ExceptionDetails)
	}
}

func (p *phone) run(within time.Duration, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, within)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("phone: %v", err)
	}
}

// open opens a page and waits until its script has run.
func (p *phone) open(pageURL string) {
	p.t.Helper()
	p.run(30*time.Second, chromedp.Navigate(pageURL), chromedp.WaitReady(chromedp.CSS("body")))
}

func testid(name string) chromedp.CSS { return chromedp.CSS(fmt.Sprintf(`[data-testid=%q]`, name)) }

// click clicks a control once it can be seen.
func (p *phone) click(name string) {
	p.t.Helper()
	// The controls of a call hide until something moves.
	p.run(20*time.Second, chromedp.WaitVisible(testid(name)), chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 5, 5), chromedp.Click(testid(name)))
}

func (p *phone) waitVisible(name string, within time.Duration) {
	p.t.Helper()
	p.run(within, chromedp.WaitVisible(testid(name)))
}

// eval evaluates an expression, awaiting its promise, and decodes its value.
func eval[T any](p *phone, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 40*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("phone: %v\nin %s", err, expression)
	}
	return v
}

// voipEvent is an event of the SDK.
type voipEvent struct {
	EventName string         `json:"eventName"`
	RoomID    string         `json:"roomId"`
	Data      map[string]any `json:"data"`
	At        time.Time      `json:"at"` // when it came, on the page's clock
}

func (p *phone) events() []voipEvent {
	p.t.Helper()
	return eval[[]voipEvent](p, `window.callbox.events()`)
}

func (p *phone) tryEvents() string {
	return p.trySay(`JSON.stringify(window.callbox?.events?.() ?? null)`)
}

// trySay evaluates an expression to a text, or to what is wrong.
func (p *phone) trySay(expression string) string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		return err.Error()
	}
	return v
}

// waitEvent waits for an event of the SDK and returns the newest of that name.
func (p *phone) waitEvent(name string, within time.Duration) voipEvent {
	p.t.Helper()
	var found voipEvent
	eventually(p.t, within, "the SDK emits "+name, func() bool {
		for _, e := range p.events() {
			if e.EventName == name {
				found = e
			}
		}
		return found.EventName != ""
	})
	return found
}

// waitEventOf waits for an event of one room.
func (p *phone) waitEventOf(name, room string, within time.Duration) voipEvent {
	p.t.Helper()
	var found voipEvent
	eventually(p.t, within, "the SDK emits "+name+" of room "+room, func() bool {
		for _, e := range p.events() {
			if e.EventName == name && e.RoomID == room {
				found = e
			}
		}
		return found.EventName != ""
	})
	return found
}

// home waits until the page shows its home view.
func (p *phone) home() { p.t.Helper(); p.waitVisible("call-video", 10*time.Second) }

// newTab opens a page in a second tab of the same browser.
func (p *phone) newTab(pageURL string) *phone {
	p.t.Helper()
	tab := &phone{t: p.t, log: p.log}
	ctx, stop := chromedp.NewContext(p.ctx)
	tab.ctx, tab.closeTab = ctx, stop
	if err := chromedp.Do(ctx); err != nil {
		p.t.Fatal(err)
	}
	tab.open(pageURL)
	return tab
}

// pair opens a pairing window on the device and confirms it on the phone.
func (p *phone) pair(d *device, name string) {
	p.t.Helper()
	window := ctl[struct {
		URL string `json:"url"`
	}](d, "pair", "--name", name)
	p.open(d.reachable(window.URL))
	p.click("pair-confirm")
	p.waitVisible("call-video", 15*time.Second)
	if left := eval[string](p, `location.href`); strings.Contains(left, "pair=") {
		p.t.Errorf("the pairing secret stays in the address bar: %s", left)
	}
}

// screenshot keeps a picture of the page in build/screens.
func (p *phone) screenshot(name string) {
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return
	}
	dir := filepath.Join("..", "..", "..", "build", "screens")
	file := strings.NewReplacer("/", "-", " ", "-").Replace(p.t.Name()+"-"+name) + ".png"
	if err := os.MkdirAll(dir, 0o755); err == nil {
		_ = os.WriteFile(filepath.Join(dir, file), png, 0o600)
	}
}
