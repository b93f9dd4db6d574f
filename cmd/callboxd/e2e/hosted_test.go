//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// pageFiles is where make phone builds the call page.
const pageFiles = "../../../signaling/phone/dist"

// host serves the built page as any host of static files would: below a path, with
// no header of ours. It notes what it was asked for and does not have.
type host struct {
	origin string
	page   string // the page's address

	mu     sync.Mutex
	missed []string
}

func startHost(t *testing.T) *host {
	t.Helper()
	const path = "/homes/calls/"
	h := &host{}
	files := http.StripPrefix(strings.TrimSuffix(path, "/"), http.FileServer(http.Dir(pageFiles)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		if strings.HasPrefix(r.URL.Path, path) {
			files.ServeHTTP(answer, r)
		} else {
			http.NotFound(answer, r)
		}
		if answer.Code >= http.StatusBadRequest {
			h.mu.Lock()
			h.missed = append(h.missed, r.URL.Path)
			h.mu.Unlock()
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = answer.Body.WriteTo(w) // a browser that is gone
	}))
	t.Cleanup(server.Close)
	h.origin, h.page = server.URL, server.URL+path
	return h
}

// clickCall presses a button of one device's card, where the page may have several.
func (p *phone) clickCall(d *device, button string) {
	p.t.Helper()
	key := eval[string](p, fmt.Sprintf(`window.callbox.devices().then((all) => all.find((d) => d.sn === %q)?.dkt ?? "")`, d.status().SN))
	found := chromedp.CSS(fmt.Sprintf(`[data-testid=%q][data-dkt=%q]`, button, key))
	p.run(20*time.Second, chromedp.WaitVisible(found), chromedp.Click(found))
}

// callOneOf calls one of several devices from the page, with pictures, and answers there.
func callOneOf(t *testing.T, p *phone, d *device) (room string) {
	t.Helper()
	p.clickCall(d, "call-video")
	d.waitState("ringing", 15*time.Second)
	room = d.status().Call.RoomID
	ctl[any](d, "answer")
	p.waitEventOf("startVoip", room, 15*time.Second)
	d.waitState("talking", 5*time.Second)
	return room
}

// missedMeanwhile: while the phone talks with one device, another one calls it: that
// one is told busy, the page says who called, and the call goes on.
func missedMeanwhile(t *testing.T, p *phone, talking, other *device) {
	t.Helper()
	p.watchToasts()
	room := callOneOf(t, p, talking)
	other.dial("voice", "Anna")
	missed := p.waitEvent("ringBusy", 10*time.Second)
	if name := missed.Data["deviceName"]; name != "Garden gate" {
		t.Errorf("ringBusy names %v", name)
	}
	eventually(t, 5*time.Second, "the page says whose call was missed", func() bool {
		want := strings.ReplaceAll(pageWords(t, "end_missed"), "{name}", "Garden gate")
		return strings.Contains(eval[string](p, `JSON.stringify(window.said)`), want)
	})
	other.waitState("idle", 5*time.Second)
	if cause := other.lastCall().Cause; cause != "busy" {
		t.Errorf("the other device was told %q, want busy", cause)
	}
	if state := talking.status(); state.State != "talking" || state.Call.RoomID != room {
		t.Errorf("the call is %+v in state %s, want room %s and talking", state.Call, state.State, room)
	}
	p.click("hang-up")
	p.waitEventOf("finishVoip", room, 5*time.Second)
	talking.waitState("idle", 5*time.Second)
	p.click("done")
	p.home()
}

