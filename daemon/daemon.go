package daemon

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/call"
	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/footprint"
	"callbox/daemon/policy"
	"callbox/daemon/store"
	"callbox/hal"
	"callbox/hal/button"
	"callbox/hal/clock"
	"callbox/hal/devices"
	"callbox/hal/hotplug"
	"callbox/media"
	"callbox/media/codec/avcodec"
	"callbox/signaling"
	"callbox/signaling/announce"
	"callbox/signaling/direct"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/mqtt"
	"callbox/signaling/phone"
	"callbox/signaling/token/gate"
)

// stopTimeout bounds the orderly stop of everything after the call has ended. It
// lies below TimeoutStopSec of systemd/callbox.service.
const stopTimeout = 5 * time.Second

// drainTimeout is for how long the stop waits until phones have acknowledged the
// last bye: two resends.
const drainTimeout = 1500 * time.Millisecond

// Options are what Run needs.
type Options struct {
	Config *config.Config
	// File is where the configuration was read from, for people: an absolute path.
	File string
	// Reload reads the configuration again, for callboxctl reload and SIGHUP.
	Reload func() (*config.Config, error)
	Log    zerolog.Logger
}

// parts are what the daemon is made of.
type parts struct {
	cfg       *config.Config                // of the start
	live      atomic.Pointer[config.Config] // what counts now
	rules     atomic.Pointer[policy.Rules]  // of live
	reload    func() (*config.Config, error)
	file      string // of the configuration, for people
	reloading sync.Mutex
	wall      func() time.Time
	trusted   func() bool // whether the wall clock is right, as far as the kernel knows
	book      contactBook
	announcer *announcer
	log       zerolog.Logger
	clock     clock.Clock
	store     *store.Store
	journal   *journal
	floor     *clock.Floor
	gate      *gate.Gate
	key       *key.Private
	sn        string
	devices   *devices.Set
	hotplug   *hotplug.Monitor // nil: it cannot hear
	buttons   buttons
	engine    *media.Engine
	ice       *iceServers
	device    *signaling.Device
	waker     *waker
	direct    *direct.Server      // nil when it is off
	beacon    *announce.Announcer // nil while direct is not announced
	ways      ways
	events    *control.Events
	pairing   pairingWindow
	tester    tester
	notifier  *notifier
	loop      *loop
	room      inRoom // of the running call
}

// Run is the daemon. It returns once ctx has ended, the running call has been
// told so and everything is put away.
func Run(ctx context.Context, o Options) error {
	if err := clock.CheckBoot(); err != nil {
		o.Log.Warn().Err(err).Msg("timers do not count suspend on this kernel")
	}
	d, err := newDaemon(o.Config, o.Log, clock.Boot(), machineTime())
	if err != nil {
		return err
	}
	d.reload, d.file = o.Reload, o.File
	return d.run(ctx)
}

// Daemon is a device that is put together and not started yet.
type daemon struct {
	*parts
}

