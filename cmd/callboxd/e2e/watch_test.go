//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"callbox/daemon/control"
)

// watch is a running "callboxctl watch --json", and what it has printed.
type watch struct {
	t testing.TB

	mu     sync.Mutex
	events []control.Event
}

// watch begins to watch the device's events. It returns once the first has come,
// the present state: from then on none is missed.
func (d *device) watch() *watch {
	d.t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "callboxctl"), "--socket", d.socket, "--json", "watch")
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	w := &watch{t: d.t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.read(out)
	}()
	d.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
		_ = cmd.Wait() // it was told to end
	})
	w.find("status", "", 10*time.Second)
	return w
}

func (w *watch) read(out io.Reader) {
	for lines := json.NewDecoder(out); ; {
		var ev control.Event
		if err := lines.Decode(&ev); err != nil {
			if !errors.Is(err, io.EOF) {
				w.t.Errorf("callboxctl watch printed what is no event: %v", err)
			}
			return
		}
		w.mu.Lock()
		w.events = append(w.events, ev)
		w.mu.Unlock()
	}
}

// all returns the events of a room; "" is every event.
func (w *watch) all(room string) []control.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []control.Event
	for _, ev := range w.events {
		if room == "" || ev.RoomID == room {
			found = append(found, ev)
		}
	}
	return found
}

// find waits for the first event of that name and room; "" is any room.
func (w *watch) find(name, room string, within time.Duration) control.Event {
	w.t.Helper()
	var found control.Event
	eventually(w.t, within, "the device publishes "+name, func() bool {
		for _, ev := range w.all(room) {
			if ev.Name == name {
				found = ev
				return true
			}
		}
		return false
	})
	return found
}
