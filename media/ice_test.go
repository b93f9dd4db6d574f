package media

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/turn/v5"
	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"

	"callbox/media/turntest"
)

// TestTURNCredentials compares with what pion's TURN server would make.
func TestTURNCredentials(t *testing.T) {
	before := time.Now()
	user, password, err := turn.GenerateLongTermTURNRESTCredentials("a secret", "room-1", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for late := time.Duration(0); late < 5*time.Second; late += time.Second { // pion looks at the clock by itself
		if u, p := TURNCredentials([]byte("a secret"), "room-1", before.Add(time.Minute+late)); u == user {
			if p != password {
				t.Errorf("password %q, want %q", p, password)
			}
			return
		}
	}
	t.Errorf("no user name is %q", user)
}

// minted are ICE servers with credentials that are good for life.
func minted(s *turntest.Server, secret string, life time.Duration) func() []ICEServer {
	return func() []ICEServer {
		user, password := TURNCredentials([]byte(secret), "room-1", time.Now().Add(life))
		return []ICEServer{{URLs: []string{s.URL}, Username: user, Credential: password}}
	}
}

// relayPhone is a phone that speaks through its relay only, too.
func relayPhone(servers []ICEServer) webrtc.Configuration {
	c := webrtc.Configuration{ICETransportPolicy: webrtc.ICETransportPolicyRelay}
	for _, v := range servers {
		c.ICEServers = append(c.ICEServers, webrtc.ICEServer{URLs: v.URLs, Username: v.Username, Credential: v.Credential})
	}
	return c
}

func relayOnly(o *EngineOptions) { o.ICE.RelayOnly = true }

// wantRelayed waits for media and says what way it takes.
func (l *leg) wantRelayed() {
	l.t.Helper()
	audio, video := l.audio.Load(), l.video.Load()
	l.eventually("sound and picture flow", func() bool { return l.audio.Load() > audio+2 && l.video.Load() > video+10 })
	s := l.session.Stats()
	if !strings.HasPrefix(s.LocalCandidate, "relay ") || !strings.HasPrefix(s.RemoteCandidate, "relay ") {
		l.t.Errorf("media flows from %q to %q, want relays at both ends", s.LocalCandidate, s.RemoteCandidate)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ev := range l.events {
		if c, ok := ev.(LocalCandidates); ok {
			for _, one := range c.Candidates {
				if !strings.Contains(one.Candidate, " typ relay ") {
					l.t.Errorf("the device told its own address: %s", one.Candidate)
				}
			}
		}
	}
}

func TestRelayOnly(t *testing.T) {
	s := turntest.Start(t)
	good := minted(s, s.Secret, time.Minute)
	l := connectOver(t, testEngine(t, relayOnly), true, nil, good, relayPhone(good()))
	l.session.Accept(Limit{})
	l.wantRelayed()
	// Not one packet of media may pass a shut gate, sealed in TURN as it is.
	l.session.Shut()
	passed := l.session.gate.Passed()
	time.Sleep(300 * time.Millisecond)
	if now := l.session.gate.Passed(); passed == 0 || now != passed {
		t.Errorf("%d packets passed the gate while it was open, %d more when it was shut", passed, now-passed)
	}
}

// TestAPhoneWithoutARelay: the device's relay reaches a phone that has none.
func TestAPhoneWithoutARelay(t *testing.T) {
	s := turntest.Start(t)
	l := connectOver(t, testEngine(t, relayOnly), true, nil, minted(s, s.Secret, time.Minute), webrtc.Configuration{})
	l.session.Accept(Limit{})
	l.eventually("sound and picture flow", func() bool { return l.audio.Load() > 2 && l.video.Load() > 10 })
	if s := l.session.Stats(); !strings.HasPrefix(s.LocalCandidate, "relay ") {
		t.Errorf("media flows from %q, want the relay", s.LocalCandidate)
	}
}

// logged is a log that may be written from anywhere.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) has(words ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return true
		}
	}
	return false
}

func TestRefusedByTheTURNServer(t *testing.T) {
	for name, tt := range map[string]struct {
		secret string // "": the server's
		life   time.Duration
	}{
		"a wrong secret":      {"another secret", time.Minute},
		"expired credentials": {"", -time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			s := turntest.Start(t)
			if tt.secret == "" {
				tt.secret = s.Secret
			}
			log := &logged{}
			e := testEngine(t, func(o *EngineOptions) {
				relayOnly(o)
				o.Log = zerolog.New(log)
			})
			good := minted(s, s.Secret, time.Minute)
			l := connectOver(t, e, true, nil, minted(s, tt.secret, tt.life), relayPhone(good()))
			l.session.Accept(Limit{})
			l.eventually("it is logged", func() bool { return log.has(`"level":"warn"`, `"code":401`, "check the secret") })
			l.eventually("the server has refused it", func() bool { return strings.Contains(s.Log(), "401") })
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, ev := range l.events {
				if c, ok := ev.(LocalCandidates); ok && len(c.Candidates) > 0 {
					t.Errorf("candidates came: %+v", c)
				}
			}
		})
	}
}

// TestRenewal: the credentials with which the call began have expired when the
// network is looked for anew. With fresh ones the call goes on over new relays.
func TestRenewal(t *testing.T) {
	s := turntest.Start(t)
	const short = 8 * time.Second // long enough to connect on a busy machine
	var life atomic.Int64
	life.Store(int64(short))
	fresh := func() []ICEServer { return minted(s, s.Secret, time.Duration(life.Load()))() }
	l := connectOver(t, testEngine(t, relayOnly), true, nil, fresh, relayPhone(fresh()))
	l.session.Accept(Limit{})
	l.wantRelayed()
	old := l.session.Stats().LocalCandidate
	time.Sleep(short + time.Second) // the server looks at its own clock, in whole seconds
	life.Store(int64(time.Minute))

	if err := l.phone.SetConfiguration(relayPhone(fresh())); err != nil {
		t.Fatal(err)
	}
	offer, err := l.phone.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(l.phone)
	if err := l.phone.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	answer, err := l.session.Restart(t.Context(), 1, l.phone.LocalDescription().SDP)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.phone.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	l.tellAgain()
	l.eventually("the device has a new relay", func() bool {
		now := l.session.Stats().LocalCandidate
		return now != "" && now != old
	})
	l.wantRelayed()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ev := range l.events {
		switch ev.(type) {
		case Lost, Failed:
			t.Errorf("the renewal told %T", ev)
		default:
		}
	}
}
