package message_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"callbox/signaling/key"
	"callbox/signaling/message"
)

// Where a receiver stops.
const (
	stageShape  = "shape"  // dropped before any cryptography, unanswered
	stageKey    = "key"    // dropped because the signature is not by the sender's key
	stageValues = "values" // signed and well-formed; a value is badRequest
)

type goldenInvalid struct {
	Name   string `json:"name"`
	Stage  string `json:"stage"`
	Reason string `json:"reason"`
	Signed string `json:"signed"`
}

func inviteMembers(t testing.TB) map[string]any {
	phone, device := testKey(t, phoneD), testKey(t, deviceD)
	return map[string]any{
		"v": 1, "t": "invite", "id": id(0), "from": key.PhoneAddress(phone.JKT()), "to": key.DeviceAddress(goldenSN),
		"tkt": device.JKT(), "roomId": goldenRoom, "jwk": phone.Public().JWK(), "roomType": "video",
	}
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	p, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// seal signs any payload under any header with the phone's key.
func seal(t testing.TB, header, payload []byte) string {
	t.Helper()
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := testKey(t, phoneD).Sign([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func rightHeader(t testing.TB) map[string]any {
	return map[string]any{"alg": "ES256", "typ": message.Typ, "kid": testKey(t, phoneD).JKT()}
}

// forge signs an invite whose members are replaced or, when nil, left out.
func forge(t testing.TB, members map[string]any) string {
	t.Helper()
	all := inviteMembers(t)
	maps.Copy(all, members)
	for name, v := range members {
		if v == nil {
			delete(all, name)
		}
	}
	return seal(t, marshal(t, rightHeader(t)), marshal(t, all))
}

// forgeHeader signs a right invite under a changed header.
func forgeHeader(t testing.TB, change func(map[string]any)) string {
	t.Helper()
	h := rightHeader(t)
	change(h)
	return seal(t, marshal(t, h), marshal(t, inviteMembers(t)))
}

// forgeText signs an invite whose JSON text is changed.
func forgeText(t testing.TB, from, to string) string {
	t.Helper()
	text := string(marshal(t, inviteMembers(t)))
	if !strings.Contains(text, from) {
		t.Fatalf("%q is not in %s", from, text)
	}
	return seal(t, marshal(t, rightHeader(t)), []byte(strings.Replace(text, from, to, 1)))
}

// buildInvalid writes texts that a receiver must refuse.
func buildInvalid(t *testing.T) []goldenInvalid {
	t.Helper()
	right := forge(t, nil)
	parts := strings.Split(right, ".")
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	h256 := func() string {
		h := rightHeader(t)
		h["alg"] = "HS256"
		input := base64.RawURLEncoding.EncodeToString(marshal(t, h)) + "." + parts[1]
		m := hmac.New(sha256.New, marshal(t, testKey(t, phoneD).Public().JWK()))
		m.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	set := func(name string, v any) func(map[string]any) { return func(h map[string]any) { h[name] = v } }
	none := strings.Split(forgeHeader(t, set("alg", "none")), ".")
	list := []goldenInvalid{
		{"alg none, no signature", stageShape, "algorithm", none[0] + "." + none[1] + "."},
		{"alg none, with a signature", stageShape, "algorithm", strings.Join(none, ".")},
		{"HS256 with the public key", stageShape, "algorithm", h256()},
		{"alg ES384", stageShape, "algorithm", forgeHeader(t, set("alg", "ES384"))},
		{"typ of a token", stageShape, "type", forgeHeader(t, set("typ", "callbox-token+jws"))},
		{"typ in capitals", stageShape, "type", forgeHeader(t, set("typ", "CALLBOX-MSG+JWS"))},
		{"header without typ", stageShape, "type", forgeHeader(t, func(h map[string]any) { delete(h, "typ") })},
		{"header without kid", stageShape, "header", forgeHeader(t, func(h map[string]any) { delete(h, "kid") })},
		{"header with jwk", stageShape, "header", forgeHeader(t, set("jwk", testKey(t, phoneD).Public().JWK()))},
		{"header with jku", stageShape, "header", forgeHeader(t, set("jku", "https://example.org/jwks"))},
		{"header with crit", stageShape, "header", forgeHeader(t, set("crit", []string{"exp"}))},
		{"header with b64", stageShape, "header", forgeHeader(t, set("b64", false))},
		{"header with alg twice", stageShape, "header", seal(t, []byte(`{"alg":"none",`+string(marshal(t, rightHeader(t)))[1:]), marshal(t, inviteMembers(t)))},
		{"header name in capitals", stageShape, "header", seal(t, []byte(strings.Replace(string(marshal(t, rightHeader(t))), `"alg"`, `"Alg"`, 1)), marshal(t, inviteMembers(t)))},
		{"two parts", stageShape, "parts", parts[0] + "." + parts[1]},
		{"four parts", stageShape, "parts", right + "."},
		{"empty", stageShape, "parts", ""},
		{"padding", stageShape, "base64", right + "=="},
		{"line feed in the signature", stageShape, "base64", parts[0] + "." + parts[1] + "." + parts[2][:10] + "\n" + parts[2][10:]},
		{"line break at the end", stageShape, "base64", right + "\r\n"},
		{"bits behind the signature", stageShape, "base64", secondSpelling(right)},
		{"signature of 63 bytes", stageShape, "signature", parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 63))},
		{"signature of 65 bytes", stageShape, "signature", parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 65))},
		{"payload no object", stageShape, "json", seal(t, marshal(t, rightHeader(t)), []byte(`[1]`))},
		{"text behind the object", stageShape, "json", seal(t, marshal(t, rightHeader(t)), append(marshal(t, inviteMembers(t)), "{}"...))},
		{"roomId twice", stageShape, "json", forgeText(t, `"roomType":`, `"roomId":"other","roomType":`)},
		{"unknown member twice", stageShape, "json", forgeText(t, `"roomType":`, `"x":1,"x":1,"roomType":`)},
		{"member of payload twice", stageShape, "json", forgeText(t, `"roomType":`, `"payload":{"a":1,"a":2},"roomType":`)},
		{"invalid UTF-8", stageShape, "json", forgeText(t, `"roomType":`, "\"query\":\"\xff\",\"roomType\":")},
		{"lone surrogate", stageShape, "json", forgeText(t, `"roomType":`, `"query":"\ud800","roomType":`)},
		{"wrong case: ROOMID", stageShape, "envelope", forgeText(t, `"roomId":`, `"ROOMID":`)},
		{"wrong case: From", stageShape, "envelope", forgeText(t, `"from":`, `"From":`)},
		{"groupId differs from roomId", stageShape, "envelope", forge(t, map[string]any{"groupId": "another"})},
		{"no room", stageShape, "envelope", forge(t, map[string]any{"roomId": nil})},
		{"roomId null", stageShape, "envelope", forge(t, map[string]any{"roomId": raw("null")})},
		{"roomId too long", stageShape, "envelope", forge(t, map[string]any{"roomId": strings.Repeat("r", 129)})},
		{"roomId with a slash", stageShape, "envelope", forge(t, map[string]any{"roomId": "a/b"})},
		{"v a string", stageShape, "envelope", forge(t, map[string]any{"v": "1"})},
		{"id of 15 bytes", stageShape, "envelope", forge(t, map[string]any{"id": "AAAAAAAAAAAAAAAAAAAA"})},
		{"tkt too short", stageShape, "envelope", forge(t, map[string]any{"tkt": "AAAA"})},
		{"jwk with a private part", stageShape, "envelope", forge(t, map[string]any{"jwk": describe(t, phoneD, "").JWK})},
		{"jwk with kid", stageShape, "envelope", forgeText(t, `"jwk":{`, `"jwk":{"kid":"a",`)},
		{"over 32 KiB", stageShape, "size", forge(t, map[string]any{"x": strings.Repeat("x", message.MaxMessage)})},
		{"query over 1 KiB", stageShape, "size", forge(t, map[string]any{"query": strings.Repeat("x", message.MaxQuery+1)})},
		{"payload over 4 KiB", stageShape, "size", forge(t, map[string]any{"payload": strings.Repeat("x", message.MaxPayload)})},
		{"SDP over 16 KiB", stageShape, "size", forge(t, map[string]any{"t": "offer", "nonce": id(1), "invite": "x", "sdp": strings.Repeat("x", message.MaxSDP+1)})},
		{"41 candidates", stageShape, "size", forge(t, map[string]any{"t": "candidates", "candidates": make41()})},
		{"name over 64 code points", stageShape, "size", forge(t, map[string]any{"t": "pair", "name": strings.Repeat("ü", 65), "mac": "x"})},
		{"payload changed after signing", stageKey, "signature", parts[0] + "." + strings.Split(forge(t, map[string]any{"roomType": "voice"}), ".")[1] + "." + parts[2]},
		{"signature all zero", stageKey, "signature", parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64))},
		{"kid of another key", stageKey, "signature", forgeHeader(t, set("kid", testKey(t, strangerD).JKT()))},
		{"roomType unknown", stageValues, "badRequest", forge(t, map[string]any{"roomType": "text"})},
		{"roomType absent", stageValues, "badRequest", forge(t, map[string]any{"roomType": nil})},
		{"roomType in capitals", stageValues, "badRequest", forgeText(t, `"roomType":`, `"RoomType":`)},
		{"query a number", stageValues, "badRequest", forge(t, map[string]any{"query": 7})},
		{"query null", stageValues, "badRequest", forge(t, map[string]any{"query": raw("null")})},
		{"name with a control character", stageValues, "badRequest", forge(t, map[string]any{"t": "pair", "name": "a\u0007b", "mac": "x"})},
		{"name with a format character", stageValues, "badRequest", forge(t, map[string]any{"t": "pair", "name": "a\u202eb", "mac": "x"})},
	}
	for _, limit := range []string{"0", "-1", `"60"`, "2147483649", "1e400", "true", "null"} {
		list = append(list, goldenInvalid{"timeLimit " + limit, stageValues, "badRequest", forge(t, map[string]any{"timeLimit": raw(limit)})})
	}
	return list
}

