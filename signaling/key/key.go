// Package key holds the identities of both ends: P-256 keys, their thumbprints
// and the addresses that follow from them.
//
// A thumbprint (jkt) is the SHA-256 thumbprint of RFC 7638 in base64url: 43
// characters. A phone's address is its key; a device's is its serial number.
package key

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/base64url"
)

// Sizes of P-256.
const (
	coordinateSize = 32 // bytes of x, of y and of the private scalar
	SignatureSize  = 64 // bytes of an ES256 signature (RFC 7518, 3.4)
)

// ErrInvalid means that something is not a P-256 key in the expected form.
var ErrInvalid = errors.New("not a valid P-256 key")

// JWK is a public P-256 key as RFC 7517 writes it: exactly these members.
type JWK struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// UnmarshalJSONFrom refuses every further member: a JWK with a private part, a
// use or a kid is not what the protocol speaks of.
func (j *JWK) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	type plain JWK
	return json.UnmarshalDecode(dec, (*plain)(j), json.RejectUnknownMembers(true))
}

// Public is a valid public key with its thumbprint.
type Public struct {
	ecdsa *ecdsa.PublicKey
	jwk   JWK
	jkt   string
}

// ParsePublic checks that j names a point on P-256 in canonical form. Errors:
// ErrInvalid.
func ParsePublic(j JWK) (*Public, error) {
	if j.Kty != "EC" || j.Crv != "P-256" {
		return nil, fmt.Errorf("cannot use JWK: kty %q, crv %q: %w; only EC, P-256 is spoken", j.Kty, j.Crv, ErrInvalid)
	}
	point := []byte{4} // uncompressed: SEC 1, 2.3.3
	for _, c := range []string{j.X, j.Y} {
		p, err := base64url.Decode(c)
		if err != nil || len(p) != coordinateSize {
			return nil, fmt.Errorf("cannot use JWK: a coordinate is not 32 bytes of base64url: %w", ErrInvalid)
		}
		point = append(point, p...)
	}
	k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("cannot use JWK: %w: %w", err, ErrInvalid)
	}
	return &Public{ecdsa: k, jwk: j, jkt: thumbprint(j)}, nil
}

// thumbprint is RFC 7638, 3: the required members in this order. All of them are
// plain base64url or constants, so nothing needs escaping.
func thumbprint(j JWK) string {
	sum := sha256.Sum256([]byte(`{"crv":"` + j.Crv + `","kty":"` + j.Kty + `","x":"` + j.X + `","y":"` + j.Y + `"}`))
	return base64url.Encode(sum[:])
}

// JWK returns the key in its wire form.
func (p *Public) JWK() JWK { return p.jwk }

// JKT returns the key's thumbprint.
func (p *Public) JKT() string { return p.jkt }

// Verify reports whether signature, the 64 bytes of ES256, is this key's over
// input.
func (p *Public) Verify(input, signature []byte) bool {
	if len(signature) != SignatureSize {
		return false
	}
	der, err := derSignature(signature)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(input)
	return ecdsa.VerifyASN1(p.ecdsa, sum[:], der)
}

// Private is an identity's private key.
type Private struct {
	ecdsa  *ecdsa.PrivateKey
	public *Public
}

// New makes a key.
func New() (*Private, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	return FromECDSA(k)
}

// FromECDSA returns the identity of a P-256 key. Errors: ErrInvalid.
func FromECDSA(k *ecdsa.PrivateKey) (*Private, error) {
	point, err := k.PublicKey.Bytes()
	if err != nil || len(point) != 1+2*coordinateSize {
		return nil, fmt.Errorf("cannot use private key: %w", ErrInvalid)
	}
	public, err := ParsePublic(JWK{
		Kty: "EC", Crv: "P-256",
		X: base64url.Encode(point[1 : 1+coordinateSize]),
		Y: base64url.Encode(point[1+coordinateSize:]),
	})
	if err != nil {
		return nil, err
	}
	return &Private{ecdsa: k, public: public}, nil
}

// Parse reads a private key: PEM with PKCS#8, as PEM writes it, or a JWK with d.
// Errors: ErrInvalid.
func Parse(data []byte) (*Private, error) {
	if block, _ := pem.Decode(data); block != nil {
		return parsePKCS8(block)
	}
	return parseJWK(data)
}

func parsePKCS8(block *pem.Block) (*Private, error) {
	if block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("cannot use PEM block %q: %w; write PKCS#8 (\"PRIVATE KEY\")", block.Type, ErrInvalid)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("cannot read PKCS#8: %w: %w", err, ErrInvalid)
	}
	ec, ok := k.(*ecdsa.PrivateKey)
	if !ok || ec.Curve != elliptic.P256() {
		return nil, fmt.Errorf("cannot use private key: %w; the curve must be P-256", ErrInvalid)
	}
	return FromECDSA(ec)
}

func parseJWK(data []byte) (*Private, error) {
	var j struct {
		Kty string `json:"kty"`
		Crv string `json:"crv"`
		X   string `json:"x"`
		Y   string `json:"y"`
		D   string `json:"d"`
	}
	if err := json.Unmarshal(data, &j); err != nil {
		return nil, fmt.Errorf("cannot read private key: neither PEM nor JWK: %w", ErrInvalid)
	}
	k, err := FromScalar(j.D)
	if err != nil {
		return nil, err
	}
	if k.public.jwk != (JWK{Kty: j.Kty, Crv: j.Crv, X: j.X, Y: j.Y}) {
		return nil, fmt.Errorf("cannot use JWK: d does not belong to x and y: %w", ErrInvalid)
	}
	return k, nil
}

// PEM writes the key as PKCS#8, for a file that only its owner may read.
func (k *Private) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.ecdsa)
	if err != nil {
		return nil, fmt.Errorf("cannot write private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Public returns the public half.
func (k *Private) Public() *Public { return k.public }

// JKT returns the thumbprint of the public half.
func (k *Private) JKT() string { return k.public.jkt }

// Sign returns the 64 bytes of an ES256 signature over input. It is the
// deterministic one of RFC 6979: a device may have to sign right after boot,
// before its random generator is worth anything.
func (k *Private) Sign(input []byte) ([]byte, error) {
	sum := sha256.Sum256(input)
	der, err := k.ecdsa.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("cannot sign: %w", err)
	}
	return rawSignature(der)
}

// FromScalar returns the key whose private scalar is d, 32 bytes of base64url:
// the d of a JWK. Errors: ErrInvalid.
func FromScalar(d string) (*Private, error) {
	p, err := base64url.Decode(d)
	if err != nil || len(p) != coordinateSize {
		return nil, fmt.Errorf("cannot use private key: d is not 32 bytes of base64url: %w", ErrInvalid)
	}
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), p)
	if err != nil {
		return nil, fmt.Errorf("cannot use private key: %w: %w", err, ErrInvalid)
	}
	return FromECDSA(k)
}
