package key

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	strictjson "github.com/go-json-experiment/json"

	"callbox/signaling/base64url"
)

func newKey(t *testing.T) *Private {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestThumbprint compares with the example of RFC 7638's method by go-jose.
func TestThumbprint(t *testing.T) {
	k := newKey(t)
	text, err := json.Marshal(k.Public().JWK())
	if err != nil {
		t.Fatal(err)
	}
	var j jose.JSONWebKey
	if err := j.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	sum, err := j.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if want := base64url.Encode(sum); k.JKT() != want || !ValidJKT(k.JKT()) {
		t.Errorf("thumbprint = %q, want %q", k.JKT(), want)
	}
}

func TestParse(t *testing.T) {
	k := newKey(t)
	text, err := k.PEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text)
	if err != nil || again.JKT() != k.JKT() {
		t.Fatalf("Parse(PEM) = %v", err)
	}
	d, err := k.ecdsa.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	jwk := map[string]string{"kty": "EC", "crv": "P-256", "x": k.Public().jwk.X, "y": k.Public().jwk.Y, "d": base64url.Encode(d)}
	write := func(change func(map[string]string)) []byte {
		all := map[string]string{}
		for name, v := range jwk {
			all[name] = v
		}
		change(all)
		p, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if again, err = Parse(write(func(map[string]string) {})); err != nil || again.JKT() != k.JKT() {
		t.Fatalf("Parse(JWK) = %v", err)
	}
	pkcs8 := func(key any, err error) []byte {
		der, err2 := x509.MarshalPKCS8PrivateKey(key)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	p384, err384 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, ed, errEd := ed25519.GenerateKey(rand.Reader)
	other := newKey(t).Public().jwk
	for name, data := range map[string][]byte{
		"empty":             {},
		"not a key":         []byte("hello"),
		"a public key":      write(func(m map[string]string) { delete(m, "d") }),
		"d of another key":  write(func(m map[string]string) { m["x"], m["y"] = other.X, other.Y }),
		"d of zero":         write(func(m map[string]string) { m["d"] = base64url.Encode(make([]byte, 32)) }),
		"another curve":     write(func(m map[string]string) { m["crv"] = "P-384" }),
		"P-384 in PEM":      pkcs8(p384, err384),
		"Ed25519 in PEM":    pkcs8(ed, errEd),
		"PEM of other type": bytes.ReplaceAll(text, []byte("PRIVATE KEY"), []byte("CERTIFICATE")),
		"broken PKCS#8":     pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}),
	} {
		if _, err := Parse(data); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

func TestParsePublicRefuses(t *testing.T) {
	right := newKey(t).Public().JWK()
	for name, change := range map[string]func(*JWK){
		"kty":          func(j *JWK) { j.Kty = "RSA" },
		"crv":          func(j *JWK) { j.Crv = "P-521" },
		"not on curve": func(j *JWK) { j.Y = base64url.Encode(make([]byte, 32)) },
		"infinity":     func(j *JWK) { j.X, j.Y = base64url.Encode(make([]byte, 32)), base64url.Encode(make([]byte, 32)) },
		"31 bytes":     func(j *JWK) { j.X = base64url.Encode(make([]byte, 31)) },
		"padding":      func(j *JWK) { j.X += "=" },
		// Of the last letter four bits count: the next letter is the same bytes.
		"second writing": func(j *JWK) { j.X = j.X[:42] + string(rune(j.X[42]+1)) },
	} {
		j := right
		change(&j)
		if _, err := ParsePublic(j); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	var j JWK
	for _, text := range []string{`{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"c"}`, `{"kty":"EC","kty":"EC"}`, `{"KTY":"EC"}`} {
		if err := strictjson.Unmarshal([]byte(text), &j); err == nil {
			t.Errorf("JWK %s was accepted", text)
		}
	}
}

func TestSignAndVerify(t *testing.T) {
	k, other := newKey(t), newKey(t)
	input := []byte("input")
	signature, err := k.Sign(input)
	if err != nil || len(signature) != SignatureSize {
		t.Fatalf("%d bytes, %v", len(signature), err)
	}
	if !k.Public().Verify(input, signature) {
		t.Error("an own signature does not verify")
	}
	changed := bytes.Clone(signature)
	changed[10] ^= 1
	for name, ok := range map[string]bool{
		"another input":  k.Public().Verify([]byte("Input"), signature),
		"another key":    other.Public().Verify(input, signature),
		"changed":        k.Public().Verify(input, changed),
		"short":          k.Public().Verify(input, signature[:63]),
		"long":           k.Public().Verify(input, append(bytes.Clone(signature), 0)),
		"zero":           k.Public().Verify(input, make([]byte, SignatureSize)),
		"all ones":       k.Public().Verify(input, bytes.Repeat([]byte{255}, SignatureSize)),
		"nothing at all": k.Public().Verify(input, nil),
	} {
		if ok {
			t.Errorf("a wrong signature verifies: %s", name)
		}
	}
}

func TestAddresses(t *testing.T) {
	k := newKey(t)
	if jkt, ok := PhoneOf(PhoneAddress(k.JKT())); !ok || jkt != k.JKT() {
		t.Errorf("PhoneOf = %q, %v", jkt, ok)
	}
	for _, a := range []string{"", "p.", DeviceAddress("x"), PhoneAddress("short"), PhoneAddress(k.JKT() + "A")} {
		if _, ok := PhoneOf(a); ok {
			t.Errorf("%q is taken for a phone's address", a)
		}
	}
	if err := CheckSN(DefaultSN(k.JKT())); err != nil {
		t.Error(err)
	}
	for _, sn := range []string{"", strings.Repeat("a", 49), "a b", "a/b", "a.b", "ü", "a\n"} {
		if CheckSN(sn) == nil {
			t.Errorf("serial number %q is accepted", sn)
		}
	}
}

// FuzzParsePublic: a key that is taken is on the curve, canonical, and itself again
// when it is written.
func FuzzParsePublic(f *testing.F) {
	k, err := New()
	if err != nil {
		f.Fatal(err)
	}
	j := k.Public().JWK()
	f.Add(j.Kty, j.Crv, j.X, j.Y)
	f.Add("EC", "P-256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("EC", "P-384", j.X, j.Y)
	f.Add("EC", "P-256", j.X+"=", j.Y)
	f.Fuzz(func(t *testing.T, kty, crv, x, y string) {
		p, err := ParsePublic(JWK{Kty: kty, Crv: crv, X: x, Y: y})
		if err != nil {
			return
		}
		again, err := ParsePublic(p.JWK())
		if err != nil || again.JKT() != p.JKT() || again.JWK() != (JWK{Kty: "EC", Crv: "P-256", X: x, Y: y}) || !ValidJKT(p.JKT()) {
			t.Errorf("taken: %+v as %s, %v", p.JWK(), p.JKT(), err)
		}
		p.Verify([]byte("input"), []byte(x))
	})
}
