//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// firefox is a headless Firefox of its own, with a camera and a microphone that
// Firefox makes up: a picture that changes its colour, and a tone.
type firefox struct {
	t    testing.TB
	bidi *bidi
	tab  string // its browsing context
	log  *lockedBuffer
}

// firefoxESR is Debian's.
const firefoxESR = "/usr/bin/firefox-esr"

// firefoxPrefs go into the profile. The first block is what the test needs, the
// second keeps Firefox from asking the network for anything.
const firefoxPrefs = `
user_pref("intl.accept_languages", "en");
user_pref("media.autoplay.default", 0);
user_pref("media.navigator.permission.disabled", true);
user_pref("media.navigator.streams.fake", true);
user_pref("media.peerconnection.ice.loopback", true);
user_pref("media.peerconnection.ice.obfuscate_host_addresses", false);

user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.safebrowsing.downloads.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.search.update", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("captivedetect.canonicalURL", "");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.update.enabled", false);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("toolkit.telemetry.enabled", false);
`

// bidiAddress is where Firefox says that it listens.
var bidiAddress = regexp.MustCompile(`WebDriver BiDi listening on (ws://\S+)`)

func startFirefox(t testing.TB) *firefox {
	t.Helper()
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxPrefs), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(firefoxESR, "--headless", "--no-remote", "--profile", profile, "--window-size=390,844", "--remote-debugging-port", "0")
	cmd.Env = append(os.Environ(), "HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its processes end together
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot start Firefox: %v; run .ci/setup test", err)
	}
	f := &firefox{t: t, log: &lockedBuffer{}}
	address, read := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(f.log, lines.Text())
			if found := bidiAddress.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			f.screenshot("failed")
			t.Logf("Firefox and its console:\n%s\nevents: %s", f.log, f.tryEvents())
		}
		if f.bidi != nil {
			f.bidi.close()
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // nothing of it is kept
		<-read
		_ = cmd.Wait() // killed
	})

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	select {
	case url := <-address:
		if f.bidi, err = dialBiDi(ctx, url+"/session", f.listen); err != nil {
			t.Fatalf("cannot connect to Firefox: %v", err)
		}
	case <-ctx.Done():
		t.Fatalf("Firefox does not say where it listens:\n%s", f.log)
	}
	f.send("session.new", map[string]any{"capabilities": map[string]any{}}, nil)
	f.send("session.subscribe", map[string]any{"events": []string{"log.entryAdded"}}, nil)
	var tree struct {
		Contexts []struct {
			Context string `json:"context"`
		} `json:"contexts"`
	}
	f.send("browsingContext.getTree", map[string]any{}, &tree)
	if len(tree.Contexts) == 0 {
		t.Fatal("Firefox has no tab")
	}
	f.tab = tree.Contexts[0].Context
	return f
}

// listen keeps what the page writes to its console, exceptions too.
func (f *firefox) listen(method string, params json.RawMessage) {
	fmt.Fprintf(f.log, "%s %s\n", method, params)
}

func (f *firefox) send(method string, params, result any) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	if err := f.bidi.send(ctx, method, params, result); err != nil {
		f.t.Fatalf("Firefox: %v", err)
	}
}

func (f *firefox) open(pageURL string) {
	f.t.Helper()
	f.send("browsingContext.navigate", map[string]any{"context": f.tab, "url": pageURL, "wait": "complete"}, nil)
}

// tryEval evaluates an expression as if a person had just touched the page, awaits
// its promise, and decodes what JSON makes of its value.
func (f *firefox) tryEval(expression string, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	var answer struct {
		Type   string `json:"type"`
		Result struct {
			Value string `json:"value"`
		} `json:"result"`
		ExceptionDetails struct {
			Text string `json:"text"`
		} `json:"exceptionDetails"`
	}
	err := f.bidi.send(ctx, "script.evaluate", map[string]any{
		"expression":      "(async () => JSON.stringify((await (" + expression + ")) ?? null))()",
		"target":          map[string]any{"context": f.tab},
		"awaitPromise":    true,
		"userActivation":  true,
		"resultOwnership": "none",
	}, &answer)
	if err != nil {
		return err
	}
	if answer.Type != "success" {
		return fmt.Errorf("%s\nin %s", answer.ExceptionDetails.Text, expression)
	}
	return json.Unmarshal([]byte(answer.Result.Value), result)
}

// evalFirefox is eval of a phone, for Firefox.
func evalFirefox[T any](f *firefox, expression string) T {
	f.t.Helper()
	var v T
	if err := f.tryEval(expression, &v); err != nil {
		f.t.Fatalf("Firefox: %v", err)
	}
	return v
}

// waitVisible waits until a control can be seen.
func (f *firefox) waitVisible(name string, within time.Duration) {
	f.t.Helper()
	eventually(f.t, within, name+" can be seen in Firefox", func() bool {
		return evalFirefox[bool](f, fmt.Sprintf(`document.querySelector('[data-testid=%q]')?.checkVisibility() === true`, name))
	})
}

// click clicks a control once it can be seen.
func (f *firefox) click(name string) {
	f.t.Helper()
	f.waitVisible(name, 20*time.Second)
	evalFirefox[any](f, fmt.Sprintf(`document.querySelector('[data-testid=%q]').click()`, name))
}

// pair opens a pairing window on the device and confirms it in Firefox.
func (f *firefox) pair(d *device, name string) {
	f.t.Helper()
	window := ctl[struct {
		URL string `json:"url"`
	}](d, "pair", "--name", name)
	f.open(window.URL)
	f.click("pair-confirm")
	f.waitVisible("call-video", 15*time.Second)
}

// waitEventOf waits for an event of the SDK in one room.
func (f *firefox) waitEventOf(name, room string, within time.Duration) voipEvent {
	f.t.Helper()
	var found voipEvent
	eventually(f.t, within, "the SDK in Firefox emits "+name+" of room "+room, func() bool {
		for _, e := range evalFirefox[[]voipEvent](f, `window.callbox.events()`) {
			if e.EventName == name && e.RoomID == room {
				found = e
			}
		}
		return found.EventName != ""
	})
	return found
}

func (f *firefox) tryEvents() string {
	var events json.RawMessage
	if f.bidi == nil {
		return "none"
	}
	if err := f.tryEval(`window.callbox?.events?.()`, &events); err != nil {
		return err.Error()
	}
	return string(events)
}

// screenshot keeps a picture of the page in build/screenshots.
func (f *firefox) screenshot(name string) {
	if f.bidi == nil || f.tab == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var picture struct {
		Data string `json:"data"`
	}
	if f.bidi.send(ctx, "browsingContext.captureScreenshot", map[string]any{"context": f.tab}, &picture) != nil {
		return
	}
	png, err := base64.StdEncoding.DecodeString(picture.Data)
	if err != nil {
		return
	}
	dir := filepath.Join("..", "..", "..", "build", "screenshots")
	if os.MkdirAll(dir, 0o755) == nil {
		file := strings.NewReplacer("/", "-", " ", "-").Replace(f.t.Name() + "-" + name + ".png")
		_ = os.WriteFile(filepath.Join(dir, file), png, 0o600)
	}
}
