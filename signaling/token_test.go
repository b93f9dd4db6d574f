package signaling_test

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
	"callbox/signaling/token"
	"callbox/signaling/token/gate"
)

const (
	makerName = "https://maker.example"
	otherRoom = "YW5vdGhlci1yb29tLTAwMDAx"
)

// ledger keeps spent tokens, denials and the floor in memory.
type ledger struct {
	mu     sync.Mutex
	spent  map[string]bool
	denied map[string]bool // issuer, subject, kid or jti
	err    error           // of the disk
	slow   time.Duration   // how long it takes
	floor  time.Time
}

func (l *ledger) Denied(issuer, subject, kid, id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.denied[issuer] || l.denied[subject] || l.denied[kid] || l.denied[id]
}

func (l *ledger) deny(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.denied[what] = true
}

func (l *ledger) Spend(issuer, _, id string, _ time.Time) error {
	time.Sleep(l.slow)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return l.err
	case l.spent[issuer+" "+id]:
		return token.ErrSpent
	}
	l.spent[issuer+" "+id] = true
	return nil
}

func (l *ledger) Floor() time.Time            { return l.floor }
func (l *ledger) SaveFloor(t time.Time) error { l.floor = t; return nil }

// tokenRig is a rig whose device accepts the tokens of one issuer. Its caller is no
// contact.
type tokenRig struct {
	*rig
	maker   *signalingtest.Issuer
	file    string
	ledger  *ledger
	gate    *gate.Gate
	wall    func() time.Time
	trusted bool
	floor   *clock.Floor
	rights  []signaling.Right
}

func withTokens(t *testing.T, test func(t *testing.T, r *tokenRig)) {
	t.Helper()
	inBubble(t, func(t *testing.T, r *rig) {
		tr := &tokenRig{
			rig: r, maker: signalingtest.NewIssuer(t, makerName), file: filepath.Join(t.TempDir(), "maker.json"), trusted: true, wall: time.Now,
			ledger: &ledger{spent: map[string]bool{}, denied: map[string]bool{}}, rights: []signaling.Right{signaling.RightCall},
		}
		tr.maker.Publish(tr.file)
		tr.phone = signalingtest.NewPhone(t, sn, r.key.JKT())
		r.Close()
		tr.boot()
		defer func() { tr.Close() }()
		test(t, tr)
	})
}

// boot starts the device anew: what is in the ledger stays.
func (r *tokenRig) boot() {
	r.t.Helper()
	r.floor = clock.NewFloor(clock.FloorOptions{
		Wall: func() time.Time { return r.wall() }, Trusted: func() bool { return r.trusted }, Built: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), Store: r.ledger,
	})
	var err error
	r.gate, err = gate.New(gate.Options{
		SN: sn, DKT: r.key.JKT(), Issuers: []gate.Issuer{{Name: makerName, File: r.file, Rights: r.rights}},
		Book: r.ledger, Boot: clock.Go(), Wall: r.floor, Log: zerolog.Nop(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.tokens = r.gate
	r.Device = r.start(2)
}

func (r *tokenRig) token(changes ...signalingtest.Change) string {
	return r.maker.Token(r.phone, roomID, changes...)
}

func with(name string, v any) signalingtest.Change { return signalingtest.With(members{name: v}) }

func withHeader(name string, v any) signalingtest.Change {
	return signalingtest.WithHeader(members{name: v})
}

// carries is an invite's token.
func carries(text string) signalingtest.Change { return with("token", text) }

// offers goes through a challenge with the token, up to the offer.
func (r *tokenRig) offers(text string, changes ...signalingtest.Change) {
	r.t.Helper()
	invite, nonce := r.challenged(append(changes, carries(text))...)
	r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
}

// rejected wants one reject and returns its body.
func (r *tokenRig) rejected() message.Reject {
	r.t.Helper()
	return r.expect(message.TypeReject)[0].Body.(message.Reject)
}

func TestACallByToken(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		text := r.token(with("timeLimit", 60))
		r.offers(text, with("timeLimit", 90))
		o := expectEvent[signaling.Offer](r.rig)
		if !o.ByToken || o.Token == nil || o.Token.Subject != "user-17" || o.Token.TimeLimit != limit(time.Minute) || o.TimeLimit != limit(90*time.Second) ||
			o.Contact.Name != "Nurse Joy" || o.Contact.JKT != r.phone.JKT() || !slices.Equal(o.Contact.Rights, []signaling.Right{"call"}) {
			t.Errorf("offer = %+v, token %+v", o, o.Token)
		}
		r.Ringing(r.room(), answerSDP, time.Minute)
		r.acked(message.TypeRinging)
		r.Accept(r.room(), answerSDP, limit(time.Minute))
		r.acked(message.TypeAccept)
		r.Start(r.room(), limit(time.Minute))
		r.acked(message.TypeStart)
		time.Sleep(10 * time.Minute) // the token is long over; the call is not
		r.deliver(r.phone.Bye(roomID))
		expectEvent[signaling.Bye](r.rig)
		r.expect(message.TypeAck)
		r.expectRefused(nil, map[signaling.Reason]uint64{})
	})
}

