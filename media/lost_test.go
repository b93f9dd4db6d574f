package media

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"callbox/hal/virtual"
)

// TestLost: the way to the phone is cut in a talk. Back is told when the phone is
// heard again, which is more than a connected ICE says.
func TestLost(t *testing.T) {
	for name, tt := range map[string]struct {
		talking bool                   // the phone was sending
		then    func(p *cuttablePhone) // after Lost
		want    string                 // how the story ends
		after   func(p *cuttablePhone) // the end
	}{
		"the phone restarts ICE": {
			talking: true, then: func(p *cuttablePhone) { p.heal(); p.restart() }, want: "back",
			after: func(p *cuttablePhone) { p.wantFlow() },
		},
		"the way is there again by itself": {
			talking: true, then: func(p *cuttablePhone) { p.heal() }, want: "back",
			after: func(p *cuttablePhone) { p.wantFlow() },
		},
		"a phone that was silent": {
			then: func(p *cuttablePhone) { p.heal(); p.restart() }, want: "back",
		},
		"connected, but the phone is not heard": {
			talking: true, want: "back",
			then: func(p *cuttablePhone) {
				p.talking.Store(false)
				p.heal()
				p.restart()
				before := p.heard.Load()
				p.eventually(15*time.Second, "the phone hears the device", func() bool { return p.heard.Load() > before+50 })
				if story := p.story(); slices.Contains(story, "back") {
					p.t.Errorf("told back although nothing of the phone has come: %v", story)
				}
				p.talking.Store(true)
			},
		},
		"it stays lost": {
			talking: true, then: func(p *cuttablePhone) { p.restart() }, want: "lost",
			after: func(p *cuttablePhone) {
				before := p.heard.Load()
				time.Sleep(2 * iceKeepalive) // in which a way would be found
				if now := p.heard.Load(); now != before {
					p.t.Errorf("%d packets came through a way that is cut", now-before)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for ICE's own time-outs
			p := talkOver(t, tt.talking)
			p.eventually(15*time.Second, "sound flows", func() bool { return p.heard.Load() > 20 })
			if tt.talking {
				p.eventually(15*time.Second, "the phone is played", func() bool { return p.session.Stats().AudioPacketsPlayed > 20 })
			}
			p.socket.cut.Store(true)
			p.eventually(iceDisconnected+5*time.Second, "the way is lost", func() bool { return slices.Contains(p.story(), "lost") })
			if silence := time.Since(*p.socket.last.Load()); silence < iceDisconnected {
				t.Errorf("told lost after %v without a packet: a short silence is no loss", silence)
			}
			tt.then(p)
			want := []string{"connected", "lost"}
			if tt.want == "back" {
				want = append(want, "back")
				p.eventually(20*time.Second, "the way is back", func() bool { return slices.Contains(p.story(), "back") })
			}
			if tt.after != nil {
				tt.after(p)
			}
			if story := p.story(); !slices.Equal(story, want) {
				t.Errorf("the connection's story is %v, want %v", story, want)
			}
		})
	}
}

// talk is a voice call that both ends have answered.
func talkOver(t *testing.T, talking bool) *cuttablePhone {
	t.Helper()
	beeps, err := virtual.NewTone(700, false) // Opus sends little of a tone that stays
	if err != nil {
		t.Fatal(err)
	}
	e := testEngine(t, func(o *EngineOptions) { o.Sound = virtual.NewSound(beeps, virtual.NewSpeaker("")) })
	p := newCuttablePhone(t, e, false)
	p.talking.Store(talking)
	p.send(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, 20*time.Millisecond,
		func() []byte { return []byte{0xf8, 0xff, 0xfe} }) // 20 ms of silence
	p.take(p.answer())
	p.session.Accept(Limit{})
	return p
}

func (p *cuttablePhone) heal() { p.socket.cut.Store(false) }

var (
	ufragLine       = regexp.MustCompile(`a=ice-ufrag:(\S+)`)
	fingerprintLine = regexp.MustCompile(`a=fingerprint:(.*)`)
)

// restart gives both ends new ICE credentials and no new certificate.
func (p *cuttablePhone) restart() {
	p.t.Helper()
	before := p.pc.RemoteDescription().SDP
	answer, err := p.session.Restart(p.t.Context(), 1, p.offer(&webrtc.OfferOptions{ICERestart: true}))
	if err != nil {
		p.t.Fatal(err)
	}
	p.take(answer)
	if ufragLine.FindString(answer) == ufragLine.FindString(before) {
		p.t.Error("a restart keeps the device's ICE credentials")
	}
	if now, then := fingerprintLine.FindString(answer), fingerprintLine.FindString(before); now == "" || now != then {
		p.t.Errorf("a restart changes the device's fingerprint from %q to %q", then, now)
	}
	var found []Candidate
	p.eventually(5*time.Second, "candidates of the new generation come", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		found = nil
		for _, ev := range p.events {
			if c, ok := ev.(LocalCandidates); ok && c.Generation == 1 {
				found = append(found, c.Candidates...)
			}
		}
		return len(found) > 0
	})
	want := " ufrag " + ufragLine.FindStringSubmatch(answer)[1] + " "
	for _, c := range found { // by that the phone knows those that overtake the answer
		if !strings.Contains(c.Candidate+" ", want) {
			p.t.Errorf("candidate %q, want one with%s", c.Candidate, want)
		}
	}
}

// wantFlow wants sound both ways from now on.
func (p *cuttablePhone) wantFlow() {
	p.t.Helper()
	heard, played := p.heard.Load(), p.session.Stats().AudioPacketsPlayed
	p.eventually(10*time.Second, "the device is heard again", func() bool { return p.heard.Load() > heard+50 })
	p.eventually(10*time.Second, "the phone is played again", func() bool { return p.session.Stats().AudioPacketsPlayed > played+50 })
}
