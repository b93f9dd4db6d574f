package daemon

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/media"
	"callbox/signaling"
)

func TestICEServersOfARoom(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	static := media.ICEServer{URLs: []string{"turn:own.example"}, Username: "u", Credential: "c"}
	o := media.ICEOptions{
		Servers:  []media.ICEServer{{URLs: []string{"stun:stun.example"}}, static, {URLs: []string{"stun:turn.example", "turns:turn.example:443"}}},
		TURNLife: 5 * time.Minute,
	}
	var log bytes.Buffer
	trusted := false
	make := func(o media.ICEOptions) *iceServers {
		s, err := newICEServers(o, time.Now, func() bool { return trusted }, zerolog.New(&log))
		if err != nil {
			t.Fatal(err)
		}
		s.wall = func() time.Time { return time.Unix(1_800_000_000, 0) }
		return s
	}
	if s := make(o); !reflect.DeepEqual(s.of("room"), o.Servers) || s.renewal() != 0 {
		t.Errorf("without a secret: %+v, renewed each %v", s.of("room"), s.renewal())
	}
	o.TURNSecretFile = secret
	s := make(o)
	// echo -n 1800000300:room | openssl dgst -sha1 -hmac hush -binary | base64
	want := []signaling.ICEServer{
		{URLs: []string{"stun:stun.example"}}, signaling.ICEServer(static),
		{URLs: o.Servers[2].URLs, Username: "1800000300:room", Credential: "R3Q4+1qmj0H+CS0VYguBgPxAzQA="},
	}
	for range 2 {
		if got := s.forPhone(signaling.RoomKey{ID: "room", Phone: "anna"}); !reflect.DeepEqual(got, want) {
			t.Errorf("servers %+v, want %+v", got, want)
		}
	}
	if s.renewal() != 75*time.Second || o.Servers[2].Username != "" {
		t.Errorf("renewed each %v; the configuration holds %+v", s.renewal(), o.Servers)
	}
	if n := strings.Count(log.String(), "clock that may be wrong"); n != 1 {
		t.Errorf("warned %d times of the clock, want once", n)
	}
	o.TURNSecretFile = filepath.Join(t.TempDir(), "none")
	if _, err := newICEServers(o, time.Now, func() bool { return true }, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "media.ice.turn_secret_file") {
		t.Errorf("a secret that is not there: %v", err)
	}
}

// TestRelayedCallsRenew: a restart is asked for once the credentials are half
// through, and again until the phone makes it; calls that go straight are left alone.
func TestRelayedCallsRenew(t *testing.T) {
	for name, tt := range map[string]struct {
		local, remote string
		want          bool
	}{
		"the device's relay":            {"relay udp 192.0.2.1:1", "host udp 192.0.2.2:2", true},
		"the phone's relay":             {"host udp 192.0.2.1:1", "relay udp 192.0.2.2:2", true},
		"what may be the phone's relay": {"host udp 192.0.2.1:1", "prflx udp 192.0.2.2:2", true},
		"straight":                      {"host udp 192.0.2.1:1", "srflx udp 192.0.2.2:2", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, nil)
				defer s.end()
				s.stats = media.Stats{LocalCandidate: tt.local, RemoteCandidate: tt.remote}
				s.loop.renewal = time.Minute // a quarter of their life
				s.talk()
				time.Sleep(2*time.Minute - time.Second)
				s.want("")
				time.Sleep(time.Second)
				if !tt.want {
					s.want("")
					return
				}
				s.want("needRestart 1")
				time.Sleep(time.Minute)
				s.want("needRestart 1")
				s.receive(signaling.Restart{Room: signaling.RoomKey{ID: "r", Phone: "anna"}, Generation: 1, SDP: "new"})
				s.want(`restarted 1 "restarted SDP"`)
				time.Sleep(time.Minute)
				s.want("")
				time.Sleep(time.Minute)
				s.want("needRestart 2")
				s.emitter()(media.Lost{}) // asks for one by itself
				s.want("needRestart 2")
				s.receive(signaling.Bye{Room: signaling.RoomKey{ID: "r", Phone: "anna"}})
				s.took()
				time.Sleep(time.Hour)
				s.want("")
			})
		})
	}
}
