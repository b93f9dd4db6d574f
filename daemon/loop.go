package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/call"
	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/hal/clock"
	"callbox/hal/devices"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/mqtt"
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
	RestartFailed(room signaling.RoomKey, generation int)
	AnswerData(room signaling.RoomKey, id, errCode string) (frame []byte)
	SendData(room signaling.RoomKey, id string, payload []byte) (frame []byte, err error)
	Ring(r signaling.RingRequest) error
	CancelRing(room signaling.RoomKey, c cause.Cause)
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
	SwitchCamera(name string) (string, error)
	CameraDevice() string
	Camera() string
	View() string
	Play(pcm []int16)
	SendData(text []byte) error
	Stats() media.Stats
	Shut()
	Close() error
}

// sounds are what the device lets people near it hear.
type sounds interface {
	// Announce plays that a call is about to be answered by itself, and returns
	// when that is over. nil means that it was heard.
	Announce(ctx context.Context) error
	// Tone plays a sound to its end, or until ctx ends when it goes on.
	Tone(ctx context.Context, s sound) error
}

// contacts is the part of the store that the loop asks who somebody is.
type contacts interface {
	Contact(jkt string) (signaling.Contact, bool)
	List() []signaling.Contact
}

// What comes into the mailbox. Requests of the control API are functions that
// run in the loop. gen and leg say which call and which media session of it.
type (
	fromSignaling struct{ event signaling.Event }
	fromMedia     struct {
		gen   uint64
		leg   int
		event media.Event
	}
	mediaOpened struct {
		gen    uint64
		leg    int
		answer string
		err    error
	}
	mediaRestarted struct {
		gen        uint64
		leg        int
		generation int
		answer     string
		err        error
	}
	mediaClosed struct{ gen uint64 }
	announced   struct {
		gen uint64
		err error
	}
	timerFired struct {
		gen   uint64
		timer call.Timer
		n     int
	}
	request  func()
	shutdown struct{}
)

// settings are what the loop needs of the configuration. A call keeps those it
// began with.
type settings struct {
	deviceName string
	rules      *policy.Rules
	issuers    []config.Issuer
	dialInTurn bool // several phones are called one after the other, when nothing else is asked
	ring       time.Duration
	connect    time.Duration
	reconnect  time.Duration
	warnings   [call.MaxWarnings]time.Duration
	preconnect media.Preconnect
	tones      bool // people at the device hear where a call stands
}

// hardware is what the device is made of, as far as phones are told.
type hardware struct{ camera, microphone, speaker bool }

// loop is the one place where a call changes. Everything that happens comes
// through its mailbox; what follows is decided by call.Step and carried out in
// carryOut. Its fields belong to the goroutine of run.
type loop struct {
	log        zerolog.Logger
	clock      clock.Clock
	wall       func() time.Time
	signaling  signaler
	open       func(media.SessionConfig) (mediaSession, error)
	renewal    time.Duration // of TURN credentials; 0: they do not expire
	waker      *waker        // nil: nobody is woken
	sounds     sounds
	records    *journal
	contacts   contacts
	tester     *tester // beside the contacts
	allowances budgets
	bootID     string      // names this boot of the machine
	trusted    func() bool // whether wall is right, as far as the kernel knows
	has        hardware
	missing    func(devices.Kind) bool    // of what it has
	absent     func(camera string) string // why a camera is not there; "" when it is
	events     *control.Events
	settings   settings
	beat       func()                 // tells the watchdog that the loop is alive
	status     func(string)           // shows one line in systemctl status
	made       func() string          // tells of transports and devices in that line
	paired     func()                 // a pairing window was used
	presence   func(mqtt.State)       // tells phones, where a transport has such a thing
	revoke     func(jkt string) error // takes a contact's trust away, durably
	tokens     tokenGate              // nil: there are no call tokens
	saveFloor  func()                 // keeps the floor of the clock
	recheck    func()                 // ends what has lost its token, its right or its contact
	forgetKey  func(jkt string)       // no word of that key counts in its rooms any more
	trim       func() error           // gives memory back; nil: nothing does
	// lit turns on the light without which no media starts, until off; nil: none is needed.
	lit func() (off func(), err error)

	box   *mailbox
	state call.State
	next  proposal // what Step is looking at
	cur   *current // the call of state.Generation; nil before the first
	// beginning is the call whose record is being written, and waiting what has come
	// since then.
	beginning *beginning
	waiting   []any
	room      *inRoom
	away      chan struct{} // closed when the last session has been put away
	tones     tones
	refused   map[string]uint64
	counted   counted
	dnd       policy.DND
	dndStop   func() bool // of the timer that ends it
	ageStop   func() bool
	lookStop  func() bool
	trimStop  func() bool
	attempts  map[string]policy.Attempts    // of issuers, by name
	callers   map[[2]string]policy.Attempts // of issuers' subjects, by both names
	tries     map[string]policy.Attempts    // of contacts, by thumbprint
	work      sync.WaitGroup                // goroutines that the loop started
	stopping  bool
}

