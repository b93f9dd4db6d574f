package daemon

import (
	"sync"
	"time"

	"callbox/daemon/control"
	"callbox/signaling"
)

// pairingWindow remembers the open window, so that status can show it.
type pairingWindow struct {
	mu   sync.Mutex
	open *control.PairWindow
}

// start opens a window; the one before it is closed.
func (w *pairingWindow) start(p *parts, t signaling.PairingTerms) (control.PairWindow, error) {
	if p.direct == nil {
		return control.PairWindow{}, control.ErrNoTransport
	}
	urls := p.direct.URLs()
	if len(urls) == 0 {
		return control.PairWindow{}, control.ErrNoTransport
	}
	opened := p.device.OpenPairing(t)
	fragment, err := opened.Link(p.direct.Endpoints()).Fragment()
	if err != nil {
		return control.PairWindow{}, err
	}
	shown := control.PairWindow{URL: urls[0] + fragment, Expires: time.Now().Add(t.Life), Name: t.Name}
	for _, r := range t.Rights {
		shown.Rights = append(shown.Rights, string(r))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = &shown
	return shown, nil
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

// current returns the open window without its secret, or nil.
func (w *pairingWindow) current() *control.PairWindow {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil || time.Now().After(w.open.Expires) {
		return nil
	}
	shown := *w.open
	shown.URL = ""
	return &shown
}
