package daemon

import (
	"sync"
	"time"

	"callbox/daemon/control"
	"callbox/signaling"
	"callbox/signaling/pairing"
)

// pairingWindow remembers the open window, so that status can show it.
type pairingWindow struct {
	mu       sync.Mutex
	open     *control.PairWindow
	replaces string // jkt of the contact whose place the next phone takes; "": nobody's
	forced   bool
	until    time.Duration // on the boot clock: the wall clock may jump
}

// start opens a window; the one before it is closed. replaces is the contact whose
// place the phone takes; one without a key is nobody.
func (w *pairingWindow) start(p *parts, t signaling.PairingTerms, replaces signaling.Contact) (control.PairWindow, error) {
	page, endpoints := p.cfg.Signaling.Page, []string(nil)
	if p.direct != nil {
		endpoints = p.direct.Endpoints()
		if urls := p.direct.URLs(); page == "" && len(urls) > 0 {
			page = urls[0]
		}
	}
	if p.ways.mqtt != nil {
		brokers := p.cfg.Signaling.MQTT.PhoneEndpoints()
		endpoints = append(endpoints[:min(len(endpoints), pairing.MaxEndpoints-len(brokers))], brokers...)
	}
	if len(endpoints) == 0 {
		return control.PairWindow{}, control.ErrNoTransport
	}
	if page == "" {
		return control.PairWindow{}, control.ErrNoTransport.With("there is no call page that a pairing code could lead to").
			WithRemedy("set signaling.page to the address at which you host it, or signaling.direct.enabled: true")
	}
	// No phone pairs between this and the lock below: the old secret is dead, and
	// nobody knows the new one.
	opened := p.device.OpenPairing(t)
	fragment, err := opened.Link(endpoints).Fragment()
	if err != nil {
		return control.PairWindow{}, err
	}
	shown := control.PairWindow{URL: page + fragment, Expires: p.wall().Add(t.Life), Name: t.Name, Replaces: replaces.Name}
	for _, r := range t.Rights {
		shown.Rights = append(shown.Rights, string(r))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open, w.replaces, w.forced, w.until = &shown, replaces.JKT, t.Force, p.clock.Now()+t.Life
	return shown, nil
}

// taking says whose place the phone that pairs takes, and whether with all rights.
func (w *pairingWindow) taking() (jkt string, forced bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.replaces, w.forced
}

// stop closes the window.
func (w *pairingWindow) stop(p *parts) {
	p.device.ClosePairing()
	w.forget()
}

func (w *pairingWindow) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = nil
}

// current returns the window that is open at now, without its secret, or nil.
func (w *pairingWindow) current(now time.Duration) *control.PairWindow {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil || now >= w.until {
		return nil
	}
	shown := *w.open
	shown.URL = ""
	return &shown
}
