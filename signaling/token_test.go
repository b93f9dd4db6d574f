package signaling_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/base64url"
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

func (l *ledger) Spend(issuer, id string, _ time.Time) error {
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
		defer func() { tr.Device.Close() }()
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

// TestTokenAttacks: each is counted under its reason, answered as said, and rings
// nothing.
func TestTokenAttacks(t *testing.T) {
	invite := func(changes ...signalingtest.Change) func(*tokenRig) {
		return func(r *tokenRig) { r.deliver(r.phone.Invite(roomID, carries(r.token(changes...)))) }
	}
	now := func(d time.Duration) int64 { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d).Unix() } // when a bubble begins
	for name, tt := range map[string]struct {
		do      func(*tokenRig)
		want    signaling.Reason
		answers []message.Type
	}{
		"foreign key": {func(r *tokenRig) {
			r.maker.Key = signalingtest.NewIssuer(r.t, "").Key
			invite()(r)
		}, signaling.RefusedTokenIssuer, nil},
		"right kid, foreign key": {invite(signalingtest.SignedBy(signalingtest.NewIssuer(t, "").Key.Private)), signaling.RefusedTokenSignature, nil},
		"signed by the phone": {func(r *tokenRig) {
			invite(signalingtest.SignedBy(r.phone.Key))(r)
		}, signaling.RefusedTokenSignature, nil},
		"kid of another issuer": {func(r *tokenRig) {
			other := signalingtest.NewIssuer(r.t, "https://other.example")
			file := r.file + "2"
			other.Publish(file)
			r.gate.Configure([]gate.Issuer{{Name: makerName, File: r.file}, {Name: other.Name, File: file}})
			other.Name = makerName // signs in the name of the first
			r.deliver(r.phone.Invite(roomID, carries(other.Token(r.phone, roomID))))
		}, signaling.RefusedTokenIssuer, nil},
		"alg none, without a signature": {invite(withHeader("alg", "none"), signalingtest.Unsigned()), signaling.RefusedTokenShape, nil},
		"alg none, with a signature":    {invite(withHeader("alg", "none")), signaling.RefusedTokenShape, nil},
		"HS256 with the public key":     {hs256Token, signaling.RefusedTokenShape, nil},
		"HS256 in a right header": {func(r *tokenRig) {
			invite(signalingtest.Signature(func(input []byte) []byte { return macOf(r, input) }))(r)
		}, signaling.RefusedTokenShape, nil},
		"typ of a message":  {invite(withHeader("typ", message.Typ)), signaling.RefusedTokenShape, nil},
		"typ JWT":           {invite(withHeader("typ", "JWT")), signaling.RefusedTokenShape, nil},
		"no typ":            {invite(func(d *signalingtest.Draft) { delete(d.Header, "typ") }), signaling.RefusedTokenShape, nil},
		"no kid":            {invite(func(d *signalingtest.Draft) { delete(d.Header, "kid") }), signaling.RefusedTokenShape, nil},
		"header with jwk":   {func(r *tokenRig) { invite(withHeader("jwk", r.phone.Key.Public().JWK()))(r) }, signaling.RefusedTokenShape, nil},
		"header with jku":   {invite(withHeader("jku", "https://evil.example/keys")), signaling.RefusedTokenShape, nil},
		"header with crit":  {invite(withHeader("crit", []string{"x"})), signaling.RefusedTokenShape, nil},
		"a message instead": {func(r *tokenRig) { r.deliver(r.phone.Invite(roomID, carries(r.phone.Invite(roomID)))) }, signaling.RefusedTokenShape, nil},
		"not a token":       {func(r *tokenRig) { r.deliver(r.phone.Invite(roomID, carries("hello"))) }, signaling.RefusedTokenShape, nil},
		"a number instead":  {func(r *tokenRig) { r.deliver(r.phone.Invite(roomID, with("token", 7))) }, signaling.RefusedStranger, nil},
		"over 4 KiB":        {invite(with("x", strings.Repeat("x", token.MaxSize))), signaling.RefusedSize, nil},
		"over 4 KiB in a bad invite": {func(r *tokenRig) {
			r.deliver(r.phone.Invite(roomID, with("timeLimit", 0), carries(r.token(with("x", strings.Repeat("x", token.MaxSize))))))
		}, signaling.RefusedTokenShape, nil},
		"unknown issuer":                {invite(with("iss", "https://evil.example")), signaling.RefusedTokenIssuer, nil},
		"issuer in capital letters":     {invite(with("iss", "HTTPS://MAKER.EXAMPLE")), signaling.RefusedTokenIssuer, nil},
		"other aud":                     {invite(with("aud", "d.door-2")), signaling.RefusedTokenDevice, nil},
		"aud in a list":                 {invite(with("aud", []string{"d." + sn})), signaling.RefusedTokenShape, nil},
		"aud without its beginning":     {invite(with("aud", sn)), signaling.RefusedTokenShape, nil},
		"other device key":              {func(r *tokenRig) { invite(with("dkt", r.phone.JKT()))(r) }, signaling.RefusedTokenDevice, nil},
		"other room":                    {invite(with("roomId", otherRoom)), signaling.RefusedTokenRoom, nil},
		"roomId beside another groupId": {invite(with("groupId", otherRoom)), signaling.RefusedTokenShape, nil},
		"voice, used for video":         {invite(with("roomType", "voice")), signaling.RefusedTokenRoom, nil},
		"video, used for voice":         {func(r *tokenRig) { r.deliver(r.phone.Invite(roomID, with("roomType", "voice"), carries(r.token()))) }, signaling.RefusedTokenRoom, nil},
		"stolen token, own key": {func(r *tokenRig) {
			text := r.token()
			thief := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.from(thief, thief.Invite(roomID, carries(text)))
		}, signaling.RefusedTokenHolder, nil},
		"stolen token and jwk, foreign signature": {func(r *tokenRig) {
			r.deliver(r.phone.Invite(roomID, carries(r.token()), signalingtest.SignedBy(signalingtest.NewPhone(r.t, sn, "").Key)))
		}, signaling.RefusedSignature, nil},
		"stolen token and jwk, own kid": {func(r *tokenRig) {
			thief := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.from(thief, thief.Invite(roomID, carries(r.token()), with("jwk", r.phone.Key.Public().JWK())))
		}, signaling.RefusedSender, nil},
		"without a jwk":         {func(r *tokenRig) { r.deliver(r.phone.Invite(roomID, carries(r.token()), signalingtest.Without("jwk"))) }, signaling.RefusedSender, nil},
		"expired":               {invite(with("iat", now(-2*time.Minute)), with("exp", now(-time.Second))), signaling.RefusedTokenLife, nil},
		"expires this moment":   {invite(with("iat", now(-2*time.Minute)), with("exp", now(0))), signaling.RefusedTokenLife, nil},
		"ten years":             {invite(with("exp", now(10*365*24*time.Hour))), signaling.RefusedTokenLife, nil},
		"601 seconds":           {invite(with("exp", now(601*time.Second))), signaling.RefusedTokenLife, nil},
		"exp before iat":        {invite(with("iat", now(2*time.Second)), with("exp", now(time.Second))), signaling.RefusedTokenLife, nil},
		"from the future":       {invite(with("iat", now(61*time.Second)), with("exp", now(120*time.Second))), signaling.RefusedTokenLife, nil},
		"exp as a string":       {invite(with("exp", "1000000000")), signaling.RefusedTokenShape, nil},
		"exp of null":           {invite(with("exp", nil)), signaling.RefusedTokenShape, nil},
		"no exp":                {invite(signalingtest.Without("exp")), signaling.RefusedTokenLife, nil},
		"no jti":                {invite(signalingtest.Without("jti")), signaling.RefusedTokenShape, nil},
		"no cnf":                {invite(signalingtest.Without("cnf")), signaling.RefusedTokenShape, nil},
		"a name that turns":     {invite(with("callerName", "ann\u202ea")), signaling.RefusedTokenShape, nil},
		"a limit of 0":          {invite(with("timeLimit", 0)), signaling.RefusedTokenShape, nil},
		"a claim twice":         {func(r *tokenRig) { editedToken(r, `"sub":"user-17"`, `"sub":"user-17","sub":"user-18"`) }, signaling.RefusedTokenShape, nil},
		"a claim in wrong case": {func(r *tokenRig) { editedToken(r, `"exp":`, `"Exp":`) }, signaling.RefusedTokenLife, nil},
		"denied issuer":         {func(r *tokenRig) { r.ledger.deny(makerName); invite()(r) }, signaling.RefusedTokenDenied, nil},
		"denied subject":        {func(r *tokenRig) { r.ledger.deny("user-17"); invite()(r) }, signaling.RefusedTokenDenied, nil},
		"denied key":            {func(r *tokenRig) { r.ledger.deny(r.maker.Key.ID); invite()(r) }, signaling.RefusedTokenDenied, nil},
		"denied token":          {func(r *tokenRig) { r.ledger.deny("t1"); invite(with("jti", "t1"))(r) }, signaling.RefusedTokenDenied, nil},
		"key taken out of the file": {func(r *tokenRig) {
			text := r.token()
			signalingtest.NewIssuer(r.t, makerName).Publish(r.file)
			r.gate.Refresh()
			r.deliver(r.phone.Invite(roomID, carries(text)))
		}, signaling.RefusedTokenIssuer, nil},
		"issuer taken out of the configuration": {func(r *tokenRig) { r.gate.Configure(nil); invite()(r) }, signaling.RefusedTokenIssuer, nil},
		"a revoked contact": {func(r *tokenRig) {
			r.book.put(r.phone, signaling.RightCall)
			r.book.revoke(r.phone)
			invite()(r)
		}, signaling.RefusedRevoked, nil},
		"a good token in a bad invite": {func(r *tokenRig) {
			r.deliver(r.phone.Invite(roomID, with("timeLimit", 0), carries(r.token())))
		}, signaling.RefusedValue, []message.Type{message.TypeReject}},
		"a bad token in a bad invite": {func(r *tokenRig) {
			r.deliver(r.phone.Invite(roomID, with("timeLimit", 0), carries(r.token(with("aud", "d.door-2")))))
		}, signaling.RefusedTokenDevice, nil},
		"a good token in an invite of version 2": {func(r *tokenRig) {
			r.deliver(r.phone.Invite(roomID, with("v", 2), carries(r.token())))
		}, signaling.RefusedVersion, []message.Type{message.TypeReject}},
		"another token in the offer's invite": {func(r *tokenRig) {
			_, nonce := r.challenged(carries(r.token()))
			r.deliver(r.phone.Offer(roomID, nonce, r.phone.Invite(roomID, carries(r.token())), signalingtest.SDP{}.String()))
		}, signaling.RefusedNonce, []message.Type{message.TypeReject}},
		"no token in the offer's invite": {func(r *tokenRig) {
			_, nonce := r.challenged(carries(r.token()))
			r.deliver(r.phone.Offer(roomID, nonce, r.phone.Invite(roomID), signalingtest.SDP{}.String()))
		}, signaling.RefusedStranger, nil},
		"an offer by a thief of the challenge": {func(r *tokenRig) {
			invite, nonce := r.challenged(carries(r.token()))
			thief := signalingtest.NewPhone(r.t, sn, r.key.JKT())
			r.from(thief, thief.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		}, signaling.RefusedTokenHolder, nil},
		"swapped SDP": {func(r *tokenRig) {
			invite, nonce := r.challenged(carries(r.token()))
			r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String(), swapSDP))
		}, signaling.RefusedSignature, nil},
		"expired before the offer": {func(r *tokenRig) {
			invite, nonce := r.challenged(carries(r.token(with("exp", now(5*time.Second)))))
			time.Sleep(6 * time.Second)
			r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		}, signaling.RefusedTokenLife, nil},
		"denied before the offer": {func(r *tokenRig) {
			invite, nonce := r.challenged(carries(r.token()))
			r.ledger.deny("user-17")
			r.deliver(r.phone.Offer(roomID, nonce, invite, signalingtest.SDP{}.String()))
		}, signaling.RefusedTokenDenied, nil},
		"a message of a room that the token did not open": {func(r *tokenRig) { r.deliver(r.phone.Candidates(roomID, []string{hostLine})) }, signaling.RefusedStranger, nil},
		"a ping without a token":                          {func(r *tokenRig) { r.deliver(r.phone.Ping(roomID)) }, signaling.RefusedStranger, nil},
		"a token in a ping":                               {func(r *tokenRig) { r.deliver(r.phone.Ping(roomID, carries(r.token()))) }, signaling.RefusedStranger, nil},
	} {
		t.Run(name, func(t *testing.T) {
			withTokens(t, func(t *testing.T, r *tokenRig) {
				before := r.Refused()
				tt.do(r)
				r.expect(tt.answers...)
				time.Sleep(5 * time.Second)
				r.expectNoEvent()
				r.expectRefused(before, map[signaling.Reason]uint64{tt.want: 1})
			})
		})
	}
}

