package daemon

import (
	"strings"
	"testing"
	"testing/synctest"

	"callbox/daemon/control"
	"callbox/signaling"
)

// TestDoctorOfPeople: why nothing rings, here or at a phone.
func TestDoctorOfPeople(t *testing.T) {
	phone := func(reach string, rights ...string) control.Contact {
		return control.Contact{EffectiveRights: rights, Reach: reach}
	}
	for name, tt := range map[string]struct {
		trusted []control.Contact
		ever    bool
		issuers int
		want    []string // state, name, part of the message
	}{
		"a new device":           {nil, false, 0, []string{"warning contacts no phone is paired yet: nobody can call"}},
		"nobody any more":        {nil, true, 0, []string{"problem contacts no phone is paired: nobody can call"}},
		"nobody, but issuers":    {nil, false, 1, []string{"ok contacts only callers with a token"}},
		"all is well":            {[]control.Contact{phone("connected", "call", "beCalled")}, true, 0, []string{"ok contacts 1 may call", "ok phones 1 connected"}},
		"nobody may call":        {[]control.Contact{phone("push", "beCalled")}, true, 0, []string{"problem contacts nobody rings here", "ok phones 1 can be woken"}},
		"nobody but with tokens": {[]control.Contact{phone("push", "beCalled")}, true, 1, []string{"ok contacts 0 may call", "ok phones 1 can be woken"}},
		"nobody may be called":   {[]control.Contact{phone("none", "call")}, true, 0, []string{"ok contacts the device can call nobody"}},
		"one is away":            {[]control.Contact{phone("none", "call", "beCalled"), phone("connected", "beCalled")}, true, 0, []string{"ok contacts 2 may be called", "warning phones 1 connected, 1 cannot be reached now"}},
		"a broker":               {[]control.Contact{phone("perhaps", "call", "beCalled")}, true, 0, []string{"ok contacts 1 paired", "ok phones 1 perhaps at the broker"}},
	} {
		got := doctorContacts(tt.trusted, tt.ever, tt.issuers)
		if len(got) != len(tt.want) {
			t.Errorf("%s: %+v, want %q", name, got, tt.want)
			continue
		}
		for i, f := range got {
			want := strings.SplitN(tt.want[i], " ", 3)
			if f.State != want[0] || f.Name != want[1] || !strings.Contains(f.Message, want[2]) || (f.State != control.StateOK) != (f.Remedy != "") {
				t.Errorf("%s: %+v, want %q", name, f, want)
			}
		}
	}
}

// TestDoctorOfQuiet: do-not-disturb is why nothing rings.
func TestDoctorOfQuiet(t *testing.T) {
	h := newHouse(t)
	found := func() string {
		t.Helper()
		findings, err := h.api.Doctor(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Name == "do not disturb" {
				return f.State + ": " + f.Remedy
			}
		}
		return ""
	}
	if got := found(); got != "" {
		t.Errorf("with do-not-disturb off: %s", got)
	}
	if _, err := h.api.SetDND(t.Context(), control.DND{On: true}); err != nil {
		t.Fatal(err)
	}
	if got := found(); got != "warning: callboxctl dnd off" {
		t.Errorf("with do-not-disturb on: %q", got)
	}
	if f := doctorQuiet(control.DND{}, true); len(f) != 1 || !strings.Contains(f[0].Message, "at this hour") {
		t.Errorf("at a quiet hour: %+v", f)
	}
}

// TestWhoIsConnected: contacts say whose page is open.
func TestWhoIsConnected(t *testing.T) {
	h := newHouse(t)
	reach := func() map[string]string {
		t.Helper()
		contacts, err := h.api.Contacts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, c := range contacts {
			all[c.Name] = c.Reach
		}
		return all
	}
	h.d.device.Up(signaling.Peer{Transport: h.d.direct, Address: "p." + h.anna.Key.JKT()})
	if got := reach(); got["Anna"] != control.ReachConnected {
		t.Errorf("with the page open: %v", got)
	}
	h.d.device.Gone(signaling.Peer{Transport: h.d.direct, Address: "p." + h.anna.Key.JKT()})
	if got := reach(); got["Anna"] != control.ReachNone {
		t.Errorf("with the page closed: %v", got)
	}
}

// TestWhoIsReached: status tells phones that ring from those that only are called.
func TestWhoIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		rooms := s.place(control.CallRequest{To: []string{"Anna", "Bert"}, Mode: control.Together})
		if c := s.call(); len(c.Reached) != 0 || len(c.Dialing) != 2 {
			t.Errorf("before a phone has answered: %+v", c)
		}
		s.receive(signaling.RingReached{Room: signaling.RoomKey{ID: rooms[1], Phone: "bert"}})
		if c := s.call(); len(c.Reached) != 1 || c.Reached[0] != "Bert" || len(c.Dialing) != 2 {
			t.Errorf("after Bert's phone has: %+v", c)
		}
	})
}
