//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/media/turntest"
	"callbox/signaling/jws"
	"callbox/signaling/key"
	"callbox/signaling/mqtttest"
)

// hostedPolicy is the Content-Security-Policy of docs/mqtt.md for a page that is
// hosted elsewhere; %s is the backend's origin.
const hostedPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"media-src 'self' blob: mediastream:; connect-src 'self' ws: wss: %s; manifest-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// maker hosts the call page as static files, and gives phones their login at the
// broker: what a device maker has on the internet.
type maker struct {
	t      *testing.T
	broker *mqtttest.Broker
	page   *httptest.Server
	login  *httptest.Server
	sn     string // of the device whose status phones may read

	mu     sync.Mutex
	logins map[string]string // password files by user name
}

func startMaker(t *testing.T, sn string) *maker {
	t.Helper()
	m := &maker{t: t, broker: mqtttest.Start(t, mqtttest.Options{}), sn: sn, logins: map[string]string{}}
	m.login = httptest.NewServer(http.HandlerFunc(m.giveLogin))
	t.Cleanup(m.login.Close)
	files := http.FileServer(http.Dir(filepath.Join("..", "..", "..", "signaling", "phone", "dist")))
	m.page = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", fmt.Sprintf(hostedPolicy, m.login.URL))
		if r.URL.Path == "/callbox.json" {
			_ = json.NewEncoder(w).Encode(map[string]any{
				"brokerLogin": m.login.URL + "/broker-login", "brokers": []string{m.broker.URL(mqtttest.WS)},
			})
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(m.page.Close)
	return m
}

// giveLogin gives a login to whoever proves the key that the user name is made of.
func (m *maker) giveLogin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", m.page.URL)
	text, err := io.ReadAll(r.Body)
	if err != nil {
		m.t.Error(err)
	}
	user, err := m.proven(string(text))
	if err != nil {
		m.t.Errorf("a request for a login is wrong: %v", err)
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	m.mu.Lock()
	file, ok := m.logins[user]
	if !ok {
		file = m.broker.Login(user, "d."+m.sn)
		m.logins[user] = file
	}
	m.mu.Unlock()
	password, err := mqtttest.Password(file)()
	if err != nil {
		m.t.Error(err)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"password": string(password)})
}

// proven returns the user name of the phone that has signed a request for a login.
func (m *maker) proven(text string) (string, error) {
	j, err := jws.Parse(text, "callbox-login+jws")
	if err != nil {
		return "", err
	}
	var p struct {
		From, Aud, Nonce, Broker string
		IAT                      int64 `json:"iat"`
		JWK                      key.JWK
	}
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return "", err
	}
	k, err := key.ParsePublic(p.JWK)
	if err != nil {
		return "", err
	}
	old := time.Since(time.Unix(p.IAT, 0))
	if !j.Verify(k) || p.From != key.PhoneAddress(k.JKT()) || p.Aud != m.login.URL+"/broker-login" || p.Nonce == "" ||
		p.Broker != m.broker.URL(mqtttest.WS)+"/" || old < -2*time.Second || old > 10*time.Second {
		return "", fmt.Errorf("request %s", j.Payload)
	}
	return p.From, nil
}

// options let a device speak to phones over the maker's broker.
func (m *maker) options(o deviceOptions) deviceOptions {
	o.sn, o.name = m.sn, "Front door"
	o.ways += fmt.Sprintf(`  page: %s/
  mqtt: {enabled: true, brokers: ["%s"], phone_brokers: ["%s"], password_file: %s}
`, m.page.URL, m.broker.URL(mqtttest.TCP), m.broker.URL(mqtttest.WS), m.broker.Login("d."+m.sn))
	return o
}

// brokers are the broker connections of a page.
func (p *phone) brokers() (list []struct{ URL, State, Problem string }) {
	p.t.Helper()
	return eval[[]struct{ URL, State, Problem string }](p, `window.callbox.stats().then((s) => s.brokers)`)
}

