package relay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"callbox/signaling/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const anna = "p.NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

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

func (h *heard) Up()                      { h.note("up") }
func (h *heard) Gone()                    { h.note("gone") }
func (h *heard) Receive(from, msg string) { h.note(from + ": " + msg) }

func (h *heard) want(t *testing.T, want ...string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.lines, want) {
		t.Errorf("the handler heard %q, want %q", h.lines, want)
	}
	h.lines = nil
}

func carry(t *testing.T, r *Relay) *Carrier {
	t.Helper()
	c, err := r.Carry()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRelay(t *testing.T) {
	h := &heard{}
	r := New(h)
	if r.Send(anna, "hello") {
		t.Error("Send is true while nobody carries")
	}
	first := carry(t, r)
	h.want(t, "up")
	second := carry(t, r)
	if n := r.Carriers(); n != 2 || !r.Send(anna, "hello") {
		t.Errorf("%d carriers", n)
	}
	for _, c := range []*Carrier{first, second} {
		if m := <-c.C; m != (Message{anna, "hello"}) {
			t.Errorf("carried %+v", m)
		}
	}
	if err := r.Receive(anna, "good day"); err != nil {
		t.Error(err)
	}
	first.Close()
	first.Close()
	h.want(t, anna+": good day")
	second.Close()
	h.want(t, "gone")
	third := carry(t, r)
	r.Close()
	if _, open := <-third.C; open {
		t.Error("a carrier outlives the relay")
	}
	third.Close()
	h.want(t, "up", "gone")
	if _, err := r.Carry(); !errors.Is(err, ErrClosed) {
		t.Errorf("Carry after Close: %v", err)
	}
	if err := r.Receive(anna, "good day"); !errors.Is(err, ErrClosed) {
		t.Errorf("Receive after Close: %v", err)
	}
	h.want(t)
}

// TestSlowCarrier: one that does not read is cut off, the others go on, and it is
// gone only once it knows.
func TestSlowCarrier(t *testing.T) {
	h := &heard{}
	r := New(h)
	slow := carry(t, r)
	for i := range queue {
		if !r.Send(anna, fmt.Sprint(i)) {
			t.Fatalf("message %d was not taken", i)
		}
	}
	if r.Send(anna, "one too many") || r.Send(anna, "and another") {
		t.Error("Send is true though nobody took it")
	}
	quick := carry(t, r)
	if !r.Send(anna, "for the quick") {
		t.Error("Send is false though one takes it")
	}
	n := 0
	for range slow.C {
		n++
	}
	if n != queue {
		t.Errorf("the slow one got %d messages, want %d", n, queue)
	}
	if m := <-quick.C; m.Text != "for the quick" {
		t.Errorf("the quick one got %+v", m)
	}
	slow.Close()
	h.want(t, "up")
	quick.Close()
	h.want(t, "gone")
}

func TestRefused(t *testing.T) {
	h := &heard{}
	r := New(h)
	for name, tt := range map[string]struct {
		from, msg string
		want      error
		reason    Reason
	}{
		"a device":       {"d.door-1", "x", ErrSender, RefusedSender},
		"no address":     {"", "x", ErrSender, RefusedSender},
		"half a key":     {anna[:20], "x", ErrSender, RefusedSender},
		"nothing":        {anna, "", ErrMessage, RefusedSize},
		"too much":       {anna, strings.Repeat("x", message.MaxMessage+1), ErrMessage, RefusedSize},
		"bytes, no text": {anna, "\xff", ErrMessage, RefusedShape},
	} {
		before := r.Refused()[string(tt.reason)]
		if err := r.Receive(tt.from, tt.msg); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if after := r.Refused()[string(tt.reason)]; after != before+1 {
			t.Errorf("%s: counted %d times", name, after-before)
		}
	}
	h.want(t)
}

func FuzzReceive(f *testing.F) {
	f.Add(anna, "eyJhbGciOiJFUzI1NiJ9.e30.x")
	f.Add("d.door-1", "hello")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, from, msg string) {
		h := &heard{}
		err := New(h).Receive(from, msg)
		if (err == nil) != (len(h.lines) == 1) {
			t.Errorf("%v, and the handler heard %q", err, h.lines)
		}
		if err == nil && (len(from) != len(anna) || len(msg) > message.MaxMessage || msg == "") {
			t.Errorf("from %q, %d bytes were taken", from, len(msg))
		}
	})
}
