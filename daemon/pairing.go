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
	mu   sync.Mutex
	open *control.PairWindow
}

// start opens a window; the one before it is closed.
func (w *pairingWindow) start(p *parts, t signaling.PairingTerms) (control.PairWindow, error) {
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
	opened := p.device.OpenPairing(t)
	fragment, err := opened.Link(endpoints).Fragment()
	if err != nil {
		return control.PairWindow{}, err
	}
	shown := control.PairWindow{URL: page + fragment, Expires: time.Now().Add(t.Life), Name: t.Name}
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