// waitLink waits until the page shows a state of the link to its device.
func (p *phone) waitLink(want string, within time.Duration) {
	p.t.Helper()
	eventually(p.t, within, "the link is "+want, func() bool {
		return eval[string](p, `document.querySelector('[data-testid=device-state]')?.dataset.link ?? ""`) == want
	})
}

// comesBack is in what time who has lost a broker must be there again: the next try
// waits at most as long as the broker was away, which it is for some seconds here.
const comesBack = 25 * time.Second

// overBroker waits until the device is connected to the broker.
func (d *device) overBroker(within time.Duration) {
	d.t.Helper()
	eventually(d.t, within, "the device is connected to the broker", func() bool {
		for _, t := range ctl[control.Status](d, "status").Transports {
			if t.Name == "mqtt" && t.Up {
				return true
			}
		}
		return false
	})
}

// TestBroker is a phone's day at a broker: the page is hosted elsewhere, the device
// has no listener, a Mosquitto carries the messages and a coturn the media.
func TestBroker(t *testing.T) {
	m, turn := startMaker(t, "e2e"), turntest.Start(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("coturn says:\n%s", turn.Log())
		}
	})
	secret := filepath.Join(t.TempDir(), "turn-secret")
	if err := os.WriteFile(secret, []byte(turn.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	deviceTone, phoneTone := twoTones()
	d := startDevice(t, m.options(deviceOptions{
		tone: deviceTone, noDirect: true,
		ice: fmt.Sprintf(`, relay_only: true, servers: [{urls: ["%s"]}], turn_secret_file: %s`, turn.URL, secret),
	}))
	d.overBroker(10 * time.Second)
	p := startPhone(t, phoneOptions{tone: phoneTone})
	p.pair(d, "Anna")
	if at := eval[string](p, `location.origin`); at != m.page.URL {
		t.Fatalf("the page is at %s, want %s", at, m.page.URL)
	}
	p.waitLink("up", 5*time.Second)
	p.watchToasts()

	t.Run("a call, up to its limit", func(t *testing.T) {
		const limit = 12 * time.Second
		room := eval[string](p, fmt.Sprintf(`window.callbox.callDevice({ roomType: "video", timeLimit: %g }).then((r) => r.roomId)`, limit.Seconds()))
		d.waitState("ringing", 15*time.Second)
		ctl[any](d, "answer")
		p.waitEventOf("startVoip", room, 15*time.Second)
		checkCall(t, d, p, deviceTone, phoneTone)
		if pair := eval[string](p, `window.callbox.stats().then((s) => s.media.remoteCandidate ?? "")`); !strings.Contains(pair, "relay") {
			t.Errorf("the phone speaks with the device's candidate %q, want its relay", pair)
		}
		e := p.waitEventOf("hangUpVoip", room, limit)
		if e.Data["origin"] != "timeLimit" {
			t.Errorf("hangUpVoip = %v", e.Data)
		}
		p.wantToast(t, "timeUp", e)
		d.waitState("idle", 5*time.Second)
		if r := d.lastCall(); r.RoomID != room || r.Origin != "timeLimit" || r.Contact != "Anna" {
			t.Errorf("record = %+v", r)
		}
	})
	t.Run("the broker is killed in a call, and comes back", func(t *testing.T) {
		p.home()
		room := p.call(d, "call-video")
		time.Sleep(2 * time.Second) // a call's first pictures are not those of a talk
		p.watchVideo()
		machine := watchStarved(t)
		m.broker.Kill()
		eventually(t, 5*time.Second, "the page knows", func() bool { return p.brokers()[0].State != "up" })
		time.Sleep(5 * time.Second)
		checkSeen(t, machine.tell(p.seen()), 4, 2*maxGap)
		if t.Failed() {
			t.Log(eval[string](p, `window.callbox.stats().then((s) => JSON.stringify(s))`))
		}
		if s := d.status(); s.State != "talking" || s.Call.RoomID != room {
			t.Fatalf("the device is %s", s.State)
		}
		m.broker.Run()
		eventually(t, comesBack, "the page is at the broker again", func() bool { return p.brokers()[0].State == "up" })
		d.overBroker(comesBack)
		p.click("hang-up")
		d.waitState("idle", 5*time.Second)
		if r := d.lastCall(); r.RoomID != room || r.Cause != "hangup" || r.Origin != "manual" {
			t.Errorf("record = %+v", r)
		}
		p.waitEventOf("finishVoip", room, 5*time.Second)
		p.home()
		p.waitLink("up", 5*time.Second)
		again := p.call(d, "call-voice")
		ctl[any](d, "hangup")
		p.waitEventOf("hangUpVoip", again, 5*time.Second)
	})
	t.Run("what is said while the broker is away is said when it is back", func(t *testing.T) {
		p.home()
		room := p.call(d, "call-voice")
		m.broker.Kill()
		eventually(t, 5*time.Second, "the page knows", func() bool { return p.brokers()[0].State != "up" })
		p.click("hang-up")
		d.waitState("idle", 5*time.Second) // the data channel has carried the word
		m.broker.Run()
		p.waitEventOf("finishVoip", room, 40*time.Second)
		d.overBroker(comesBack)
	})
	t.Run("the device calls", func(t *testing.T) {
		p.home()
		p.waitLink("up", comesBack)
		room := d.dial("video", "Anna").RoomID
		p.waitIncoming(room)
		p.click("answer")
		p.waitEventOf("startVoip", room, 15*time.Second)
		d.waitState("talking", 5*time.Second)
		p.watchVideo()
		time.Sleep(3 * time.Second)
		checkSeen(t, p.seen(), 2, 0)
		ctl[any](d, "hangup")
		p.wantEnd(t, room, "hangUpVoip", map[string]any{"origin": "manual", "status": "endByCaller", "cause": "hangup"})
	})
	t.Run("a page that is closed while it calls takes its call back", func(t *testing.T) {
		p.home()
		p.click("call-voice")
		d.waitState("ringing", 15*time.Second)
		p.open("about:blank")
		d.waitState("idle", 5*time.Second)
		if r := d.lastCall(); r.Cause != "cancelled" {
			t.Errorf("record = %+v", r)
		}
	})
	t.Run("a device that is off", func(t *testing.T) {
		p.open(m.page.URL)
		p.waitLink("up", 10*time.Second)
		d.restart(func() { p.waitLink("down", 10*time.Second) })
		p.waitLink("up", 10*time.Second)
	})
}

// TestBrokerBesideDirect: the device's own page, under its own policy, is at the
// broker, too, and the direct connection carries the call.
func TestBrokerBesideDirect(t *testing.T) {
	m := startMaker(t, "e2e")
	o := m.options(deviceOptions{tone: 440})
	o.ways = strings.Replace(o.ways, "page: "+m.page.URL+"/", "announce: false", 1)
	d := startDevice(t, o)
	d.overBroker(10 * time.Second)
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	eventually(t, 10*time.Second, "the broker refuses a phone without a login", func() bool {
		list := p.brokers()
		return len(list) == 1 && strings.Contains(list[0].Problem, "ot authorized")
	})
	p.waitLink("up", 5*time.Second)
	user := eval[string](p, `new Promise((done) => window.callbox.setBrokerLogin(async ({ user }) => { done(user); throw new Error("not yet"); }))`)
	password, err := mqtttest.Password(m.broker.Login(user, "d.e2e"))()
	if err != nil {
		t.Fatal(err)
	}
	eval[bool](p, fmt.Sprintf(`(window.callbox.setBrokerLogin(async () => ({ password: %q })), true)`, password))
	eventually(t, 60*time.Second, "the page is at the broker", func() bool { return p.brokers()[0].State == "up" })
	room := p.call(d, "call-voice")
	m.broker.Kill()
	time.Sleep(time.Second)
	p.click("hang-up")
	p.waitEventOf("finishVoip", room, 5*time.Second)
	d.waitState("idle", 5*time.Second)
}
