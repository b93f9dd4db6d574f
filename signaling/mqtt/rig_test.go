package mqtt

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"callbox/signaling/key"
	"callbox/signaling/mqtttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 15 * time.Second

const device = "d.door-1"

// heard is a Handler that writes down what happens.
type heard struct {
	mu    sync.Mutex
	lines []string
}

func (h *heard) note(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, line)
}

func (h *heard) Up()   { h.note("up") }
func (h *heard) Gone() { h.note("gone") }
func (h *heard) Receive(from, topic, msg string) {
	h.note("from " + from + " on " + topic + ": " + msg)
}

func (h *heard) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lines)
}

// logged is a log that can be read.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// rig is a device's client.
type rig struct {
	*Client
	*heard
	t   *testing.T
	key *key.Private
	log *logged
}

func quick() timeouts {
	t := defaultTimeouts()
	t.probe, t.reassert, t.packet, t.flush = time.Second, 300*time.Millisecond, 3*time.Second, 3*time.Second
	return t
}

// newRig starts a client; change changes what it is made of.
func newRig(t *testing.T, opt Options, change func(*Config, *timeouts)) *rig {
	t.Helper()
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	if opt.Prefix == "" {
		opt.Prefix = mqtttest.Prefix
	}
	r := &rig{heard: &heard{}, t: t, key: k, log: &logged{}}
	cfg, times := Config{Address: device, Key: k, Epoch: 7, Handler: r.heard, Log: zerolog.New(r.log), Password: mqtttest.Password(opt.PasswordFile)}, quick()
	if change != nil {
		change(&cfg, &times)
	}
	if r.Client, err = newClient(opt, cfg, times); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.end)
	return r
}

func (r *rig) end() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		r.t.Error(err)
	}
}

// eventually waits for what must come to be.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came about that %s", what)
		}
	}
}

func (r *rig) isUp() {
	r.t.Helper()
	for end := time.Now().Add(patience); !r.Status().Up; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("the transport never came up: %+v", r.Status())
		}
	}
}

// problem waits for a problem with these words.
func (r *rig) problem(words string) {
	r.t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(r.Status().Problem, words); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("the problem never was %q: %+v", words, r.Status())
		}
	}
}

// phone is a phone's address with a key of its own.
func phone(t *testing.T) string {
	t.Helper()
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	return key.PhoneAddress(k.JKT())
}
