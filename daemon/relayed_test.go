package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/media"
	"callbox/media/turntest"
	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
)

// TestARelayedCall goes through coturn alone, from both ends, with credentials that
// the device makes: they expire twice in the call, and nobody hears of it.
func TestARelayedCall(t *testing.T) {
	coturn := turntest.Start(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(coturn.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const life = 6 * time.Second // its half is long enough for a restart on a busy machine
	h := newHouse(t, func(c *config.Config) {
		c.Media.ICE.Servers = []media.ICEServer{{URLs: []string{coturn.URL}}}
		c.Media.ICE.TURNSecretFile, c.Media.ICE.TURNLife, c.Media.ICE.RelayOnly = secret, life, true
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	p, err := phonepeer.New(phonepeer.Options{Name: "Bert", Loopback: true, RelayOnly: true, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	w, err := h.api.OpenPairing(ctx, control.PairRequest{Rights: []string{string(signaling.RightCall)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Pair(ctx, w.URL); err != nil {
		t.Fatal(err)
	}
	if err := p.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	c, err := p.Call(ctx, phonepeer.CallOptions{RoomType: message.Video})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := phonepeer.Await[phonepeer.Ringing](ctx, c); err != nil {
		t.Fatal(err)
	}
	if err := h.api.Answer(ctx, c.Room); err != nil {
		t.Fatal(err)
	}
	if _, err := phonepeer.Await[phonepeer.Started](ctx, c); err != nil {
		t.Fatal(err)
	}
	relays := map[string]bool{} // of the device, one after the other
	look := func() {
		s, err := ask(ctx, h.d.loop, func() (media.Stats, error) { return h.d.loop.cur.leg.session.Stats(), nil })
		if err != nil {
			t.Fatal(err)
		}
		if s.LocalCandidate != "" {
			if !strings.HasPrefix(s.LocalCandidate, "relay ") || !strings.HasPrefix(s.RemoteCandidate, "relay ") {
				t.Fatalf("media flows from %q to %q, want relays at both ends", s.LocalCandidate, s.RemoteCandidate)
			}
			relays[s.LocalCandidate] = true
		}
	}
	for look(); len(relays) < 3; look() {
		select {
		case <-ctx.Done():
			t.Fatalf("the device has used only these relays: %v", relays)
		case <-time.After(20 * time.Millisecond):
		}
	}
	// Sound, not pictures: the device keeps those back where a busy machine looks like a
	// slow network.
	before := c.Stats().Audio.Packets
	h.eventually("media flows", func() bool { return c.Stats().Audio.Packets > before+50 })
	// A way that is lost shows after 5 s; a renewal costs nothing where the machine is idle.
	if gap := c.Stats().Audio.LongestGap; gap > 3*time.Second {
		t.Errorf("a renewal cost %v of sound", gap)
	}
	if n := h.named(control.EventReconnecting); n != 0 {
		t.Errorf("the media was lost %d times", n)
	}
	if log := coturn.Log(); strings.Count(log, ":"+c.Room+">") == 0 {
		t.Errorf("the server never heard of the room %s:\n%s", c.Room, log)
	}
	c.HangUp(cause.Manual)
	if ended, err := c.Wait(ctx); err != nil || ended.End.Cause != cause.Hangup {
		t.Errorf("ended %+v, %v", ended, err)
	}
}
