package daemon

import (
	"context"
	"errors"
	"fmt"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/signaling"
	"callbox/signaling/key"
	"callbox/signaling/mqtt"
	"callbox/signaling/relay"
)

// ways are the transports that may reach any phone, beside the device's own
// listener. Each is nil when it is off.
type ways struct {
	mqtt  *mqtt.Client
	relay *relay.Relay
}

// openWays makes the transports that the configuration asks for. What of it cannot
// be used is an error; a broker that is not there is none.
func (d *daemon) openWays() error {
	p := d.parts
	if p.cfg.Signaling.Relay.Enabled {
		glue := &relayGlue{device: p.device}
		p.ways.relay = relay.New(glue)
		glue.relay = p.ways.relay
	}
	if !p.cfg.Signaling.MQTT.Enabled {
		return nil
	}
	glue := &mqttGlue{device: p.device, secure: func() bool { return !p.selfSigned() }}
	cfg := mqtt.Config{
		Address: key.DeviceAddress(p.sn), Key: p.key, Epoch: p.store.Epoch(), Handler: glue, Log: p.log,
		Nonce: p.device.TokenNonce, Now: p.floor.Time,
	}
	if name := p.cfg.Signaling.MQTT.PasswordFile; name != "" {
		cfg.Password = func() ([]byte, error) { return readSecret("signaling.mqtt.password_file", name) }
	}
	client, err := mqtt.New(p.cfg.Signaling.MQTT, cfg)
	if err != nil {
		return err
	}
	glue.client, p.ways.mqtt = client, client
	d.loop.presence = func(s mqtt.State) { client.SetState(s) }
	return nil
}

