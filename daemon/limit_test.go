package daemon

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"

	"callbox/daemon/config"
	"callbox/daemon/store"
	"callbox/hal/clock"
	"callbox/signaling/message"
)

// TestTheLimitHoldsWhenTheLoopIsStuck: a phone calls with a limit of 4 s over real
// sockets. Once it talks, the daemon's loop is blocked for good, and the phone
// asks for keyframes, and for packets that it has received to be sent again,
// without pause. What arrives at the phone's socket is judged by the kernel's time
// stamps: no media packet after the deadline. When the loop is freed, it ends the
// call as the limit's end.
func TestTheLimitHoldsWhenTheLoopIsStuck(t *testing.T) {
	d := runDaemon(t)
	p := newCaller(t, d)
	p.callAndTalk(4) // on a busy machine the first second goes by until the loop is blocked

	deadline, err := ask(t.Context(), d.loop, func() (time.Duration, error) { return d.loop.cur.leg.deadline, nil })
	if err != nil || deadline == 0 {
		t.Fatalf("the talk has no deadline: %v", err)
	}
	free := make(chan struct{})
	d.loop.box.put(request(func() { <-free }))
	asked := p.askForMore(t, deadline)
	time.Sleep(deadline - bootNow() + time.Second)
	for end := time.Now().Add(15 * time.Second); asked.late.Load() < wantLate && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond) // a busy machine asks slowly
	}

	before, after, last := p.socket.media(deadline)
	again, late := p.socket.streams(deadline, asked.repairs), asked.late.Load()
	t.Logf("%d media packets in the last 500 ms before the deadline, the last one %v before it; %d after it; %d were sent again; asked for %d after it",
		before, deadline-last, after, again, late)
	if again < wantAgain {
		t.Errorf("%d packets were sent again before the deadline, want %d: was anything asked for that the device still had?", again, wantAgain)
	}
	if late < wantLate {
		t.Errorf("%d packets were asked for after the deadline, want %d", late, wantLate)
	}
	if before < 10 {
		t.Errorf("only %d media packets in the last 500 ms before the deadline: was there a talk?", before)
	}
	if after > 0 {
		t.Errorf("%d media packets left after the deadline", after)
	}
	close(free)
	bye := p.waitFor(message.TypeBye)
	if end := bye.Body.(message.Bye); end.Cause != "hangup" || end.Origin != "timeLimit" {
		t.Errorf("bye = %+v", end)
	}
	p.phase() // the loop has carried out what follows the bye
	if err := d.journal.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if records := d.store.Records(store.Query{Limit: 1}); len(records) != 1 || records[0].Cause != "hangup" || records[0].Origin != "timeLimit" {
		t.Errorf("records = %+v", records)
	}
}

// How many of the newest packets of a stream are asked for at a time, and what that
// must come to: sent again before the deadline, and asked for after it.
const (
	askedAtOnce = 100
	wantAgain   = 100
	wantLate    = 1000
)

// runDaemon runs a whole daemon in this process, with virtual devices, until the
// test ends.
func runDaemon(t *testing.T) *daemon {
	t.Helper()
	d, stop := startDaemon(t)
	t.Cleanup(stop)
	return d
}

// startDaemon is runDaemon with an end of one's own.
func startDaemon(t *testing.T) (_ *daemon, stop func()) {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Device.SN, cfg.Device.Name, cfg.Device.StateDir = "limit", "Front door", filepath.Join(dir, "state")
	cfg.Control.Socket = filepath.Join(dir, "control.sock")
	cfg.Signaling.Direct.Listen = "127.0.0.1:0"
	cfg.Media.ICE.Loopback = true
	cfg.HAL.Camera.Name, cfg.HAL.Microphone.Name, cfg.HAL.Speaker.Name = "virtual", "virtual", "virtual"
	cfg.HAL.Camera.Size.Width, cfg.HAL.Camera.Size.Height, cfg.HAL.Camera.FrameRate = 320, 180, 30
	d, err := newDaemon(cfg, zerolog.Nop(), clock.Boot(), machineTime())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.run(ctx) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the daemon: %v", err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); d.direct.Addr() == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stop()
			t.Fatal("the daemon does not listen")
		}
	}
	return d, stop
}

// asked is what the phone has asked for.
type asked struct {
	late    atomic.Int64    // packets that it had received, after the deadline
	repairs map[uint32]bool // SSRCs on which they are sent again
}

// askForMore asks for retransmissions and keyframes until the test ends.
func (p *caller) askForMore(t *testing.T, deadline time.Duration) *asked {
	stop, done := make(chan struct{}), make(chan struct{})
	var streams []*stream
	for len(streams) < 2 {
		select {
		case s := <-p.streams:
			streams = append(streams, s)
		case <-time.After(time.Second):
			t.Fatalf("media of %d streams came, want 2", len(streams))
		}
	}
	a := &asked{repairs: map[uint32]bool{}}
	for _, s := range streams {
		if s.repair != 0 {
			a.repairs[s.repair] = true
		}
	}
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
			for _, s := range streams {
				had := s.had()
				late := bootNow() > deadline
				err := p.pc.WriteRTCP([]rtcp.Packet{
					&rtcp.TransportLayerNack{MediaSSRC: s.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(had)},
					&rtcp.PictureLossIndication{MediaSSRC: s.ssrc},
				})
				if err == nil && late { // it fails once the device has closed
					a.late.Add(int64(len(had)))
				}
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
	return a
}

// stream is one stream of the device's media, as the phone has received it.
type stream struct {
	ssrc   uint32
	repair uint32 // SSRC of its retransmissions (RFC 4588); 0: none

	mu     sync.Mutex
	newest []uint16 // sequence numbers
}

func (s *stream) read(track *webrtc.TrackRemote) {
	buffer := make([]byte, 1500)
	for {
		n, attributes, err := track.Read(buffer)
		if err != nil {
			return
		}
		var h rtp.Header
		if _, err := h.Unmarshal(buffer[:n]); err != nil {
			continue
		}
		if attributes.Get(webrtc.AttributeRtxSequenceNumber) != nil {
			continue // has been here before
		}
		s.mu.Lock()
		s.newest = append(s.newest[max(0, len(s.newest)+1-askedAtOnce):], h.SequenceNumber)
		s.mu.Unlock()
	}
}

// had returns the sequence numbers of the newest packets.
func (s *stream) had() []uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.newest)
}
