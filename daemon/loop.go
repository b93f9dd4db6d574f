package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/daemon/store"
	"callbox/hal/clock"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
)

// signaler is the part of signaling.Device that the loop uses.
type signaler interface {
	Ringing(room signaling.RoomKey, sdp string, ringTimeout time.Duration)
	Accept(room signaling.RoomKey, sdp string, limit signaling.Limit) (frame []byte)
	Start(room signaling.RoomKey, limit signaling.Limit) (frame []byte)
	Reject(room signaling.RoomKey, c cause.Cause)
	Bye(room signaling.RoomKey, end cause.End) (frame []byte)
	Candidates(room signaling.RoomKey, candidates [][]byte, end bool)
	NeedRestart(room signaling.RoomKey, generation int)
	Restarted(room signaling.RoomKey, generation int, sdp string)
	AnswerData(room signaling.RoomKey, id, errCode string) (frame []byte)
	ReceiveFrame(room signaling.RoomKey, text []byte) (frame []byte)
	End(room signaling.RoomKey)
}

// mediaSession is the part of media.Session that the loop uses.
type mediaSession interface {
	Answer(ctx context.Context, offer string) (string, error)
	AddCandidates(c []media.Candidate) error
	Restart(ctx context.Context, generation int, offer string) (string, error)
	Prepare()
	Accept(limit media.Limit)
	SetMicrophone(on bool)
	SetCamera(on bool)
	SendData(text []byte) error
	Stats() media.Stats
	Shut()
	Close() error
}

// recorder keeps the call records.
type recorder interface {
	Begin(store.Record) error
	End(store.Record) error
}

// What comes into the mailbox. Requests of the control API are functions that
// run in the loop.
type (
	fromSignaling struct{ event signaling.Event }
	fromMedia     struct {
		gen   uint64
		event media.Event
	}
	mediaOpened struct {
		gen    uint64
		answer string
		err    error
	}
	mediaRestarted struct {
		gen        uint64
		generation int
		answer     string
		err        error
	}
	mediaClosed struct{ gen uint64 }
	timerFired  struct {
		gen   uint64
		timer call.Timer
	}
	request  func()
	shutdown struct{}
)

// settings are what the loop needs of the configuration. A call keeps those it
// began with.
type settings struct {
	deviceName string
	rules      *policy.Rules
	ring       time.Duration
	connect    time.Duration
	reconnect  time.Duration
	preconnect media.Preconnect
}

// loop is the one place where a call changes. Everything that happens comes
// through its mailbox; what follows is decided by call.Step and carried out in
// carryOut. Its fields belong to the goroutine of run.
type loop struct {
	log       zerolog.Logger
	clock     clock.Clock
	wall      func() time.Time
	signaling signaler
	open      func(media.SessionConfig) (mediaSession, error)
	records   recorder
	events    *control.Events
	settings  settings
	beat      func()                 // tells the watchdog that the loop is alive
	status    func(string)           // shows one line in systemctl status
	paired    func()                 // a pairing window was used
	revoke    func(jkt string) error // takes a contact's trust away, durably

	box      *mailbox
	state    call.State
	offer    signaling.Offer // the one that Step is looking at
	cur      *current        // the call of state.Generation; nil before the first
	away     chan struct{}   // closed when the last session has been put away
	refused  map[string]uint64
	work     sync.WaitGroup // goroutines that the loop started
	stopping bool
}

// current is what the loop knows of the call of state.Generation beside the
// machine's state.
type current struct {
	gen         uint64
	offer       signaling.Offer
	log         zerolog.Logger
	record      store.Record
	session     mediaSession
	answer      string            // our SDP
	answerSent  bool              // the phone has our SDP: candidates may follow
	local       []media.Candidate // ours, waiting for that
	localEnd    bool
	remote      []media.Candidate // the phone's, waiting for the session
	generation  int               // of ICE
	began       time.Duration     // on the boot clock
	talking     bool              // the talk has begun
	startedAt   time.Duration     // and when
	deadline    time.Duration     // 0: none
	timers      map[call.Timer]func() bool
	mic, camera bool // what the device sends
	phone       signaling.PhoneInfo
	dataOpen    bool
}

func (c *current) room() signaling.RoomKey { return c.offer.Room }

// beatInterval is how often an idle loop tells the watchdog that it lives. It is
// well below half of the shortest WatchdogSec that makes sense (5 s).
const beatInterval = 2 * time.Second

// run is the loop. It returns once ctx has ended and the running call with it.
func (l *loop) run(ctx context.Context) {
	beat := time.NewTicker(beatInterval)
	defer beat.Stop()
	done := ctx.Done()
	for {
		select {
		case <-done:
			done = nil
			l.handle(shutdown{})
		case <-l.box.wake:
			for _, item := range l.box.take() {
				l.handle(item)
			}
		case <-beat.C:
		}
		l.beat()
		if l.stopping && (l.state.Phase == call.Idle) {
			l.work.Wait()
			return
		}
	}
}

func (l *loop) handle(item any) {
	switch it := item.(type) {
	case fromSignaling:
		l.signalingEvent(it.event)
	case fromMedia:
		l.mediaEvent(it.gen, it.event)
	case mediaOpened:
		l.mediaOpened(it)
	case mediaRestarted:
		l.mediaRestarted(it)
	case mediaClosed:
		l.step(call.Closed{Gen: it.gen})
	case timerFired:
		l.step(call.TimerFired{Gen: it.gen, Timer: it.timer})
	case request:
		it()
	case shutdown:
		l.stopping = true
		l.step(call.Shutdown{})
	}
}

// step gives an event to the machine and carries its effects out.
func (l *loop) step(ev call.Event) {
	before := l.state
	next, effects := call.Step(before, ev)
	l.state = next
	for _, e := range effects {
		l.carryOut(e)
	}
	if next.Phase != before.Phase && l.cur != nil {
		l.status(l.statusLine())
		line := l.cur.log.Info().Str("from", string(before.Phase)).Str("to", string(next.Phase))
		if next.Phase == call.Ended {
			line = line.Str("cause", string(next.End.Cause))
			if next.End.Origin != "" {
				line = line.Str("origin", string(next.End.Origin))
			}
			if next.End.Detail != "" {
				line = line.Str("detail", string(next.End.Detail))
			}
		}
		line.Msg("call state")
	}
}

// statusLine says what the device is doing, for systemctl status.
func (l *loop) statusLine() string {
	if l.state.Phase.Active() {
		return string(l.state.Phase) + " with " + l.cur.offer.Contact.Name
	}
	return string(call.Idle)
}

// runsNow reports whether gen is the running call.
func (l *loop) runsNow(gen uint64) bool {
	return l.cur != nil && l.cur.gen == gen && l.state.Generation == gen && l.state.Phase.Active()
}

// async starts work that the loop waits for at its end.
func (l *loop) async(work func()) {
	l.work.Add(1)
	go func() {
		defer l.work.Done()
		work()
	}()
}
