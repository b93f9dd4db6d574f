package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/hal"
	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/pairing"
)

// TestPairingCodes: a code leads to the page that the configuration names, and says
// every way over which a page can reach the device.
func TestPairingCodes(t *testing.T) {
	const broker, page = "wss://broker.example/mqtt", "https://call.example/"
	for name, tt := range map[string]struct {
		change    func(*config.Signaling)
		page      string // what the URL begins with; "": there is no code
		endpoints []string
		remedy    string
	}{
		"the device's own page": {func(s *config.Signaling) { s.Direct.Enabled = true }, "http://127.0.0.1:", []string{"ws://127.0.0.1:"}, ""},
		"both ways": {func(s *config.Signaling) {
			s.Direct.Enabled, s.MQTT.Enabled, s.MQTT.PhoneBrokers = true, true, []string{broker}
		}, "http://127.0.0.1:", []string{"ws://127.0.0.1:", "mqtt+" + broker}, ""},
		"a page elsewhere": {func(s *config.Signaling) { s.Direct.Enabled, s.Page = true, page }, page, []string{"ws://127.0.0.1:"}, ""},
		"a broker alone": {func(s *config.Signaling) {
			s.Page, s.MQTT.Enabled, s.MQTT.PhoneBrokers, s.MQTT.Prefix = page, true, []string{broker}, "acme"
		}, page, []string{"mqtt+" + broker + "?prefix=acme"}, ""},
		"a broker, and no page": {func(s *config.Signaling) {
			s.MQTT.Enabled, s.MQTT.PhoneBrokers = true, []string{broker}
		}, "", nil, "signaling.page"},
		"a broker that pages do not know": {func(s *config.Signaling) { s.Page, s.MQTT.Enabled = page, true }, "", nil, "phone_brokers"},
		"a broker that is off": {func(s *config.Signaling) {
			s.Page, s.Relay.Enabled, s.MQTT.PhoneBrokers = page, true, []string{broker}
		}, "", nil, "phone_brokers"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config.Default()
			cfg.Device = config.Device{SN: "door-1", Name: "Front door", StateDir: t.TempDir()}
			cfg.HAL.Camera.Name, cfg.HAL.Microphone.Name, cfg.HAL.Speaker.Name = hal.NameVirtual, hal.NameVirtual, hal.NameVirtual
			cfg.Signaling.Direct.Enabled, cfg.Signaling.Direct.Listen = false, "127.0.0.1:0"
			cfg.Signaling.MQTT.Brokers = []string{"mqtt://127.0.0.1:1"}
			tt.change(&cfg.Signaling)
			d, err := newDaemon(cfg, zerolog.Nop(), clock.Boot(), machineTime())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.close() })
			if d.direct != nil {
				if err := d.direct.Start(); err != nil {
					t.Fatal(err)
				}
			}
			w, err := (&pairingWindow{}).start(d.parts, signaling.PairingTerms{Life: time.Minute}, signaling.Contact{})
			if tt.page == "" {
				var refused *control.Error
				if !errors.As(err, &refused) || refused.Code != control.ErrNoTransport.Code || !strings.Contains(refused.Remedy, tt.remedy) {
					t.Fatalf("code = %v, %v; want %v with the remedy %s", w, err, control.ErrNoTransport, tt.remedy)
				}
				return
			}
			if err != nil || !strings.HasPrefix(w.URL, tt.page) {
				t.Fatalf("code = %s, %v; want it to lead to %s", w.URL, err, tt.page)
			}
			link, err := pairing.ParseLink(w.URL)
			if err != nil || !slices.EqualFunc(link.Endpoints, tt.endpoints, strings.HasPrefix) {
				t.Errorf("link = %+v, %v; want the endpoints %q", link, err, tt.endpoints)
			}
		})
	}
}
