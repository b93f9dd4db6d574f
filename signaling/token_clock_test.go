package signaling_test

import (
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// offset makes the device's wall clock wrong by d.
func (r *tokenRig) offset(d time.Duration, trusted bool) {
	r.wall, r.trusted = func() time.Time { return time.Now().Add(d) }, trusted
}

const (
	year    = 365 * 24 * time.Hour
	in1970  = -30 * year // of the bubble's 2000
	nowhere = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

// needsNonce sends an invite with a token, wants needNonce, and returns the nonce.
func (r *tokenRig) needsNonce(text string) string {
	r.t.Helper()
	r.deliver(r.phone.Invite(roomID, carries(text)))
	b := r.rejected()
	if b.Cause != cause.NeedNonce || b.Nonce == "" {
		r.t.Fatalf("reject = %+v, want needNonce with a nonce", b)
	}
	return b.Nonce
}

// getsThrough wants a token to bring a call as far as the daemon.
func (r *tokenRig) getsThrough(text string) {
	r.t.Helper()
	r.offers(text)
	expectEvent[signaling.Offer](r.rig)
	r.Reject(r.room(), cause.Busy)
	r.acked(message.TypeReject)
	time.Sleep(121 * time.Second) // the room is free again
	r.wire.take()
}

// silent wants an invite with a token to be refused for its life, without a word.
func (r *tokenRig) silent(text string) {
	r.t.Helper()
	before := r.Refused()
	r.deliver(r.phone.Invite(roomID, carries(text)))
	r.expect()
	r.expectRefused(before, map[signaling.Reason]uint64{signaling.RefusedTokenLife: 1})
}

func TestBootIn1970(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		r.offset(in1970, false)
		nonce := r.needsNonce(r.token())
		r.expectNoEvent()
		r.getsThrough(r.token(with("nonce", nonce)))
		if got := r.needsNonce(r.token(with("nonce", nowhere))); got == nonce {
			t.Error("the nonce does not change")
		}
		// What the token says of the time counts for nothing, but how long it lives.
		r.getsThrough(r.token(with("nonce", r.TokenNonce()), with("iat", 1), with("exp", 2)))
		r.getsThrough(r.token(with("nonce", r.TokenNonce()), with("iat", 4e9), with("exp", 4e9+600)))
		r.silent(r.token(with("nonce", r.TokenNonce()), with("iat", 1), with("exp", 602)))
	})
}

func TestNoncesLive300Seconds(t *testing.T) {
	for after, good := range map[time.Duration]bool{299 * time.Second: true, 300 * time.Second: true, 301 * time.Second: false} {
		withTokens(t, func(t *testing.T, r *tokenRig) {
			r.offset(in1970, false)
			nonce := r.TokenNonce() // as the presence shows it
			time.Sleep(after)
			text := r.token(with("nonce", nonce))
			if good {
				r.getsThrough(text)
				return
			}
			r.needsNonce(text)
		})
	}
}

func TestANonceDiesWithTheBoot(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		r.offset(in1970, false)
		text := r.token(with("nonce", r.TokenNonce()))
		r.Close()
		r.boot()
		r.needsNonce(text)
	})
}

// TestANonceThatRunsOutBeforeTheOffer: the same first checks are made again.
func TestANonceThatRunsOutBeforeTheOffer(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		r.offset(in1970, false)
		nonce := r.TokenNonce()
		time.Sleep(295 * time.Second)
		invite, proof := r.challenged(carries(r.token(with("nonce", nonce))))
		time.Sleep(6 * time.Second)
		r.deliver(r.phone.Offer(roomID, proof, invite, signalingtest.SDP{}.String()))
		if b := r.rejected(); b.Cause != cause.NeedNonce {
			t.Errorf("reject = %+v", b)
		}
		r.expectNoEvent()
	})
}

