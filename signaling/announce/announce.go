package announce

import (
	"errors"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// link is an interface on which the device is announced.
type link struct {
	net.Interface
	addrs []netip.Prefix // the device's, and their networks
	zone  *zone
	sent  map[string]time.Time // records that all on the link have heard, and when
}

// Announcer announces the device until Close. One goroutine owns all that changes.
type Announcer struct {
	o        Options
	families []family
	watch    *watcher

	packets chan packet
	changes chan struct{}
	later   chan func() // what run is to do when its time has come
	done    chan struct{}
	wg      sync.WaitGroup
	once    sync.Once
	err     error

	links  map[int]*link            // by index; run's own
	joined map[int]map[family]bool  // the same
	timers map[*time.Timer]struct{} // the same
}

// Start begins to announce. An interface that comes or goes later is seen; that
// there is none now is no error. Errors: a name or text that cannot be announced; no
// socket.
func Start(o Options) (*Announcer, error) {
	if o.Interfaces == nil {
		o.Interfaces = net.Interfaces
	}
	if _, err := newZone(&o, nil); err != nil {
		return nil, err
	}
	a := &Announcer{
		o: o, packets: make(chan packet, maxQueue), changes: make(chan struct{}, 1), later: make(chan func()), done: make(chan struct{}),
		links: map[int]*link{}, joined: map[int]map[family]bool{}, timers: map[*time.Timer]struct{}{},
	}
	var err error
	if a.families, err = openFamilies(); err != nil {
		return nil, err
	}
	if a.watch, err = newWatcher(); err != nil {
		for _, f := range a.families {
			err = errors.Join(err, f.close())
		}
		return nil, err
	}
	for _, f := range a.families {
		a.wg.Go(func() { a.read(f) })
	}
	a.wg.Go(func() {
		a.watch.run(func() {
			select {
			case a.changes <- struct{}{}:
			default: // one is waiting already
			}
		})
	})
	a.wg.Go(a.run)
	return a, nil
}

// Close says goodbye on all links and ends. It may be called twice.
func (a *Announcer) Close() error {
	a.once.Do(func() {
		close(a.done)
		a.watch.stop()
		a.wg.Wait()
		a.err = a.watch.close()
	})
	return a.err
}

// read hands packets on until the socket is closed.
func (a *Announcer) read(f family) {
	for {
		p, err := f.read(make([]byte, maxPacket))
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // of one packet, or of a link that is down
			select {
			case <-a.done:
				return
			case <-time.After(settle):
			}
		case p.multicast:
			select {
			case a.packets <- p:
			default:
			}
		}
	}
}

// run is the one goroutine that knows links and timers.
func (a *Announcer) run() {
	defer func() {
		for t := range a.timers {
			t.Stop()
		}
		for _, l := range a.links {
			a.multicast(l, l.zone.records, nil, 0)
		}
		for _, f := range a.families { // ends the readers
			if err := f.close(); err != nil {
				a.o.Log.Debug().Err(err).Msg("cannot close a socket for multicast DNS")
			}
		}
	}()
	again := time.NewTicker(recheck)
	defer again.Stop()
	var settled <-chan time.Time
	a.look()
	for {
		select {
		case <-a.done:
			return
		case <-a.changes:
			settled = time.After(settle)
		case <-settled:
			settled = nil
			a.look()
		case <-again.C:
			a.look()
		case p := <-a.packets:
			a.question(p)
		case do := <-a.later:
			do()
		}
	}
}

// after lets run call do.
func (a *Announcer) after(d time.Duration, do func()) {
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		select {
		case a.later <- func() { delete(a.timers, t); do() }:
		case <-a.done:
		}
	})
	a.timers[t] = struct{}{}
}

// look lists the interfaces anew and announces on those that are new or have other
// addresses.
func (a *Announcer) look() {
	list, err := a.o.Interfaces()
	if err != nil {
		a.o.Log.Warn().Err(err).Msg("cannot list the network interfaces")
		return
	}
	now := map[int]*link{}
	for _, i := range list {
		if l := a.usable(i); l != nil {
			now[i.Index] = l
		}
	}
	for index := range maps.Keys(a.joined) {
		if !slices.ContainsFunc(list, func(i net.Interface) bool { return i.Index == index }) {
			delete(a.joined, index) // the kernel has left with it
		}
	}
	before := a.links
	a.links = map[int]*link{}
	for index, l := range now {
		if !a.join(l) {
			continue
		}
		if old := before[index]; old != nil && old.Name == l.Name && slices.Equal(old.addrs, l.addrs) {
			a.links[index] = old
			continue
		}
		a.links[index] = l
		a.o.Log.Info().Str("interface", l.Name).Int("addresses", len(l.addrs)).Msg("announced on the local network")
		a.announce(l)
		a.after(repeatAfter, func() { a.announce(l) })
	}
}

