//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
)

// smuggler is JavaScript that tries, as a script that got into the page would, to
// run more of itself and to talk to another origin. It tells what worked, and which
// directives of the policy the browser says it has enforced.
const smuggler = `(async (foreign) => {
  const worked = {}, blocked = new Set();
  document.addEventListener("securitypolicyviolation", (e) => blocked.add(e.effectiveDirective));
  const settle = () => new Promise((done) => setTimeout(done, 300));

  const script = document.createElement("script");
  script.textContent = "window.inlined = true";
  document.head.append(script);
  const link = document.createElement("a");
  link.setAttribute("onclick", "window.handled = true");
  document.body.append(link);
  link.click();
  // In a timer, because what a debugger evaluates may use eval.
  await new Promise((done) => setTimeout(() => { try { (0, eval)("window.evaluated = true"); } catch {} done(); }));
  worked.inline = window.inlined === true;
  worked.handler = window.handled === true;
  worked.eval = window.evaluated === true;

  const loads = (element, set) => new Promise((done) => {
    element.onload = () => done(true);
    element.onerror = () => done(false);
    set(element);
    document.body.append(element);
    setTimeout(() => done(false), 1000);
  });
  worked.script = await loads(document.createElement("script"), (e) => { e.src = foreign + "/script.js"; });
  worked.image = await loads(new Image(), (e) => { e.src = foreign + "/image.svg"; });
  worked.style = await loads(document.createElement("link"), (e) => { e.rel = "stylesheet"; e.href = foreign + "/style.css"; });
  worked.fetch = await fetch(foreign + "/fetch").then(() => true, () => false);
  worked.beacon = navigator.sendBeacon(foreign + "/beacon", "x");
  const frame = document.createElement("iframe");
  frame.src = foreign + "/frame";
  document.body.append(frame);
  const form = document.createElement("form");
  form.action = foreign + "/form";
  form.method = "post";
  document.body.append(form);
  form.submit();
  await settle();
  return { worked, blocked: [...blocked].sort() };
})(%q)`

// TestPolicy: what is not of the page's own origin neither runs nor loads in it, as
// the browser understands the policy.
func TestPolicy(t *testing.T) {
	var asked atomic.Int64
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		t.Errorf("the page has asked another origin for %s", r.URL)
		w.Header().Set("Access-Control-Allow-Origin", "*")
		switch r.URL.Path {
		case "/script.js":
			w.Header().Set("Content-Type", "text/javascript")
		case "/style.css":
			w.Header().Set("Content-Type", "text/css")
		case "/image.svg":
			w.Header().Set("Content-Type", "image/svg+xml")
			fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`)
		}
	}))
	defer foreign.Close()
	d := startDevice(t, deviceOptions{tone: 440})
	p := startPhone(t, phoneOptions{tone: 600})
	p.open(d.page())

	got := eval[struct {
		Worked  map[string]any `json:"worked"`
		Blocked []string       `json:"blocked"`
	}](p, fmt.Sprintf(smuggler, foreign.URL))
	delete(got.Worked, "beacon") // is true as soon as it is queued; the server tells
	for _, what := range slices.Sorted(maps.Keys(got.Worked)) {
		if got.Worked[what] != false {
			t.Errorf("%s worked in the page", what)
		}
	}
	if len(got.Worked) != 7 {
		text, _ := json.Marshal(got.Worked) // of maps and booleans
		t.Errorf("not everything was tried: %s", text)
	}
	want := []string{"connect-src", "form-action", "frame-src", "img-src", "script-src", "script-src-attr", "script-src-elem", "style-src-elem"}
	if !slices.Equal(got.Blocked, want) {
		t.Errorf("the browser has enforced %q, want %q", got.Blocked, want)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("another origin was asked %d times", n)
	}
}
