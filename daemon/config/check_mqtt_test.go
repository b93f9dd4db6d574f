package config

import (
	"strings"
	"testing"
)

func TestMQTTSection(t *testing.T) {
	for name, tt := range map[string]struct {
		yaml string
		want []string // parts of the lines of the error; nil: it is good
	}{
		"all of it": {`
    enabled: true
    brokers: ["mqtts://broker.example.com", "wss://other/mqtt"]
    phone_brokers: ["wss://broker.example.com/mqtt", "ws://127.0.0.1:9001"]
    user: door
    password_file: mqtt
    ca: /etc/ca.pem
    client_certificate: /etc/c.pem
    client_key: /etc/k.pem
    prefix: acme/doors`, nil},
		"no broker":                {"\n    enabled: true", []string{"signaling.mqtt.brokers: is empty; needs a list"}},
		"off, no broker":           {"\n    enabled: false", nil},
		"a bad broker":             {"\n    brokers: [\"mqtts://ok\", \"tcp://broker\"]", []string{"signaling.mqtt.brokers[1]:", "must be mqtts"}},
		"a password in the URL":    {"\n    brokers: [\"mqtt://me:secret@broker\"]", []string{"password_file"}},
		"not for browsers":         {"\n    phone_brokers: [\"wss://ok\", \"mqtts://broker\"]", []string{"signaling.mqtt.phone_brokers[1]:", "wss://broker.example.com/mqtt"}},
		"not for pages on https":   {"\n    phone_brokers: [\"ws://broker\"]", []string{"signaling.mqtt.phone_brokers[0]:", "use wss://"}},
		"too many":                 {"\n    phone_brokers: [wss://a, wss://b, wss://c, wss://d, wss://e, wss://f, wss://g, wss://h, wss://i]", []string{"has 9 URLs"}},
		"a prefix with a wildcard": {"\n    prefix: callbox/+", []string{"signaling.mqtt.prefix: cannot use prefix"}},
		"half a client":            {"\n    client_key: /etc/k.pem", []string{"signaling.mqtt.client_certificate: is missing"}},
		"relative paths":           {"\n    ca: ca.pem\n    password_file: ./secret", []string{"signaling.mqtt.ca:", "signaling.mqtt.password_file:"}},
		"an unknown key":           {"\n    broker: mqtt://x", []string{"brokers"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load("f", []byte("signaling:\n  mqtt:"+tt.yaml+"\n"), nil)
			if tt.want == nil {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatalf("taken: %+v", c.Signaling.MQTT)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error %q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "secret@") {
				t.Error("the error tells the password")
			}
		})
	}
}

// TestOneTransportIsEnough: the device needs its own listener no more when another
// transport is on.
func TestOneTransportIsEnough(t *testing.T) {
	for _, other := range []string{"  relay:\n    enabled: true\n", "  mqtt:\n    enabled: true\n    brokers: [\"mqtt://broker\"]\n"} {
		if _, err := load("f", []byte("signaling:\n  direct:\n    enabled: false\n"+other), nil); err != nil {
			t.Error(err)
		}
	}
}

func TestPage(t *testing.T) {
	for page, good := range map[string]bool{
		"https://call.example.com": true, "https://call.example.com:8443/phone/": true, "http://127.0.0.1:8000/": true, "http://localhost/": true,
		"http://call.example.com": false, "call.example.com": false, "https://": false, "https://me:secret@call.example.com": false,
		"https://call.example.com/#x": false, "https://call.example.com/?x=1": false, "https://call.example.com/phone": false,
	} {
		_, err := load("f", []byte("signaling:\n  page: "+page+"\n"), nil)
		if (err == nil) != good || (err != nil && !strings.Contains(err.Error(), "signaling.page:")) {
			t.Errorf("%s: %v", page, err)
		}
		if err != nil && strings.HasSuffix(page, "/phone") && !strings.Contains(err.Error(), page) {
			t.Errorf("%s: the error shows another address: %v", page, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}