// TestHosted: the built page works from another origin, below a path, with two
// devices; a device that does not allow the origin does not let it connect.
func TestHosted(t *testing.T) {
	h := startHost(t)
	devices := map[string]*device{}
	for sn, name := range map[string]string{"front": "Front door", "garden": "Garden gate"} {
		devices[sn] = startDevice(t, deviceOptions{tone: 440, sn: sn, name: name, origin: h.origin, noDisplay: true})
	}
	stranger := startDevice(t, deviceOptions{tone: 440, sn: "stranger", name: "Stranger", noDisplay: true, quiet: true})
	p := startPhone(t, phoneOptions{tone: 600})
	for _, d := range devices {
		p.pairOn(h.page, d, "Anna")
	}
	for _, d := range devices {
		room := callOneOf(t, p, d)
		eventually(t, 10*time.Second, "the picture is shown", func() bool {
			return eval[int](p, `document.querySelector('[data-testid="remote-video"]').videoWidth`) > 0
		})
		if at, want := eval[string](p, `location.href`), h.page+"?roomId="+room; at != want {
			t.Errorf("in the call the page is at %s, want %s", at, want)
		}
		p.click("hang-up")
		p.waitEventOf("finishVoip", room, 5*time.Second)
		d.waitState("idle", 5*time.Second)
		p.click("done")
		p.home()
		if at := eval[string](p, `location.href`); at != h.page {
			t.Errorf("after the call the page is at %s, want %s", at, h.page)
		}
	}

	t.Run("a device that rings during a call of another", func(t *testing.T) { missedMeanwhile(t, p, devices["front"], devices["garden"]) })
	t.Run("a device that does not allow the origin", func(t *testing.T) {
		connects := func(d *device) bool {
			return eval[bool](p, fmt.Sprintf(`new Promise((done) => {
				const socket = new WebSocket(%q, "callbox.v1");
				socket.onopen = () => { done(true); socket.close(); };
				socket.onerror = () => done(false);
			})`, strings.Replace(d.page(), "http", "ws", 1)+"signal"))
		}
		if connects(stranger) {
			t.Error("lets the page connect")
		}
		if !connects(devices["front"]) {
			t.Error("nor can the page connect to one that allows it: the test shows nothing")
		}
	})
	t.Run("the policy stands in the page", func(t *testing.T) {
		blocked := eval[string](p, `new Promise((done) => {
			document.addEventListener("securitypolicyviolation", (e) => done(e.effectiveDirective));
			const script = document.createElement("script");
			script.textContent = "window.inlined = true";
			document.head.append(script);
			setTimeout(() => done("nothing"), 2000);
		})`)
		if blocked != "script-src-elem" || eval[bool](p, `window.inlined === true`) {
			t.Errorf("an inline script ran, or was not blocked: %s", blocked)
		}
		wantSamePolicy(t, devices["front"])
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if missed := slices.DeleteFunc(h.missed, func(path string) bool { return path == "/favicon.ico" }); len(missed) > 0 {
		t.Errorf("the page asked for what is not there: %q", missed)
	}
}

// TestFramed: a host that sends no header lets other pages put the call page into a
// frame, where a press may be another's doing: it shows how to open it by itself.
func TestFramed(t *testing.T) {
	h := startHost(t)
	around := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><iframe src=%q width=380 height=800></iframe>
<script>addEventListener("message", (e) => { window.said = e.data; });</script>`, h.page)
	}))
	t.Cleanup(around.Close)
	p := startPhone(t, phoneOptions{tone: 600})
	// The frame is of another origin: it says by itself what it shows.
	p.before(`if (self !== top) addEventListener("load", () => setInterval(() => {
  top.postMessage({ view: document.documentElement.dataset.view ?? "", text: document.body.innerText, link: document.querySelector("a")?.href ?? "" }, "*");
}, 100))`)
	p.open(around.URL)
	var said struct{ View, Text, Link string }
	eventually(t, pageSoon, "the page in the frame says why it makes no calls", func() bool {
		said = eval[struct{ View, Text, Link string }](p, `window.said ?? { view: "" }`)
		return said.View != ""
	})
	if said.View != "problem" || !strings.Contains(said.Text, pageWords(t, "framedTitle")) || said.Link != h.page {
		t.Errorf("in a frame the page shows %+v", said)
	}
	p.screenshot("framed")
}

// metaPolicy is the policy in the page itself.
var metaPolicy = regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`)

// wantSamePolicy wants the page to say what the device's header says, except for
// what counts in a header only and where it may connect, which a host may narrow; and
// the guide to tell hosts the whole of it.
func wantSamePolicy(t *testing.T, d *device) {
	t.Helper()
	response, err := http.Get(d.page())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body strings.Builder
	if err := response.Write(&body); err != nil {
		t.Fatal(err)
	}
	found := metaPolicy.FindStringSubmatch(body.String())
	if found == nil {
		t.Fatal("the page has no policy of its own")
	}
	policy := response.Header.Get("Content-Security-Policy")
	want := strings.Replace(strings.TrimSuffix(policy, "; frame-ancestors 'none'"), "connect-src 'self' ws: wss:", "connect-src *", 1)
	if found[1] != want || want == policy {
		t.Errorf("the page's policy is\n%s\nwant of the device's\n%s", found[1], want)
	}
	guide, err := os.ReadFile("../../../docs/hosting.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(guide), `"`+policy+`"`); n != 2 {
		t.Errorf("docs/hosting.md shows the device's policy %d times, want 2", n)
	}
}
