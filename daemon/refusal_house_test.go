package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/hal"
	"callbox/signaling"
	"callbox/signaling/pairing"
)

// patience is how long a test waits for what must happen.
const patience = 15 * time.Second

// house is a running daemon with everything real but the hardware and the speed
// of its clock, and what one hears of it through its local API.
type house struct {
	t     *testing.T
	cfg   *config.Config
	clock *aheadClock
	wall  wallTime
	api   *client.Client
	d     *daemon // that runs now
	stop  func()
	anna  *handset
	all   []*handset
	// reload is what a reload reads; nil: the configuration of the start.
	reload func() (*config.Config, error)

	mu     sync.Mutex
	events []control.Event
}

// newHouse starts a daemon in which Anna's phone is paired and may call.
func newHouse(t *testing.T, changes ...func(*config.Config)) *house {
	t.Helper()
	dir, err := os.MkdirTemp("", "callbox") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cfg := config.Default()
	cfg.Device = config.Device{SN: "door-1", Name: "Front door", StateDir: filepath.Join(dir, "state")}
	cfg.Control.Socket = filepath.Join(dir, "control.sock")
	cfg.Signaling.Direct.Listen = "127.0.0.1:0"
	cfg.Media.ICE.Loopback = true
	cfg.HAL.Camera.Name, cfg.HAL.Microphone.Name, cfg.HAL.Speaker.Name = hal.NameVirtual, hal.NameVirtual, hal.NameVirtual
	for _, change := range changes {
		change(cfg)
	}
	h := &house{t: t, cfg: cfg, clock: newAheadClock(), wall: machineTime(), api: client.New(cfg.Control.Socket)}
	h.start()
	t.Cleanup(func() { h.leave(); h.stop() })
	h.anna = h.paired("Anna", signaling.RightCall)
	return h
}

// start runs a daemon and listens to its events.
func (h *house) start() {
	h.t.Helper()
	d, err := newDaemon(h.cfg, zerolog.Nop(), h.clock, h.wall)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.reload != nil {
		d.reload = h.reload
	}
	h.d = d
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		if err := d.run(ctx); err != nil {
			h.t.Errorf("the daemon ended: %v", err)
		}
	})
	h.stop = func() { cancel(); work.Wait() }
	h.eventually("the daemon answers", func() bool { _, err := h.api.Status(ctx); return err == nil })
	// A program that answers what phones send, as it has promised to.
	handler := d.events.Subscribe(control.Position{}, true)
	work.Go(func() {
		for ev := range handler.C { // until the daemon ends
			var m control.MessageData
			if ev.Name != control.EventData && ev.Name != control.EventUnlock {
				continue
			}
			err := json.Unmarshal(ev.Data, &m)
			b := &backend{loop: d.loop, parts: d.parts}
			if err = errors.Join(err, b.AnswerData(ctx, control.DataAnswer{ID: m.ID})); err != nil {
				h.t.Errorf("cannot answer data: %v", err)
			}
		}
	})
	listening := make(chan struct{})
	work.Go(func() {
		var once sync.Once
		// The daemon's end ends the stream.
		err := h.api.Watch(context.Background(), client.WatchOptions{}, func(ev control.Event) error {
			once.Do(func() { close(listening) })
			h.mu.Lock()
			defer h.mu.Unlock()
			h.events = append(h.events, ev)
			return nil
		})
		if err != nil {
			h.t.Errorf("the events ended: %v", err)
		}
	})
	select {
	case <-listening:
	case <-time.After(patience):
		h.t.Fatal("no event came")
	}
}

// restart ends the daemon and starts another one with the same state.
func (h *house) restart() {
	h.t.Helper()
	h.leave()
	h.stop()
	h.start()
}

// leave ends all phones' connections.
func (h *house) leave() {
	for _, p := range h.all {
		p.hangUpLine()
	}
}

// window opens a pairing window and returns what the code shows.
func (h *house) window(rights ...signaling.Right) pairing.Link {
	h.t.Helper()
	var words []string
	for _, r := range rights {
		words = append(words, string(r))
	}
	w, err := h.api.OpenPairing(h.t.Context(), control.PairRequest{Rights: words})
	if err != nil {
		h.t.Fatal(err)
	}
	link, err := pairing.ParseLink(w.URL)
	if err != nil {
		h.t.Fatal(err)
	}
	return link
}

// paired is a new phone that was paired in the usual way.
func (h *house) paired(name string, rights ...signaling.Right) *handset {
	h.t.Helper()
	link := h.window(rights...)
	p := h.stranger()
	p.pair(link, name)
	p.expect("paired")
	p.contact = true
	return p
}

func (h *house) status() control.Status {
	h.t.Helper()
	s, err := h.api.Status(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// counts are refusals by reason; those that have not occurred are not there.
type counts map[string]uint64

func (c counts) sum() (n uint64) {
	for _, one := range c {
		n += one
	}
	return n
}

func (h *house) refused() counts {
	h.t.Helper()
	c := counts(h.status().Refused)
	maps.DeleteFunc(c, func(_ string, n uint64) bool { return n == 0 })
	return c
}

// named returns how many events had this name.
func (h *house) named(name string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, ev := range h.events {
		if ev.Name == name {
			n++
		}
	}
	return n
}

// told are the words of the device that no attack has waited for, phone by phone.
func (h *house) told() []string {
	var all []string
	for _, p := range h.all {
		all = append(all, p.unread()...)
	}
	return all
}

// eventually waits for what must come to be.
func (h *house) eventually(what string, is func() bool) {
	h.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("it never came about that %s; refused %v, told %v", what, h.refused(), h.told())
		}
	}
}

// settled wants the attack to have had its effect, and nothing else to come of it
// while one would wait for a bell.
func (h *house) settled(tt attack) {
	h.t.Helper()
	h.eventually("everything was counted", func() bool { return h.refused().sum() >= tt.refused.sum() })
	h.eventually("the device rang", func() bool { return h.named("ringing") >= tt.rings })
	h.eventually("the device answered", func() bool { return len(h.told()) >= len(tt.told) })
}

// check wants what must be true once that time has passed.
func (h *house) check(tt attack) {
	h.t.Helper()
	if got := h.refused(); !maps.Equal(got, tt.refused) {
		h.t.Errorf("refused %v, want %v", got, tt.refused)
	}
	if got := h.named("ringing"); got != tt.rings {
		h.t.Errorf("it rang %d times, want %d", got, tt.rings)
	}
	if got := h.told(); !slices.Equal(got, tt.told) {
		h.t.Errorf("the phones were told %q, want %q", got, tt.told)
	}
	state := tt.state
	if state == "" {
		state = "idle"
	}
	if s := h.status(); s.State != state {
		h.t.Errorf("the device is %s, want %s", s.State, state)
	}
}
