package button

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/button/evdev"
	"callbox/hal/button/key"
	"callbox/hal/clock"
)

// fakeSystem is a machine whose devices the test plugs in and presses.
type fakeSystem struct {
	clk      clock.Clock
	changed  chan struct{}
	closed   chan struct{}
	watchErr error

	mu      sync.Mutex
	devices map[string]evdev.Device // by path
	openErr map[string]error
	open    map[string]*fakeKeys
	lineErr map[hal.Line]error
	lines   map[hal.Line]*fakeLine
	scans   int // how often the devices were listed
}

func newFakeSystem() *fakeSystem {
	return &fakeSystem{
		clk: clock.Go(), changed: make(chan struct{}, 16), closed: make(chan struct{}),
		devices: map[string]evdev.Device{}, openErr: map[string]error{}, open: map[string]*fakeKeys{},
		lineErr: map[hal.Line]error{}, lines: map[hal.Line]*fakeLine{},
	}
}

// plug adds a device with these keys and names.
func (f *fakeSystem) plug(path string, keys []key.Code, names ...string) {
	d := evdev.Device{Path: path, Names: names}
	for _, k := range keys {
		d.Keys.Add(k)
	}
	f.mu.Lock()
	f.devices[path] = d
	f.mu.Unlock()
	f.changed <- struct{}{}
}

// unplug takes a device away while it is open or not.
func (f *fakeSystem) unplug(path string) {
	f.mu.Lock()
	delete(f.devices, path)
	open := f.open[path]
	delete(f.open, path)
	f.mu.Unlock()
	if open != nil {
		open.fail(hal.ErrGone)
	}
	f.changed <- struct{}{}
}

// refuse lets every open of path fail until err is nil.
func (f *fakeSystem) refuse(path string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.openErr[path] = err
}

// keys is the open device.
func (f *fakeSystem) keys(t *testing.T, path string) *fakeKeys {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[path] == nil {
		t.Fatalf("%s is not open", path)
	}
	return f.open[path]
}

// line is a line that is open.
func (f *fakeSystem) line(t *testing.T, name hal.Line) *fakeLine {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lines[name] == nil {
		t.Fatalf("the line %s is not open", name)
	}
	return f.lines[name]
}

// looked is how often the devices were listed.
func (f *fakeSystem) looked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.scans
}

func (f *fakeSystem) down(t *testing.T, path string, code key.Code) {
	t.Helper()
	f.keys(t, path).events <- []evdev.Event{{Code: code, Down: true, At: f.clk.Now()}}
}

func (f *fakeSystem) up(t *testing.T, path string, code key.Code) {
	t.Helper()
	f.keys(t, path).events <- []evdev.Event{{Code: code, At: f.clk.Now()}}
}

func (f *fakeSystem) inputs() (all []evdev.Device, _ error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scans++
	for _, d := range f.devices {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b evdev.Device) int { return len(a.Path) - len(b.Path) })
	return all, nil
}

func (f *fakeSystem) openInput(path string, codes []key.Code, grab bool) (keyStream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.openErr[path]; err != nil {
		return nil, err
	}
	if f.open[path] != nil {
		return nil, fmt.Errorf("%s is opened twice", path)
	}
	k := &fakeKeys{system: f, path: path, codes: codes, grab: grab, events: make(chan []evdev.Event, 8), failed: make(chan error, 1), closed: make(chan struct{})}
	f.open[path] = k
	return k, nil
}

func (f *fakeSystem) openLine(g hal.GPIO) (line, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.lineErr[g.Line]; err != nil {
		return nil, err
	}
	if f.lines[g.Line] != nil {
		return nil, hal.ErrBusy
	}
	l := &fakeLine{system: f, name: g.Line, edges: make(chan error, 64), closed: make(chan struct{})}
	f.lines[g.Line] = l
	return l, nil
}

func (f *fakeSystem) checkLine(g hal.GPIO) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(g.Line), f.lineErr[g.Line]
}

