package mqtt

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"callbox/signaling/key"
)

var update = flag.Bool("update", false, "rewrite the golden file ../testdata/status.json")

// goldenPresence is one text on a status topic, and what a phone makes of it that
// holds the key with thumbprint dkt for the device at address.
type goldenPresence struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	DKT     string `json:"dkt"`
	Text    string `json:"text"`
	State   State  `json:"state"` // "": it is no presence of this device
	Epoch   uint64 `json:"epoch"`
}

// TestGoldenPresences reads what the phones' tests read, too. ES256 signs with a
// random number, so that the file cannot be compared with one that is made anew.
func TestGoldenPresences(t *testing.T) {
	path := filepath.Join("..", "testdata", "status.json")
	if *update {
		writeGolden(t, path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []goldenPresence
	if err := json.Unmarshal(raw, &all); err != nil || len(all) < 8 {
		t.Fatalf("%d presences, %v", len(all), err)
	}
	for _, g := range all {
		p, err := ParsePresence(g.Text, g.Address, g.DKT)
		switch {
		case g.State == "" && err == nil:
			t.Errorf("%s: taken as %+v", g.Name, p)
		case g.State != "" && (err != nil || p.State != g.State || p.Epoch != g.Epoch):
			t.Errorf("%s: %+v, %v", g.Name, p, err)
		}
	}
}

func writeGolden(t *testing.T, path string) {
	t.Helper()
	k, other := newKey(t), newKey(t)
	sign := func(k *key.Private, p Presence) string {
		text, err := SignPresence(k, p)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	of := func(s State) Presence {
		return Presence{From: device, State: s, Epoch: 7, Nonce: "bm9uY2Utb2YtYS1nb2xkZW4"}
	}
	elsewhere := of(Idle)
	elsewhere.From = "d.door-2"
	right := sign(k, of(Idle))
	all := []goldenPresence{
		{Name: "idle", Text: right, State: Idle}, {Name: "busy", Text: sign(k, of(Busy)), State: Busy},
		{Name: "do not disturb", Text: sign(k, of(DND)), State: DND},
		{Name: "by another key", Text: sign(other, of(Idle))}, {Name: "of another device", Text: sign(k, elsewhere)},
		{Name: "signed, and offline", Text: sign(k, of(Offline))}, {Name: "the last will", Text: string(will(7))},
		{Name: "cut off", Text: right[:len(right)-4]}, {Name: "nothing", Text: ""},
	}
	for i := range all {
		all[i].Address, all[i].DKT = device, k.JKT()
		if all[i].State != "" {
			all[i].Epoch = 7
		}
	}
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// FuzzParsePresence: a presence is the device's own or none.
func FuzzParsePresence(f *testing.F) {
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "status.json"))
	if err != nil {
		f.Fatal(err)
	}
	var all []goldenPresence
	if err := json.Unmarshal(raw, &all); err != nil {
		f.Fatal(err)
	}
	for _, g := range all {
		f.Add(g.Text)
	}
	signed := func(s string) string { return s[:max(0, strings.LastIndexByte(s, '.'))] } // ECDSA's signature has a second form
	f.Fuzz(func(t *testing.T, text string) {
		_, err := ParsePresence(text, all[0].Address, all[0].DKT)
		if err != nil {
			if !errors.Is(err, ErrPresence) {
				t.Errorf("error = %v, want ErrPresence", err)
			}
			return
		}
		if !slices.ContainsFunc(all, func(g goldenPresence) bool { return g.State != "" && signed(g.Text) == signed(text) }) {
			t.Errorf("a presence that the device never signed is taken: %s", text)
		}
	})
}
