package daemon

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
)

// testPhone is the phone of a test that has been admitted, connected.
func testPhone(t *testing.T, h *house, terms control.SelftestTerms, k *key.Private) *phonepeer.Phone {
	t.Helper()
	p, err := phonepeer.New(phonepeer.Options{
		Key: k, Loopback: terms.Loopback, Log: zerolog.Nop(),
		Device: &phonepeer.Device{SN: terms.SN, DKT: terms.Thumbprint, Endpoints: terms.Endpoints},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if err := p.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// admitted begins a test as a program does; leave is that program's end, and may be
// called again.
func admitted(t *testing.T, h *house, seconds float64) (terms control.SelftestTerms, k *key.Private, leave func()) {
	t.Helper()
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan control.SelftestTerms, 1), make(chan error, 1)
	go func() {
		done <- h.api.Selftest(ctx, control.SelftestRequest{JWK: k.Public().JWK(), Seconds: seconds}, func(_ context.Context, terms control.SelftestTerms) error {
			ready <- terms
			<-ctx.Done()
			return nil
		})
	}()
	t.Cleanup(cancel)
	select {
	case terms = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	return terms, k, cancel
}

// TestSelftestCalls: the phone of a test is answered without a person on a device that
// rings, and leaves nothing but its record.
func TestSelftestCalls(t *testing.T) {
	h := newHouse(t)
	terms, k, leave := admitted(t, h, 5)
	if terms.SN != "door-1" || !terms.Loopback || terms.Silent || terms.Contact != store.SelftestName {
		t.Errorf("terms = %+v", terms)
	}
	p := testPhone(t, h, terms, k)
	c, err := p.Call(t.Context(), phonepeer.CallOptions{RoomType: message.Video, TimeLimit: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := phonepeer.Await[phonepeer.Started](t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if s := h.status(); s.Call == nil || s.Call.Contact != store.SelftestName || s.Call.LimitSeconds != 1 || s.Contacts != 1 {
		t.Errorf("status = %+v, want a call of selftest that is limited to 1 s, and one contact", s)
	}
	if err := c.SendData(t.Context(), []byte(`{}`), signaling.RightUnlock); err == nil {
		t.Error("the test has opened the door")
	}
	ended, err := c.Wait(t.Context())
	if err != nil || ended.End.Origin != cause.TimeLimit {
		t.Errorf("ended = %+v, %v", ended, err)
	}
	contacts, err := h.api.Contacts(t.Context())
	if err != nil || slices.ContainsFunc(contacts, func(c control.Contact) bool { return c.Thumbprint == k.JKT() }) {
		t.Errorf("contacts = %+v, %v: the test is among them", contacts, err)
	}
	h.eventually("the call is over", func() bool { return h.status().State == "idle" })
	records, err := h.api.Calls(t.Context(), control.CallQuery{Limit: 10})
	if err != nil || len(records) != 1 || records[0].Contact != store.SelftestName || !records[0].Auto {
		t.Errorf("records = %+v, %v", records, err)
	}
	if b, ok := h.d.store.LoadBudget(budgetKey(k.JKT())); ok {
		t.Errorf("the test has a budget: %+v", b)
	}
	leave()
	h.eventually("the key is refused", func() bool { return !h.d.tester.is(k.JKT()) })
	soon, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := p.Call(soon, phonepeer.CallOptions{}); err == nil {
		t.Error("the phone calls on after the test")
	}
}

// TestSelftestThatDies: the end of the program is the end of its call.
func TestSelftestThatDies(t *testing.T) {
	h := newHouse(t)
	terms, k, leave := admitted(t, h, 60)
	c, err := testPhone(t, h, terms, k).Call(t.Context(), phonepeer.CallOptions{RoomType: message.Voice, TimeLimit: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := phonepeer.Await[phonepeer.Started](t.Context(), c); err != nil {
		t.Fatal(err)
	}
	leave()
	ended, err := c.Wait(t.Context())
	if err != nil || ended.End != (cause.End{Cause: cause.Aborted, Detail: cause.Revoked}) {
		t.Errorf("ended = %+v, %v", ended, err)
	}
	h.eventually("nothing is left", func() bool { return h.status().State == "idle" && !h.d.tester.is(k.JKT()) })
}

// TestSelftestRefused names what a test does not get past.
func TestSelftestRefused(t *testing.T) {
	h := newHouse(t)
	ask := func(k *key.Public) error {
		return h.api.Selftest(t.Context(), control.SelftestRequest{JWK: k.JWK()}, func(context.Context, control.SelftestTerms) error { return nil })
	}
	k, err := key.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(h.anna.Key.Public()); !errors.Is(err, control.ErrExists) {
		t.Errorf("with a contact's key: %v, want %v", err, control.ErrExists)
	}
	_, first, leave := admitted(t, h, 5)
	if err := ask(k.Public()); !errors.Is(err, control.ErrBusy) {
		t.Errorf("a second one: %v, want %v", err, control.ErrBusy)
	}
	leave()
	h.eventually("the first is gone", func() bool { return !h.d.tester.is(first.JKT()) })

	if _, err := h.api.SetDND(t.Context(), control.DND{On: true}); err != nil {
		t.Fatal(err)
	}
	terms, quiet, leave := admitted(t, h, 5)
	_, err = phoneCall(t, h, terms, quiet)
	var end *phonepeer.EndError
	if !errors.As(err, &end) || end.Ended.End.Cause != cause.DND {
		t.Errorf("do not disturb: %v, want %v", err, cause.DND)
	}
	leave()
	if _, err := h.api.AddContact(t.Context(), control.NewContact{Name: "SelfTest", JWK: k.Public().JWK()}); err == nil {
		t.Error("a contact has the name of the test")
	}
	if s := h.status(); s.State != "idle" {
		t.Errorf("the device is %s", s.State)
	}
}

// phoneCall calls and waits for the answer.
func phoneCall(t *testing.T, h *house, terms control.SelftestTerms, k *key.Private) (*phonepeer.Call, error) {
	t.Helper()
	c, err := testPhone(t, h, terms, k).Call(t.Context(), phonepeer.CallOptions{})
	if err != nil {
		return nil, err
	}
	_, err = phonepeer.Await[phonepeer.Accepted](t.Context(), c)
	return c, err
}

// TestSelftestUnannounced: where the announcement was not heard nobody's microphone opens
// by itself. A device that has a speaker declines; one that has none is answered by the
// program that tests it.
func TestSelftestUnannounced(t *testing.T) {
	for name, tt := range map[string]struct {
		speaker bool
		want    string
	}{
		"with a speaker":    {true, "reject r rejected"},
		"without a speaker": {false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, nil)
				defer s.end()
				o := theOffer("r")
				s.inLoop(func() {
					s.loop.sounds, s.loop.has.speaker, s.loop.tester = muteSounds{}, tt.speaker, &tester{phone: o.Contact}
				})
				s.receive(o)
				got := s.took()
				time.Sleep(20 * time.Second)
				got += s.took()
				if strings.Contains(got, "accept ") || !strings.Contains(got, tt.want) || !tt.speaker && strings.Contains(got, "reject") {
					t.Errorf("it did %q, want %q and no answer", got, tt.want)
				}
				if !tt.speaker {
					if err := s.backend.Answer(t.Context(), ""); err != nil {
						t.Fatal(err)
					}
					if got := s.took(); !strings.Contains(got, "accept ") {
						t.Errorf("the program's answer did %q", got)
					}
				}
			})
		})
	}
}
