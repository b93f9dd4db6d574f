package message

import (
	"fmt"

	"callbox/signaling/jws"
	"callbox/signaling/key"
)

// typeHello is the type of both hellos.
const typeHello Type = "hello"

// DeviceHello is what a device says first on a direct connection. It is signed
// like a message, without to, tkt and a room.
type DeviceHello struct {
	V        int     `json:"v"`
	Type     Type    `json:"t"`
	ID       string  `json:"id"`
	From     string  `json:"from"`
	Nonce    string  `json:"nonce"`
	SN       string  `json:"sn"`
	JWK      key.JWK `json:"jwk"`
	Epoch    uint64  `json:"epoch"`
	Versions []int   `json:"versions"`
}

// PhoneHello answers it: ref is the id and nonce the nonce of the device's hello.
type PhoneHello struct {
	V     int     `json:"v"`
	Type  Type    `json:"t"`
	ID    string  `json:"id"`
	From  string  `json:"from"`
	To    string  `json:"to"`
	TKT   string  `json:"tkt"`
	Ref   string  `json:"ref"`
	Nonce string  `json:"nonce"`
	JWK   key.JWK `json:"jwk"`
}

// SignDeviceHello signs h as the device with key k; V, Type and JWK are filled in.
func SignDeviceHello(k *key.Private, h DeviceHello) (string, error) {
	h.V, h.Type, h.JWK = Version, typeHello, k.Public().JWK()
	return signHello(k, h)
}

// SignPhoneHello signs h as the phone with key k; V, Type, From and JWK are
// filled in.
func SignPhoneHello(k *key.Private, h PhoneHello) (string, error) {
	h.V, h.Type, h.From, h.JWK = Version, typeHello, key.PhoneAddress(k.JKT()), k.Public().JWK()
	return signHello(k, h)
}

func signHello(k *key.Private, h any) (string, error) {
	payload, err := join(h, struct{}{})
	if err != nil {
		return "", err
	}
	return jws.Sign(k, Typ, payload)
}

// ParseDeviceHello reads a device's hello and verifies that it was signed by the
// key that it carries. Errors: ErrTooLarge, ErrMalformed.
func ParseDeviceHello(text string) (*DeviceHello, error) {
	var h DeviceHello
	if _, err := readHello(text, &h, &h.JWK); err != nil {
		return nil, err
	}
	if h.V != Version || h.Type != typeHello || !validID(h.ID) || !nonce(h.Nonce).ok ||
		key.CheckSN(h.SN) != nil || h.From != key.DeviceAddress(h.SN) {
		return nil, fmt.Errorf("cannot use the device's hello: %w", ErrMalformed)
	}
	return &h, nil
}

// ParsePhoneHello reads a phone's hello, verifies that it was signed by the key
// that it carries and that its address is that key's. Whether To, TKT, Ref and
// Nonce fit is the caller's to check. Errors: ErrTooLarge, ErrMalformed.
func ParsePhoneHello(text string) (*PhoneHello, error) {
	var h PhoneHello
	k, err := readHello(text, &h, &h.JWK)
	if err != nil {
		return nil, err
	}
	if h.V != Version || h.Type != typeHello || !validID(h.ID) || h.From != key.PhoneAddress(k.JKT()) {
		return nil, fmt.Errorf("cannot use the phone's hello: %w", ErrMalformed)
	}
	return &h, nil
}

func readHello(text string, h any, jwk *key.JWK) (*key.Public, error) {
	j, err := open(text)
	if err != nil {
		return nil, err
	}
	if err := unmarshal(j.Payload, h); err != nil {
		return nil, fmt.Errorf("cannot read hello: %w: %w", err, ErrMalformed)
	}
	k, err := key.ParsePublic(*jwk)
	if err != nil {
		return nil, fmt.Errorf("cannot read hello: %w: %w", err, ErrMalformed)
	}
	if !j.Verify(k) {
		return nil, fmt.Errorf("cannot verify hello: the signature is not by its key: %w", ErrMalformed)
	}
	return k, nil
}