func TestGoldenInvalid(t *testing.T) {
	list := buildInvalid(t)
	golden(t, "invalid.json", list)
	phone := testKey(t, phoneD).Public()
	if m, err := message.Parse(forge(t, nil)); err != nil || m.Invalid != nil || !m.Verify(phone) {
		t.Fatalf("the message that all are made from is refused: %v", err)
	}
	for _, tt := range list {
		t.Run(tt.Name, func(t *testing.T) {
			m, err := message.Parse(tt.Signed)
			switch tt.Stage {
			case stageShape:
				want := message.ErrMalformed
				if tt.Reason == "size" {
					want = message.ErrTooLarge
				}
				if !errors.Is(err, want) {
					t.Errorf("error = %v, want %v", err, want)
				}
			case stageKey:
				if err != nil || m.Verify(phone) {
					t.Errorf("error = %v; or it verifies", err)
				}
			case stageValues:
				if err != nil || !m.Verify(phone) || !errors.Is(m.Invalid, message.ErrBadRequest) || m.Body != nil {
					t.Errorf("error = %v, message = %+v; want ErrBadRequest in a verified message", err, m)
				}
			}
		})
	}
}

// secondSpelling sets a bit behind the last byte of the signature.
func secondSpelling(text string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, text[len(text)-1])
	return text[:len(text)-1] + letters[(last|1):(last|1)+1]
}

func make41() []map[string]string {
	list := make([]map[string]string, message.MaxCandidates+1)
	for i := range list {
		list[i] = map[string]string{"candidate": ""}
	}
	return list
}
