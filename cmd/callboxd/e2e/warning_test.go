//go:build e2e || device

package e2e

import (
	"context"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// openPastWarning clicks the browser's warning about the certificate away, as a
// person does.
func (p *phone) openPastWarning(pageURL string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	err := chromedp.Do(ctx, chromedp.Navigate(pageURL))
	if err == nil {
		p.t.Fatal("the browser did not warn about a certificate that nobody signed")
	}
	if !strings.Contains(err.Error(), "CERT") {
		p.t.Fatalf("phone: %v", err)
	}
	p.run(20*time.Second,
		chromedp.Click(chromedp.ID("details-button")), chromedp.Click(chromedp.ID("proceed-link")),
		chromedp.WaitReady(chromedp.ID("app")))
}