// TestTheClockIsSet: the device learns the time while it runs, and loses it.
func TestTheClockIsSet(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		r.offset(in1970, false)
		r.needsNonce(r.token())
		r.offset(0, true)
		r.getsThrough(r.token())
		r.silent(r.token(with("iat", time.Now().Add(-time.Hour).Unix()), with("exp", time.Now().Add(-time.Hour+time.Minute).Unix())))
		r.offset(0, false)
		r.needsNonce(r.token())
	})
}

// TestNTPThatIsRolledBack: a recorded token does not come to life again, before and
// after a restart, and nobody is locked out.
func TestNTPThatIsRolledBack(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		recorded, begin := r.token(), time.Now() // never used
		time.Sleep(48 * time.Hour)
		r.getsThrough(r.token())
		for range 2 {
			r.wall = func() time.Time { return begin.Add(time.Second) } // when it was good
			r.needsNonce(recorded)
			r.expectNoEvent()
			nonce := r.needsNonce(r.token()) // of the true present, which this clock takes for the future
			r.getsThrough(r.token(with("nonce", nonce)))
			if err := r.floor.Flush(); err != nil {
				t.Fatal(err)
			}
			r.Close()
			r.boot()
		}
		r.offset(0, true)
		r.getsThrough(r.token())
	})
}

// TestOneFalseTimeInTheFuture raises the floor too high: callers need a nonce until a
// person resets it, and none is locked out.
func TestOneFalseTimeInTheFuture(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		r.offset(50*year, true)
		r.silent(r.token()) // it has expired, by that clock
		r.offset(0, true)
		nonce := r.needsNonce(r.token())
		r.getsThrough(r.token(with("nonce", nonce)))
		if err := r.floor.Reset(); err != nil {
			t.Fatal(err)
		}
		r.getsThrough(r.token())
	})
}

// TestTheFloorIsNotPoisoned: a far iat raises nothing, and one that was only shown
// neither.
func TestTheFloorIsNotPoisoned(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		at := func(d time.Duration) string {
			return r.token(with("iat", time.Now().Add(d).Unix()), with("exp", time.Now().Add(d+time.Minute).Unix()))
		}
		floor := func(want time.Duration) {
			t.Helper()
			if got := time.Until(r.floor.Read().Floor).Round(time.Second); got != want {
				t.Errorf("the floor is %v ahead, want %v", got, want)
			}
		}
		floor(0)
		r.silent(at(10 * year))
		floor(0)
		r.deliver(r.phone.Invite(roomID, carries(at(50*time.Second)))) // shown, not used
		r.expect(message.TypeChallenge)
		floor(0)
		r.offers(at(50 * time.Second))
		expectEvent[signaling.Offer](r.rig)
		floor(50 * time.Second)
		r.trusted = false // what an untrusted clock lets through raises nothing
		r.phone = signalingtest.NewPhone(t, sn, r.key.JKT())
		r.wire.take()
		r.offers(r.token(with("nonce", r.TokenNonce()), with("iat", time.Now().Add(100*time.Second).Unix()), with("exp", time.Now().Add(200*time.Second).Unix())))
		expectEvent[signaling.Offer](r.rig)
		floor(50 * time.Second)
	})
}

// TestTheBuildIsTheLeast: a device that was never told the time and believes a false
// answer at its first start does not go back behind its own program.
func TestTheBuildIsTheLeast(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		r.ledger.floor = time.Time{}
		r.offset(-5*year, true) // 1995, before the build of 1999
		r.Close()
		r.boot()
		then := time.Now().Add(-5 * year).Unix()
		r.needsNonce(r.token(with("iat", then), with("exp", then+60)))
	})
}

// TestAContactNeedsNoNonce: without a token nothing of this is asked.
func TestAContactNeedsNoNonce(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		r.offset(in1970, false)
		r.book.put(r.phone, signaling.RightCall)
		r.deliver(r.phone.Invite(roomID))
		r.expect(message.TypeChallenge)
		nonce := r.needsNonce(r.token()) // but what it sends must be good
		r.getsThrough(r.token(with("nonce", nonce)))
	})
}
