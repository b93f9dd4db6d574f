package token_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"callbox/signaling/base64url"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
	"callbox/signaling/token"
)

var update = flag.Bool("update", false, "rewrite the golden file in ../testdata")

const vectorsFile = "../testdata/tokens.json"

// The keys of the vectors. They are public: nothing may ever trust them.
const (
	makerD  = "bWFrZXIta2V5LW9mLWNhbGxib3gtZ29sZGVuLS0wMDE"
	nextD   = "bmV4dC1rZXktb2YtY2FsbGJveC1nb2xkZW4tLS0wMDI"
	otherD  = "b3RoZXIta2V5LW9mLWNhbGxib3gtZ29sZGVuLS0wMDM"
	deviceD = "ZGV2aWNlLWtleS1vZi1jYWxsYm94LWdvbGRlbi0wMDE"
	phoneD  = "cGhvbmUta2V5LW9mLWNhbGxib3gtZ29sZGVuLS0wMDI"
)

const (
	vectorSN   = "golden-device-1"
	vectorRoom = "Zm9yLWV2ZXItb25lLWNhbGwtMQ"
	makerName  = "https://maker.example"
	otherName  = "https://other.example"
	vectorNow  = 1795000000 // in November 2026
)

// vectors are what every implementation must say of some tokens.
type vectors struct {
	About   string                     `json:"about"`
	Issuers map[string]json.RawMessage `json:"issuers"` // JWK Sets by iss
	Private json.RawMessage            `json:"private"` // with which https://maker.example signs
	SN      string                     `json:"sn"`
	DKT     string                     `json:"dkt"`
	Phone   string                     `json:"phone"` // jkt of the sender
	RoomID  string                     `json:"roomId"`
	Type    string                     `json:"roomType"`
	Now     int64                      `json:"now"` // of a clock that is trusted
	Tokens  []vector                   `json:"tokens"`
}

type vector struct {
	Name    string `json:"name"`
	Token   string `json:"token"`
	Refused string `json:"refused"` // token.Reason; "": it is good
}

func goldenKey(t testing.TB, d, id string) token.Key {
	t.Helper()
	k, err := key.FromScalar(d)
	if err != nil {
		t.Fatal(err)
	}
	return token.Key{Private: k, ID: id}
}

