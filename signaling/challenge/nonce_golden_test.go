package challenge

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"callbox/signaling/base64url"
)

var update = flag.Bool("update", false, "rewrite the golden file in ../testdata")

const goldenFile = "../testdata/nonce.json"

// goldenNonce is a nonce and all that it is made of. A phone only hands a nonce
// back; the example keeps two versions of a device, and whoever checks us, alike.
type goldenNonce struct {
	Key         string `json:"key"` // of the boot, base64url
	JKT         string `json:"jkt"`
	RoomID      string `json:"roomId"`
	InviteInput string `json:"inviteInput"` // the JWS signing input
	Made        int64  `json:"made"`        // nanoseconds on the boot clock
	Nonce       string `json:"nonce"`
}

func TestGoldenNonce(t *testing.T) {
	m := &Maker{}
	for i := range m.key {
		m.key[i] = byte(i)
	}
	g := goldenNonce{
		Key: base64url.Encode(m.key[:]), JKT: "_-8hJ6d4wAlvJk3kD4sQtI1V9p3o0b3wJZ5Hc8m1k2E", RoomID: "cm9vbS1vZi10aGUtZ29sZGVuLW5vbmNl",
		InviteInput: base64url.Encode([]byte(`{"alg":"ES256"}`)) + "." + base64url.Encode([]byte(`{"t":"invite"}`)),
		Made:        int64(time.Hour + 23*time.Millisecond + 1),
	}
	s := Subject{JKT: g.JKT, Room: g.RoomID, Invite: sha256.Sum256([]byte(g.InviteInput))}
	g.Nonce = m.Nonce(s, time.Duration(g.Made))
	if err := m.Check(g.Nonce, s, time.Duration(g.Made)+Life, Life); err != nil {
		t.Error(err)
	}
	p, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	p = append(p, '\n')
	if *update {
		if err := os.WriteFile(goldenFile, p, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p, want) {
		t.Error("nonce.json differs from what the code writes; if that is meant, run go test -update")
	}
}
