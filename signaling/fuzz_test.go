package signaling_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/key"
	"callbox/signaling/signalingtest"
)

// FuzzReceive: whatever a stranger's transport delivers in whatever name, nothing
// rings, nobody is paired, and nothing falls over. A window is open and a contact
// there, so that all of the checks are reached.
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
	known := &book{contacts: map[string]signaling.Contact{}}
	known.put(contact, signaling.RightCall)
	var got atomic.Int64
	d, err := signaling.NewDevice(signaling.Options{
		Key: k, SN: sn, Name: deviceName, Contacts: known, Clock: &noBudget{Clock: clock.Go()}, Log: zerolog.Nop(),
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