// TestATokenIsUsedOnce: in the same room, in another of the same token, after the
// call, and after a restart.
func TestATokenIsUsedOnce(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		text := r.token()
		r.offers(text)
		expectEvent[signaling.Offer](r.rig)
		r.Reject(r.room(), cause.Busy)
		r.acked(message.TypeReject)
		time.Sleep(121 * time.Second) // the room is forgotten, and the token would have expired
		fresh := r.token(with("jti", "once"))
		r.offers(fresh)
		expectEvent[signaling.Offer](r.rig)
		r.Close()
		r.wire.take()
		r.boot()
		r.offers(fresh)
		if got := r.rejected(); got.Cause != cause.Forbidden {
			t.Errorf("a used token = %+v", got)
		}
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{signaling.RefusedTokenSpent: 1})
	})
}

// TestIDsAreTheIssuers: a second issuer may use the same jti.
func TestIDsAreTheIssuers(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		other := signalingtest.NewIssuer(t, "https://other.example")
		other.Publish(r.file + "2")
		r.gate.Configure([]gate.Issuer{{Name: makerName, File: r.file}, {Name: other.Name, File: r.file + "2"}})
		r.offers(r.token(with("jti", "1")))
		expectEvent[signaling.Offer](r.rig)
		r.phone = signalingtest.NewPhone(t, sn, r.key.JKT())
		r.offers(other.Token(r.phone, roomID, with("jti", "1")))
		r.wire.take()
		if o := expectEvent[signaling.Offer](r.rig); o.Token.Issuer != other.Name {
			t.Errorf("token = %+v", o.Token)
		}
	})
}

// TestNothingRingsBeforeTheDiskHasIt: a slow disk delays the ring and nothing else, a
// broken one prevents it.
func TestNothingRingsBeforeTheDiskHasIt(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		r.ledger.slow = 3 * time.Second
		r.offers(r.token())
		time.Sleep(2 * time.Second)
		r.expectNoEvent()
		if got := types(r.said(r.phone)); !slices.Equal(got, []message.Type{message.TypeAck}) {
			t.Errorf("the phone was told %v", got)
		}
		r.deliver(r.phone.Ping(roomID)) // the mutex is not held
		r.expect(message.TypePong)
		time.Sleep(2 * time.Second)
		expectEvent[signaling.Offer](r.rig)
	})
	for name, leave := range map[string]func(r *tokenRig) string{
		"cancel": func(r *tokenRig) string { return r.phone.Cancel(roomID) },
		"bye":    func(r *tokenRig) string { return r.phone.Bye(roomID) },
	} {
		t.Run(name+" meanwhile", func(t *testing.T) {
			withTokens(t, func(t *testing.T, r *tokenRig) {
				r.ledger.slow = 3 * time.Second
				r.offers(r.token())
				time.Sleep(time.Second)
				r.deliver(leave(r))
				time.Sleep(5 * time.Second)
				r.expectNoEvent()
			})
		})
	}
	t.Run("disk full", func(t *testing.T) {
		withTokens(t, func(t *testing.T, r *tokenRig) {
			r.ledger.err = errors.New("disk full")
			r.offers(r.token())
			if got := r.rejected(); got.Cause != cause.Aborted {
				t.Errorf("reject = %+v", got)
			}
			r.expectNoEvent()
			r.expectRefused(nil, map[signaling.Reason]uint64{signaling.RefusedTokenStore: 1})
		})
	})
}

// TestAContactWithAToken: the token makes nothing larger, and one that is wrong is
// told.
func TestAContactWithAToken(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		r.book.put(r.phone, signaling.RightCall)
		r.offers(r.token(with("rights", []string{"call", "unlock"})))
		o := expectEvent[signaling.Offer](r.rig)
		if o.ByToken || o.Token == nil || o.Contact.Name != "Anna" {
			t.Errorf("offer = %+v", o)
		}
	})
	for name, tt := range map[string]struct {
		change signalingtest.Change
		want   signaling.Reason
	}{
		"for another room": {with("roomId", otherRoom), signaling.RefusedTokenRoom},
		"unknown issuer":   {with("iss", "x"), signaling.RefusedTokenIssuer},
	} {
		t.Run(name, func(t *testing.T) {
			withTokens(t, func(t *testing.T, r *tokenRig) {
				r.book.put(r.phone, signaling.RightCall)
				r.deliver(r.phone.Invite(roomID, carries(r.token(tt.change))))
				if got := r.rejected(); got.Cause != cause.BadRequest {
					t.Errorf("reject = %+v", got)
				}
				r.expectRefused(nil, map[signaling.Reason]uint64{tt.want: 1})
			})
		})
	}
}

