//go:build e2e && screenshots

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestScreenshots takes pictures of the call page for people to look at, in
// build/screenshots: phone and desktop size, light and dark, English and Chinese.
// One of them is the README's (docs/call-page.png). "make screenshots" runs it.
func TestScreenshots(t *testing.T) {
	for _, size := range []struct {
		name          string
		width, height int
	}{{"phone", 390, 844}, {"desktop", 1280, 800}} {
		for _, scheme := range []string{"light", "dark"} {
			for _, language := range []string{"en", "zh-CN"} {
				t.Run(size.name+" "+scheme+" "+language, func(t *testing.T) {
					d := startDevice(t, deviceOptions{tone: 440, width: 1280, height: 720, call: "  max_duration: 9s"})
					p := startPhone(t, phoneOptions{tone: 600, language: language, width: size.width, height: size.height})
					p.prefer(scheme)
					window := ctl[struct {
						URL string `json:"url"`
					}](d, "pair", "--name", "Anna")
					p.open(window.URL)
					p.waitVisible("pair-confirm", 10*time.Second)
					p.screenshot("1 pair")
					p.click("pair-confirm")
					p.home()
					time.Sleep(6 * time.Second) // until the toast has gone
					p.screenshot("2 home")
					p.click("call-video")
					d.waitState("ringing", 10*time.Second)
					time.Sleep(time.Second)
					p.screenshot("3 ringing")
					ctl[any](d, "answer")
					d.waitState("talking", 10*time.Second)
					time.Sleep(3 * time.Second)
					p.screenshot("4 talking")
					if size.name == "desktop" && scheme == "light" && language == "en" {
						p.picture(filepath.Join("..", "..", "..", "docs", "call-page.png"))
					}
					d.waitState("idle", 15*time.Second)
					time.Sleep(time.Second)
					p.screenshot("5 ended")
				})
			}
		}
	}
}

// prefer sets the colour scheme that the person has chosen.
func (p *phone) prefer(scheme string) {
	p.t.Helper()
	p.run(10*time.Second, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		if err != nil {
			return fmt.Errorf("cannot set the colour scheme: %w", err)
		}
		return nil
	}))
}

// picture writes what the page shows to a file.
func (p *phone) picture(path string) {
	p.t.Helper()
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, png, 0o600); err != nil {
		p.t.Fatal(err)
	}
}
