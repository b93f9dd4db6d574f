package message_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/base64url"
	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
)

var update = flag.Bool("update", false, "rewrite the golden files in ../testdata")

const goldenDir = "../testdata"

// The keys of the golden files. They are public: nothing may ever trust them.
const (
	deviceD   = "ZGV2aWNlLWtleS1vZi1jYWxsYm94LWdvbGRlbi0wMDE"
	phoneD    = "cGhvbmUta2V5LW9mLWNhbGxib3gtZ29sZGVuLS0wMDI"
	strangerD = "c3RyYW5nZXIta2V5LW9mLWNhbGxib3gtZ29sZC0wMDM"
)

// goldenP256DH is the public key of RFC 8291, 5.
const goldenP256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"

const (
	goldenSN   = "golden-device-1"
	goldenRoom = "Zm9yLWV2ZXItb25lLWNhbGwtMQ"
	goldenSDP  = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" // only carried here: not an offer
)

// goldenKey is a private JWK and its thumbprint.
type goldenKey struct {
	JWK struct {
		key.JWK
		D string `json:"d"`
	} `json:"jwk"`
	JKT     string `json:"jkt"`
	Address string `json:"address"`
	PEM     string `json:"pem"`
}

type goldenMessage struct {
	Name    string          `json:"name"`
	From    string          `json:"from"` // the name of a key
	To      string          `json:"to"`
	Signed  string          `json:"signed"`
	Payload json.RawMessage `json:"payload"`
}

type goldenMessages struct {
	SN       string               `json:"sn"`
	Keys     map[string]goldenKey `json:"keys"`
	Messages []goldenMessage      `json:"messages"`
}

