package message_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"callbox/signaling/key"
	"callbox/signaling/message"
)

func FuzzParse(f *testing.F) {
	for _, file := range []string{"messages.json", "invalid.json"} {
		for _, text := range seeds(f, file) {
			f.Add(text)
		}
	}
	phone, device := testKey(f, phoneD).Public(), testKey(f, deviceD).Public()
	f.Fuzz(func(t *testing.T, text string) {
		m, err := message.Parse(text)
		if err != nil {
			if !errors.Is(err, message.ErrMalformed) && !errors.Is(err, message.ErrTooLarge) {
				t.Errorf("error = %v, want ErrMalformed or ErrTooLarge", err)
			}
			return
		}
		if len(text) > message.MaxMessage || !message.ValidRoom(m.RoomID) {
			t.Errorf("accepted: %d bytes, room %q", len(text), m.RoomID)
		}
		if m.Body != nil && (m.Invalid != nil || m.Body.Type() != m.Type) {
			t.Errorf("body %T of type %s, invalid %v", m.Body, m.Type, m.Invalid)
		}
		m.Verify(phone)
		m.Verify(device)
	})
}

// FuzzPayload signs what it is given, so that the fuzzer gets behind base64 and
// the header.
func FuzzPayload(f *testing.F) {
	for _, text := range seeds(f, "messages.json") {
		f.Add([]byte(payloadOf(f, text)))
	}
	header := marshal(f, rightHeader(f))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := message.Parse(seal(t, header, payload))
		if err != nil || m.Body == nil {
			return
		}
		switch b := m.Body.(type) {
		case message.Invite:
			if l := b.TimeLimit; l.Set != (l.Duration > 0) || l.Duration%1e6 != 0 || len(b.Query) > message.MaxQuery {
				t.Errorf("invite accepted: %+v", b)
			}
		case message.Offer:
			if b.SDP == "" || len(b.SDP) > message.MaxSDP {
				t.Errorf("offer accepted with SDP of %d bytes", len(b.SDP))
			}
		case message.Candidates:
			if len(b.Candidates) == 0 || len(b.Candidates) > message.MaxCandidates {
				t.Errorf("%d candidates accepted", len(b.Candidates))
			}
		case message.Pair:
			if !message.ValidName(b.Name) {
				t.Errorf("name %q accepted", b.Name)
			}
		default:
		}
	})
}

func FuzzFrame(f *testing.F) {
	p, err := os.ReadFile(goldenDir + "/frames.json")
	if err != nil {
		f.Fatal(err)
	}
	var list []goldenFrame
	if err := json.Unmarshal(p, &list); err != nil {
		f.Fatal(err)
	}
	for _, g := range list {
		f.Add([]byte(g.Frame))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := message.ParseFrame(text)
		if err != nil {
			if !errors.Is(err, message.ErrMalformed) && !errors.Is(err, message.ErrTooLarge) {
				t.Errorf("error = %v, want ErrMalformed or ErrTooLarge", err)
			}
			return
		}
		if _, unknown := frame.(message.UnknownFrame); unknown {
			return
		}
		again, err := message.EncodeFrame(frame)
		if err != nil {
			return // characters that had been written raw may need escapes and room
		}
		if _, err := message.ParseFrame(again); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}

func seeds(f *testing.F, file string) []string {
	f.Helper()
	p, err := os.ReadFile(goldenDir + "/" + file)
	if err != nil {
		f.Fatal(err)
	}
	var list []goldenMessage
	if file == "messages.json" {
		var g goldenMessages
		err = json.Unmarshal(p, &g)
		list = g.Messages
	} else {
		err = json.Unmarshal(p, &list)
	}
	if err != nil {
		f.Fatal(err)
	}
	var texts []string
	for _, m := range list {
		texts = append(texts, m.Signed)
	}
	return texts
}

// FuzzHello signs what it is given as both ends of a direct connection do.
func FuzzHello(f *testing.F) {
	for _, text := range seeds(f, "messages.json") {
		f.Add([]byte(payloadOf(f, text)))
	}
	header := marshal(f, rightHeader(f))
	phone := testKey(f, phoneD)
	f.Fuzz(func(t *testing.T, payload []byte) {
		text := seal(t, header, payload)
		if h, err := message.ParsePhoneHello(text); err == nil {
			if h.V != message.Version || h.From != key.PhoneAddress(phone.JKT()) {
				t.Errorf("a phone's hello of somebody else was taken: %+v", h)
			}
		} else if !errors.Is(err, message.ErrMalformed) && !errors.Is(err, message.ErrTooLarge) {
			t.Errorf("error = %v, want ErrMalformed or ErrTooLarge", err)
		}
		if h, err := message.ParseDeviceHello(text); err == nil {
			if k, err := key.ParsePublic(h.JWK); err != nil || k.JKT() != phone.JKT() || h.From != key.DeviceAddress(h.SN) {
				t.Errorf("a device's hello of somebody else was taken: %+v", h)
			}
		} else if !errors.Is(err, message.ErrMalformed) && !errors.Is(err, message.ErrTooLarge) {
			t.Errorf("error = %v, want ErrMalformed or ErrTooLarge", err)
		}
	})
}
