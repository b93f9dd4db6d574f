package daemon

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"callbox/daemon/store"
	"callbox/signaling/message"
)

// TestARestoredDevice: on other hardware it is the device that Anna's phone knows. Her
// phone need not pair again, takes it for one that has restarted, and its browser's
// subscription would still be by the same key.
func TestARestoredDevice(t *testing.T) {
	h := newHouse(t)
	thumbprint, push := h.d.key.JKT(), h.d.waker.pushBookOf().Key()
	backup, err := store.Backup(h.cfg.Device.StateDir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // what happens between a backup and the death of the card
		h.restart()
	}
	epoch := h.d.store.Epoch()
	h.leave()
	h.stop()
	h.cfg.Device.StateDir = filepath.Join(filepath.Dir(h.cfg.Control.Socket), "new-card")
	h.start() // a fresh installation starts by itself, with a key of its own
	if h.d.key.JKT() == thumbprint {
		t.Fatal("a fresh device has the old key")
	}
	h.stop()
	if _, err := store.Restore(h.cfg.Device.StateDir, backup, false); err != nil {
		t.Fatal(err)
	}
	h.start()
	if h.d.key.JKT() != thumbprint || h.d.waker.pushBookOf().Key() != push {
		t.Errorf("the key is %s, want %s; of pushes %s, want %s", h.d.key.JKT(), thumbprint, h.d.waker.pushBookOf().Key(), push)
	}
	h.anna.connect()
	room := message.NewID()
	h.anna.say(h.anna.Invite(room))
	if b := h.anna.expect("challenge").Body.(message.Challenge); b.Epoch <= epoch {
		t.Errorf("the epoch is %d, and Anna's phone has seen %d", b.Epoch, epoch)
	}
	if c := h.contact(h.anna.JKT()); c.Name != "Anna" || !slices.Equal(c.Rights, []string{"call"}) {
		t.Errorf("Anna: %+v", c)
	}
	h.anna.rings()
}
