package mqtt

import (
	"errors"
	"slices"
	"testing"
)

func TestCheckPhoneBroker(t *testing.T) {
	for text, good := range map[string]bool{
		"wss://broker.example.com": true, "wss://broker.example.com:8084/mqtt?site=7": true, "WSS://b/mqtt": true,
		"ws://127.0.0.1:9001": true, "ws://localhost:9001/mqtt": true, "ws://[::1]:9001": true,
		"mqtts://broker.example.com": false, "mqtt://127.0.0.1": false, "ws://broker.example.com": false, "ws://192.0.2.1": false,
		"wss://me:secret@broker": false, "wss://broker/?prefix=a": false, "https://broker": false, "": false,
	} {
		if err := CheckPhoneBroker(text); (err == nil) != good || (err != nil && !errors.Is(err, ErrURL)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPhoneEndpoints(t *testing.T) {
	o := Options{PhoneBrokers: []string{"wss://b.example/mqtt", "wss://b.example:8084/?site=7", "WS://127.0.0.1:9001"}, Prefix: DefaultPrefix}
	want := []string{"mqtt+wss://b.example/mqtt", "mqtt+wss://b.example:8084/?site=7", "mqtt+ws://127.0.0.1:9001"}
	if got := o.PhoneEndpoints(); !slices.Equal(got, want) {
		t.Errorf("endpoints = %q, want %q", got, want)
	}
	o.Prefix = "acme/doors"
	want = []string{"mqtt+wss://b.example/mqtt?prefix=acme/doors", "mqtt+wss://b.example:8084/?site=7&prefix=acme/doors", "mqtt+ws://127.0.0.1:9001?prefix=acme/doors"}
	if got := o.PhoneEndpoints(); !slices.Equal(got, want) {
		t.Errorf("endpoints = %q, want %q", got, want)
	}
}
