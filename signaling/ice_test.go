package signaling_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/signaling"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

func line(n int) string { return fmt.Sprintf("candidate:%d 1 udp 1 192.0.2.7 %d typ host", n, 50000+n) }

// candidates lists what candidate events hold.
func candidates(list []signaling.Event) (all []string, ends int) {
	for _, e := range list {
		if c, ok := e.(signaling.Candidates); ok {
			for _, text := range c.Candidates {
				all = append(all, string(text))
			}
			if c.End {
				ends++
			}
		}
	}
	return all, ends
}

func TestEarlyCandidatesAreKeptForTheAnswer(t *testing.T) {
	for name, answer := range map[string]func(*rig){
		"preconnect": func(r *rig) { r.Ringing(r.room(), answerSDP, time.Minute) },
		"accept": func(r *rig) {
			r.Ringing(r.room(), "", time.Minute)
			r.expectNoEvent()
			r.Accept(r.room(), answerSDP, signaling.Limit{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				r.offered()
				r.deliver(r.phone.Candidates(roomID, []string{line(1), "candidate:9 1 tcp 1 192.0.2.7 9 typ host tcptype active"}),
					r.phone.Candidates(roomID, []string{line(2), ""}))
				r.expect(message.TypeAck, message.TypeAck)
				r.expectNoEvent()
				answer(r)
				got, ends := candidates(r.emitted())
				if len(got) != 2 || ends != 1 || !strings.Contains(got[0], `"candidate":"`+line(1)+`"`) || !strings.Contains(got[1], `"sdpMid":"0"`) {
					t.Errorf("candidates %v, %d ends", got, ends)
				}
				r.deliver(r.phone.Candidates(roomID, []string{line(3)}))
				if got, _ := candidates(r.emitted()); len(got) != 1 {
					t.Errorf("candidates %v, want the late one at once", got)
				}
			})
		})
	}
}

func TestAtMost40CandidatesOfAGeneration(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		invite, nonce := r.challenged()
		var lines []string
		for n := range 30 {
			lines = append(lines, line(n))
		}
		r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{Candidates: lines}.String()))
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.emitted()
		r.deliver(r.phone.Candidates(roomID, lines))
		if got, _ := candidates(r.emitted()); len(got) != 10 {
			t.Errorf("%d trickled candidates came through beside 30 in the SDP, want 10", len(got))
		}
		r.expectRefused(nil, map[signaling.Reason]uint64{signaling.RefusedCandidates: 20})
	})
}

func TestRestart(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		fragment := func(u string) signalingtest.Change {
			return signalingtest.With(members{"candidates": []members{{"candidate": line(7), "usernameFragment": u}}})
		}
		r.deliver(r.phone.Candidates(roomID, nil, fragment("new1"))) // overtakes its restart
		r.expect(message.TypeAck)
		r.expectNoEvent()
		restart := r.phone.Restart(roomID, 1, signalingtest.SDP{Ufrag: "new1"}.String())
		r.deliver(restart)
		if e := expectEvent[signaling.Restart](r); e.Generation != 1 || !strings.Contains(e.SDP, "ufrag:new1") {
			t.Errorf("restart %+v", e)
		}
		r.deliver(restart)
		r.Restarted(r.room(), 2, answerSDP) // of a generation that nobody asked for
		r.expect()
		r.Restarted(r.room(), 1, answerSDP)
		m := r.acked(message.TypeRestarted)
		if b := m.Body.(message.Restarted); b.Generation != 1 || b.SDP != answerSDP || m.Ref == "" {
			t.Errorf("restarted %+v", b)
		}
		if got, _ := candidates(r.emitted()); len(got) != 1 {
			t.Errorf("candidates %v, want the one that was kept", got)
		}
		r.deliver(r.phone.Candidates(roomID, nil, fragment("uuuu"))) // of the generation before
		r.expect(message.TypeAck)
		r.expectNoEvent()
		r.deliver(r.phone.Restart(roomID, 1, signalingtest.SDP{Ufrag: "new2"}.String())) // the same generation again
		r.expect(message.TypeAck)
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{})
	})
}

func TestRestartRefused(t *testing.T) {
	for name, sdp := range map[string]signalingtest.SDP{
		"another fingerprint":  {Ufrag: "new1", Fingerprint: signalingtest.OtherFingerprint},
		"a second fingerprint": {Ufrag: "new1", Fingerprints: []string{signalingtest.OtherFingerprint}},
		"the same credentials": {},
		"without video":        {Ufrag: "new1", Voice: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				r.talks()
				r.deliver(r.phone.Restart(roomID, 1, sdp.String()))
				if b := r.expect(message.TypeAck)[0].Body.(message.Ack); b.Error != "badRequest" {
					t.Errorf("ack %+v, want badRequest", b)
				}
				r.expectNoEvent()
				r.expectRefused(nil, map[signaling.Reason]uint64{signaling.RefusedSDP: 1})
				r.deliver(r.phone.Bye(roomID)) // the call went on
				expectEvent[signaling.Bye](r)
			})
		})
	}
}

