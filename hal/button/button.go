// Package button turns keys of input devices (evdev) and GPIO lines into presses
// of the buttons that the configuration names.
//
// A device that is missing or may not be opened is no error: Status tells of it,
// and it is taken as soon as it is there. Nothing is polled: the kernel tells of
// keys, edges, and devices that come and go. Only what another program holds is
// asked for again, every 10 s.
package button

import (
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
)

const (
	// settle is how long changes are left to come together: udev makes the node,
	// then sets its mode, then makes its links.
	settle = 100 * time.Millisecond
	// retry is for what no event tells of: another program lets go of a device.
	retry = 10 * time.Second
	// defaultDebounce: contacts of buttons bounce for 1 to 10 ms.
	defaultDebounce = 20 * time.Millisecond
)

// Buttons are the buttons of the configuration, listened to until Close.
type Buttons struct {
	system system
	clock  clock.Clock
	log    zerolog.Logger
	names  []string // of the buttons

	posts   chan func() // for the loop
	stopped chan struct{}
	close   sync.Once
	running sync.WaitGroup // all goroutines but those of timers

	mu     sync.Mutex
	status []Status
	notify func(Status)

	// The loop's own:
	sources []*source
	streams map[string]*stream // by the path of their device
	watcher watcher            // nil when there is none
	timer   func() bool        // stops the next scan; nil when there is none
	due     time.Duration      // of the next scan
	scans   int                // number of that scan, so that an old timer does nothing
}

// Open listens to the buttons. emit is called for every press, from one goroutine:
// it must not block, and must not call Close. After Close it is not called.
//
// An error tells of options that daemon/config would have refused.
func Open(options []hal.ButtonOptions, clk clock.Clock, log zerolog.Logger, emit func(hal.Press)) (*Buttons, error) {
	return open(machine{}, options, clk, log, emit)
}

func open(sys system, options []hal.ButtonOptions, clk clock.Clock, log zerolog.Logger, emit func(hal.Press)) (*Buttons, error) {
	all, err := sources(options)
	if err != nil {
		return nil, err
	}
	b := &Buttons{
		system: sys, clock: clk, log: log, sources: all, streams: map[string]*stream{},
		posts: make(chan func()), stopped: make(chan struct{}), status: make([]Status, len(options)), notify: func(Status) {},
	}
	for i, o := range options {
		b.names = append(b.names, o.Name)
		b.status[i].Button = o.Name
	}
	for _, s := range all {
		s.presser = newPresser(s.buttons, clk, b.post, func(p hal.Press) {
			log.Debug().Str("button", p.Button).Str("action", string(p.Action)).Bool("held", p.Held).Msg("button pressed")
			emit(p)
		})
	}
	if len(all) > 0 {
		b.startWatcher()
		b.scan()
	}
	b.running.Go(b.loop)
	return b, nil
}

// Status tells how every button is, in the order of the configuration.
func (b *Buttons) Status() []Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Status(nil), b.status...)
}

// Notify has f called when a button that could be pressed cannot be any more, and when
// one that could not now can; the State says which. How the buttons were before the
// call, Status tells. f must not block and must not call the Buttons.
func (b *Buttons) Notify(f func(Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notify = f
}

// Close lets go of all devices and lines. It may be called twice.
func (b *Buttons) Close() error {
	b.close.Do(func() { close(b.stopped) })
	b.running.Wait()
	return nil
}

// post lets the loop run f; it does nothing after Close.
func (b *Buttons) post(f func()) {
	select {
	case b.posts <- f:
	case <-b.stopped:
	}
}

func (b *Buttons) loop() {
	defer b.letGo()
	for {
		select {
		case f := <-b.posts:
			f()
		case <-b.stopped:
			return
		}
	}
}

// letGo closes what is open; that ends the other goroutines.
func (b *Buttons) letGo() {
	if b.watcher != nil {
		_ = b.watcher.close() // nothing depends on it any more
	}
	if b.timer != nil {
		b.timer()
	}
	for _, st := range b.streams {
		_ = st.keys.Close()
	}
	for _, s := range b.sources {
		s.presser.abort()
		if s.settling != nil {
			s.settling()
		}
		if s.line != nil {
			_ = s.line.Close()
		}
	}
}

func (b *Buttons) startWatcher() {
	w, err := b.system.watch()
	if err != nil {
		b.log.Warn().Err(err).Msg("buttons that are plugged in later are not noticed")
		return
	}
	b.watcher = w
	b.running.Go(func() {
		for {
			err := w.wait()
			select {
			case <-b.stopped:
				return
			default:
			}
			if err != nil {
				b.log.Warn().Err(err).Msg("buttons that are plugged in later are not noticed")
				return
			}
			b.post(func() { b.scanIn(settle) })
		}
	})
}

// scanIn lets scan run after d, or earlier when it is going to.
func (b *Buttons) scanIn(d time.Duration) {
	due := b.clock.Now() + d
	if b.timer != nil {
		if b.due <= due {
			return
		}
		b.timer()
	}
	b.due = due
	b.scans++
	number := b.scans
	b.timer = b.clock.AfterFunc(d, func() {
		b.post(func() {
			if b.timer != nil && b.scans == number {
				b.timer = nil
				b.scan()
			}
		})
	})
}

// set publishes how the buttons of a source are; the log tells of changes.
func (b *Buttons) set(s *source, status Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, i := range s.indexes {
		status.Button = b.names[i]
		if b.status[i] == status {
			continue
		}
		before := b.status[i].State
		b.status[i] = status
		if (before == Found) != (status.State == Found) {
			b.notify(status)
		}
		line := b.log.Info()
		if status.State != Found {
			line = b.log.Warn().Str("reason", status.Reason)
		}
		line.Str("button", status.Button).Str("state", string(status.State)).Str("device", status.Device).Msg("button")
	}
}

// Look tells how the buttons are without listening to them.
func Look(options []hal.ButtonOptions) ([]Status, error) { return look(machine{}, options) }

func look(sys system, options []hal.ButtonOptions) ([]Status, error) {
	all, err := sources(options)
	if err != nil {
		return nil, err
	}
	out := make([]Status, len(options))
	devices, errInputs := sys.inputs()
	for _, s := range all {
		var status Status
		switch {
		case s.isLine():
			name, err := sys.checkLine(s.gpio)
			if status = (Status{State: Found, Device: name}); err != nil {
				status = failed(err)
			}
		case errInputs != nil:
			status = failed(fmt.Errorf("cannot look for input devices: %w", errInputs))
		default:
			status, _ = s.judge(devices)
		}
		for _, i := range s.indexes {
			out[i] = status
			out[i].Button = options[i].Name
		}
	}
	return out, nil
}