func testKey(t testing.TB, d string) *key.Private {
	t.Helper()
	k, err := key.FromScalar(d)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func describe(t *testing.T, d, address string) goldenKey {
	t.Helper()
	k := testKey(t, d)
	g := goldenKey{JKT: k.JKT(), Address: address}
	if address == "" {
		g.Address = key.PhoneAddress(k.JKT())
	}
	g.JWK.JWK, g.JWK.D = k.Public().JWK(), d
	p, err := k.PEM()
	if err != nil {
		t.Fatal(err)
	}
	g.PEM = string(p)
	return g
}

// id is the n-th of the golden ids: 16 bytes.
func id(n byte) string { return base64url.Encode(append(make([]byte, 15), n)) }

func ptr[T any](v T) *T { return &v }

// buildMessages writes one message of every type, from both sides where both
// send it, and both hellos.
func buildMessages(t *testing.T) goldenMessages {
	t.Helper()
	device, phone := testKey(t, deviceD), testKey(t, phoneD)
	address := map[*key.Private]string{device: key.DeviceAddress(goldenSN), phone: key.PhoneAddress(phone.JKT())}
	name := map[*key.Private]string{device: "device", phone: "phone"}
	g := goldenMessages{SN: goldenSN, Keys: map[string]goldenKey{
		"device": describe(t, deviceD, address[device]), "phone": describe(t, phoneD, ""), "stranger": describe(t, strangerD, ""),
	}}
	other := map[*key.Private]*key.Private{device: phone, phone: device}
	n := byte(10)
	add := func(label string, from *key.Private, ref string, jwk bool, b message.Body) (text, ident string) {
		e := message.Envelope{ID: id(n), From: address[from], To: address[other[from]], TKT: other[from].JKT(), RoomID: goldenRoom, Ref: ref}
		n++
		if jwk {
			e.JWK = ptr(from.Public().JWK())
		}
		text, ident, err := message.Sign(from, e, b)
		if err != nil {
			t.Fatal(err)
		}
		g.Messages = append(g.Messages, goldenMessage{Name: label, From: name[from], To: name[other[from]], Signed: text, Payload: payloadOf(t, text)})
		return text, ident
	}
	limit, nonce := message.Limit{Set: true, Duration: 1500e6}, id(200)
	invite, inviteID := add("invite", phone, "", true, message.Invite{
		RoomType: message.Video, TimeLimit: limit, EnableCallerCamera: ptr(false), EnableListenerCamera: ptr(true),
		Query: "door=1", Payload: jsontext.Value(`{"a":[1,null,"ü"]}`),
	})
	add("invite, least", phone, "", true, message.Invite{RoomType: message.Voice})
	_, challengeID := add("challenge", device, inviteID, true, message.Challenge{Nonce: nonce, Epoch: 7, RingTimeout: 60,
		ICEServers: []message.ICEServer{{URLs: []string{"turn:turn.example:3478?transport=udp"}, Username: "1700000000:call", Credential: "c2VjcmV0"}}})
	_, offerID := add("offer", phone, challengeID, true, message.Offer{Nonce: nonce, Invite: invite, SDP: goldenSDP})
	add("ringing", device, offerID, false, message.Ringing{SDP: goldenSDP, RingTimeout: 60, Nonce: nonce})
	add("ringing, without preconnect", device, offerID, false, message.Ringing{RingTimeout: 0.5, Nonce: nonce})
	_, acceptID := add("accept", device, offerID, false, message.Accept{SDP: goldenSDP, TimeLimit: limit})
	add("accept, no limit", device, offerID, false, message.Accept{SDP: goldenSDP})
	add("start", device, "", false, message.Start{TimeLimit: limit})
	add("start, no limit", device, "", false, message.Start{})
	trickle := message.Candidates{Candidates: []message.Candidate{
		{Candidate: "candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host", SDPMid: ptr("0"), SDPMLineIndex: ptr(uint16(0)), UsernameFragment: ptr("abcd")},
		{Candidate: ""},
	}}
	add("candidates of the phone", phone, "", false, trickle)
	add("candidates of the device", device, "", false, trickle)
	_, restartID := add("restart", phone, "", false, message.Restart{Generation: 1, SDP: goldenSDP})
	add("restarted", device, restartID, false, message.Restarted{Generation: 1, SDP: goldenSDP})
	add("needRestart", device, "", false, message.NeedRestart{Generation: 2})
	_, dataID := add("data of the phone", phone, "", false, message.Data{Nonce: nonce, At: 1.25, Right: "unlock", Payload: jsontext.Value(`{"door":1}`)})
	add("data of the device", device, "", false, message.Data{Nonce: nonce, At: 0, Payload: jsontext.Value(`"text"`)})
	_, ringID := add("ring", device, "", true, message.Ring{RoomType: message.Video, TimeLimit: limit, Query: "door=1"})
	add("reject busy", device, offerID, false, message.Reject{Cause: cause.Busy})
	add("reject unsupported", device, inviteID, true, message.Reject{Cause: cause.Unsupported, Versions: []int{1}})
	add("reject needNonce", device, inviteID, true, message.Reject{Cause: cause.NeedNonce, Nonce: nonce})
	add("reject of the phone", phone, "", true, message.Reject{Cause: cause.Rejected})
	add("cancel of the phone", phone, "", false, message.Cancel{Cause: cause.Cancelled})
	add("cancel of the device", device, "", false, message.Cancel{Cause: cause.AnsweredElsewhere})
	add("bye of the phone", phone, "", false, message.Bye{Cause: cause.Hangup, Origin: cause.UnloadCallPage})
	add("bye at the limit", device, "", false, message.Bye{Cause: cause.Hangup, Origin: cause.TimeLimit})
	add("bye, aborted", device, "", false, message.Bye{Cause: cause.Aborted, Detail: cause.UnknownRoom})
	_, pairID := add("pair", phone, "", true, message.Pair{Name: "Anna's phone", MAC: "bm90LWEtcmlnaHQtbWFjLW9ubHktaXRzLWZvcm0tMDE"})
	add("paired", device, pairID, true, message.Paired{Name: "Front door", Rights: []message.Right{"call", "beCalled"}, MAC: "bm90LWEtcmlnaHQtbWFjLW9ubHktaXRzLWZvcm0tMDI"})
	_, pingID := add("ping", phone, "", true, message.Ping{Nonce: nonce})
	add("pong", device, pingID, true, message.Pong{Nonce: nonce, Rights: []message.Right{"call", "unlock"}})
	add("ack of the phone", phone, acceptID, false, message.Ack{})
	add("ack of the device", device, restartID, false, message.Ack{})
	add("ack of data, refused", device, dataID, false, message.Ack{Error: "forbidden", Nonce: nonce})
	add("ring, least", device, "", true, message.Ring{RoomType: message.Voice})
	add("invite that answers a ring", phone, ringID, true, message.Invite{RoomType: message.Video, TimeLimit: limit})
	add("reject that answers a ring", phone, ringID, true, message.Reject{Cause: cause.Busy})
	add("needRestart, with servers", device, "", false, message.NeedRestart{Generation: 2, ICEServers: []message.ICEServer{
		{URLs: []string{"stun:stun.example:3478"}}, {URLs: []string{"turn:turn.example:3478?transport=udp"}, Username: "1700000000:call", Credential: "c2VjcmV0"},
	}})
	_, pushID := add("push, asking", phone, "", true, message.Push{})
	add("push, a subscription", phone, "", true, message.Push{Nonce: nonce, Subscription: &message.Subscription{
		Endpoint: "https://push.example/send/abc", Keys: message.SubscriptionKeys{P256DH: goldenP256DH, Auth: "YXV0aC1vZi0xNi1ieXRlcw"},
	}})
	add("push, removal", phone, "", true, message.Push{Nonce: nonce, Remove: true})
	add("pushed", device, pushID, true, message.Pushed{Key: goldenP256DH, Nonce: nonce, Subscribed: true})
	add("pushed, not offered", device, pushID, true, message.Pushed{})
	add("pushed, refused", device, pushID, true, message.Pushed{Key: goldenP256DH, Nonce: nonce, Error: "forbidden"})
	g.addHellos(t, device, phone)
	return g
}

func (g *goldenMessages) addHellos(t *testing.T, device, phone *key.Private) {
	t.Helper()
	h := message.DeviceHello{ID: id(1), From: key.DeviceAddress(goldenSN), Nonce: id(2), SN: goldenSN, Epoch: 7, Versions: []int{1}}
	text, err := message.SignDeviceHello(device, h)
	if err != nil {
		t.Fatal(err)
	}
	g.Messages = append(g.Messages, goldenMessage{Name: "hello of the device", From: "device", To: "", Signed: text, Payload: payloadOf(t, text)})
	text, err = message.SignPhoneHello(phone, message.PhoneHello{ID: id(3), To: h.From, TKT: device.JKT(), Ref: h.ID, Nonce: h.Nonce})
	if err != nil {
		t.Fatal(err)
	}
	g.Messages = append(g.Messages, goldenMessage{Name: "hello of the phone", From: "phone", To: "device", Signed: text, Payload: payloadOf(t, text)})
}

// payloadOf reads a payload by another library than the one under test.
func payloadOf(t testing.TB, text string) json.RawMessage {
	t.Helper()
	j, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	return j.UnsafePayloadWithoutVerification()
}

// golden compares what is built now with the file, or writes it.
func golden(t *testing.T, file string, built any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(built); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(goldenDir, file)
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs from what the code writes; if that is meant, run go test -update", file)
	}
}