// TestARestartThatFailed does not shut out the next one.
func TestARestartThatFailed(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		r.deliver(r.phone.Restart(roomID, 1, signalingtest.SDP{Ufrag: "new1"}.String()))
		expectEvent[signaling.Restart](r)
		r.RestartFailed(r.room(), 2) // of a generation that nobody asked for
		time.Sleep(2 * time.Second)
		r.expect(message.TypeAck)
		second := r.phone.Restart(roomID, 2, signalingtest.SDP{Ufrag: "new2"}.String())
		r.deliver(second)
		r.expectNoEvent()
		r.RestartFailed(r.room(), 1)
		r.deliver(second)
		if e := expectEvent[signaling.Restart](r); e.Generation != 2 {
			t.Errorf("restart %+v", e)
		}
		r.Restarted(r.room(), 2, answerSDP)
		if m := r.acked(message.TypeRestarted); m.Body.(message.Restarted).Generation != 2 {
			t.Errorf("restarted %+v", m.Body)
		}
	})
}

func TestRestartsTwoSecondsApart(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.talks()
		r.deliver(r.phone.Restart(roomID, 1, signalingtest.SDP{Ufrag: "new1"}.String()))
		expectEvent[signaling.Restart](r)
		r.Restarted(r.room(), 1, answerSDP)
		r.acked(message.TypeRestarted)
		second := r.phone.Restart(roomID, 2, signalingtest.SDP{Ufrag: "new2"}.String())
		time.Sleep(time.Second)
		r.deliver(second)
		r.expect() // no ack, so it comes again
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{signaling.RefusedRestart: 1})
		time.Sleep(time.Second)
		r.deliver(second)
		expectEvent[signaling.Restart](r)
	})
}

func TestARestartBeforeTheAnswerComesAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.offered()
		restart := r.phone.Restart(roomID, 1, signalingtest.SDP{Ufrag: "new1"}.String())
		r.deliver(restart)
		r.expect()
		r.Accept(r.room(), answerSDP, signaling.Limit{})
		r.acked(message.TypeAccept)
		r.deliver(restart)
		expectEvent[signaling.Restart](r)
		time.Sleep(200 * time.Millisecond)
		r.expect(message.TypeAck) // the daemon takes its time
	})
}

func TestOurCandidates(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.rings()
		r.Candidates(r.room(), [][]byte{[]byte(`{"candidate":"` + line(1) + `","sdpMid":"0","sdpMLineIndex":0}`)}, true)
		list := r.acked(message.TypeCandidates).Body.(message.Candidates).Candidates
		if len(list) != 2 || list[0].Candidate != line(1) || *list[0].SDPMid != "0" || list[1].Candidate != "" {
			t.Errorf("candidates %+v", list)
		}
	})
}

// TestNeedRestartHandsFreshServers: with credentials where the key is proven, and
// never where somebody else might read them.
func TestNeedRestartHandsFreshServers(t *testing.T) {
	servers := func(m *message.Message) (urls []string) {
		for _, s := range m.Body.(message.NeedRestart).ICEServers {
			urls = append(urls, s.URLs...)
		}
		return urls
	}
	inBubble(t, func(t *testing.T, r *rig) {
		unproven := r.peer(r.phone)
		other := &wire{}
		unproven.Transport, unproven.Proven = other, false
		r.Up(r.peer(r.phone))
		r.Up(unproven)
		r.talks()
		r.NeedRestart(r.room(), 1)
		first := r.expect(message.TypeNeedRestart)[0]
		if got := servers(first); !slices.Equal(got, []string{"stun:stun.example", "turn:turn.example"}) {
			t.Errorf("a proven phone was handed %q", got)
		}
		r.wire.set(true)
		time.Sleep(600 * time.Millisecond) // it goes again, and finds the way closed
		r.Gone(r.peer(r.phone))
		synctest.Wait()
		sent := other.take()
		if len(sent) != 1 {
			t.Fatalf("the way that is left carried %d messages, want the one that waited", len(sent))
		}
		second, err := message.Parse(sent[0].text)
		if err != nil {
			t.Fatal(err)
		}
		if got := servers(second); !slices.Equal(got, []string{"stun:stun.example"}) || second.ID == first.ID {
			t.Errorf("over a way that is not proven went %q, id %q after %q", got, second.ID, first.ID)
		}
		r.Receive(unproven, r.phone.Ack(roomID, second.ID))
		time.Sleep(time.Minute)
		if sent := other.take(); len(sent) != 0 {
			t.Errorf("%d messages went after the ack", len(sent))
		}
		r.expectNoEvent()
	})
}
