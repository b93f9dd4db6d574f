package daemon

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/signaling"
	"callbox/signaling/base64url"
	"callbox/signaling/message"
	"callbox/signaling/push"
)

// wakers are a push service and a maker's backend on one server.
type wakers struct {
	*httptest.Server
	mu     sync.Mutex
	status int // that the push service answers
	pushes int
	hooks  []push.Ring
}

func newWakers(t *testing.T) *wakers {
	t.Helper()
	w := &wakers{status: http.StatusCreated}
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		defer w.mu.Unlock()
		if r.URL.Path == "/hook" {
			var ring push.Ring
			if err := json.Unmarshal(body, &ring); err != nil {
				t.Error(err)
			}
			w.hooks = append(w.hooks, ring)
			return
		}
		w.pushes++
		if bytes.Contains(body, []byte("room")) || r.Header.Get("TTL") == "0" {
			t.Errorf("a push of %q for %s s", body, r.Header.Get("TTL"))
		}
		rw.WriteHeader(w.status)
	}))
	t.Cleanup(w.Close)
	return w
}

// counts are the pushes, and the rooms that the backend was told.
func (w *wakers) counts() (pushes int, rooms []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.hooks {
		rooms = append(rooms, r.RoomID)
	}
	return w.pushes, rooms
}

// forget begins to count anew.
func (w *wakers) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pushes, w.hooks = 0, nil
}

// answer says what the push service answers from now on.
func (w *wakers) answer(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = status
}

// use makes the daemon of a house speak to them, which are on loopback.
func (w *wakers) use(t *testing.T, d *daemon) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(w.Certificate())
	vapid, err := push.VAPIDKey(d.store.Key())
	if err != nil {
		t.Fatal(err)
	}
	sender, err := push.NewSender(push.SenderOptions{
		Key: vapid, Hosts: d.cfg.Signaling.Push.Hosts, Wall: time.Now, Private: true, Roots: roots,
	})
	if err != nil {
		t.Fatal(err)
	}
	hook, err := push.NewWebhook(push.WebhookConfig{
		URL: w.URL + "/hook", Secret: make([]byte, 16), AllowPrivate: true, Device: "d." + d.sn, Wall: time.Now, Roots: roots,
	})
	if err != nil {
		t.Fatal(err)
	}
	d.waker.sender, d.waker.book.sender, d.waker.hook = sender, sender, hook
}

func newSubscription(t *testing.T, endpoint string) signaling.PushSubscription {
	t.Helper()
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := signaling.PushSubscription{Endpoint: endpoint}
	s.Keys.P256DH, s.Keys.Auth = base64url.Encode(k.PublicKey().Bytes()), base64url.Encode(make([]byte, 16))
	return s
}