// TestUnlockByToken: the right is read at each use, and both sides must give it.
func TestUnlockByToken(t *testing.T) {
	both := []string{"call", "unlock"}
	for name, tt := range map[string]struct {
		issuer  []signaling.Right
		token   []string
		contact []signaling.Right // nil: no contact
		before  func(*tokenRig)   // the wish, when it rings
		want    bool
	}{
		"issuer and token give it":                   {[]signaling.Right{"call", "unlock"}, both, nil, nil, true},
		"the issuer may not give it":                 {[]signaling.Right{"call"}, both, nil, nil, false},
		"the token does not":                         {[]signaling.Right{"call", "unlock"}, []string{"call"}, nil, nil, false},
		"the contact has it, the token not":          {[]signaling.Right{"call", "unlock"}, []string{"call"}, []signaling.Right{"call", "unlock"}, nil, false},
		"the token gives it, the contact has it not": {[]signaling.Right{"call", "unlock"}, both, []signaling.Right{"call"}, nil, false},
		"both": {[]signaling.Right{"call", "unlock"}, both, []signaling.Right{"call", "unlock"}, nil, true},
		"taken from the issuer meanwhile": {[]signaling.Right{"call", "unlock"}, both, nil, func(r *tokenRig) {
			r.gate.Configure([]gate.Issuer{{Name: makerName, File: r.file, Rights: []signaling.Right{"call"}}})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			withTokens(t, func(t *testing.T, r *tokenRig) {
				r.gate.Configure([]gate.Issuer{{Name: makerName, File: r.file, Rights: tt.issuer}})
				if tt.contact != nil {
					r.book.put(r.phone, tt.contact...)
				}
				r.offers(r.token(with("rights", tt.token)))
				expectEvent[signaling.Offer](r.rig)
				r.Ringing(r.room(), answerSDP, time.Minute)
				nonce := r.acked(message.TypeRinging).Body.(message.Ringing).Nonce
				if tt.before != nil {
					tt.before(r)
				}
				r.deliver(r.phone.Data(roomID, nonce, 0, "unlock"))
				if tt.want {
					expectEvent[signaling.PhoneData](r.rig)
					return
				}
				r.expectNoEvent()
				if got := r.expect(message.TypeAck)[0].Body.(message.Ack); got.Error != signaling.ErrorForbidden {
					t.Errorf("ack = %+v", got)
				}
			})
		})
	}
}

// TestDeniedInACall: what the phone still says is not heard, but the device's bye is
// acknowledged.
func TestDeniedInACall(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		r.offers(r.token())
		expectEvent[signaling.Offer](r.rig)
		r.Ringing(r.room(), answerSDP, time.Minute)
		r.acked(message.TypeRinging)
		r.ledger.deny("user-17")
		r.Bye(r.room(), cause.End{Cause: cause.Aborted, Detail: cause.Revoked})
		r.RecheckTokens()
		r.deliver(r.phone.Candidates(roomID, []string{hostLine}))
		r.acked(message.TypeBye)
		time.Sleep(time.Minute)
		r.expect()
		r.expectNoEvent()
		r.expectRefused(nil, map[signaling.Reason]uint64{signaling.RefusedTokenDenied: 1})
	})
}

// TestAGoodTokenEndsTheStrangersBudget: its holder pays for itself after it.
func TestAGoodTokenEndsTheStrangersBudget(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		p := r.peer(r.phone)
		p.Remote = "192.0.2.7"
		r.Receive(p, r.phone.Invite(roomID, carries(r.token())))
		r.expect(message.TypeChallenge)
		for range 50 { // a neighbour behind the same address
			stranger := signalingtest.NewPhone(t, sn, r.key.JKT())
			noise := r.peer(stranger)
			noise.Remote = p.Remote
			r.Receive(noise, stranger.Invite(roomID))
		}
		r.Receive(p, r.phone.Invite(roomID, carries(r.token())))
		r.expect(message.TypeChallenge)
		r.ledger.deny(makerName)
		r.RecheckTokens()
		before := r.Refused()
		r.Receive(p, r.phone.Invite(roomID, carries(r.token())))
		r.expectRefused(before, map[signaling.Reason]uint64{signaling.RefusedRate: 1})
	})
}

// TestAHolderAtABrokerHasABudget: after the first message with a good token a crowd of
// strangers, who have proved as little, does not keep its caller out.
func TestAHolderAtABrokerHasABudget(t *testing.T) {
	withTokens(t, func(t *testing.T, r *tokenRig) {
		p := r.peer(r.phone)
		p.Proven = false
		invite := r.phone.Invite(roomID, carries(r.token()))
		r.Receive(p, invite)
		nonce := r.expect(message.TypeChallenge)[0].Body.(message.Challenge).Nonce
		for range 200 {
			stranger := signalingtest.NewPhone(t, sn, r.key.JKT())
			noise := r.peer(stranger)
			noise.Proven = false
			r.Receive(noise, stranger.Invite(roomID))
		}
		r.Receive(p, r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		expectEvent[signaling.Offer](r.rig)
	})
}
