//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// pageSoon is how long the page may take over what it does by itself.
const pageSoon = 10 * time.Second

// look is how the page is looked at.
type look struct {
	size          string
	width, height int64
	scheme        string // light or dark
}

// languageTour is a language, and the looks in which its screens are seen.
type languageTour struct {
	language string
	looks    []look
}

// looks is what every screen is seen in, unless its language has other looks.
var looks = tours[0].looks

// screens goes through the screens of the call page: it takes a picture of each in
// every look, in build/screens, and has axe look for what shuts people out.
type screens struct {
	p        *phone
	language string
	seen     int            // screens in all looks
	found    map[string]int // of axe, by impact
	open     map[string]int // what axe cannot judge, by rule
}

// axeScript is JavaScript that runs axe on the document (npm axe-core): what it finds,
// and in how many places it leaves the judgement to a person, by rule.
const axeScript = `(async () => {
  const { violations, incomplete } = await axe.run(document, { resultTypes: ["violations", "incomplete"] });
  const open = Object.fromEntries(incomplete.map(({ id, nodes }) => [id, nodes.length]));
  const found = violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.map((n) => n.target.join(" ") + ": " + n.html) }));
  return { found, open };
})()`

// covered is JavaScript that returns what is said in a call and lies below a toast, and
// whether the button for sound lies over own picture.
const covered = `(() => {
  const shown = (what) => [...document.querySelectorAll(what)].filter((e) => e.checkVisibility() && e.offsetHeight > 0);
  const meet = (a, b) => {
    const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
    return p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom;
  };
  const pairs = [[".toast", ".call-name, .call-line > *, .call .notice, .controls, .door"], [".sound", ".local, .controls"]];
  return pairs.flatMap(([over, below]) => shown(over).flatMap((a) => shown(below).filter((b) => meet(a, b)).map((b) => b.className)));
})()`

// violation is one of axe's.
type violation struct {
	ID, Impact, Help string
	Nodes            []string
}

// see looks at what the page shows now, which has the words of these keys in it.
func (s *screens) see(t *testing.T, name string, keys ...string) {
	t.Helper()
	s.wantWords(t, name, keys...)
	for _, l := range s.in() {
		s.p.show(l)
		s.p.settle()
		file := fmt.Sprintf("%s-%s-%s-%s.png", strings.ReplaceAll(name, " ", "-"), l.size, l.scheme, s.language[:2])
		s.p.picture(filepath.Join("..", "..", "..", "build", "screens", file))
		s.seen++
		if over := eval[[]string](s.p, covered); len(over) > 0 {
			t.Errorf("%s: a toast or a button lies over %q", file, over)
		}
		found, open := s.p.axe(t)
		for rule, places := range open {
			s.open[rule] += places
		}
		for _, v := range found {
			s.found[v.Impact]++
			if v.Impact == "serious" || v.Impact == "critical" {
				t.Errorf("axe on %s: %s: %s (%s)\n%s", file, v.Impact, v.Help, v.ID, strings.Join(v.Nodes, "\n"))
			} else {
				t.Logf("axe on %s: %s: %s (%s)\n%s", file, v.Impact, v.Help, v.ID, strings.Join(v.Nodes, "\n"))
			}
		}
	}
	s.p.show(s.in()[0])
}

// see looks at one screen of a page in English.
func (p *phone) see(t *testing.T, name string, keys ...string) {
	t.Helper()
	s := &screens{p: p, language: "en", found: map[string]int{}, open: map[string]int{}}
	s.see(t, name, keys...)
	s.report()
}

// in is the looks that this language is seen in.
func (s *screens) in() []look {
	for _, tour := range tours {
		if tour.language == s.language {
			return tour.looks
		}
	}
	return looks
}

// wantWords wants the page to show the words of these keys, in its language and
// whatever stands for the parts of them.
func (s *screens) wantWords(t *testing.T, screen string, keys ...string) {
	t.Helper()
	shown := eval[string](s.p, `document.body.innerText`)
	for _, key := range keys {
		words := regexp.QuoteMeta(wordsIn(t, s.language, key))
		words = regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(words, `.+`)
		if !regexp.MustCompile(words).MatchString(shown) {
			t.Errorf("%s: the page does not show %s (%s) in %q", screen, key, words, shown)
		}
	}
}

// report prints what axe has found; the steps of make test show such lines.
func (s *screens) report() {
	fmt.Fprintf(os.Stdout, "# axe, %s: %d screens, %d critical, %d serious, %d moderate, %d minor; not judged: %v\n",
		s.language, s.seen, s.found["critical"], s.found["serious"], s.found["moderate"], s.found["minor"], s.open)
}

// axe runs axe on the page.
func (p *phone) axe(t *testing.T) (found []violation, open map[string]int) {
	t.Helper()
	if !eval[bool](p, `"axe" in window`) {
		script, err := os.ReadFile("../../../signaling/phone/node_modules/axe-core/axe.min.js")
		if err != nil {
			t.Fatalf("%v; run npm --prefix signaling/phone ci", err)
		}
		eval[bool](p, string(script)+";true")
	}
	said := eval[struct {
		Found []violation
		Open  map[string]int
	}](p, axeScript)
	return said.Found, said.Open
}

// show makes the window as large as in a look, with its colours.
func (p *phone) show(l look) {
	p.t.Helper()
	var o []chromedp.EmulateViewportOption
	switch {
	case l.width < 600:
		o = []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait}
	case l.height < 500:
		o = []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateLandscape}
	}
	p.run(pageSoon, chromedp.EmulateViewport(l.width, l.height, o...))
	p.prefer(l.scheme)
}

// settle waits until nothing moves but what moves for ever.
func (p *phone) settle() {
	p.t.Helper()
	eval[bool](p, `(async () => {
  const moving = () => document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations !== Infinity);
  await new Promise(requestAnimationFrame);
  await Promise.race([Promise.all(moving().map((a) => a.finished.catch(() => undefined))), new Promise((r) => setTimeout(r, 1000))]);
  await new Promise(requestAnimationFrame);
  return true;
})()`)
}

// prefer sets the colour scheme that the person has chosen.
func (p *phone) prefer(scheme string) {
	p.t.Helper()
	p.run(pageSoon, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		if err != nil {
			return fmt.Errorf("cannot set the colour scheme: %w", err)
		}
		return nil
	}))
}

// before runs JavaScript in each document that the tab loads from now on, before
// anything else; the function that is returned takes it back.
func (p *phone) before(script string) (undo func()) {
	p.t.Helper()
	var id page.ScriptIdentifier
	p.run(pageSoon, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		res, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		if err == nil {
			id = res.Identifier
		}
		return err
	}))
	return func() {
		p.run(pageSoon, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, page.RemoveScriptToEvaluateOnNewDocument, page.RemoveScriptToEvaluateOnNewDocumentParams{Identifier: id})
			return err
		}))
	}
}

// picture writes what the page shows to a file.
func (p *phone) picture(path string) {
	p.t.Helper()
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, png, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// text returns what an element of the page says.
func (p *phone) text(name string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf(`document.querySelector('[data-testid=%q]')?.innerText ?? ""`, name))
}

// waitTrue waits until an expression of the page holds.
func (p *phone) waitTrue(what, expression string) {
	p.t.Helper()
	eventually(p.t, 2*pageSoon, what, func() bool { return eval[bool](p, "Boolean("+expression+")") })
}
