package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"callbox/signaling"
)

const (
	authSize   = 16   // bytes of a subscription's secret (RFC 8291, 3.2)
	saltSize   = 16   // bytes (RFC 8188, 2.1)
	recordSize = 4096 // bytes, what every push service takes (RFC 8030, 7.2)
	// plainSize is the size to which every message is filled up, so that its length
	// tells nothing.
	plainSize = 256
)

// keys are the keys of a subscription.
type keys struct {
	phone *ecdh.PublicKey
	auth  []byte
}

// readKeys reads what the browser gave. Error: signaling.ErrBadSubscription.
func readKeys(s signaling.PushSubscription) (k keys, err error) {
	point, err := decode(s.Keys.P256DH)
	if err == nil {
		k.phone, err = ecdh.P256().NewPublicKey(point)
	}
	if err != nil {
		return k, fmt.Errorf("cannot read p256dh: %w: %w", err, signaling.ErrBadSubscription)
	}
	if k.auth, err = decode(s.Keys.Auth); err != nil || len(k.auth) != authSize {
		return k, fmt.Errorf("cannot read auth, which is %d bytes as base64url: %w", authSize, signaling.ErrBadSubscription)
	}
	return k, nil
}

// decode takes padding, too: some browsers have written it.
func decode(s string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
}

// encrypt seals plain for a subscription in one record of aes128gcm (RFC 8291, 3 and
// 4; RFC 8188, 2), with a key and a salt of its own.
func encrypt(k keys, plain []byte) ([]byte, error) {
	local, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	return seal(k, plain, local, salt, plainSize)
}

func seal(k keys, plain []byte, local *ecdh.PrivateKey, salt []byte, size int) ([]byte, error) {
	shared, err := local.ECDH(k.phone)
	if err != nil {
		return nil, fmt.Errorf("cannot agree on a key: %w", err)
	}
	public := local.PublicKey().Bytes()
	aead, nonce, err := recordKey(shared, k.auth, salt, k.phone.Bytes(), public)
	if err != nil {
		return nil, err
	}
	out := append([]byte(nil), salt...)
	out = binary.BigEndian.AppendUint32(out, recordSize)
	out = append(append(out, byte(len(public))), public...)
	record := append(append([]byte(nil), plain...), 2) // the last record's delimiter, then padding
	for len(record) < size {
		record = append(record, 0)
	}
	return aead.Seal(out, nonce, record, nil), nil
}

// recordKey derives what seals the record (RFC 8291, 3.4).
func recordKey(shared, auth, salt, phone, device []byte) (cipher.AEAD, []byte, error) {
	fail := func(err error) (cipher.AEAD, []byte, error) {
		return nil, nil, fmt.Errorf("cannot derive a key: %w", err)
	}
	ikm, err := hkdf.Key(sha256.New, shared, auth, "WebPush: info\x00"+string(phone)+string(device), 32)
	if err != nil {
		return fail(err)
	}
	cek, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return fail(err)
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return fail(err)
	}
	block, err := aes.NewCipher(cek)
	if err != nil {
		return fail(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return fail(err)
	}
	return aead, nonce, nil
}
