package transporttest

import (
	"slices"
	"sync/atomic"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// kind is the type of a message that goes by.
func kind(text string) message.Type {
	m, err := message.Parse(text)
	if err != nil {
		return ""
	}
	return m.Type
}

// attacksOnTheWay is the part of the table where every phone is honest and whoever
// carries the messages is not: it drops, delays, repeats, reorders, replays and swaps.
func attacksOnTheWay() map[string]attack {
	plain := signalingtest.SDP{}.String()
	// holds keeps messages of a type back from the device, and lets them go later.
	holds := func(s *scene, what message.Type) (letGo func()) {
		held := make(chan passed, 16)
		s.net.tampers(func(one passed) []passed {
			if kind(one.text) != what {
				return []passed{one}
			}
			select {
			case held <- one:
			default: // another copy of what is held already
			}
			return nil
		})
		return func() {
			one := <-held
			s.net.tampers(nil)
			s.net.inject(one.peer, one.text)
		}
	}
	return map[string]attack{
		"dropped: every offer": {do: func(s *scene) {
			s.net.tampers(func(one passed) []passed {
				if kind(one.text) == message.TypeOffer {
					return nil
				}
				return []passed{one}
			})
			invite, nonce := s.anna.challenged("room")
			s.anna.line.say(s.anna.Offer("room", nonce, invite, plain))
			eventually(s.t, "the offer was dropped", func() bool {
				return slices.ContainsFunc(s.net.recorded(), func(one passed) bool { return kind(one.text) == message.TypeOffer })
			})
			s.net.tampers(nil)
		}},
		"dropped: every challenge": {do: func(s *scene) {
			var dropped atomic.Bool
			s.net.swallows(func(text string) bool {
				is := kind(text) == message.TypeChallenge
				if is {
					dropped.Store(true)
				}
				return is
			})
			s.anna.line.say(s.anna.Invite("room"))
			eventually(s.t, "the challenge was dropped", dropped.Load)
			s.net.swallows(nil)
			s.settles()
			if n := s.anna.said(message.TypeChallenge); n != 0 {
				s.t.Errorf("%d challenges came through", n)
			}
		}},
		"delayed: the offer, until its challenge is too old": {reason: signaling.RefusedLate, do: func(s *scene) {
			letGo := holds(s, message.TypeOffer)
			invite, nonce := s.anna.challenged("room")
			s.anna.line.say(s.anna.Offer("room", nonce, invite, plain))
			s.clock.forward(11 * time.Second)
			letGo()
		}},
		"delayed: the invite, until its token has expired": {reason: signaling.RefusedTokenLife, do: func(s *scene) {
			letGo := holds(s, message.TypeInvite)
			g := s.guest()
			g.line.say(g.Invite(g.room, carries(g.token)))
			s.clock.forward(121 * time.Second)
			letGo()
		}},
		"delayed: the offer, until its token has expired": {reason: signaling.RefusedTokenLife, do: func(s *scene) {
			letGo := holds(s, message.TypeOffer)
			g := s.guest()
			s.clock.forward(115 * time.Second)
			invite, nonce := g.challenged(g.room, carries(g.token))
			g.line.say(g.Offer(g.room, nonce, invite, plain))
			s.clock.forward(6 * time.Second)
			letGo()
		}},
		"delayed: the answer to a ring, until the ring is over": {reason: signaling.RefusedLate, do: func(s *scene) {
			letGo := holds(s, message.TypeOffer)
			room := s.ring()
			answer := s.anna.Answer(s.anna.expect(room, message.TypeRing))
			s.anna.post(answer)
			nonce := s.anna.expect(room, message.TypeChallenge).Body.(message.Challenge).Nonce
			s.anna.line.say(s.anna.Offer(room, nonce, answer, plain))
			s.CancelRing(s.anna.room(room), cause.Timeout)
			s.anna.expect(room, message.TypeCancel)
			letGo()
		}},
		"repeated: every message of a call, three times": {rang: 1, byes: 1, do: func(s *scene) {
			s.net.tampers(func(one passed) []passed {
				if kind(one.text) != message.TypeAck {
					s.clock.forward(time.Second) // the budget is not what is tested
				}
				return []passed{one, one, one}
			})
			room := s.talk()
			s.anna.post(s.anna.Bye(room))
			event[signaling.Bye](s)
			s.settles()
			s.net.tampers(nil)
			s.want(1, 1)
		}},
		"repeated: every message of a call with a token, three times": {rang: 1, do: func(s *scene) {
			s.net.tampers(func(one passed) []passed {
				s.clock.forward(time.Second)
				return []passed{one, one, one}
			})
			s.guest().calls()
			s.settles()
			s.net.tampers(nil)
		}},
		"reordered: the cancel comes before the offer that it overtook": {do: func(s *scene) {
			letGo := holds(s, message.TypeOffer)
			invite, nonce := s.anna.challenged("room")
			s.anna.line.say(s.anna.Offer("room", nonce, invite, plain))
			s.anna.post(s.anna.Cancel("room"))
			eventually(s.t, "the cancel was taken", func() bool { return s.anna.said(message.TypeAck) > 0 })
			letGo()
		}},
		"reordered: a recorded call, backwards": {reason: signaling.RefusedRoom, rang: 1, byes: 1, do: func(s *scene) {
			recorded := recordedCall(s)
			for i := len(recorded) - 1; i >= 0; i-- {
				s.clock.forward(time.Second)
				s.net.inject(recorded[i].peer, recorded[i].text)
			}
		}},
		"replayed: an invite, a hundred times": {reason: signaling.RefusedRate, times: many, do: func(s *scene) {
			invite, _ := s.anna.challenged("room")
			for range 100 {
				s.net.inject(s.net.peerOf(s.anna.Address()), invite)
			}
		}},
		"replayed: the answer to a ring that is over": {reason: signaling.RefusedRing, do: func(s *scene) {
			room := s.ring()
			answer := s.anna.Answer(s.anna.expect(room, message.TypeRing))
			s.anna.post(answer)
			s.anna.expect(room, message.TypeChallenge)
			s.CancelRing(s.anna.room(room), cause.Timeout)
			s.anna.expect(room, message.TypeCancel)
			s.clock.forward(10 * time.Minute)
			s.boot()
			s.net.inject(s.net.peerOf(s.anna.Address()), answer)
		}},
		"swapped: two phones' messages": {reason: signaling.RefusedSender, times: 2, do: func(s *scene) {
			bob := s.phone("Bob", signaling.RightCall)
			s.anna.challenged("first")
			bob.challenged("second")
			a, b := s.net.peerOf(s.anna.Address()), s.net.peerOf(bob.Address())
			s.net.tampers(func(one passed) []passed {
				if one.peer.Address == a.Address {
					return []passed{{b, one.text}}
				}
				return []passed{{a, one.text}}
			})
			s.anna.line.say(s.anna.Invite("third"))
			bob.line.say(bob.Invite("fourth"))
			eventually(s.t, "both were refused", func() bool { return s.Refused()[string(signaling.RefusedSender)] == 2 })
			s.net.tampers(nil)
		}},
		"swapped: two phones' challenges": {reason: signaling.RefusedNonce, do: func(s *scene) {
			bob := s.phone("Bob", signaling.RightCall)
			invite, _ := s.anna.challenged("room")
			_, his := bob.challenged("room")
			s.anna.line.say(s.anna.Offer("room", his, invite, plain))
		}},
		"swapped: the tokens of two phones": {reason: signaling.RefusedTokenHolder, do: func(s *scene) {
			g, h := s.guest(), s.guest()
			g.line.say(g.Invite(h.room, carries(h.token)))
		}},
	}
}

// settles waits for what else comes of it.
func (s *scene) settles() { time.Sleep(300 * time.Millisecond) }