// newDaemon makes the parts, from the bottom of the house to its top. What was
// made is put away again when a later part cannot be made.
func newDaemon(cfg *config.Config, log zerolog.Logger, c clock.Clock, wall wallTime) (_ *daemon, err error) {
	p := &parts{
		cfg: cfg, log: log, clock: c, events: control.NewEvents(wall.now), wall: wall.now, trusted: wall.trusted,
		reload: func() (*config.Config, error) { return cfg, nil }, notifier: newNotifier(log),
	}
	p.live.Store(cfg)
	p.rules.Store(cfg.Rules())
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.store, err = openStore(cfg, p.trusted, log); err != nil {
		return nil, err
	}
	p.book = contactBook{
		Store: p.store, rules: p.rules.Load, taking: p.pairing.taking, tester: &p.tester,
		replaced: func(old string, fresh signaling.Contact) {
			p.loop.box.put(request(func() { p.replaced(old, fresh) })) // signaling's mutex is held
		},
	}
	p.journal = newJournal(p.store, log)
	if p.key, err = key.FromECDSA(p.store.Key()); err != nil {
		return nil, err
	}
	p.sn = cfg.Device.SN
	if p.sn == "" {
		p.sn = p.key.JKT()[:16]
	}
	p.floor = p.openFloor()
	if p.gate, err = gate.New(gate.Options{
		SN: p.sn, DKT: p.key.JKT(), Issuers: gateIssuers(cfg), Book: p.store, Boot: c, Wall: p.floor, Log: log,
	}); err != nil {
		return nil, err
	}
	if p.ice, err = newICEServers(cfg.Media.ICE, p.floor.Time, p.trusted, log); err != nil {
		return nil, err
	}
	p.hotplug = openHotplug(log)
	if p.devices, err = devices.Open(cfg.HAL, p.hotplug, c, p.room.log(log)); err != nil {
		return nil, err
	}
	if p.engine, err = media.NewEngine(media.EngineOptions{
		Options: cfg.Media, Clock: c, Log: log, Devices: p.mediaDevices(), EncoderPlugin: avcodec.Path(),
	}); err != nil {
		return nil, err
	}
	p.announcer = &announcer{engine: p.engine}
	if err := p.announcer.load(cfg.Call.Announcement); err != nil {
		log.Error().Err(err).Msg("cannot use the announcement: the built-in chime is played")
	}
	bootID, err := clock.BootID()
	if err != nil {
		log.Warn().Err(err).Msg("talk of contacts is counted as if each start were a boot")
		bootID = message.NewID()
	}
	if p.waker, err = newWaker(p); err != nil {
		return nil, err
	}
	d := &daemon{parts: p}
	p.loop = newLoop(p)
	d.loop.bootID = bootID
	d.restore()
	d.restoreTries()
	found, err := button.Open(cfg.HAL.Buttons, c, p.room.log(log), func(press hal.Press) {
		d.loop.box.put(request(func() { d.loop.press(press) }))
	})
	if err != nil {
		return nil, err // not a nil *Buttons in the interface
	}
	p.buttons = found
	d.loop.watch(found, p.devices.Light)
	p.device, err = signaling.NewDevice(signaling.Options{
		Key: p.key, SN: p.sn, Name: cfg.Device.Name, Epoch: p.store.Epoch(), Contacts: p.book,
		Tokens: p.gate, Clock: c, Log: log, AllowLoopback: cfg.Media.ICE.Loopback,
		Emit:       func(ev signaling.Event) { d.loop.box.put(fromSignaling{ev}) },
		ICEServers: p.ice.forPhone,
		Push:       p.waker.pushBookOf(),
	})
	if err != nil {
		return nil, err
	}
	d.loop.signaling = p.device
	p.waker.reachable = p.device.Reachable
	if cfg.Signaling.Direct.Enabled {
		page, err := phone.Page()
		if err != nil {
			return nil, err
		}
		if p.direct, err = newDirect(p, page); err != nil {
			return nil, err
		}
	}
	if err = d.openWays(); err != nil {
		return nil, err
	}
	return d, nil
}

// mediaDevices are what calls use.
func (p *parts) mediaDevices() media.Devices {
	d := media.Devices{
		Camera: p.devices.Camera, CameraMode: p.devices.CameraMode, CameraLabel: p.cfg.HAL.Camera.Label,
		Sound: p.devices.Sound, Display: p.devices.Display,
		Light: p.devices.Light, LightRequired: p.cfg.HAL.Light.Required, Listen: p.listen,
	}
	for _, m := range p.devices.MoreCameras {
		d.MoreCameras = append(d.MoreCameras, media.Camera{Camera: m.Camera, Label: m.Label, Mode: m.Mode})
	}
	return d
}

// openStore opens what outlives the daemon, and says what a crash has left.
func openStore(cfg *config.Config, trusted func() bool, log zerolog.Logger) (*store.Store, error) {
	s, err := store.Open(cfg.Device.StateDir, store.Options{
		People: store.People(cfg.Records.People), Retention: retention(cfg), ClockTrusted: trusted,
		CheckHours: func(text string) error { _, err := policy.ParseWindow(text); return err },
	})
	if err != nil {
		return nil, writable(err)
	}
	for _, problem := range s.Problems() {
		log.Error().Str("moved", problem.Moved).Msg(problem.Text)
	}
	if n := s.Restarted(); n > 0 {
		log.Warn().Int("calls", n).Msg("the daemon ended in a call: its record is closed as aborted")
	}
	return s, nil
}

