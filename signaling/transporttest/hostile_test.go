package transporttest

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"callbox/signaling"
)

// weather is what a network does to messages, each way.
type weather struct {
	lose, repeat float64 // probabilities
	delay        time.Duration
}

// fair lets everything through at once.
var fair = weather{}

// foul is a network on which a call still has to come about.
var foul = weather{lose: 0.3, repeat: 0.3, delay: 250 * time.Millisecond}

// passed is one message that went by, on its way in.
type passed struct {
	peer signaling.Peer
	text string
}

// hostile stands between a transport and the device: it is what a broker, a relay or
// somebody on the way could be.
type hostile struct {
	device  *signaling.Device
	weather weather

	mu      sync.Mutex
	rand    *rand.Rand
	ways    map[signaling.Transport]*way
	in      []passed // all that came, for replays
	tamper  func(one passed) []passed
	deaf    func(text string) bool
	stopped bool
	lost    [2]int // in a row, each way
	running sync.WaitGroup
	stop    chan struct{}
}

// The ways of a message: to the device, and from it.
const (
	in = iota
	out
)

// mostLost is how many messages in a row are lost, each way: a network that loses
// everything is down, and no test of a call.
const mostLost = 2

// way is a transport as the device sees it.
type way struct {
	inner signaling.Transport
	h     *hostile
}

func newHostile(w weather, seed uint64) *hostile {
	return &hostile{weather: w, rand: rand.New(rand.NewPCG(seed, 1)), ways: map[signaling.Transport]*way{}, stop: make(chan struct{})}
}

// Send lets the network have its way with what the device says.
func (w *way) Send(to, msg string) bool {
	w.h.mu.Lock()
	deaf := w.h.deaf
	w.h.mu.Unlock()
	if deaf != nil && deaf(msg) {
		return true
	}
	if w.h.weather == fair {
		return w.inner.Send(to, msg)
	}
	w.h.carry(out, func() { w.inner.Send(to, msg) })
	return true
}

func (h *hostile) way(t signaling.Transport) *way {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ways[t] == nil {
		h.ways[t] = &way{inner: t, h: h}
	}
	return h.ways[t]
}

func (h *hostile) seen(p signaling.Peer) signaling.Peer {
	p.Transport = h.way(p.Transport)
	return p
}

func (h *hostile) Up(p signaling.Peer)          { h.device.Up(h.seen(p)) }
func (h *hostile) Gone(p signaling.Peer)        { h.device.Gone(h.seen(p)) }
func (h *hostile) Attach(t signaling.Transport) { h.device.Attach(h.way(t)) }
func (h *hostile) Detach(t signaling.Transport) { h.device.Detach(h.way(t)) }

func (h *hostile) Receive(p signaling.Peer, text string) {
	p = h.seen(p)
	h.mu.Lock()
	h.in = append(h.in, passed{p, text})
	device, tamper := h.device, h.tamper
	h.mu.Unlock()
	arrives := []passed{{p, text}}
	if tamper != nil {
		arrives = tamper(arrives[0])
	}
	for _, one := range arrives {
		if h.weather == fair {
			device.Receive(one.peer, one.text)
			continue
		}
		h.carry(in, func() { device.Receive(one.peer, one.text) })
	}
}

// tampers has somebody on the way decide, from now on, what arrives in the place of a
// message to the device; nil lets everything through again.
func (h *hostile) tampers(f func(one passed) []passed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tamper = f
}

// swallows has somebody on the way keep those messages of the device for which f says
// yes.
func (h *hostile) swallows(f func(text string) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deaf = f
}

// carry loses, delays and repeats; different delays reorder.
func (h *hostile) carry(way int, deliver func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return
	}
	if h.rand.Float64() < h.weather.lose && h.lost[way] < mostLost {
		h.lost[way]++
		return
	}
	h.lost[way] = 0
	copies := 1
	if h.rand.Float64() < h.weather.repeat {
		copies = 2
	}
	for range copies {
		delay := time.Duration(h.rand.Float64() * float64(h.weather.delay))
		h.running.Go(func() {
			timer := time.NewTimer(delay)
			defer timer.Stop()
			select {
			case <-timer.C:
				deliver()
			case <-h.stop:
			}
		})
	}
}

// recorded is all that came in so far, each once: how often a phone says a thing
// depends on how fast it is answered.
func (h *hostile) recorded() (all []passed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.in {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// inject hands the device a message as if it had come from that peer.
func (h *hostile) inject(p signaling.Peer, texts ...string) {
	h.mu.Lock()
	device := h.device
	h.mu.Unlock()
	for _, text := range texts {
		device.Receive(p, text)
	}
}

// peerOf is how the device knows a phone that has spoken.
func (h *hostile) peerOf(address string) signaling.Peer {
	for _, one := range h.recorded() {
		if one.peer.Address == address {
			return one.peer
		}
	}
	return signaling.Peer{}
}

// reboot puts another device in the place of the one that there was.
func (h *hostile) reboot(d *signaling.Device) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.device = d
}

func (h *hostile) close() {
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	close(h.stop)
	h.running.Wait()
}
