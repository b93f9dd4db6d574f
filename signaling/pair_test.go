package signaling_test

import (
	"slices"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/pairing"
	"callbox/signaling/signalingtest"
)

// newcomer is a phone that the device has not seen.
func (r *rig) newcomer() *signalingtest.Phone {
	p := signalingtest.NewPhone(r.t, sn, r.key.JKT())
	p.Learn(r.key.Public())
	return p
}

const pairRoom = "cGFpcmluZy1yb29tLTAwMDAx"

// pairs sends a pair message and returns the only answer.
func (r *rig) pairs(p *signalingtest.Phone, secret []byte) *message.Message {
	r.t.Helper()
	r.from(p, p.Pair(pairRoom, secret, "Ben's phone"))
	list := r.said(p)
	if len(list) != 1 {
		r.t.Fatalf("the device said %v, want one answer", types(list))
	}
	return list[0]
}

func (r *rig) wantForbidden(m *message.Message) {
	r.t.Helper()
	if b, ok := m.Body.(message.Reject); !ok || b.Cause != cause.Forbidden {
		r.t.Errorf("the device said %s, want reject forbidden", m.Type)
	}
}

func TestPairing(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		w := r.OpenPairing(signaling.PairingTerms{Rights: []signaling.Right{signaling.RightCall, signaling.RightUnlock}})
		if w.Until == 0 || w.SN != sn || w.DKT != r.key.JKT() {
			t.Errorf("window %+v", w)
		}
		p := r.newcomer()
		text := p.Pair(pairRoom, w.Secret, "Ben's phone")
		r.from(p, text)
		m := r.said(p)[0]
		b := m.Body.(message.Paired)
		if b.Name != deviceName || b.MAC != pairing.DeviceMAC(w.Secret, p.JKT(), r.key.JKT(), deviceName) || m.JWK == nil ||
			!slices.Equal(b.Rights, []signaling.Right{signaling.RightCall, signaling.RightUnlock}) {
			t.Errorf("paired = %+v", b)
		}
		e := expectEvent[signaling.Paired](r)
		if !e.Fresh || e.Contact.Name != "Ben's phone" || e.Contact.JKT != p.JKT() || e.Contact.SelfSigned {
			t.Errorf("event %+v", e)
		}
		r.from(p, text) // the answer was lost
		if again := r.said(p)[0]; again.Text != m.Text {
			t.Error("a duplicate did not get the same bytes back")
		}
		if _, ok := r.pairs(p, w.Secret).Body.(message.Paired); !ok { // and the page was opened again
			t.Error("the same phone was refused")
		}
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{})
		r.phone = p
		r.talks()
	})
}

func TestPairingNamesAndRights(t *testing.T) {
	all := []signaling.Right{signaling.RightCall, signaling.RightAuto, signaling.RightUnlock}
	for name, tt := range map[string]struct {
		force bool
		want  []signaling.Right
	}{
		"self-made certificate":         {false, []signaling.Right{signaling.RightCall}},
		"self-made certificate, forced": {true, all},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				w := r.OpenPairing(signaling.PairingTerms{Rights: all, Name: "Grandma", Force: tt.force})
				p := r.newcomer()
				from := r.peer(p)
				from.Secure = false
				r.Receive(from, p.Pair(pairRoom, w.Secret, "Ben's phone"))
				if c := expectEvent[signaling.Paired](r).Contact; c.Name != "Grandma" || !c.SelfSigned || !slices.Equal(c.Rights, tt.want) {
					t.Errorf("contact %+v: want the name of the window, and the rights %v", c, tt.want)
				}
			})
		})
	}
}

func TestPairingRefuses(t *testing.T) {
	for name, do := range map[string]func(*rig) *message.Message{
		"no window": func(r *rig) *message.Message { return r.pairs(r.newcomer(), make([]byte, 16)) },
		"wrong secret": func(r *rig) *message.Message {
			r.OpenPairing(signaling.PairingTerms{})
			return r.pairs(r.newcomer(), make([]byte, 16))
		},
		"window run out": func(r *rig) *message.Message {
			w := r.OpenPairing(signaling.PairingTerms{Life: time.Minute})
			time.Sleep(time.Minute)
			return r.pairs(r.newcomer(), w.Secret)
		},
		"window closed": func(r *rig) *message.Message {
			w := r.OpenPairing(signaling.PairingTerms{})
			r.ClosePairing()
			return r.pairs(r.newcomer(), w.Secret)
		},
		"window renewed": func(r *rig) *message.Message {
			w := r.OpenPairing(signaling.PairingTerms{})
			r.OpenPairing(signaling.PairingTerms{})
			return r.pairs(r.newcomer(), w.Secret)
		},
		"MAC of another phone": func(r *rig) *message.Message {
			w := r.OpenPairing(signaling.PairingTerms{})
			p := r.newcomer()
			mac := pairing.PhoneMAC(w.Secret, r.phone.JKT(), r.key.JKT(), "Eve")
			r.from(p, p.Pair(pairRoom, w.Secret, "Eve", signalingtest.With(members{"mac": mac})))
			return r.said(p)[0]
		},
		"another name": func(r *rig) *message.Message {
			w := r.OpenPairing(signaling.PairingTerms{})
			p := r.newcomer()
			r.from(p, p.Pair(pairRoom, w.Secret, "Ben", signalingtest.With(members{"name": "Eve"})))
			return r.said(p)[0]
		},
		"our own MAC played back": func(r *rig) *message.Message {
			w := r.OpenPairing(signaling.PairingTerms{})
			p := r.newcomer()
			mac := pairing.DeviceMAC(w.Secret, p.JKT(), r.key.JKT(), "Eve")
			r.from(p, p.Pair(pairRoom, w.Secret, "Eve", signalingtest.With(members{"mac": mac})))
			return r.said(p)[0]
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				r.wantForbidden(do(r))
				r.expectNoEvent()
				r.expectRefused(nil, map[signaling.Reason]uint64{signaling.RefusedPairing: 1})
			})
		})
	}
}

func TestAWrongMACClosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		w := r.OpenPairing(signaling.PairingTerms{})
		eve := r.newcomer()
		for range 5 {
			r.wantForbidden(r.pairs(eve, make([]byte, 16)))
		}
		if _, ok := r.pairs(r.newcomer(), w.Secret).Body.(message.Paired); !ok {
			t.Error("the right phone was refused")
		}
	})
}

func TestARightMACIsNeverRefusedForRate(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		w := r.OpenPairing(signaling.PairingTerms{})
		p := r.newcomer()
		for range 1000 {
			r.from(p, p.Pair(pairRoom, make([]byte, 16), "Eve")) // Eve sits on the same address
		}
		if n := len(r.said(p)); n > 20 {
			t.Errorf("%d answers to a flood", n)
		}
		if _, ok := r.pairs(p, w.Secret).Body.(message.Paired); !ok {
			t.Error("the right MAC was refused in a flood")
		}
	})
}

func TestASecondPhoneIsAnAlarm(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		w := r.OpenPairing(signaling.PairingTerms{Rights: []signaling.Right{signaling.RightCall}})
		first, second := r.newcomer(), r.newcomer()
		if m := r.pairs(first, w.Secret); m.Type != message.TypePaired {
			t.Fatalf("the first phone got %s", m.Type)
		}
		expectEvent[signaling.Paired](r)
		r.wantForbidden(r.pairs(second, w.Secret))
		if e := expectEvent[signaling.PairingAlarm](r); e.First != first.JKT() || e.Second != second.JKT() {
			t.Errorf("alarm %+v", e)
		}
		// Both are out at once, whatever the daemon does.
		before := r.Refused()
		r.from(first, first.Invite(roomID))
		r.from(second, second.Invite(roomID))
		r.expect()
		r.expectRefused(before, map[signaling.Reason]uint64{signaling.RefusedRevoked: 1, signaling.RefusedStranger: 1})
		r.wantForbidden(r.pairs(first, w.Secret))
		r.wantForbidden(r.pairs(second, w.Secret))
		r.expectNoEvent() // one alarm is enough
		// A person looked, and pairs the right one anew.
		w = r.OpenPairing(signaling.PairingTerms{Rights: []signaling.Right{signaling.RightCall}})
		if m := r.pairs(first, w.Secret); m.Type != message.TypePaired {
			t.Fatalf("paired anew, the phone got %s", m.Type)
		}
		expectEvent[signaling.Paired](r)
		r.phone = first
		r.talks()
	})
}

func TestAUsedSecretDoesNotBringARevokedPhoneBack(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		w := r.OpenPairing(signaling.PairingTerms{})
		p := r.newcomer()
		r.pairs(p, w.Secret)
		r.emitted()
		r.book.revoke(p)
		r.wantForbidden(r.pairs(p, w.Secret))
		if c, _ := r.book.Contact(p.JKT()); !c.Revoked {
			t.Error("the phone is a contact again")
		}
	})
}

func TestRevokeInATalk(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.book.put(r.phone, signaling.RightCall, signaling.RightUnlock)
		r.talks()
		r.book.revoke(r.phone)
		r.Revoke(r.phone.JKT())
		r.ReceiveFrame(r.room(), []byte(`{"t":"data","id":"1","right":"unlock"}`))
		r.deliver(r.phone.Candidates(roomID, []string{hostLine}), r.phone.Bye(roomID))
		r.expectNoEvent()
		r.Bye(r.room(), cause.End{Cause: cause.Aborted, Detail: cause.Revoked})
		r.acked(message.TypeBye) // its ack is still heard
		time.Sleep(time.Minute)
		r.expect()
	})
}
