package daemon

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"

	"github.com/coder/websocket"

	"callbox/signaling/base64url"
	"callbox/signaling/signalingtest"
)

type members = signalingtest.Members

func with(name string, v any) signalingtest.Change { return signalingtest.With(members{name: v}) }

func header(name string, v any) signalingtest.Change {
	return signalingtest.WithHeader(members{name: v})
}

// hs256 signs with the phone's public key as if it were a shared secret.
func hs256(p *handset) signalingtest.Change {
	return func(d *signalingtest.Draft) {
		secret, err := json.Marshal(p.Key.Public().JWK())
		if err != nil {
			p.h.t.Fatal(err)
		}
		d.Header["alg"] = "HS256"
		d.Sign = func(input []byte) []byte {
			m := hmac.New(sha256.New, secret)
			m.Write(input)
			return m.Sum(nil)
		}
	}
}

// edited changes the payload's JSON text; sign says whether it is signed anew by
// the phone's key, or keeps a signature that does not fit any more.
func edited(p *handset, sign bool, before, after string) signalingtest.Change {
	return signalingtest.Text(func(signed string) string {
		parts := strings.Split(signed, ".")
		payload, err := base64url.Decode(parts[1])
		if err != nil || strings.Count(string(payload), before) == 0 {
			p.h.t.Errorf("there is no %q to change: %v", before, err)
			return signed
		}
		input := parts[0] + "." + base64url.Encode([]byte(strings.ReplaceAll(string(payload), before, after)))
		if !sign {
			return input + "." + parts[2]
		}
		signature, err := p.Key.Sign([]byte(input))
		if err != nil {
			p.h.t.Error(err)
		}
		return input + "." + base64url.Encode(signature)
	})
}

// looseBits sets a bit of the signature's last character that stands for
// nothing: the same bytes by another text.
func looseBits(signed string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, signed[len(signed)-1])
	return signed[:len(signed)-1] + string(alphabet[last+1]) // 86 characters: the low four bits are 0
}

// falseHello answers a greeting with a hello that was changed, and wants the line
// to be closed for it.
func (h *house) falseHello(p *signalingtest.Phone, changes ...signalingtest.Change) {
	h.t.Helper()
	ws, greeting := h.greeted()
	defer func() { _ = ws.CloseNow() }()
	var g struct{ ID, Nonce string }
	payload, err := base64url.Decode(strings.Split(greeting, ".")[1])
	if err != nil || json.Unmarshal(payload, &g) != nil {
		h.t.Fatalf("cannot read the device's hello: %v", err)
	}
	own := signalingtest.With(members{"ref": g.ID, "nonce": g.Nonce, "jwk": p.Key.Public().JWK()})
	text := p.Message("hello", theRoom, nil, append([]signalingtest.Change{own}, changes...)...)
	h.closedFor(ws, text, websocket.StatusPolicyViolation)
}

// closedFor sends a frame and wants the device to close the line for it.
func (h *house) closedFor(ws *websocket.Conn, text string, want websocket.StatusCode) {
	h.t.Helper()
	if err := ws.Write(h.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		h.t.Fatal(err)
	}
	_, answer, err := ws.Read(h.t.Context())
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != want {
		h.t.Errorf("the device answered %q, %v; want the line closed with %d", answer, err, want)
	}
}
