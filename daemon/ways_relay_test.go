package daemon

import (
	"context"
	"strings"
	"sync"
	"testing"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
)

// overTheAPI is a maker's program: the relay by HTTP.
func overTheAPI(r *remote, heard func(text string)) (say func(text string), stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	address := key.PhoneAddress(r.key.JKT())
	listening := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		err := r.api.Relayed(ctx, func() { close(listening) }, func(m control.RelayOut) error {
			if m.To == address {
				heard(m.Message)
			}
			return nil
		})
		if err != nil && ctx.Err() == nil {
			r.t.Errorf("the relay's stream ended: %v", err)
		}
	})
	<-listening
	r.eventually("the relay is up", func() bool { return r.transport("relay").Up })
	return func(text string) {
			if err := r.api.Relay(ctx, control.RelayIn{From: address, Message: text}); err != nil && ctx.Err() == nil {
				r.t.Errorf("the relay took nothing: %v", err)
			}
		}, func() {
			cancel()
			work.Wait()
		}
}

// TestWholeCallOverTheRelay: no other transport is up.
func TestWholeCallOverTheRelay(t *testing.T) {
	r := newRemote(t, func(c *config.Config) { c.Signaling.Relay.Enabled = true }, overTheAPI)
	c := r.talk()
	c.HangUp(cause.Manual)
	r.ended(c, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, false)

	// And the device calls.
	if _, err := r.api.Call(t.Context(), control.CallRequest{To: []string{"Anna"}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	in, err := r.phone.Incoming(ctx)
	if err != nil {
		t.Fatal(err)
	}
	in.Answer()
	r.eventually("they talk", r.isTalking)
	if err := r.api.HangUp(ctx, ""); err != nil {
		t.Fatal(err)
	}
	r.ended(in.Call, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, true)
}

func TestRelayRefuses(t *testing.T) {
	r := newRemote(t, func(c *config.Config) { c.Signaling.Relay.Enabled = true }, overTheAPI)
	for name, m := range map[string]control.RelayIn{
		"nobody":     {Message: "x"},
		"no message": {From: key.PhoneAddress(r.key.JKT())},
		"a device":   {From: "d.door-1", Message: "x"},
		"too large":  {From: key.PhoneAddress(r.key.JKT()), Message: strings.Repeat("x", message.MaxMessage+1)},
	} {
		if err := r.api.Relay(t.Context(), m); err == nil || !strings.Contains(err.Error(), "message") && !strings.Contains(err.Error(), "from") {
			t.Errorf("%s: %v", name, err)
		}
	}
	before := r.status().Refused
	if err := r.api.Relay(t.Context(), control.RelayIn{From: key.PhoneAddress(r.key.JKT()), Message: "no message of hers"}); err != nil {
		t.Errorf("what cannot be verified yet was refused: %v", err)
	}
	if after := r.status().Refused; after[string(signaling.RefusedShape)] != before[string(signaling.RefusedShape)]+1 {
		t.Errorf("refused %v", after)
	}
}

func TestRelayIsOff(t *testing.T) {
	h := newHouse(t)
	off := func(err error) bool { return err != nil && strings.Contains(err.Error(), "signaling.relay.enabled") }
	if err := h.api.Relay(t.Context(), control.RelayIn{From: h.anna.Address(), Message: "x"}); !off(err) {
		t.Errorf("POST /v1/relay: %v", err)
	}
	if err := h.api.Relayed(t.Context(), nil, nil); !off(err) {
		t.Errorf("GET /v1/relay: %v", err)
	}
}