// usable is the link of an interface that others hear us on; nil for all else.
func (a *Announcer) usable(i net.Interface) *link {
	const need = net.FlagUp | net.FlagMulticast
	if i.Flags&need != need || i.Flags&(net.FlagLoopback|net.FlagPointToPoint) != 0 {
		return nil
	}
	addrs, err := i.Addrs()
	if err != nil {
		return nil // it has just gone
	}
	l := &link{Interface: i, sent: map[string]time.Time{}}
	var served []netip.Addr
	for _, one := range addrs {
		p, err := netip.ParsePrefix(one.String())
		if err != nil || p.Addr().IsLoopback() || a.o.Only.IsValid() && p.Addr() != a.o.Only {
			continue
		}
		l.addrs, served = append(l.addrs, p), append(served, p.Addr())
	}
	slices.SortFunc(l.addrs, func(x, y netip.Prefix) int { return x.Addr().Compare(y.Addr()) })
	if len(served) == 0 {
		return nil
	}
	if l.zone, err = newZone(&a.o, served); err != nil {
		a.o.Log.Error().Err(err).Msg("cannot announce the device")
		return nil
	}
	return l
}

// join makes the kernel hand us what is sent to the group on a link.
func (a *Announcer) join(l *link) bool {
	if a.joined[l.Index] == nil {
		a.joined[l.Index] = map[family]bool{}
	}
	ok := false
	for _, f := range a.families {
		if !a.joined[l.Index][f] {
			if err := f.join(&l.Interface); err != nil {
				a.o.Log.Debug().Err(err).Str("interface", l.Name).Msg("cannot join the multicast DNS group")
				continue
			}
			a.joined[l.Index][f] = true
		}
		ok = true
	}
	return ok
}

// announce tells a link all there is (RFC 6762, 8.3), if it is a link still.
func (a *Announcer) announce(l *link) {
	if a.links[l.Index] == l {
		a.multicast(l, l.zone.records, nil, otherTTL)
	}
}

// multicast sends records to all on a link.
func (a *Announcer) multicast(l *link, found, more []record, most uint32) {
	text, err := response(found, more, most)
	if err != nil {
		a.o.Log.Error().Err(err).Msg("cannot write an answer of multicast DNS")
		return
	}
	now := time.Now()
	for _, r := range found {
		l.sent[key(r)] = now
	}
	for _, f := range a.families {
		if !a.joined[l.Index][f] {
			continue
		}
		if err := f.send(text, l.Index, f.group()); err != nil {
			a.o.Log.Debug().Err(err).Str("interface", l.Name).Msg("cannot send multicast DNS")
		}
	}
}

func key(r record) string {
	return r.Header.Type.String() + " " + r.Header.Name.String() + " " + r.Body.GoString()
}

// question answers a packet that asks for something of ours.
func (a *Announcer) question(p packet) {
	l := a.links[p.ifc]
	if l == nil {
		return
	}
	var m dnsmessage.Message
	if err := m.Unpack(p.data); err != nil || m.Response || m.OpCode != 0 || m.RCode != 0 {
		return
	}
	found, more := l.zone.answers(m.Questions, m.Answers)
	if len(found) == 0 || len(a.timers) > maxQueue {
		return
	}
	if p.from.Port() != port {
		a.legacy(l, p, m, found, more)
		return
	}
	answer := func() {
		if a.links[l.Index] != l {
			return
		}
		fresh := slices.DeleteFunc(slices.Clone(found), func(r record) bool { return time.Since(l.sent[key(r)]) < answerRest })
		if len(fresh) > 0 {
			a.multicast(l, fresh, more, otherTTL)
		}
	}
	if slices.ContainsFunc(found, func(r record) bool { return r.shared }) {
		a.after(time.Duration(sharedDelay+rand.IntN(sharedSpan))*time.Millisecond, answer) //nolint:gosec // spreads answers, hides nothing
		return
	}
	answer()
}

// legacy answers who asks from another port, and only on the link itself: nobody
// elsewhere is sent anything.
func (a *Announcer) legacy(l *link, p packet, m dnsmessage.Message, found, more []record) {
	from := p.from.Addr().Unmap()
	near := slices.ContainsFunc(l.addrs, func(n netip.Prefix) bool { return n.Contains(from.WithZone("")) }) || from.IsLinkLocalUnicast()
	if !near {
		return
	}
	text, err := legacyResponse(m.ID, m.Questions, found, more)
	if err != nil {
		a.o.Log.Debug().Err(err).Msg("cannot write an answer of multicast DNS")
		return
	}
	for _, f := range a.families {
		if from.Is4() == (f.group().IP.To4() != nil) {
			if err := f.send(text, l.Index, net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, p.from.Port()))); err != nil {
				a.o.Log.Debug().Err(err).Msg("cannot send an answer of multicast DNS")
			}
		}
	}
}
