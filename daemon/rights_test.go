package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
)

// cameraSession writes the camera down, too.
type cameraSession struct{ fakeSession }

func (c cameraSession) SetCamera(on bool) { c.s.note("camera %v", on) }

// change does to a contact what callboxctl contacts set does.
func (s *stage) change(name string, change func(c *signaling.Contact)) {
	s.t.Helper()
	s.inLoop(func() {
		i := slices.IndexFunc(s.contacts, func(c signaling.Contact) bool { return c.Name == name })
		change(&s.contacts[i])
		s.loop.contactChanged(s.contacts[i])
	})
}

// TestRightsOfTheRunningCall: what contacts set takes away is gone at once.
func TestRightsOfTheRunningCall(t *testing.T) {
	rights := func(r ...signaling.Right) func(*signaling.Contact) {
		return func(c *signaling.Contact) { c.Rights = append([]signaling.Right{}, r...) }
	}
	blind := func(c *signaling.Contact) { c.Camera = new(bool) }
	incoming := func(s *stage) {
		o := theOffer("r")
		o.EnableListenerCamera = true
		s.receive(o)
	}
	talking := func(s *stage) {
		incoming(s)
		synctest.Wait()
		if err := s.backend.Answer(s.t.Context(), ""); err != nil {
			s.t.Fatal(err)
		}
	}
	dialing := func(s *stage) { s.place(control.CallRequest{To: []string{"Anna", "Bert"}, Mode: control.Together}) }
	called := func(s *stage) {
		dialing(s)
		s.receive(rungOffer(s.rung[0], "anna", "Anna"))
	}
	for name, tt := range map[string]struct {
		begin  func(*stage)
		who    string
		change func(*signaling.Contact)
		want   string
	}{
		"the right call, while it rings":               {incoming, "Anna", rights(signaling.RightBeCalled), "shut; reject r aborted; end r; close"},
		"the right call, in the talk":                  {talking, "Anna", rights(), "shut; bye r abortedrevoked; end r; close"},
		"the right beCalled, of a caller":              {talking, "Anna", rights(signaling.RightCall), ""},
		"a group that nobody knows":                    {talking, "Anna", func(c *signaling.Contact) { c.Groups = []string{"x"} }, "shut; bye r abortedrevoked; end r; close"},
		"hours":                                        {talking, "Anna", func(c *signaling.Contact) { c.Hours = []string{"Mon 03:00-03:01"} }, ""},
		"a shorter call":                               {talking, "Anna", func(c *signaling.Contact) { c.MaxSeconds = 1 }, ""},
		"the camera":                                   {talking, "Anna", blind, "camera false"},
		"the camera, while it rings":                   {incoming, "Anna", blind, "camera false"},
		"another's right":                              {talking, "Bert", rights(), ""},
		"another's camera":                             {talking, "Bert", blind, ""},
		"the right beCalled, while it is rung":         {dialing, "Bert", rights(signaling.RightCall), "cancel ROOM aborted"},
		"the right call, of one who is rung":           {dialing, "Bert", rights(signaling.RightBeCalled), ""},
		"the right beCalled, in a call of the device":  {called, "Anna", rights(signaling.RightCall), "shut; bye ROOM abortedrevoked; end ROOM; close"},
		"the right beCalled, of one who was not first": {called, "Bert", rights(), ""},
		"the camera, in a call of the device":          {called, "Anna", blind, "camera false"},
		"nothing, without a call":                      {func(*stage) {}, "Anna", rights(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFamilyStage(t)
				defer s.end()
				s.inLoop(func() {
					s.loop.open = func(cfg media.SessionConfig) (mediaSession, error) {
						s.mu.Lock()
						defer s.mu.Unlock()
						s.emit = cfg.Emit
						return cameraSession{fakeSession{s}}, nil
					}
				})
				tt.begin(s)
				s.took()
				s.change(tt.who, tt.change)
				s.want(tt.want)
			})
		})
	}
}

// TestSwitchCamera: in a video call, to a camera that there is.
func TestSwitchCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		if _, err := s.backend.SwitchCamera(t.Context(), ""); !errors.Is(err, control.ErrNoCall) {
			t.Errorf("SwitchCamera without a call = %v, want %v", err, control.ErrNoCall)
		}
		rooms := s.place(control.CallRequest{To: []string{"Anna"}})
		s.receive(rungOffer(rooms[0], "anna", "Anna"))
		s.took()
		if got, err := s.backend.SwitchCamera(t.Context(), "Yard"); got != (control.CameraChoice{Camera: "Yard"}) || err != nil {
			t.Errorf("SwitchCamera = %q, %v", got, err)
		}
		s.inLoop(func() { s.cameraDevice = "usb-none" })
		if got, err := s.backend.SwitchCamera(t.Context(), "Yard"); got != (control.CameraChoice{Camera: "Yard", Missing: "usb-none is not there"}) || err != nil {
			t.Errorf("SwitchCamera to one that is not there = %q, %v", got, err)
		}
		if _, err := s.backend.SwitchCamera(t.Context(), "Cellar"); !errors.Is(err, control.ErrNoDevice) {
			t.Errorf("SwitchCamera to one that there is not = %v, want %v", err, control.ErrNoDevice)
		}
		if got := s.call().CameraName; got != "Door" {
			t.Errorf("the status shows %q", got)
		}
	})
}