func macOf(r *tokenRig, input []byte) []byte {
	secret, err := json.Marshal(r.maker.Key.Private.Public().JWK())
	if err != nil {
		r.t.Fatal(err)
	}
	m := hmac.New(sha256.New, secret)
	m.Write(input)
	return m.Sum(nil)
}

func hs256Token(r *tokenRig) {
	text := r.token(withHeader("alg", "HS256"), signalingtest.Signature(func(input []byte) []byte { return macOf(r, input) }))
	r.deliver(r.phone.Invite(roomID, carries(text)))
}

// editedToken changes a token's JSON text and has the issuer sign it.
func editedToken(r *tokenRig, before, after string) {
	parts := strings.Split(r.token(), ".")
	payload, err := base64url.Decode(parts[1])
	if err != nil || !strings.Contains(string(payload), before) {
		r.t.Fatalf("there is no %q to change in %s: %v", before, payload, err)
	}
	input := parts[0] + "." + base64url.Encode([]byte(strings.Replace(string(payload), before, after, 1)))
	signature, err := r.maker.Key.Private.Sign([]byte(input))
	if err != nil {
		r.t.Fatal(err)
	}
	r.deliver(r.phone.Invite(roomID, carries(input+"."+base64url.Encode(signature))))
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
		r.Device.Close()
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