// push sends one push message and returns its answer.
func (p *handset) push(b message.Push) message.Pushed {
	p.h.t.Helper()
	text, err := json.Marshal(b)
	if err != nil {
		p.h.t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		p.h.t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // a contact has five messages a second
	p.say(p.Message(message.TypePush, message.NewID(), members))
	return p.expect("pushed").Body.(message.Pushed)
}

// subscribe leaves a subscription as a page does.
func (p *handset) subscribe(s signaling.PushSubscription) message.Pushed {
	p.h.t.Helper()
	return p.push(message.Push{Nonce: p.push(message.Push{}).Nonce, Subscription: &s})
}

func newPushHouse(t *testing.T) (*house, *wakers) {
	t.Helper()
	w := newWakers(t)
	h := newHouse(t, func(c *config.Config) {
		c.Signaling.Push.Hosts = []string{strings.TrimPrefix(w.URL, "https://")}
	})
	w.use(t, h.d)
	h.anna.hangUpLine()
	h.anna = h.paired("Bert", signaling.RightCall, signaling.RightBeCalled)
	return h, w
}

// rings lets the device call, and returns the room.
func (h *house) calls(who string) string {
	h.t.Helper()
	c, err := h.api.Call(h.t.Context(), control.CallRequest{To: []string{who}})
	if err != nil {
		h.t.Fatal(err)
	}
	return c.RoomID
}

func (h *house) hangsUp(room string) {
	h.t.Helper()
	if err := h.api.HangUp(h.t.Context(), room); err != nil {
		h.t.Fatal(err)
	}
	h.eventually("the device is idle", func() bool { return h.status().State == "idle" })
}

// TestAPhoneThatIsAwayIsWoken: one that no transport reaches gets a push, the backend
// is told, and the phone gets the ring when it connects. One that is there gets the
// ring alone, and the push when it does not answer that.
func TestAPhoneThatIsAwayIsWoken(t *testing.T) {
	h, w := newPushHouse(t)
	bert := h.anna
	if got := bert.subscribe(newSubscription(t, w.URL+"/send/1")); !got.Subscribed || got.Error != "" || got.Key != h.d.waker.sender.Key() {
		t.Fatalf("pushed %+v", got)
	}
	room := h.calls("Bert")
	bert.expect("ring")
	h.hangsUp(room)
	bert.expect("cancel")
	if n, rooms := w.counts(); n != 0 || len(rooms) != 0 {
		t.Errorf("%d pushes and %q for a phone that is there", n, rooms)
	}

	room = h.calls("Bert")
	bert.expect("ring") // and sleeps on
	began := time.Now()
	h.eventually("it is woken for all that", func() bool { n, rooms := w.counts(); return n == 1 && len(rooms) == 1 })
	if took := time.Since(began); took < doubt-time.Second {
		t.Errorf("a phone that is there was given %v to answer, want %v", took, doubt)
	}
	h.hangsUp(room)
	bert.expect("cancel")
	w.forget()

	bert.hangUpLine()
	h.eventually("the device knows that it is away", func() bool { return !h.d.device.Reachable(bert.JKT()) })
	room = h.calls("Bert")
	h.eventually("it is woken", func() bool {
		n, rooms := w.counts()
		return n == 1 && slices.Equal(rooms, []string{room})
	})
	w.mu.Lock()
	if r := w.hooks[0]; r.Phone != bert.JKT() || r.Device != "d.door-1" || r.RingTimeout < 50 || r.RingTimeout > 60 {
		t.Errorf("the backend was told %+v", r)
	}
	w.mu.Unlock()
	bert.connect()
	if m := bert.expect("ring"); m.RoomID != room {
		t.Errorf("it gets the ring of room %s, want %s", m.RoomID, room)
	}
	h.hangsUp(room)
	bert.expect("cancel")
}

// TestASubscriptionEnds: when the push service says so, when the phone says so, and
// with the contact; it survives a restart of the daemon.
func TestASubscriptionEnds(t *testing.T) {
	h, w := newPushHouse(t)
	bert := h.anna
	subscribe := func() {
		t.Helper()
		if got := bert.subscribe(newSubscription(t, w.URL+"/send/1")); !got.Subscribed {
			t.Fatalf("pushed %+v", got)
		}
	}
	subscribe()
	h.restart()
	w.use(t, h.d)
	bert.connect()
	if got := bert.push(message.Push{}); !got.Subscribed {
		t.Error("a restart has lost the subscription")
	}
	bert.hangUpLine()
	h.eventually("the device knows that it is away", func() bool { return !h.d.device.Reachable(bert.JKT()) })
	w.answer(http.StatusGone)
	room := h.calls("Bert")
	h.eventually("it is forgotten", func() bool { return !h.d.waker.book.Subscribed(bert.JKT()) })
	h.hangsUp(room)

	bert.connect()
	subscribe()
	if got := bert.push(message.Push{Nonce: bert.push(message.Push{}).Nonce, Remove: true}); got.Subscribed || got.Error != "" {
		t.Errorf("after its removal: pushed %+v", got)
	}
	subscribe()
	if _, err := h.d.store.Revoke("Bert"); err != nil {
		t.Fatal(err)
	}
	if h.d.waker.book.Subscribed(bert.JKT()) {
		t.Error("a revoked contact is woken")
	}
	if err := h.d.waker.book.Subscribe(h.all[0].JKT(), newSubscription(t, w.URL+"/send/2")); err != nil {
		t.Fatal(err)
	}
	var kept map[string]signaling.PushSubscription
	if _, err := h.d.store.Setting(settingPush, &kept); err != nil || len(kept) != 1 {
		t.Errorf("kept %v, %v; want that of the contact that is left", kept, err)
	}
}

// TestTriesEndWithTheRing: a push service that is down is asked again, and left
// alone as soon as nobody rings any more; the daemon stops at once.
func TestTriesEndWithTheRing(t *testing.T) {
	h, w := newPushHouse(t)
	bert := h.anna
	bert.subscribe(newSubscription(t, w.URL+"/send/1"))
	bert.hangUpLine()
	h.eventually("the device knows that it is away", func() bool { return !h.d.device.Reachable(bert.JKT()) })
	w.answer(http.StatusServiceUnavailable)
	room := h.calls("Bert")
	h.eventually("it is tried again", func() bool { n, _ := w.counts(); return n >= 2 })
	h.hangsUp(room)
	running := func() bool {
		h.d.waker.mu.Lock()
		defer h.d.waker.mu.Unlock()
		return len(h.d.waker.running) > 0
	}
	h.eventually("the tries end", func() bool { return !running() })
	h.calls("Bert")
	began := time.Now()
	h.leave()
	h.stop()
	if took := time.Since(began); took > stopTimeout {
		t.Errorf("the daemon needed %v to stop", took)
	}
	h.start()
}
