package signaling_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
	"callbox/signaling/token/gate"
)

// FuzzReceive: whatever a stranger's transport delivers in whatever name, nothing
// rings, nobody is paired, and nothing falls over. A window is open, a contact is there
// and tokens are taken, so that all checks before a signature is right are reached; what
// lies behind that is FuzzContact's.
func FuzzReceive(f *testing.F) {
	raw, err := os.ReadFile(filepath.Join("testdata", "messages.json"))
	if err != nil {
		f.Fatal(err)
	}
	var golden struct{ Messages []struct{ Signed string } }
	if err := json.Unmarshal(raw, &golden); err != nil || len(golden.Messages) == 0 {
		f.Fatal(err)
	}
	k, err := key.New()
	if err != nil {
		f.Fatal(err)
	}
	p := signalingtest.NewPhone(f, sn, k.JKT())
	contact := signalingtest.NewPhone(f, sn, k.JKT())
	for _, m := range golden.Messages {
		f.Add(p.Address(), m.Signed)
	}
	for _, text := range []string{
		p.Invite(roomID), p.Offer(roomID, "bm9uY2U", p.Invite(roomID), signalingtest.SDP{}.String()), p.Pair(roomID, make([]byte, 16), "Anna"),
		contact.Invite(roomID, signalingtest.SignedBy(p.Key)), "", "..", "a.b.c",
	} {
		f.Add(p.Address(), text)
		f.Add(contact.Address(), text)
	}
	maker := signalingtest.NewIssuer(f, makerName)
	file := filepath.Join(f.TempDir(), "maker.json")
	maker.Publish(file)
	l := &ledger{spent: map[string]bool{}, denied: map[string]bool{}}
	g, err := gate.New(gate.Options{
		SN: sn, DKT: k.JKT(), Issuers: []gate.Issuer{{Name: makerName, File: file}}, Book: l, Boot: clock.Go(), Log: zerolog.Nop(),
		Wall: clock.NewFloor(clock.FloorOptions{Wall: time.Now, Trusted: func() bool { return true }, Store: l}),
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, change := range []signalingtest.Change{
		signalingtest.SignedBy(p.Key), signalingtest.With(members{"exp": 1}), signalingtest.WithHeader(members{"kid": "x"}),
	} {
		f.Add(p.Address(), p.Invite(roomID, carries(maker.Token(p, roomID, change))))
	}
	known := &book{contacts: map[string]signaling.Contact{}}
	known.put(contact, signaling.RightCall)
	var got atomic.Int64
	d, err := signaling.NewDevice(signaling.Options{
		Key: k, SN: sn, Name: deviceName, Contacts: known, Tokens: g, Push: pushBook{}, Clock: &noBudget{Clock: clock.Go()}, Log: zerolog.Nop(),
		Emit: func(e signaling.Event) {
			got.Add(1)
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(d.Close)
	d.OpenPairing(signaling.PairingTerms{Rights: []signaling.Right{signaling.RightCall}, Life: 1 << 62})
	f.Fuzz(func(t *testing.T, from, text string) {
		before := d.Refused()
		d.Receive(signaling.Peer{Transport: &wire{}, Budget: from, Address: from}, text)
		if n := got.Swap(0); n != 0 {
			t.Errorf("%d events came of %q", n, text)
		}
		refused := uint64(0)
		for reason, n := range d.Refused() {
			refused += n - before[reason]
		}
		if refused == 0 {
			t.Errorf("nothing was refused of %q", text)
		}
	})
}

// FuzzContact: whatever a contact signs, in a talk, in a room that is rung and in a new
// one, nothing falls over, no second call comes of it, and the device still answers.
func FuzzContact(f *testing.F) {
	raw, err := os.ReadFile(filepath.Join("testdata", "messages.json"))
	if err != nil {
		f.Fatal(err)
	}
	var golden struct {
		Messages []struct {
			Payload map[string]any
		}
	}
	if err := json.Unmarshal(raw, &golden); err != nil || len(golden.Messages) == 0 {
		f.Fatal(err)
	}
	for _, m := range golden.Messages {
		kind, _ := m.Payload["t"].(string)
		for _, name := range []string{"v", "t", "id", "from", "to", "tkt", "roomId", "groupId", "jwk", "token"} {
			delete(m.Payload, name)
		}
		text, err := json.Marshal(m.Payload)
		if err != nil || kind == "" {
			f.Fatalf("a golden message without a type: %v", err)
		}
		f.Add(kind, string(text))
	}
	f.Add("restart", `{"generation":1,"sdp":"v=0"}`)
	f.Add("data", `{"nonce":"x","at":1e300,"payload":{"a":[[]]}}`)
	f.Add("a later type", `{}`)
	f.Fuzz(func(t *testing.T, kind, text string) {
		var m members
		if json.Unmarshal([]byte(text), &m) != nil || m == nil {
			return
		}
		inBubble(t, func(t *testing.T, r *rig) {
			r.pushBook = pushBook{}
			r.Close()
			r.Device = r.start(2)
			defer r.Close()
			r.attachWire()
			r.talks()
			const rung = "cm9vbS10aGF0LWlzLXJ1bmctMQ"
			if err := r.Ring(signaling.RingRequest{Phone: r.phone.JKT(), RoomID: rung, RoomType: signaling.Voice, Life: time.Minute}); err != nil {
				t.Fatal(err)
			}
			r.emitted()
			r.said(r.phone)
			for _, room := range []string{roomID, rung, "bmV3LXJvb20tb2YtYS1waG9uZQ"} {
				r.deliver(r.phone.Message(message.Type(kind), room, m))
			}
			time.Sleep(time.Second) // what else comes of it
			for _, e := range r.emitted() {
				if o, ok := e.(signaling.Offer); ok {
					t.Errorf("a call came of it: %+v", o)
				}
			}
			r.said(r.phone) // all of it verifies
			r.deliver(r.phone.Ping("YWZ0ZXItYWxsLW9mLXRoaXMtMDE"))
			if !slices.Contains(types(r.said(r.phone)), message.TypePong) {
				t.Error("the device does not answer any more")
			}
		})
	})
}
