package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon"
	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/daemon/policy"
	"callbox/hal"
)

// startDaemon runs a real daemon without hardware.
func startDaemon(t *testing.T, change func(*config.Config)) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "callbox") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Device.StateDir, cfg.Control.Socket = filepath.Join(dir, "state"), filepath.Join(dir, "s")
	cfg.Signaling.Direct.Enabled = false
	cfg.HAL.Camera.Name, cfg.HAL.Microphone.Name, cfg.HAL.Speaker.Name = hal.NameNone, hal.NameNone, hal.NameNone
	change(cfg)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{Config: cfg, File: filepath.Join(dir, "c.yaml"), Reload: func() (*config.Config, error) { return cfg, nil }, Log: zerolog.Nop()})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the daemon ended: %v", err)
		}
		_ = os.RemoveAll(dir)
	})
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := client.New(cfg.Control.Socket).Version(ctx); err == nil {
			return cfg.Control.Socket
		}
		if time.Now().After(end) {
			t.Fatal("the daemon does not answer")
		}
	}
}

// TestExplainOfADaemon compares what a person sees of the rules of a real daemon.
func TestExplainOfADaemon(t *testing.T) {
	socket := startDaemon(t, func(c *config.Config) {
		c.Call.MaxDuration = config.Duration{Set: true, Value: 10 * time.Minute}
		c.Policy.Groups = []config.Group{{Name: "family", Rule: config.Rule{Rights: []policy.Right{policy.RightCall, policy.RightUnlock}}}}
	})
	do := func(in string, args ...string) string {
		t.Helper()
		code, out, errs := ctl(t, in, append(args, "--socket", socket)...)
		if code != exitOK {
			t.Fatalf("%v = %d: %s", args, code, errs)
		}
		return out
	}
	explain := func(args ...string) string {
		t.Helper()
		out := do("", append([]string{"policy", "explain", "--contact", "anna", "--at", "2026-11-24 18:30"}, args...)...)
		return strings.ReplaceAll(out, "  the clock is not trusted: hours do not count by it\n", "") // it depends on the machine
	}
	do("", "contacts", "add", "Anna", "--jwk", filepath.Join("testdata", "anna.json"), "--rights", "inherit", "--groups", "family")
	golden(t, "explain-real", explain())
	golden(t, "explain-real-out", explain("--out"))
	do("", "contacts", "revoke", "Anna")
	golden(t, "explain-real-revoked", explain())
	if code, _, errs := ctl(t, "", "policy", "explain", "--contact", "Bert", "--socket", socket); code != exitNoSuch || !strings.Contains(errs, `there is no contact "Bert"`) {
		t.Errorf("of nobody = %d: %s", code, errs)
	}
}

// TestEveryOutcomeHasASign: also one that this version does not know.
func TestEveryOutcomeHasASign(t *testing.T) {
	for outcome, want := range map[string]string{control.OutcomeYes: "yes", control.OutcomeNo: "no ", control.OutcomeNothing: "-  ", "perhaps": "perhaps"} {
		if got := dye(outcomeText(outcome), false); got != want {
			t.Errorf("%s = %q, want %q", outcome, got, want)
		}
	}
}
