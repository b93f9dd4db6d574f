package signalingtest

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"callbox/signaling/base64url"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/token"
)

// Issuer is a maker's backend that signs call tokens, right or wrong on purpose.
type Issuer struct {
	Name string
	Key  token.Key
	t    testing.TB
}

// NewIssuer returns an issuer with a fresh key.
func NewIssuer(t testing.TB, name string) *Issuer {
	t.Helper()
	k, err := token.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return &Issuer{Name: name, Key: k, t: t}
}

// Publish writes the public halves of keys, at first its own, as the file that a
// device reads. It replaces the file as a whole.
func (i *Issuer) Publish(file string, more ...token.Key) {
	i.t.Helper()
	set, err := token.JWKS(append([]token.Key{i.Key}, more...)...)
	if err != nil {
		i.t.Fatal(err)
	}
	WriteFile(i.t, file, set)
}

// WriteFile replaces a file as a whole, as a careful maker does.
func WriteFile(t testing.TB, file string, data []byte) {
	t.Helper()
	temp := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+message.NewID())
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, file); err != nil {
		t.Fatal(err)
	}
}

// Token signs a token that lets p call in a room, a video call. Changes work on it as
// on a message.
func (i *Issuer) Token(p *Phone, room string, changes ...Change) string {
	i.t.Helper()
	now := time.Now().Unix()
	d := &Draft{
		Header: Members{"alg": "ES256", "typ": token.Typ, "kid": i.Key.ID},
		Payload: Members{
			"iss": i.Name, "aud": key.DeviceAddress(p.SN), "sub": "user-17", "jti": message.NewID(), "iat": now, "exp": now + 120,
			"roomId": room, "roomType": "video", "callerName": "Nurse Joy", "rights": []string{"call"},
			"cnf": Members{"jkt": p.JKT()}, "dkt": p.DKT,
		},
		Sign: es256(i.Key.Private),
		Text: func(signed string) string { return signed },
	}
	for _, change := range changes {
		change(d)
	}
	input := p.encode(maps.Clone(d.Header)) + "." + p.encode(d.Payload)
	return d.Text(input + "." + base64url.Encode(d.Sign([]byte(input))))
}