// readSecret reads a secret that a key of the configuration names.
func readSecret(key, name string) ([]byte, error) {
	secret, err := config.ReadSecret(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return secret, nil
}

// startWays begins what goes on by itself.
func (p *parts) startWays() error {
	if p.ways.mqtt == nil {
		return nil
	}
	return p.ways.mqtt.Start()
}

// closeWays ends the transports.
func (p *parts) closeWays(ctx context.Context) error {
	if p.ways.relay != nil {
		p.ways.relay.Close()
	}
	if p.ways.mqtt == nil {
		return nil
	}
	return p.ways.mqtt.Close(ctx)
}

// mqttGlue hands what the broker delivers to signaling. A phone has proved nothing
// to it: the topic pays.
type mqttGlue struct {
	device *signaling.Device
	client *mqtt.Client
	secure func() bool
}

// Up tells that the broker is there.
func (g *mqttGlue) Up() { g.device.Attach(g.client) }

// Gone tells that it is not any more.
func (g *mqttGlue) Gone() { g.device.Detach(g.client) }

// Receive hands a message on.
func (g *mqttGlue) Receive(from, topic, msg string) {
	g.device.Receive(signaling.Peer{Transport: g.client, Budget: "mqtt " + topic, Address: from, Secure: g.secure()}, msg)
}

// relayGlue hands what a maker's program brings to signaling. What the program says
// of the sender is no proof.
type relayGlue struct {
	device *signaling.Device
	relay  *relay.Relay
}

// Up tells that a program carries messages.
func (g *relayGlue) Up() { g.device.Attach(g.relay) }

// Gone tells that none does any more.
func (g *relayGlue) Gone() { g.device.Detach(g.relay) }

// Receive hands a message on.
func (g *relayGlue) Receive(from, msg string) {
	g.device.Receive(signaling.Peer{Transport: g.relay, Budget: "relay " + from, Address: from}, msg)
}

// errRelayOff is what the API says when the relay is off.
var errRelayOff = control.ErrNotSupported.With("the relay is off; set signaling.relay.enabled: true")

func (b *backend) RelayIn(_ context.Context, m control.RelayIn) error {
	r := b.parts.ways.relay
	if r == nil {
		return errRelayOff
	}
	err := r.Receive(m.From, m.Message)
	if errors.Is(err, relay.ErrSender) || errors.Is(err, relay.ErrMessage) {
		return control.ErrBadRequest.With(err.Error())
	}
	return err
}

func (b *backend) RelayOut() (<-chan control.RelayOut, func(), error) {
	r := b.parts.ways.relay
	if r == nil {
		return nil, nil, errRelayOff
	}
	carrier, err := r.Carry()
	if err != nil {
		return nil, nil, err
	}
	out, done := make(chan control.RelayOut), make(chan struct{})
	go func() { // ends with the carrier, or when the reader has gone
		defer close(out)
		for m := range carrier.C {
			select {
			case out <- control.RelayOut{To: m.To, Message: m.Text}:
			case <-done:
				return
			}
		}
	}()
	return out, func() {
		close(done)
		carrier.Close()
	}, nil
}

// shown describes the transports that are on, beside direct.
func (w ways) shown() (list []control.Transport) {
	if w.mqtt != nil {
		s := w.mqtt.Status()
		t := control.Transport{Name: "mqtt", Up: s.Up, Detail: s.Problem}
		if s.Broker != "" {
			t.URLs = []string{s.Broker}
		}
		list = append(list, t)
	}
	if w.relay != nil {
		t := control.Transport{Name: "relay", Up: w.relay.Carriers() > 0}
		if !t.Up {
			t.Detail = "no program carries messages: none has GET /v1/relay open"
		}
		list = append(list, t)
	}
	return list
}

// doctorTransport says how a transport is, in plain words.
func (p *parts) doctorTransport(t control.Transport) control.Finding {
	f := control.Finding{Name: "transport " + t.Name, State: control.StateProblem, Message: t.Detail}
	switch {
	case t.Name == "mqtt" && !t.Up:
		f.Remedy = control.Guide("mqtt.md") + " says what a broker must allow; the daemon tries on by itself"
	case t.Name == "mqtt" && t.Detail != "":
		f.State, f.Message = control.StateWarning, t.URLs[0]+": "+t.Detail
	case t.Name == "mqtt":
		f.State, f.Message = control.StateOK, t.URLs[0]
		if u, err := mqtt.ParseBroker(t.URLs[0]); err == nil && mqtt.Readable(u) && p.cfg.Signaling.MQTT.PasswordFile != "" {
			f.State, f.Message = control.StateWarning, t.URLs[0]+": whoever listens on the way can read the password"
			f.Remedy = "use mqtts:// or wss:// in signaling.mqtt.brokers"
		}
	case !t.Up:
		f.Remedy = control.Guide("relay.md") + " says what such a program does; without one set signaling.relay.enabled: false"
	default:
		f.State, f.Message = control.StateOK, carriers(p.ways.relay.Carriers())
	}
	return f
}

// carriers says how many programs carry the messages of the relay.
func carriers(n int) string {
	if n == 1 {
		return "1 program carries messages"
	}
	return fmt.Sprintf("%d programs carry messages", n)
}

// off names the transports that are not wanted.
func (w ways) off() (findings []control.Finding) {
	for _, t := range []struct {
		name string
		on   bool
	}{{"mqtt", w.mqtt != nil}, {"relay", w.relay != nil}} {
		if !t.on {
			findings = append(findings, control.Finding{
				Name: "transport " + t.name, State: control.StateOff, Message: "signaling." + t.name + ".enabled is false",
			})
		}
	}
	return findings
}

// refused adds what the transports have refused.
func (w ways) refused(counts map[string]uint64) {
	add := func(more map[string]uint64) {
		for reason, n := range more {
			counts[reason] += n
		}
	}
	if w.mqtt != nil {
		add(w.mqtt.Refused())
	}
	if w.relay != nil {
		add(w.relay.Refused())
	}
}

// metrics are those of the transports.
func (w ways) metrics(transports []control.Transport) []control.Metric {
	up := control.Metric{Name: "callbox_transport_up", Help: "1 while phones can be reached over a transport that is on, by transport."}
	for _, t := range transports {
		up.Samples = append(up.Samples, control.Sample{Labels: [][2]string{{"transport", t.Name}}, Value: truth(t.Up)})
	}
	list := []control.Metric{up}
	if w.mqtt != nil {
		list = append(list, control.Metric{
			Name: "callbox_mqtt_connections_total", Help: "Connections to a broker that were made.", Counter: true,
			Samples: []control.Sample{{Value: float64(w.mqtt.Status().Connected)}},
		})
	}
	return list
}

// present is what the presence tells of the device now.
func (l *loop) present() mqtt.State {
	now := l.now()
	switch {
	case l.state.Phase.Active():
		return mqtt.Busy
	case l.showDND().On, l.settings.rules.Quiet(now):
		return mqtt.DND
	}
	return mqtt.Idle
}
