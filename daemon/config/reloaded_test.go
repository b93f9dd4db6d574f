package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/media/options"
)

// TestReloaded: a reload takes over exactly what EffectOf promises, whatever key
// has changed.
func TestReloaded(t *testing.T) {
	before, next := Default(), Default()
	next.Device.Name, next.Call.RingTimeout, next.Records.Keep = "Other", time.Minute/2, 7
	next.Policy.Default.Hours = nil
	next.Policy.DoNotDisturb = append(next.Policy.DoNotDisturb, window(t, "22:00-07:00"))
	next.Log.Level, next.Log.Format = LevelDebug, FormatJSON
	next.Media.VideoBitrate, next.HAL.Camera.FrameRate, next.Control.Group = 800_000, 15, "door"
	after := Reloaded(before, next)
	for _, key := range Diff(before, next) {
		took := !slices.Contains(Diff(after, next), key)
		if took != (EffectOf(key) == AtReload) {
			t.Errorf("%s: taken over %v, but it takes effect at a %s", key, took, EffectOf(key))
		}
	}
	if n := len(Diff(before, next)); n < 9 {
		t.Fatalf("only %d keys differ", n)
	}
}

func TestRedacted(t *testing.T) {
	c := Default()
	c.Media.ICE.Servers = []options.ICEServer{{URLs: []string{"turn:turn.example.com"}, Username: "u", Credential: "hunter2"}}
	text, err := c.Redacted(true)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), "turn.example.com") {
		t.Errorf("redacted: %s", text)
	}
	if c.Media.ICE.Servers[0].Credential != "hunter2" {
		t.Error("redacting changed the configuration")
	}
}