func TestGoldenMessages(t *testing.T) {
	g := buildMessages(t)
	golden(t, "messages.json", g)
	for _, m := range g.Messages {
		t.Run(m.Name, func(t *testing.T) {
			from := g.Keys[m.From]
			public, err := key.ParsePublic(from.JWK.JWK)
			if err != nil {
				t.Fatal(err)
			}
			verifyWithJose(t, m, from)
			if m.Name == "hello of the device" {
				if _, err := message.ParseDeviceHello(m.Signed); err != nil {
					t.Error(err)
				}
				return
			}
			if m.Name == "hello of the phone" {
				if _, err := message.ParsePhoneHello(m.Signed); err != nil {
					t.Error(err)
				}
				return
			}
			got, err := message.Parse(m.Signed)
			if err != nil {
				t.Fatal(err)
			}
			if got.Invalid != nil || got.Body == nil || got.Body.Type() != got.Type {
				t.Errorf("body = %T, invalid = %v", got.Body, got.Invalid)
			}
			if got.KID() != from.JKT || !got.Verify(public) {
				t.Error("the signature does not verify")
			}
		})
	}
}

// verifyWithJose checks the signature and the thumbprint by go-jose.
func verifyWithJose(t *testing.T, m goldenMessage, from goldenKey) {
	t.Helper()
	raw, err := json.Marshal(from.JWK.JWK)
	if err != nil {
		t.Fatal(err)
	}
	var k jose.JSONWebKey
	if err := k.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	j, err := jose.ParseSignedCompact(m.Signed, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Verify(k.Key); err != nil {
		t.Errorf("go-jose: %v", err)
	}
}

type goldenLimit struct {
	JSON         string  `json:"json"` // as it stands in a message
	Milliseconds float64 `json:"ms"`   // 0: refused
}

func TestGoldenLimits(t *testing.T) {
	limits := []goldenLimit{
		{"1", 1000}, {"600", 600_000}, {"0.07", 70}, {"4.35", 4350}, {"1.0001", 1001}, {"1.5e0", 1500}, {"1e-10", 1},
		{"0.001", 1}, {"0.0010000001", 2}, {"2147483648", 2147483648000}, {"2147483647.9999", 2147483648000},
		{"0", 0}, {"-0", 0}, {"-1", 0}, {"2147483649", 0}, {"2147483648.5", 0}, {"1e400", 0}, {`"60"`, 0}, {"null", 0}, {"true", 0}, {"[60]", 0}, {"{}", 0},
	}
	golden(t, "limits.json", limits)
	for _, l := range limits {
		text := forge(t, map[string]any{"timeLimit": json.RawMessage(l.JSON)})
		m, err := message.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", l.JSON, err)
			continue
		}
		if l.Milliseconds == 0 {
			if !errors.Is(m.Invalid, message.ErrBadRequest) {
				t.Errorf("%s: invalid = %v, want ErrBadRequest", l.JSON, m.Invalid)
			}
			continue
		}
		if m.Invalid != nil {
			t.Errorf("%s: %v", l.JSON, m.Invalid)
			continue
		}
		got := m.Body.(message.Invite).TimeLimit
		if !got.Set || float64(got.Duration.Milliseconds()) != l.Milliseconds {
			t.Errorf("%s = %+v, want %v ms", l.JSON, got, l.Milliseconds)
		}
	}
}