// newLoop makes the loop of p; its signaling is set once that exists.
func newLoop(p *parts) *loop {
	cfg := p.cfg
	l := &loop{
		log: p.log, clock: p.clock, wall: p.wall, records: p.journal, events: p.events,
		sounds: p.announcer, has: hardwareOf(p.devices), missing: p.missing, absent: p.absent, contacts: p.store, allowances: budgets{p.store}, trusted: p.trusted,
		box: newMailbox(), state: call.New(), refused: map[string]uint64{}, settings: settingsOf(cfg),
		beat: p.notifier.beat, status: p.notifier.set, made: p.madeOf, paired: p.pairing.forget, dndStop: func() bool { return true },
		room: &p.room, tester: &p.tester, tokens: p.gate, saveFloor: p.saveFloor, presence: func(mqtt.State) {},
		trim: footprint.Trim,
	}
	l.recheck = func() {
		l.recheckTokens() // first: its bye still needs the room
		p.device.RecheckTokens()
		l.contactsStill()
	}
	l.forgetKey = func(jkt string) { p.device.Revoke(jkt) }
	l.revoke = func(jkt string) error {
		_, err := p.store.Revoke(jkt)
		return err
	}
	if cfg.HAL.Light.Required {
		l.lit = func() (func(), error) { return p.devices.Light.Acquire(func(error) {}) }
	}
	l.open, l.renewal, l.waker = openSession(p.engine, p.ice), p.ice.renewal(), p.waker
	return l
}

// run starts what answers to others, says that the daemon is ready, and runs the
// loop in this goroutine until ctx has ended.
func (d *daemon) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, d.close()) }()
	b := &backend{loop: d.loop, parts: d.parts, started: d.clock.Now()}
	api, err := control.Listen(control.Options{Path: d.cfg.Control.Socket, Link: usualSocket(), Group: d.cfg.Control.Group}, b, d.events, d.room.log(d.log))
	if err != nil {
		return writable(err)
	}
	defer func() { err = errors.Join(err, api.Close()) }()
	defer d.events.Close() // before the API: it ends the streams
	if d.direct != nil {
		if err := d.direct.Start(); err != nil {
			return err
		}
	}
	if err := d.startWays(); err != nil {
		return err
	}
	defer b.reloadOnHangup()()
	d.announceDirect()
	d.announce()
	defer d.watchDevices(ctx)()
	d.notifier.ready()
	d.loop.run(ctx)
	d.notifier.stopping()
	return nil
}

// announce logs in one line what an engineer wants to know first; hal/devices has
// told of the devices.
func (d *daemon) announce() {
	line := d.log.Info().Str("version", control.ThisVersion().Version).Str("address", "d."+d.sn).
		Str("thumbprint", d.key.JKT()).Uint64("epoch", d.store.Epoch()).Str("control", d.cfg.Control.Socket)
	if d.direct != nil {
		line = line.Strs("pages", d.direct.URLs())
	}
	line.Msg("callboxd is ready")
	d.notifier.set(d.loop.statusLine())
}

// close puts the parts away, from the top of the house to its bottom.
func (p *parts) close() error {
	var errs []error
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if p.device != nil {
		drain, stop := context.WithTimeout(ctx, drainTimeout)
		defer stop()
		if err := p.device.Drain(drain); err != nil {
			p.log.Debug().Err(err).Msg("a phone did not acknowledge the last message")
		}
	}
	if p.beacon != nil {
		errs = append(errs, p.beacon.Close())
	}
	if p.direct != nil {
		errs = append(errs, p.direct.Close(ctx))
	}
	errs = append(errs, p.closeWays(ctx))
	if p.device != nil {
		p.device.Close()
	}
	p.waker.close()
	if p.buttons != nil {
		errs = append(errs, p.buttons.Close())
	}
	if p.engine != nil {
		errs = append(errs, p.engine.Close())
	}
	if p.devices != nil {
		if err := p.devices.Close(); err != nil { // a light that nobody could turn off keeps no daemon from stopping
			p.log.Warn().Err(err).Msg("cannot close the devices")
		}
	}
	if p.hotplug != nil {
		errs = append(errs, p.hotplug.Close())
	}
	if p.journal != nil {
		errs = append(errs, p.journal.close(ctx))
	}
	if p.floor != nil {
		errs = append(errs, p.floor.Flush())
	}
	if p.store != nil {
		errs = append(errs, p.store.Close())
	}
	return errors.Join(errs...)
}