func (f *fakeSystem) watch() (watcher, error) {
	if f.watchErr != nil {
		return nil, f.watchErr
	}
	return f, nil
}

func (f *fakeSystem) refresh() error { return nil }
func (f *fakeSystem) close() error   { close(f.closed); return nil }
func (f *fakeSystem) wait() error {
	select {
	case <-f.changed:
		return nil
	case <-f.closed:
		return io.EOF
	}
}

type fakeKeys struct {
	system *fakeSystem
	path   string
	codes  []key.Code
	grab   bool
	events chan []evdev.Event
	failed chan error
	closed chan struct{}
	once   sync.Once
}

func (k *fakeKeys) fail(err error) { k.failed <- err }

func (k *fakeKeys) Read() ([]evdev.Event, error) {
	select {
	case e := <-k.events:
		return e, nil
	case err := <-k.failed:
		return nil, err
	case <-k.closed:
		return nil, io.EOF
	}
}

func (k *fakeKeys) Close() error {
	k.once.Do(func() {
		close(k.closed)
		k.system.mu.Lock()
		defer k.system.mu.Unlock()
		if k.system.open[k.path] == k {
			delete(k.system.open, k.path)
		}
	})
	return nil
}

type fakeLine struct {
	system *fakeSystem
	name   hal.Line
	active bool // guarded by system.mu
	edges  chan error
	closed chan struct{}
}

// turn changes the level; the kernel tells of it.
func (l *fakeLine) turn(active bool) {
	l.system.mu.Lock()
	l.active = active
	l.system.mu.Unlock()
	l.edges <- nil
}

func (l *fakeLine) Name() string { return "gpiochip0 line " + string(l.name) }

func (l *fakeLine) Value() (bool, error) {
	l.system.mu.Lock()
	defer l.system.mu.Unlock()
	return l.active, nil
}

func (l *fakeLine) WaitEdge() error {
	select {
	case err := <-l.edges:
		return err
	case <-l.closed:
		return io.EOF
	}
}

func (l *fakeLine) Close() error {
	l.system.mu.Lock()
	defer l.system.mu.Unlock()
	delete(l.system.lines, l.name)
	close(l.closed)
	return nil
}

// bench is a set of buttons on a fake system, and what was pressed.
type bench struct {
	*testing.T
	*Buttons
	system *fakeSystem

	mu      sync.Mutex
	presses []hal.Press
}

// openBench opens the buttons; the test must call it inside a bubble.
func openBench(t *testing.T, f *fakeSystem, options ...hal.ButtonOptions) *bench {
	t.Helper()
	b := &bench{T: t, system: f}
	var err error
	b.Buttons, err = open(f, options, f.clk, zerolog.New(zerolog.NewTestWriter(t)), func(p hal.Press) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.presses = append(b.presses, p)
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pressed returns the names of what was pressed since the last call, "!" after
// those that were held.
func (b *bench) pressed() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := ""
	for _, p := range b.presses {
		text += p.Button
		if p.Held {
			text += "!"
		}
		text += " "
	}
	b.presses = nil
	return text
}

func (b *bench) want(when, want string) {
	b.Helper()
	if got := b.pressed(); got != want {
		b.Errorf("%s: pressed %q, want %q", when, got, want)
	}
}

func (b *bench) wantState(when string, want ...State) {
	b.Helper()
	for i, s := range b.Status() {
		if s.State != want[i] || (s.Reason == "") != (s.State == Found) {
			b.Errorf("%s: %+v, want %s", when, s, want[i])
		}
	}
}

const (
	enter = key.Code(28)
	esc   = key.Code(1)
	kbd   = "/dev/input/event3"
)

// denied is what opening a node without permission gives.
var denied = &fs.PathError{Op: "open", Path: kbd, Err: unix.EACCES}

// moment is longer than the time that changes are left to come together.
const moment = 2 * settle