func buildVectors(t *testing.T) vectors {
	t.Helper()
	maker, next, other := goldenKey(t, makerD, "2026-11"), goldenKey(t, nextD, "2026-12"), goldenKey(t, otherD, "2026-11")
	device, phone := goldenKey(t, deviceD, ""), goldenKey(t, phoneD, "")
	set := func(keys ...token.Key) json.RawMessage {
		text, err := token.JWKS(keys...)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	j := maker.Private.Public().JWK()
	private, err := json.Marshal(map[string]string{"kty": j.Kty, "crv": j.Crv, "x": j.X, "y": j.Y, "d": makerD, "kid": maker.ID})
	if err != nil {
		t.Fatal(err)
	}
	v := vectors{
		About:   "Call tokens, and why a device whose clock is right refuses them. Made by: go test ./signaling/token -update",
		Issuers: map[string]json.RawMessage{makerName: set(maker, next), otherName: set(other)}, Private: private,
		SN: vectorSN, DKT: device.Private.JKT(), Phone: phone.Private.JKT(), RoomID: vectorRoom, Type: "video", Now: vectorNow,
	}
	p := &signalingtest.Phone{Key: phone.Private, SN: vectorSN, DKT: v.DKT}
	sign := signalingtest.NewIssuer(t, makerName)
	sign.Key = maker
	fixed := signalingtest.With(signalingtest.Members{"jti": "golden-1", "iat": vectorNow - 10, "exp": vectorNow + 110})
	add := func(refused, name string, changes ...signalingtest.Change) {
		v.Tokens = append(v.Tokens, vector{name, sign.Token(p, vectorRoom, append([]signalingtest.Change{fixed}, changes...)...), refused})
	}
	with := func(name string, value any) signalingtest.Change {
		return signalingtest.With(signalingtest.Members{name: value})
	}
	header := func(name string, value any) signalingtest.Change {
		return signalingtest.WithHeader(signalingtest.Members{name: value})
	}
	edit := func(before, after string) signalingtest.Change {
		return signalingtest.Text(func(signed string) string {
			parts := strings.Split(signed, ".")
			payload, err := base64url.Decode(parts[1])
			if err != nil || !strings.Contains(string(payload), before) {
				t.Fatalf("there is no %q to change: %v", before, err)
			}
			input := parts[0] + "." + base64url.Encode([]byte(strings.Replace(string(payload), before, after, 1)))
			signature, err := maker.Private.Sign([]byte(input))
			if err != nil {
				t.Fatal(err)
			}
			return input + "." + base64url.Encode(signature)
		})
	}
	add("", "good")
	add("", "good, everything in it", with("timeLimit", 0.07), with("rights", []string{"call", "auto", "unlock", "ofALaterVersion"}), with("nonce", "bm9uY2U"), with("later", map[string]any{"x": 1}))
	add("", "good, by the next key", header("kid", next.ID), signalingtest.SignedBy(next.Private))
	add("", "good, groupId instead of roomId", signalingtest.Without("roomId"), with("groupId", vectorRoom))
	add("", "good, fractions of seconds", with("iat", vectorNow-0.5), with("exp", vectorNow+599.5))
	add("", "good, no rights", with("rights", []string{}))
	add("", "good, 60 s ahead", with("iat", vectorNow+60), with("exp", vectorNow+61))
	add("tooLarge", "over 4 KiB", with("x", strings.Repeat("x", token.MaxSize)))
	add("malformed", "alg none, without a signature", header("alg", "none"), signalingtest.Unsigned())
	add("malformed", "alg none, with a signature", header("alg", "none"))
	add("malformed", "HS256 with the public key", header("alg", "HS256"), signalingtest.Signature(func(input []byte) []byte {
		m := hmac.New(sha256.New, []byte(maker.Private.Public().JWK().X))
		m.Write(input)
		return m.Sum(nil)
	}))
	add("malformed", "ES384", header("alg", "ES384"))
	add("malformed", "typ of a message", header("typ", message.Typ))
	add("malformed", "typ JWT", header("typ", "JWT"))
	add("malformed", "header with jwk", header("jwk", maker.Private.Public().JWK()))
	add("malformed", "header with jku", header("jku", "https://evil.example/keys"))
	add("malformed", "header with crit", header("crit", []string{"x"}))
	add("malformed", "no kid", func(d *signalingtest.Draft) { delete(d.Header, "kid") })
	add("malformed", "two parts", signalingtest.Text(func(s string) string { return s[:strings.LastIndexByte(s, '.')] }))
	add("malformed", "padding", signalingtest.Text(func(s string) string { return s + "==" }))
	add("malformed", "line break", signalingtest.Text(func(s string) string { return s + "\n" }))
	add("malformed", "loose bits", signalingtest.Text(looseBits))
	add("malformed", "signature too short", signalingtest.Text(func(s string) string { return s[:len(s)-4] }))
	add("malformed", "a claim twice", edit(`"sub":"user-17"`, `"sub":"user-17","sub":"user-18"`))
	add("malformed", "not UTF-8", edit("Nurse Joy", "Nurse \xff"))
	add("malformed", "half of a character", edit("Nurse Joy", `Nurse \ud800`))
	add("malformed", "half of a character in a claim that nobody knows", with("later", "x"), edit(`"later":"x"`, `"later":["\ud800"]`))
	add("malformed", "not an object", edit("{", "[{"))
	add("malformed", "something behind it", edit(`"user-17"}`, `"user-17"} {}`))
	add("malformed", "exp as a string", with("exp", "1795000110"))
	add("malformed", "exp of null", with("exp", nil))
	add("malformed", "iat below 0", with("iat", -1))
	add("malformed", "aud in a list", with("aud", []string{"d." + vectorSN}))
	add("malformed", "no aud", signalingtest.Without("aud"))
	add("malformed", "no sub", signalingtest.Without("sub"))
	add("malformed", "no jti", signalingtest.Without("jti"))
	add("malformed", "no cnf", signalingtest.Without("cnf"))
	add("malformed", "no dkt", signalingtest.Without("dkt"))
	add("malformed", "no caller name", signalingtest.Without("callerName"))
	add("malformed", "a name that turns around", with("callerName", "ann\u202ea"))
	add("malformed", "a name of 65 letters", with("callerName", strings.Repeat("ü", 65)))
	add("malformed", "wrong case of a claim", edit(`"jti":`, `"Jti":`))
	add("malformed", "unknown room type", with("roomType", "text"))
	add("malformed", "groupId beside another roomId", with("groupId", "another"))
	add("malformed", "a limit of 0", with("timeLimit", 0))
	add("malformed", "a limit as a string", with("timeLimit", "60"))
	add("malformed", "rights as a string", with("rights", "call"))
	add("malformed", "17 rights", with("rights", strings.Split(strings.Repeat("x", 17), "")))
	add("issuer", "unknown issuer", with("iss", "https://evil.example"))
	add("issuer", "issuer in capital letters", with("iss", strings.ToUpper(makerName)))
	add("key", "unknown key", header("kid", "2027-01"))
	add("signature", "right kid, foreign key", signalingtest.SignedBy(other.Private))
	add("signature", "the same kid of another issuer", with("iss", otherName))
	add("signature", "changed after signing", func(d *signalingtest.Draft) {
		sign := d.Sign
		d.Sign = func(input []byte) []byte { return sign(append(input, 'x')) }
	})
	add("signature", "a signature of zeros", signalingtest.Signature(func([]byte) []byte { return make([]byte, 64) }))
	add("device", "another device", with("aud", "d.golden-device-2"))
	add("device", "another device's key", with("dkt", phone.Private.JKT()))
	add("room", "another room", with("roomId", "another"))
	add("room", "voice, used for video", with("roomType", "voice"))
	add("holder", "another phone", with("cnf", map[string]string{"jkt": device.Private.JKT()}))
	add("life", "ten years", with("exp", vectorNow+10*365*86400))
	add("life", "601 seconds", with("iat", vectorNow), with("exp", vectorNow+601))
	add("life", "exp before iat", with("exp", vectorNow-20))
	add("life", "no iat", signalingtest.Without("iat"))
	add("life", "no exp", signalingtest.Without("exp"))
	add("expired", "expired", with("iat", vectorNow-120), with("exp", vectorNow-1))
	add("expired", "expires at this moment", with("iat", vectorNow-120), with("exp", vectorNow))
	add("ahead", "61 s ahead", with("iat", vectorNow+61), with("exp", vectorNow+120))
	add("device", "another device, another room, expired", with("aud", "d.x"), with("roomId", "x"), with("iat", 1), with("exp", 2))
	add("room", "another room, another phone, expired", with("roomId", "x"), with("cnf", map[string]string{"jkt": device.Private.JKT()}), with("iat", 1), with("exp", 2))
	return v
}

// looseBits sets a bit of the signature's last character that stands for nothing.
func looseBits(signed string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return signed[:len(signed)-1] + string(alphabet[strings.IndexByte(alphabet, signed[len(signed)-1])+1])
}

// judge is what a device whose clock is right says of a token.
func (v *vectors) judge(text string) error {
	t, err := token.Parse(text)
	if err != nil {
		return err
	}
	set, ok := v.Issuers[t.Issuer]
	if !ok {
		return token.ErrIssuer
	}
	keys, err := token.ParseJWKS(set)
	if err != nil {
		return err
	}
	if err := t.Verify(keys); err != nil {
		return err
	}
	if err := t.CheckCall(token.Call{SN: v.SN, DKT: v.DKT, Phone: v.Phone, RoomID: v.RoomID, RoomType: token.RoomType(v.Type)}); err != nil {
		return err
	}
	if err := t.CheckLife(); err != nil {
		return err
	}
	return t.CheckTime(time.Unix(v.Now, 0))
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectors(t *testing.T) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(buildVectors(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(vectorsFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(vectorsFile); err != nil || !bytes.Equal(text, b.Bytes()) {
		t.Errorf("%s differs from what the code writes; if that is meant, run go test -update (%v)", vectorsFile, err)
	}
	v, reasons := readVectors(t), map[string]bool{}
	for _, one := range v.Tokens {
		t.Run(one.Name, func(t *testing.T) {
			err := v.judge(one.Token)
			if token.Reason(err) != one.Refused || (err == nil) != (one.Refused == "") {
				t.Errorf("refused as %q, want %q: %v", token.Reason(err), one.Refused, err)
			}
		})
		reasons[one.Refused] = true
	}
	for _, word := range []string{"", "tooLarge", "malformed", "issuer", "key", "signature", "device", "room", "holder", "life", "expired", "ahead"} {
		if !reasons[word] {
			t.Errorf("no vector is refused as %q", word)
		}
	}
}

// TestJoseVerifiesWhatWeSign: another library finds the good ones good.
func TestJoseVerifiesWhatWeSign(t *testing.T) {
	v := readVectors(t)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(v.Issuers[makerName], &set); err != nil {
		t.Fatal(err)
	}
	good := 0
	for _, one := range v.Tokens {
		if one.Refused != "" {
			continue
		}
		good++
		j, err := jose.ParseSignedCompact(one.Token, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Verify(set.Key(j.Signatures[0].Header.KeyID)[0].Key); err != nil {
			t.Errorf("%s: go-jose: %v", one.Name, err)
		}
	}
	if good < 5 {
		t.Errorf("only %d tokens were looked at", good)
	}
}