type goldenFrame struct {
	Name  string `json:"name"`
	Frame string `json:"frame"` // the text of the frame
	Valid bool   `json:"valid"`
}

func TestGoldenFrames(t *testing.T) {
	limit := message.Limit{Set: true, Duration: 1500e6}
	var list []goldenFrame
	for _, f := range []struct {
		name  string
		frame message.Frame
	}{
		{"info", message.Info{Mic: true, Camera: false, Speaker: true, Quality: 4}},
		{"info, one of several cameras", message.Info{Mic: true, Camera: true, Speaker: true, Quality: 3, View: "Yard"}},
		{"data", message.DataFrame{ID: id(1), Payload: jsontext.Value(`{"a":1}`)}},
		{"data, unlock", message.DataFrame{ID: id(2), Right: "unlock"}},
		{"dataAck", message.DataAck{ID: id(1)}},
		{"dataAck, refused", message.DataAck{ID: id(2), Error: "forbidden"}},
		{"accept", message.AcceptFrame{ID: id(3), TimeLimit: limit}},
		{"accept, no limit", message.AcceptFrame{ID: id(3)}},
		{"start", message.StartFrame{ID: id(4), TimeLimit: limit}},
		{"bye", message.ByeFrame{ID: id(5), Cause: cause.Hangup, Origin: cause.Manual}},
		{"bye at the limit", message.ByeFrame{ID: id(5), Cause: cause.Hangup, Origin: cause.TimeLimit}},
	} {
		p, err := message.EncodeFrame(f.frame)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, goldenFrame{f.name, string(p), true})
		if got, err := message.ParseFrame(p); err != nil || !reflect.DeepEqual(got, f.frame) {
			t.Errorf("%s: parsed as %+v, %v", f.name, got, err)
		}
	}
	for name, text := range map[string]string{
		"no object": `[]`, "no JSON": `{`, "t twice": `{"t":"info","t":"bye"}`, "quality 5": `{"t":"info","mic":true,"camera":true,"speaker":true,"quality":5}`,
		"mic a string": `{"t":"info","mic":"true","camera":true,"speaker":true,"quality":1}`, "data without id": `{"t":"data","payload":1}`,
		"bye without cause": `{"t":"bye","id":"` + id(1) + `"}`, "wrong case": `{"t":"bye","ID":"` + id(1) + `","cause":"hangup"}`,
	} {
		list = append(list, goldenFrame{"refused: " + name, text, false})
		if _, err := message.ParseFrame([]byte(text)); !errors.Is(err, message.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	slices.SortStableFunc(list, func(a, b goldenFrame) int {
		if a.Valid || b.Valid {
			return 0
		}
		return strings.Compare(a.Name, b.Name)
	})
	golden(t, "frames.json", list)
	if f, err := message.ParseFrame([]byte(`{"t":"of a later version"}`)); err != nil || f != (message.UnknownFrame{}) {
		t.Errorf("unknown frame: %v, %v", f, err)
	}
	if _, err := message.ParseFrame(make([]byte, message.MaxFrame+1)); !errors.Is(err, message.ErrTooLarge) {
		t.Errorf("frame over 8 KiB: %v", err)
	}
}
