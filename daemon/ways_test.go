package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/hal"
	"callbox/hal/clock"
	"callbox/signaling/cause"
	"callbox/signaling/direct"
	"callbox/signaling/hello"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/mqtt"
	"callbox/signaling/mqtttest"
	"callbox/signaling/phonepeer"
	"callbox/signaling/token"
)

// remote is a running daemon without a listener of its own, and a real phone that
// reaches it through a gateway of the test's.
type remote struct {
	t     *testing.T
	cfg   *config.Config
	d     *daemon
	api   *client.Client
	phone *phonepeer.Phone
	key   *key.Private // the phone's
}

// carrying is one way from the gateway to the daemon; heard is called with what is
// for the phone.
type carrying func(r *remote, heard func(text string)) (say func(text string), stop func())

// newRemote starts a daemon; change changes its configuration.
func newRemote(t *testing.T, change func(*config.Config), way carrying) *remote {
	t.Helper()
	dir, err := os.MkdirTemp("", "callbox") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cfg := config.Default()
	cfg.Device = config.Device{SN: "door-1", Name: "Front door", StateDir: filepath.Join(dir, "state")}
	cfg.Control.Socket = filepath.Join(dir, "control.sock")
	cfg.Signaling.Direct.Enabled = false
	cfg.Media.ICE.Loopback = true
	cfg.HAL.Camera.Name, cfg.HAL.Microphone.Name, cfg.HAL.Speaker.Name = hal.NameVirtual, hal.NameVirtual, hal.NameVirtual
	change(cfg)
	r := &remote{t: t, cfg: cfg, api: client.New(cfg.Control.Socket)}
	if r.d, err = newDaemon(cfg, zerolog.Nop(), clock.Boot(), machineTime()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		if err := r.d.run(ctx); err != nil {
			t.Errorf("the daemon ended: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
	r.eventually("the daemon answers", func() bool { _, err := r.api.Status(ctx); return err == nil })
	if r.key, err = key.New(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.api.AddContact(ctx, control.NewContact{Name: "Anna", JWK: r.key.Public().JWK(), Rights: []string{"call", "beCalled"}}); err != nil {
		t.Fatal(err)
	}
	r.connect(way)
	return r
}

// connect makes the phone and the gateway: a listener that greets as the device does
// and carries what is said to it over another transport.
func (r *remote) connect(way carrying) {
	r.t.Helper()
	g := &gateway{address: key.PhoneAddress(r.key.JKT())}
	server, err := direct.New(direct.Options{Enabled: true, Listen: "127.0.0.1:0"}, direct.Config{
		SN: r.cfg.Device.SN, CertDir: r.t.TempDir(), Handler: g, Log: zerolog.Nop(),
		Greet: func() (direct.Greeting, error) {
			h, err := hello.Greet(r.d.key, r.cfg.Device.SN, r.d.store.Epoch())
			return greeting{h}, err
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	var stop func()
	g.say, stop = way(r, func(text string) { server.Send(g.address, text) })
	r.t.Cleanup(stop)
	if err := server.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = server.Close(context.Background()) })
	r.phone, err = phonepeer.New(phonepeer.Options{
		Key: r.key, Loopback: true, Log: zerolog.Nop(),
		Device: &phonepeer.Device{SN: r.cfg.Device.SN, DKT: r.d.key.JKT(), Endpoints: server.Endpoints()},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = r.phone.Close() })
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if err := r.phone.Connect(ctx); err != nil {
		r.t.Fatal(err)
	}
}

// gateway takes what the phone says.
type gateway struct {
	address string
	say     func(text string)
}

func (g *gateway) Up(string)                                {}
func (g *gateway) Gone(string)                              {}
func (g *gateway) Receive(_, _ string, _ bool, text string) { g.say(text) }

func (r *remote) eventually(what string, is func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s, err := r.api.Status(context.Background())
			r.t.Fatalf("it never came about that %s; %+v, %v", what, s, err)
		}
	}
}

func (r *remote) status() control.Status {
	r.t.Helper()
	s, err := r.api.Status(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *remote) transport(name string) control.Transport {
	r.t.Helper()
	for _, t := range r.status().Transports {
		if t.Name == name {
			return t
		}
	}
	r.t.Fatalf("there is no transport %s", name)
	return control.Transport{}
}

func (r *remote) isTalking() bool { return r.status().State == "talking" }

// talk has the phone call and the device answer, until media flows.
func (r *remote) talk() *phonepeer.Call {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	c, err := r.phone.Call(ctx, phonepeer.CallOptions{RoomType: message.Video, Tone: true})
	if err != nil {
		r.t.Fatal(err)
	}
	r.eventually("it rings", func() bool { return r.status().State == "ringing" })
	if err := r.api.Answer(ctx, ""); err != nil {
		r.t.Fatal(err)
	}
	r.eventually("they talk", r.isTalking)
	return c
}

// ended wants both ends to agree how the call ended.
func (r *remote) ended(c *phonepeer.Call, want cause.End, byDevice bool) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	e, err := c.Wait(ctx)
	if err != nil || e.End != want || byDevice && !e.ByDevice {
		r.t.Errorf("the phone's end is %+v, %v; want %+v", e, err, want)
	}
	r.eventually("the device is idle", func() bool { return r.status().State == "idle" })
	calls, err := r.api.Calls(ctx, control.CallQuery{Limit: 1})
	if err != nil || len(calls) != 1 || calls[0].Cause != want.Cause {
		r.t.Errorf("the record is %+v, %v; want %s", calls, err, want.Cause)
	}
}

// overTheBroker is a phone at the broker, which comes back when the broker does.
func overTheBroker(b *mqtttest.Broker, again <-chan struct{}) carrying {
	return func(r *remote, heard func(text string)) (say func(text string), stop func()) {
		address, device := key.PhoneAddress(r.key.JKT()), key.DeviceAddress(r.cfg.Device.SN)
		password := b.Login(address, device)
		var mu sync.Mutex
		var at *mqtttest.Client
		done := make(chan struct{})
		var work sync.WaitGroup
		login := func() {
			c := b.DialIn(r.t, address, password)
			c.Subscribe(mqtttest.Prefix + "/" + address + "/rx/+")
			mu.Lock()
			at = c
			mu.Unlock()
		}
		login()
		work.Go(func() {
			for {
				mu.Lock()
				c := at
				mu.Unlock()
				select {
				case m := <-c.Messages:
					heard(m.Text)
				case <-again:
					login()
				case <-done:
					return
				}
			}
		})
		return func(text string) {
				mu.Lock()
				c := at
				mu.Unlock()
				c.TryPublish(mqtttest.Prefix+"/"+device+"/rx/"+address, text)
			}, func() {
				close(done)
				work.Wait()
			}
	}
}

// TestBrokerDiesInATalk: a call over mqtt alone; the broker is killed in the talk and
// comes back. The talk knows nothing of it, and then ends as usual.
func TestBrokerDiesInATalk(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	again := make(chan struct{})
	r := newRemote(t, func(c *config.Config) {
		c.Signaling.MQTT = mqtt.Options{
			Enabled: true, Brokers: []string{b.URL(mqtttest.TLS)}, PasswordFile: b.Login("d.door-1"), CA: b.CA, Prefix: mqtttest.Prefix,
		}
	}, overTheBroker(b, again))
	r.eventually("the broker is there", func() bool { return r.transport("mqtt").Up })
	c := r.talk()
	b.Kill()
	r.eventually("the daemon has noticed", func() bool { return !r.transport("mqtt").Up })
	if f := r.finding("transport mqtt"); f.State != control.StateProblem || !strings.Contains(f.Message, b.URL(mqtttest.TLS)) {
		t.Errorf("doctor says %+v", f)
	}
	sent := func() int { return r.status().Call.TalkSeconds }
	for before := sent(); sent() < before+3; time.Sleep(50 * time.Millisecond) {
		if !r.isTalking() {
			t.Fatal("the talk ended with the broker")
		}
	}
	b.Run()
	again <- struct{}{}
	r.eventually("the broker is there again", func() bool { return r.transport("mqtt").Up })
	if f := r.finding("transport mqtt"); f.State != control.StateOK && !strings.Contains(f.Message, "was lost after") {
		t.Errorf("doctor says %+v", f)
	}
	if !r.isTalking() {
		t.Fatal("the talk ended when the broker came back")
	}
	c.HangUp(cause.Manual)
	r.ended(c, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, false)
}

func (r *remote) finding(name string) control.Finding {
	r.t.Helper()
	all, err := r.api.Doctor(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range all {
		if f.Name == name {
			return f
		}
	}
	r.t.Fatalf("doctor says nothing of %s", name)
	return control.Finding{}
}

// TestPresenceFollowsTheDevice: idle, busy in a call, do-not-disturb, offline.
func TestPresenceFollowsTheDevice(t *testing.T) {
	b := mqtttest.Start(t, mqtttest.Options{})
	r := newRemote(t, func(c *config.Config) {
		c.Signaling.MQTT = mqtt.Options{Enabled: true, Brokers: []string{b.URL(mqtttest.TCP)}, PasswordFile: b.Login("d.door-1"), Prefix: mqtttest.Prefix}
	}, overTheBroker(b, nil))
	watcher := b.Dial("p.watcher", b.Login("p.watcher", "d.door-1"))
	watcher.Subscribe(mqtttest.Prefix + "/d.door-1/status")
	says := func(want mqtt.State) {
		t.Helper()
		for {
			p, err := mqtt.ParsePresence(watcher.Next().Text, "d.door-1", r.d.key.JKT())
			if err != nil {
				t.Fatal(err)
			}
			if p.Epoch != r.d.store.Epoch() {
				t.Errorf("epoch %d", p.Epoch)
			}
			if err := r.d.gate.Fresh(&token.Pass{Claims: token.Claims{Nonce: p.Nonce}}); err != nil {
				t.Errorf("the nonce of the presence: %v", err)
			}
			if p.State == want {
				return
			}
		}
	}
	says(mqtt.Idle)
	r.eventually("the broker is there", func() bool { return r.transport("mqtt").Up })
	c := r.talk()
	says(mqtt.Busy)
	c.HangUp(cause.Manual)
	says(mqtt.Idle)
	if _, err := r.api.SetDND(t.Context(), control.DND{On: true}); err != nil {
		t.Fatal(err)
	}
	says(mqtt.DND)
}

// TestBadMQTTStopsTheStart and an absent broker does not.
func TestBadMQTTStopsTheStart(t *testing.T) {
	cfg := config.Default()
	cfg.Device.StateDir = t.TempDir()
	cfg.HAL.Camera.Name, cfg.HAL.Microphone.Name, cfg.HAL.Speaker.Name = hal.NameNone, hal.NameNone, hal.NameNone
	cfg.Signaling.Direct.Enabled = false
	cfg.Signaling.MQTT.Enabled, cfg.Signaling.MQTT.Brokers = true, []string{"mqtt://127.0.0.1:1"}
	d, err := newDaemon(cfg, zerolog.Nop(), clock.Boot(), machineTime())
	if err != nil {
		t.Fatalf("an absent broker stops the start: %v", err)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
	cfg.Signaling.MQTT.PasswordFile = filepath.Join(t.TempDir(), "none")
	if _, err := newDaemon(cfg, zerolog.Nop(), clock.Boot(), machineTime()); err == nil || !strings.Contains(err.Error(), "signaling.mqtt.password_file") {
		t.Errorf("without its password: %v", err)
	}
}