// beatInterval is how often an idle loop tells the watchdog that it lives. It is
// well below half of the shortest WatchdogSec that makes sense (5 s).
const beatInterval = 2 * time.Second

// run is the loop. It returns once ctx has ended and the running call with it.
func (l *loop) run(ctx context.Context) {
	beat := time.NewTicker(beatInterval)
	defer beat.Stop()
	done := ctx.Done()
	l.age()
	l.look()
	l.settle()
	defer func() {
		l.ageStop()
		if l.trimStop != nil {
			l.trimStop()
		}
		if l.lookStop != nil {
			l.lookStop()
		}
		l.dndStop()
	}()
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
			l.status(l.statusLine()) // transports come and go by themselves
		}
		l.beat()
		l.presence(l.present())
		if l.stopping && (l.state.Phase == call.Idle) {
			l.work.Wait()
			return
		}
	}
}

func (l *loop) handle(item any) {
	it, written := item.(recorded)
	switch {
	case written:
		l.recorded(it)
	case l.beginning != nil:
		l.waiting = append(l.waiting, item)
	default:
		l.act(item)
	}
}

// act is handle for what need not wait.
func (l *loop) act(item any) {
	switch it := item.(type) {
	case fromSignaling:
		l.signalingEvent(it.event)
	case fromMedia:
		l.mediaEvent(it.gen, it.leg, it.event)
	case mediaOpened:
		l.mediaOpened(it)
	case mediaRestarted:
		l.mediaRestarted(it)
	case mediaClosed:
		l.step(call.Closed{Gen: it.gen})
		l.dropLeg(it.gen)
	case announced:
		l.announced(it)
	case timerFired:
		l.step(call.TimerFired{Gen: it.gen, Timer: it.timer, N: it.n})
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
	if begins(effects) && l.beginning == nil {
		l.begin(next, ev)
		return
	}
	l.state = next
	for _, e := range effects {
		l.carryOut(e)
	}
	l.noteRoom()
	l.hear()
	if next.Phase != before.Phase {
		l.settle()
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

// noteRoom lets other parts' lines in the log name the room of the running call.
func (l *loop) noteRoom() {
	room := ""
	if l.state.Phase.Active() {
		room = l.cur.room().ID
	}
	l.room.set(room)
}

// runsNow reports whether gen is the running call, and leg its media session.
func (l *loop) runsNow(gen uint64, leg int) bool {
	return l.cur != nil && l.cur.gen == gen && l.state.Generation == gen && l.state.Leg == leg && l.state.Phase.Active()
}

// async starts work that the loop waits for at its end.
func (l *loop) async(work func()) {
	l.work.Add(1)
	go func() {
		defer l.work.Done()
		work()
	}()
}
