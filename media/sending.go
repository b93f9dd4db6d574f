package media

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/pion/rtp"

	"callbox/media/rate"
	"callbox/media/twcc"
)

// The rates of a session's way up.
const (
	// audioExtra is what the headers of 50 packets of sound a second add, in bit/s.
	audioExtra = 10_000
	// overhead is the share of a picture's bits that headers add.
	overhead = 0.03
	// headroom over what the encoders aim at: they overshoot, and lost packets are sent
	// again.
	headroom = 1.1
	// startRate is what is sent before anything is known of the way.
	startRate = 1_300_000
)

// sending decides how much is sent, and lets the pictures' packets out in time. Sound
// passes by: it never waits for pictures.
type sending struct {
	s        *Session
	recorder *twcc.Recorder
	write    func(*rtp.Packet) error // of the pictures
	wake     chan struct{}

	mu      sync.Mutex
	bounds  rate.Options
	control *rate.Controller
	pace    rate.Pacer[*rtp.Packet]
	known   bool   // the phone reports what arrives
	asked   bool   // for a picture to be sent
	begun   bool   // a packet went out
	last    uint32 // its RTP time
	number  rtp.Sequencer
	free    []*rtp.Packet // that have been sent
}

func newSending(s *Session) *sending {
	o := s.engine.opts.Options
	sound := rate.Rate(o.AudioBitrate + audioExtra)
	ceiling := (rate.Rate(o.VideoBitrate) + sound) * headroom
	f := &sending{
		s: s, wake: make(chan struct{}, 1), number: rtp.NewRandomSequencer(),
		bounds: rate.Options{Floor: sound, Start: min(startRate, ceiling), Ceiling: ceiling},
	}
	f.control = rate.New(f.bounds)
	f.recorder = twcc.New(twcc.Options{Clock: s.engine.opts.Clock, Feedback: f.feedback, Again: f.again})
	return f
}

func (f *sending) feedback(now time.Duration, packets []rate.Packet) {
	f.mu.Lock()
	f.control.Feedback(now, packets)
	f.known = true
	f.mu.Unlock()
	f.poke()
}

const (
	// queueAgain on the way is that from which on nothing is sent again: it would make the
	// queue longer, for sound, too. The phone asks once more, if later than a round trip, or
	// for a keyframe.
	queueAgain = 200 * time.Millisecond
	// oldAgain is a picture of which nothing is sent again: nobody wants to see it any more.
	oldAgain = time.Second
)

// again says whether a lost packet of pictures, by its RTP time, may be sent again now.
func (f *sending) again(timestamp uint32) bool {
	now, _ := f.s.video.captured(f.s.now())
	if old := time.Duration(int32(now-timestamp)) * time.Second / videoClock; old > oldAgain { //nolint:gosec // it wraps
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.control.Queue() < queueAgain
}

// way counts the ways to the phone so far.
func (f *sending) way() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.control.Ways()
}

// videoRate is what the encoder of pictures should aim at, in bit/s.
func (f *sending) videoRate() rate.Rate {
	o := f.s.engine.opts.Options
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.known || !f.asked {
		return min(rate.Rate(o.VideoBitrate), startRate)
	}
	left := f.control.Target() - rate.Rate(o.AudioBitrate) - audioExtra
	return max(0, min(rate.Rate(o.VideoBitrate), left*(1-overhead)*rate.Rate(1-min(0.5, f.control.Loss()))))
}

// loss is the share of our packets that did not arrive of late.
func (f *sending) loss() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.control.Loss()
}

// state is the rate in bit/s that the way is believed to carry, and how long packets
// wait on it, in ms.
func (f *sending) state() (target uint64, queue float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return uint64(f.control.Target()), float64(f.control.Queue()) / float64(time.Millisecond)
}

// backlog is how long the packets that wait will take.
func (f *sending) backlog() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pace.Backlog()
}

// moved says that the way has changed.
func (f *sending) moved() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.control.Moved(f.s.now())
}

// mostFree packets are kept to be used again: those of a large keyframe.
const mostFree = 128

