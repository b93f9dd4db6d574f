//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// toastWithin is how long after the event that it tells of a toast may come.
const toastWithin = time.Second

// toastReader is JavaScript that collects every toast, and why a call has ended,
// with its time in window.said.
const toastReader = `(() => {
  if (window.said) return true;
  window.said = [];
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const box of change.addedNodes) {
        const words = box.querySelector?.(":scope > span, [data-testid=end-why]");
        if (words && box.matches(".toast, [data-testid=end]")) window.said.push({ text: words.innerText, at: new Date().toISOString() });
      }
    }
  }).observe(document.body, { childList: true, subtree: true });
  return true;
})()`

// watchToasts starts to collect what the page says at its edge.
func (p *phone) watchToasts() { p.t.Helper(); eval[bool](p, toastReader) }

// wantToast wants the page to have said the words of a key of page/strings.en.ts, in
// English, within a second of an event. It fails for words that came before.
func (p *phone) wantToast(t *testing.T, key string, e voipEvent) {
	t.Helper()
	want := strings.ReplaceAll(pageWords(t, key), "{name}", "Front door")
	var last string
	eventually(t, 5*time.Second, fmt.Sprintf("the page says %q", want), func() bool {
		for _, toast := range eval[[]struct {
			Text string    `json:"text"`
			At   time.Time `json:"at"`
		}](p, `window.said`) {
			last = toast.Text
			if late := toast.At.Sub(e.At); strings.HasPrefix(toast.Text, want) && late >= 0 {
				if late > toastWithin {
					t.Errorf("the toast %q came %v after %s, want at most %v", toast.Text, late, e.EventName, toastWithin)
				}
				return true
			}
		}
		return false
	})
	if !t.Failed() && !strings.HasPrefix(last, want) {
		t.Errorf("after %q the page said %q", want, last)
	}
}

// pageWords reads the English words of a key from the page's source.
func pageWords(t *testing.T, key string) string {
	t.Helper()
	return wordsIn(t, "en", key)
}

// wordsIn reads the words of a key in a language.
func wordsIn(t *testing.T, language, key string) string {
	t.Helper()
	file := "strings." + language[:2] + ".ts"
	source, err := os.ReadFile("../../../signaling/phone/page/" + file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^  ` + key + `: "(.+)",$`).FindSubmatch(source)
	if found == nil {
		t.Fatalf("page/%s has no %s", file, key)
	}
	return string(found[1])
}