// TestAnotherCameraThanTheLost: a phone is told that there are pictures while another camera
// than the one that is gone is shown, and that there are none while that one is.
func TestAnotherCameraThanTheLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.cameraDevice = "usb-door"
		s.talk()
		s.inLoop(func() { s.loop.cur.camera = true })
		s.emit(media.DataOpen{})
		camera := func(when string, want bool) {
			t.Helper()
			time.Sleep(2 * infoPause)
			synctest.Wait()
			s.inLoop(func() {
				if got := s.loop.cur.leg.told.camera; got != want {
					t.Errorf("%s the phone was told camera %v", when, got)
				}
			})
		}
		show := func(device string) {
			t.Helper()
			s.inLoop(func() { s.cameraDevice = device })
			if _, err := s.backend.SwitchCamera(t.Context(), "Yard"); err != nil {
				t.Fatal(err)
			}
		}
		camera("at first", true)
		s.emit(media.DeviceGone{Kind: "camera", Name: "usb-door"})
		camera("with the shown one gone", false)
		show("usb-yard")
		camera("with another one shown", true)
		show("usb-door")
		camera("with the lost one shown again", false)
		s.emit(media.DeviceBack{Kind: "camera", Name: "usb-door"})
		camera("with all of them there", true)
	})
}

// TestTheCameraStaysOff: a person at the device cannot show what the contact may
// not see, and the status says so.
func TestTheCameraStaysOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		rooms := s.place(control.CallRequest{To: []string{"Anna"}})
		s.receive(rungOffer(rooms[0], "anna", "Anna"))
		s.took()
		if !s.call().Camera {
			t.Fatal("the camera is off from the start")
		}
		s.change("Anna", func(c *signaling.Contact) { c.Camera = new(bool) })
		if s.call().Camera {
			t.Error("the status shows the camera as on")
		}
		if err := s.backend.SetCamera(t.Context(), true); err == nil || !strings.Contains(err.Error(), "Anna may not see the camera") {
			t.Errorf("SetCamera = %v", err)
		}
		s.change("Anna", func(c *signaling.Contact) { c.Camera = new(true) })
		if s.call().Camera {
			t.Error("the camera came back by itself")
		}
	})
}

// TestTheCameraOfOneWhoWaits: a rung phone whose own call has answered, and that may
// not see the camera any more, does not get it when its turn comes.
func TestTheCameraOfOneWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFamilyStage(t)
		defer s.end()
		s.manualStart = true
		rooms := s.place(control.CallRequest{To: []string{"Anna", "Bert"}, Mode: control.Together})
		s.receive(rungOffer(rooms[0], "anna", "Anna"))
		own := theOffer("berts own")
		own.Room.Phone, own.Contact = "bert", s.contacts[1]
		s.receive(own)
		synctest.Wait()
		s.change("Bert", func(c *signaling.Contact) { c.Camera = new(bool) })
		time.Sleep(20 * time.Second) // Anna's media does not connect
		synctest.Wait()
		if c := s.call(); c.RoomID != "berts own" || c.Camera {
			t.Errorf("the call is %+v", c)
		}
	})
}

// TestContactsSetEndsTheCall: over the API; the phone stays a contact.
func TestContactsSetEndsTheCall(t *testing.T) {
	h := newHouse(t)
	h.anna.rings()
	if _, err := h.api.ChangeContact(t.Context(), "Anna", control.ContactChange{Rights: control.Value([]string{"beCalled"})}); err != nil {
		t.Fatal(err)
	}
	h.endedRevoked()
	c, err := h.api.ChangeContact(t.Context(), "Anna", control.ContactChange{Rights: control.Value([]string{"call"})})
	if err != nil || c.Revoked {
		t.Fatalf("contact = %+v, %v", c, err)
	}
	if n := h.named("revoked"); n != 0 {
		t.Errorf("it was told %d times that the trust is gone", n)
	}
	if e := h.explain("Anna", control.PolicyQuery{}); !e.Allowed {
		t.Errorf("Anna may not call any more: %+v", e)
	}
	h.anna.reconnect()
	h.anna.say(h.anna.Invite(message.NewID()))
	h.anna.expect("challenge")
}

// TestUnreadableHoursWithoutAClock: what was meant to forbid forbids.
func TestUnreadableHoursWithoutAClock(t *testing.T) {
	rules := &policy.Rules{UntrustedClock: policy.UntrustedAllow}
	contact := signaling.Contact{Name: "Anna", Rights: []signaling.Right{signaling.RightCall}, Hours: []string{"8-20"}}
	if d := rules.Decide(policy.Request{Contact: policyContact(contact)}); d.Allowed || d.Cause != cause.Forbidden {
		t.Errorf("the decision is %+v", d)
	}
	contact.Hours = []string{"08:00-20:00"}
	if d := rules.Decide(policy.Request{Contact: policyContact(contact)}); !d.Allowed {
		t.Errorf("with hours that can be read it is %+v", d)
	}
}