// packet returns one with a payload of n bytes, which say anything. It is to be given to
// push.
func (f *sending) packet(n int) *rtp.Packet {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.blank(n)
}

// blank is packet; mu is held.
func (f *sending) blank(n int) *rtp.Packet {
	var p *rtp.Packet
	if last := len(f.free) - 1; last >= 0 {
		p, f.free = f.free[last], f.free[:last]
	} else {
		p = &rtp.Packet{Payload: make([]byte, rtpPayloadSize)}
	}
	p.Header = rtp.Header{Version: 2, Extensions: p.Extensions[:0]}
	p.Payload = p.Payload[:n]
	return p
}

// release takes a packet back that nobody uses any more; mu is held.
func (f *sending) release(p *rtp.Packet) {
	if len(f.free) < mostFree {
		f.free = append(f.free, p)
	}
}

// push queues the packets of one picture. With the first the control begins anew: sound alone
// can show that the way is narrow, and never that it is wide.
func (f *sending) push(packets []*rtp.Packet) {
	f.mu.Lock()
	if !f.asked {
		f.asked, f.known, f.control = true, false, rate.New(f.bounds)
	}
	for _, p := range packets {
		f.pace.Push(p.MarshalSize(), p)
	}
	f.mu.Unlock()
	f.poke()
}

// drop forgets what waits: the encoder begins anew.
func (f *sending) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pace.Drop(f.release)
}

func (f *sending) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run lets packets out until the session ends.
func (f *sending) run() {
	timer := time.NewTimer(sendTick)
	defer timer.Stop()
	for {
		timer.Reset(f.step())
		select {
		case <-f.s.ctx.Done():
			return
		case <-f.wake:
		case <-timer.C:
		}
	}
}

// step sends what is due and returns how long nothing more is.
func (f *sending) step() time.Duration {
	for {
		now := f.s.now()
		f.mu.Lock()
		f.control.Tick(now)
		f.pace.SetRate(f.control.Burst())
		if f.s.running() {
			if probe, ok := f.probe(now); ok {
				f.pace.Begin(now, probe)
			}
		}
		item, pad, ok, wait := f.pace.Next(now)
		p := item.Value
		if !ok && f.unheard(now) {
			ok, pad = true, 1
		}
		if ok && pad > 0 {
			p = f.padding(pad)
		} else if ok {
			p.SequenceNumber = f.number.NextSequenceNumber()
			f.begun, f.last = true, p.Timestamp
		}
		f.mu.Unlock()
		if !ok {
			if wait == 0 || wait > sendTick {
				return sendTick
			}
			return wait
		}
		f.recorder.SetProbe(item.Probe)
		f.s.count.up.add(now, p.MarshalSize())
		if err := f.write(p); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			f.s.log.Trace().Err(err).Msg("video packet")
		}
		f.recorder.SetProbe(0)
		f.mu.Lock()
		f.release(p)
		f.mu.Unlock()
	}
}

// probe is Controller.Probe, from the first picture on: padding has the time of the one before.
// mu is held.
func (f *sending) probe(now time.Duration) (rate.Probe, bool) {
	if !f.begun {
		return rate.Probe{}, false
	}
	return f.control.Probe(now)
}

// askEvery is how often the way is asked by padding where nothing else does: twice within
// what would count as silence.
const askEvery = 200 * time.Millisecond

// unheard says whether nothing has left for a while of which the phone will report. Without
// sound that is numbered a talk without pictures would never learn that they fit again. mu is
// held.
func (f *sending) unheard(now time.Duration) bool {
	return f.begun && f.known && f.s.running() && now-f.recorder.Sent() >= askEvery
}

// padding returns a packet that says nothing (RFC 3550, 5.1): it comes between two
// pictures, with the time of the one before. mu is held.
func (f *sending) padding(size int) *rtp.Packet {
	p := f.blank(0)
	p.Padding, p.SequenceNumber, p.Timestamp = true, f.number.NextSequenceNumber(), f.last
	p.Payload = p.Payload[:max(1, min(size-p.Header.MarshalSize(), maxPadding))]
	clear(p.Payload)
	p.Payload[len(p.Payload)-1] = byte(len(p.Payload))
	return p
}
