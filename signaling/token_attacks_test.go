package signaling_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/base64url"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
	"callbox/signaling/token"
	"callbox/signaling/token/gate"
)

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
